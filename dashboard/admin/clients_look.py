"""A token under the eye of Meta: pasted for a new client or in the place of an old one, or the stored one tested.

A pasted token is taken out of the session and encrypted before anything else happens to it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import NoReturn

import streamlit as st

from dashboard import bridge, formats, gate
from dashboard.admin import clients_bench, clients_words, deeds
from dashboard.admin.clients_bench import Bench
from dashboard.admin.deeds import Done
from lib.access.viewer import Viewer
from lib.clients.accounts import connect_accounts
from lib.clients.changes import create_client
from lib.clients.facts import ClientFacts
from lib.clients.probe import TokenVerdict
from lib.clients.tokens import TokenLook, look_at, look_at_stored, put_back_token, replace_token, seal
from lib.errors import AppError, StoreError

NEW = 0
"""Stands for the client that is being made."""

_PASTING = "clients:pasting"
_ROUND = "clients:round"
_REFUSED = "clients:refused"
"""What Meta said of the pasted token that it did not take, until another one is pasted."""
_FORGOTTEN = "The pasted token was forgotten, because it was not stored in time. Paste it again."
_FETCH = "Refresh fetches the numbers from Meta."
_ABOUT = (
    "A system-user token with ads_read, from Meta's Business settings. It is encrypted before it is stored, and shown"
    " to nobody again."
)


def is_pasting(client_id: int) -> bool:
    """Whether the form for this client's token is open."""
    return bool(st.session_state.get(_PASTING) == client_id)


def is_adding() -> bool:
    """Whether a client is being made: the form is open, or what its token opens is looked at."""
    there = clients_bench.lying(st.session_state)
    return is_pasting(NEW) or (there is not None and there.client_id == NEW)


@gate.guarded_callback
def paste(client_id: int | None) -> None:
    """Open the form for this client's token; ``None`` closes it and whatever is looked at."""
    clients_bench.lay(st.session_state, None)
    st.session_state[_PASTING] = client_id
    st.session_state.pop(_REFUSED, None)
    _next_round()
    deeds.ask(None)
    if client_id == NEW:
        st.query_params.pop("client", None)


@gate.guarded_callback
def test(client_id: int) -> None:
    """Look at the client's stored token."""
    paste(None)
    _lay(Bench(client_id, _now()))


def form(client_id: int) -> None:
    """Where a token is pasted, for a new client with its name; above it why the last one was refused."""
    refused = st.session_state.get(_REFUSED)
    if refused:
        st.error(formats.plain(refused), icon=":material/error:")
    with st.form("clients_paste", enter_to_submit=True):
        if client_id == NEW:
            st.text_input("Name", key=_key("name"), max_chars=100, placeholder="Acme")
        st.text_input("Meta token", key=_key("token"), type="password", autocomplete="off", help=_ABOUT)
        with st.container(horizontal=True, gap="small"):
            st.form_submit_button(
                "See what it opens", type="primary", icon=":material/search:", on_click=_pasted, args=(client_id,)
            )
            st.form_submit_button("Cancel", on_click=paste, args=(None,))


def bench(viewer: Viewer, client: ClientFacts | None) -> None:
    """What a token opens and what can be done with it, where one is looked at for this client (``None``: a new one)."""
    there = clients_bench.lying(st.session_state)
    if there is None or there.client_id != (client.id if client else NEW):
        return
    found = clients_bench.usable(st.session_state, _now())
    if found is None:
        st.info(_FORGOTTEN)
        return
    if found.sealed:
        _watch()
    if found.look is None:
        _ask(viewer, found)
    look = found.look
    with st.container(border=True, key="clients_bench"):
        st.markdown(f"{clients_words.VERDICTS[look.verdict]} {formats.plain(look.words)}")
        _closed(look)
        if look.found:
            rows, height = clients_words.opened_rows(look.found), 35 * (min(len(look.found), 10) + 1) + 3
            columns = {"Connected": st.column_config.Column(width=260)}
            st.dataframe(rows, hide_index=True, height=height, column_config=columns)
        elif look.verdict.is_of_use:
            st.caption("It opens no account yet. Give its user access to one in Meta's Business settings, then test.")
        if client is None:
            _create(found, look)
        elif found.sealed:
            _replace(client, look)
        else:
            _connect(client, look)


@gate.guarded_fragment(run_every=60)
def _watch() -> None:
    """A page that nobody touches forgets a pasted token too."""
    found = clients_bench.lying(st.session_state)
    if found is not None and found.is_over(_now()):
        st.rerun(scope="app")


def _ask(viewer: Viewer, found: Bench) -> NoReturn:
    store = bridge.store()
    asked = (
        look_at(store, viewer, found.sealed, found.client_id or None)
        if found.sealed
        else look_at_stored(store, viewer, found.client_id)
    )
    try:
        with st.spinner("Asking Meta what this token opens…"):
            look = bridge.run(asked)
    except StoreError:
        raise
    except AppError:
        # Asking again would be refused again.
        _lay(None)
        raise
    if found.sealed and look.verdict in (TokenVerdict.DEAD, TokenVerdict.NO_PERMISSION):
        _refuse(found, look)
    else:
        _lay(replace(found, look=look))
    # What Meta said of a stored token is remembered, and the list above is older than that.
    st.rerun()


def _refuse(found: Bench, look: TokenLook) -> None:
    """Forget the pasted token and open its form again, with the name as it was typed."""
    _lay(None)
    st.session_state[_PASTING] = found.client_id
    st.session_state[_REFUSED] = clients_words.of_pasted(look.words)
    st.session_state[_key("name")] = found.name


def _closed(look: TokenLook) -> None:
    if look.closed:
        names = formats.plain(formats.listed(list(look.closed), 5))
        st.warning(
            f"It does not open {names}, which {'is' if len(look.closed) == 1 else 'are'} connected and could not be"
            " refreshed with it.",
            icon=":material/link_off:",
        )


def _choice(look: TokenLook) -> list[int]:
    """The accounts that are chosen among those that are free; the only one is chosen from the start."""
    free = look.free
    chosen: list[int] = st.multiselect(
        "Accounts to connect",
        list(free),
        default=list(free) if len(free) == 1 else [],
        format_func=lambda number: clients_words.choice_words(free[number]),
        key=_key("chosen"),
        placeholder="Choose accounts" if free else "None is left to connect",
        disabled=not free,
    )
    return chosen


def _create(found: Bench, look: TokenLook) -> None:
    chosen: list[int] = []
    if look.verdict.is_of_use and look.found:
        st.text_input("Name", value=found.name, key=_key("final_name"), max_chars=100)
        chosen = _choice(look)
    label = f"Create with {formats.counted(len(chosen), 'account')}" if chosen else "Create"
    _buttons(look, label, partial(_created, chosen), is_ready=bool(chosen))


def _replace(client: ClientFacts, look: TokenLook) -> None:
    if look.verdict.is_of_use:
        what = "It takes the place of the stored token" if client.has_token else "It becomes the client's token"
        st.caption(f"{what}. Accounts can be connected afterwards.")
    label = "Replace the token" if client.has_token else "Store the token"
    _buttons(look, label, partial(_replaced, client), is_ready=look.verdict.is_of_use)


def _connect(client: ClientFacts, look: TokenLook) -> None:
    chosen = _choice(look) if look.verdict.is_of_use and look.free else []
    label = f"Connect {formats.counted(len(chosen), 'account')}" if chosen else "Connect"
    _buttons(look, label, partial(_connected, client, chosen), is_ready=bool(chosen), is_offered=bool(look.free))


def _buttons(look: TokenLook, label: str, action: partial[None], *, is_ready: bool, is_offered: bool = True) -> None:
    with st.container(horizontal=True, gap="small"):
        if look.verdict.is_of_use and is_offered:
            st.button(label, key="clients:go", type="primary", disabled=not is_ready, on_click=action)
        elif look.verdict is not TokenVerdict.DEAD:
            st.button("Ask again", key="clients:again", icon=":material/refresh:", on_click=_again)
        st.button("Close", key="clients:close", on_click=paste, args=(None,))


@gate.guarded_callback
def _pasted(client_id: int) -> None:
    pasted = st.session_state.pop(_key("token"), "")
    name = st.session_state.get(_key("name"), "")
    _next_round()
    st.session_state.pop(_REFUSED, None)
    try:
        sealed = seal(pasted)
    except AppError as error:
        st.session_state[_key("name")] = name
        deeds.problem(error)
        return
    st.session_state[_PASTING] = None
    _lay(Bench(client_id, _now(), name.strip(), sealed))


@gate.guarded_callback
def _again() -> None:
    found = clients_bench.lying(st.session_state)
    if found is not None:
        _lay(replace(found, look=None))


def _looked() -> TokenLook | None:
    """What is looked at now, as no button holds a token; where that was forgotten meanwhile, it is told."""
    found = clients_bench.usable(st.session_state, _now())
    if found is None or found.look is None:
        deeds.problem(_FORGOTTEN)
        return None
    return found.look


@gate.guarded_callback
def _created(chosen: Collection[int]) -> None:
    look = _looked()
    if look is None:
        return
    name = st.session_state.get(_key("final_name"), "")
    is_done, slug = deeds.attempt(lambda store, viewer: create_client(store, viewer, name, look, chosen))
    if is_done and slug:
        paste(None)
        st.query_params["client"] = slug
        deeds.tell(Done(f"{name.strip()} is there, with {formats.counted(len(chosen), 'account')}. {_FETCH}"))


@gate.guarded_callback
def _replaced(client: ClientFacts) -> None:
    look = _looked()
    if look is None:
        return
    is_done, at = deeds.attempt(lambda store, viewer: replace_token(store, viewer, client.id, look))
    if is_done:
        _lay(Bench(client.id, _now(), look=replace(look, sealed=b"")))
        undo = partial(put_back_token, client_id=client.id, replaced_at=at) if at else None
        deeds.tell(Done(f"The token of {client.name} is stored.", undo))


@gate.guarded_callback
def _connected(client: ClientFacts, chosen: Collection[int]) -> None:
    look = _looked()
    if look is None:
        return
    is_done, _ = deeds.attempt(lambda store, viewer: connect_accounts(store, viewer, client.id, look, chosen))
    if is_done:
        paste(None)
        deeds.tell(Done(f"{formats.counted(len(chosen), 'account')} of {client.name} connected. {_FETCH}"))


def _lay(bench: Bench | None) -> None:
    clients_bench.lay(st.session_state, bench)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _key(name: str) -> str:
    """Of a box of this round: each round starts with empty boxes of its own."""
    return f"clients:{name}:{st.session_state.get(_ROUND, 0)}"


def _next_round() -> None:
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
