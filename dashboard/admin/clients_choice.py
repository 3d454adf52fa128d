"""What a client's refreshes fetch beside the plain ad-days: the boxes to choose breakdowns and windows in."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

import streamlit as st

from dashboard import bridge, formats, gate
from dashboard.admin import deeds
from dashboard.admin.deeds import Done
from lib.access.viewer import Viewer
from lib.clients.choice import SETS, WINDOWS, Choice, checked_choice, choice_of, choose
from lib.clients.facts import ClientFacts

COST = (
    "Each set is fetched by calls of its own and stores several rows for each ad and day, so a refresh takes longer and"
    " more of Meta's calls. What is chosen here appears with the next refresh."
)
UNCHOSEN = "What was fetched before stays."


def section(viewer: Viewer, client: ClientFacts) -> None:
    """The choice as it is stored, and the button that stores another."""
    seen = bridge.run(choice_of(bridge.store(), viewer, client.id))
    with st.form("clients_choice", border=False, enter_to_submit=False):
        st.markdown("**Breakdowns and attribution windows**")
        with st.container(key="clients_choice_boxes", horizontal=True, gap="small"):
            st.multiselect(
                "Breakdowns",
                list(SETS),
                default=seen.breakdowns,
                format_func=SETS.__getitem__,
                key=_key("sets", client, seen.breakdowns),
                placeholder="None",
                help="Every ad-day once more, split by these",
            )
            st.multiselect(
                "Attribution windows",
                list(WINDOWS),
                default=seen.attribution_windows,
                format_func=WINDOWS.__getitem__,
                key=_key("windows", client, seen.attribution_windows),
                placeholder="The account's own setting only",
                help="Conversions as each of these windows counts them, beside the account's own setting",
            )
        st.caption(f"{COST} {UNCHOSEN}")
        st.form_submit_button("Save choice", on_click=_save, args=(client, seen))


def _key(what: str, client: ClientFacts, stored: Collection[str]) -> str:
    """Of a box that begins with what is stored: once that changes it is another box."""
    return f"clients:{what}:{client.id}:{','.join(stored)}"


@gate.guarded_callback
def _save(client: ClientFacts, seen: Choice) -> None:
    sets, windows = (
        st.session_state[_key(what, client, stored)]
        for what, stored in (("sets", seen.breakdowns), ("windows", seen.attribution_windows))
    )
    chosen = checked_choice(sets, windows)
    is_done, before = deeds.attempt(lambda store, viewer: choose(store, viewer, client.id, chosen, seen=seen))
    if is_done and before is not None:
        undo = partial(choose, client_id=client.id, choice=before)
        deeds.tell(Done(told(client.name, chosen), undo))


def told(name: str, chosen: Choice) -> str:
    """Acme is fetched with Country and Device from the next refresh on."""
    words = [SETS[slug] for slug in chosen.breakdowns] + [WINDOWS[slug] for slug in chosen.attribution_windows]
    return f"{name} is fetched with {formats.listed(words, 9) or 'no breakdown or window'} from the next refresh on."
