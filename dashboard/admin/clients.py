"""Clients, for managers and administrators: the list, and under the row of whoever is open its token and accounts."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import bridge, formats, gate
from dashboard.admin import clients_look, clients_panel, clients_words
from lib.access.viewer import Viewer
from lib.clients.facts import ClientFacts, clients_of, with_account

WIDTHS = (2, 3)
SHOWN = 50
_FIND = "clients:find"
FOR_OTHERS = "Clients and the groups they are posted to are looked after here. Ask a manager for what you need."
"""What people read whom the page is not for."""


def head(viewer: Viewer) -> tuple[ClientFacts, ...]:
    """How many clients there are, and the way to one more; gives them."""
    found = bridge.run(clients_of(bridge.store(), viewer))
    st.caption(clients_words.sum_words(found) if found else "There is no client yet.")
    if clients_look.is_adding():
        st.subheader("Add a client", anchor=False)
    if clients_look.is_pasting(clients_look.NEW):
        clients_look.form(clients_look.NEW)
    clients_look.bench(viewer, None)
    return found


def listing(viewer: Viewer, found: Sequence[ClientFacts]) -> None:
    """The box that narrows the list, the button that adds, and one row a client; the open one has its panel."""
    with st.container(key="clients_tools", horizontal=True, vertical_alignment="center", gap="small"):
        sought = _find() if len(found) > 1 else ""
        if not clients_look.is_adding():
            st.button(
                "Add a client",
                key="clients:add",
                type="primary",
                icon=":material/add:",
                on_click=clients_look.paste,
                args=(clients_look.NEW,),
            )
    opened = _opened()
    part = clients_words.sought_part(sought)
    also = bridge.run(with_account(bridge.store(), viewer, part)) if part else ()
    listed = clients_words.sought_in(found, part, also)
    if opened and opened not in {client.slug for client in found}:
        st.info("The client that this address asks for is not there, or it is not open to you.")
    if found and not listed:
        st.caption("No client fits. They are found by a part of their name, or of an account's name or id.")
    shown = [*listed[:SHOWN], *(client for client in listed[SHOWN:] if client.slug == opened)]
    with st.container(key="clients_rows", gap="xsmall"):
        for client in shown:
            _row(viewer, client, is_open=client.slug == opened)
    if len(listed) > len(shown):
        st.caption(f"{len(listed) - len(shown):,} more: type a part of the name.")


def _find() -> str:
    sought: str = st.text_input(
        "Find a client",
        key=_FIND,
        type="search",
        icon=":material/search:",
        placeholder="Find by client or account",
        max_chars=100,
        live=True,
        label_visibility="collapsed",
        width=320,
    )
    return sought


def _row(viewer: Viewer, client: ClientFacts, *, is_open: bool) -> None:
    name, about = st.columns(WIDTHS, vertical_alignment="center")
    with name:
        st.button(
            formats.plain(client.name),
            key=f"clients:row:{client.id}",
            type="tertiary",
            icon=":material/expand_more:" if is_open else ":material/chevron_right:",
            on_click=_toggle,
            args=(client.slug,),
        )
    about.markdown(clients_words.row_words(client, is_open=is_open))
    if is_open:
        with st.container(border=True, key="clients_open"):
            clients_panel.panel(viewer, client)


def _opened() -> str:
    return st.query_params.get("client", "")


@gate.guarded_callback
def _toggle(slug: str) -> None:
    clients_look.paste(None)
    if _opened() == slug:
        st.query_params.pop("client", None)
    else:
        st.query_params["client"] = slug
