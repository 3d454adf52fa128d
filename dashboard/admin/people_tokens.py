"""The personal tokens of one person: by which programs ask as them, and how an administrator ends one."""

from __future__ import annotations

import datetime as dt
from functools import partial

import streamlit as st

from dashboard import bridge, formats
from dashboard.admin import deeds, people_words, portions
from dashboard.admin.deeds import deed
from lib.access.personal_tokens import TokenInfo, live_tokens_of, revoke_token
from lib.access.roster import Person
from lib.access.viewer import Viewer


def section(viewer: Viewer, person: Person, now: dt.datetime) -> None:
    """Those that are live, each with the way to end it; they are made by a command alone."""
    tokens = bridge.run(live_tokens_of(bridge.store(), viewer, person.user_id))
    st.markdown("**Personal tokens**")
    if not tokens:
        st.caption("There is none; `python -m lib token add` makes one on the server.")
        return
    key = f"tokens:{person.user_id}"
    with st.container(key="people_tokens", gap=None):
        for token in portions.shown(tokens, key):
            _token(token, now)
        portions.more(tokens, key)


def _token(token: TokenInfo, now: dt.datetime) -> None:
    key, name = f"people:token:{token.id}", people_words.token_name(token)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"people_token_{token.id}"):
        about = formats.plain(people_words.about_token(token, now))
        st.markdown(f"{formats.plain(name)}  \n:small[:gray[{about}]]", width="stretch")
        deeds.asking(key, "Revoke", ":material/key_off:", kind="tertiary")
    deeds.question(
        key,
        f"Revoke the token {name} of {token.email}? Every program that asks by it is refused from then on, and it"
        " cannot be brought back. Sign-ins and other tokens stay as they are.",
        "Revoke it",
        deed(partial(revoke_token, token_id=token.id), f"The token {name} of {token.email} is revoked."),
    )
