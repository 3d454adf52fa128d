"""Groups, for managers and administrators: the chats that a bot posts clients' numbers to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from dashboard import bridge, formats, frames, gate
from dashboard.admin import deeds
from dashboard.admin.deeds import Deed, Done
from lib.access.viewer import Viewer
from lib.clients.groups import (
    MAX_CHANNEL,
    GroupFacts,
    GroupValues,
    add_group,
    change_group,
    groups_of,
    remove_group,
    switch_group,
)
from lib.errors import UsageError

WIDTHS = (3, 2, 2, 2)
SHOWN = 100
NEW = 0
"""Stands for the group that is being made."""

_OPEN = "groups:open"
_ABOUT = "The chat service's own id of the chat, such as C0123456789 or -1001234567890"
_FIELDS = ("client", "title", "channel")
FOR_OTHERS = "It says which chats a client's numbers are posted to. Ask a manager for what you need."
"""What people read whom the page is not for."""


def listing(viewer: Viewer) -> None:
    """The button that adds, the box that narrows the list, and one row a group; the open one has its form."""
    clients = {client.id: client.name for client in frames.scope(viewer)}
    found = bridge.run(groups_of(bridge.store(), viewer))
    st.caption(sum_words(found) if found else "There is no group yet. A group is a chat that a bot posts to.")
    st.caption("Groups are kept here for the bot that posts to them; no such bot is part of this product yet.")
    if not clients:
        st.caption("No client is open to you yet, so no group can be added.")
        return
    opened: int | None = st.session_state.get(_OPEN)
    with st.container(key="groups_tools", horizontal=True, vertical_alignment="center", gap="small"):
        sought = _find() if len(found) > 8 else ""
        if opened != NEW:
            st.button(
                "Add a group", key="groups:add", type="primary", icon=":material/add:", on_click=_open, args=(NEW,)
            )
    if opened == NEW:
        with st.container(border=True, key="groups_new"):
            st.subheader("Add a group", anchor=False)
            _form(clients, None)
    listed = sought_in(found, sought, clients)
    if found and not listed:
        st.caption("No group fits. They are found by a part of their title, client or channel id.")
    with st.container(key="groups_rows", gap="xsmall"):
        for group in listed[:SHOWN]:
            _row(clients, group, is_open=group.id == opened)
    if len(listed) > SHOWN:
        st.caption(f"{len(listed) - SHOWN:,} more: type a part of the title.")


def sum_words(found: Sequence[GroupFacts]) -> str:
    """5 groups, 1 of them switched off."""
    off = sum(not group.values.is_active for group in found)
    return formats.counted(len(found), "group") + (f", {off:,} of them switched off" if off else "")


def sought_in(found: Sequence[GroupFacts], sought: str, clients: Mapping[int, str]) -> list[GroupFacts]:
    """Those with ``sought`` in their title, client or channel id."""
    part = sought.strip().casefold()
    return [group for group in found if part in _all_of(group.values, clients)]


def _all_of(values: GroupValues, clients: Mapping[int, str]) -> str:
    return "\n".join((values.title, values.channel_id, clients.get(values.client_id, ""))).casefold()


def _find() -> str:
    sought: str = st.text_input(
        "Find a group",
        key="groups:find",
        type="search",
        icon=":material/search:",
        placeholder="Find by title, client or channel id",
        max_chars=100,
        live=True,
        label_visibility="collapsed",
        width=320,
    )
    return sought


def _row(clients: Mapping[int, str], group: GroupFacts, *, is_open: bool) -> None:
    values = group.values
    title, client, channel, active = st.columns(WIDTHS, vertical_alignment="center")
    with title:
        st.button(
            formats.plain(values.title),
            key=f"groups:row:{group.id}",
            type="tertiary",
            icon=":material/expand_more:" if is_open else ":material/chevron_right:",
            on_click=_open,
            args=(None if is_open else group.id,),
        )
    client.markdown(formats.plain(clients.get(values.client_id, formats.MISSING)))
    channel.caption(formats.plain(values.channel_id))
    key = f"groups:active:{group.id}:{values.is_active}"
    active.toggle("Active", value=values.is_active, key=key, on_change=_switch, args=(group,))
    if is_open:
        with st.container(border=True, key="groups_open"):
            _form(clients, group)
            _remove(group)


def _form(clients: Mapping[int, str], group: GroupFacts | None) -> None:
    values = group.values if group else None
    ids = list(clients)
    with st.form("groups_form", border=False, enter_to_submit=True):
        client, title, channel = st.columns((2, 3, 2))
        client.selectbox(
            "Client",
            ids,
            index=ids.index(values.client_id) if values and values.client_id in clients else None,
            placeholder="Whose numbers are posted",
            format_func=lambda number: clients.get(number, formats.MISSING),
            key=_key("client", group),
        )
        title.text_input("Title", values.title if values else "", key=_key("title", group), max_chars=100)
        channel.text_input(
            "Channel id",
            values.channel_id if values else "",
            key=_key("channel", group),
            max_chars=MAX_CHANNEL,
            help=_ABOUT,
        )
        with st.container(horizontal=True, gap="small"):
            st.form_submit_button("Save" if group else "Add it", type="primary", on_click=_save, args=(group,))
            st.form_submit_button("Cancel", on_click=_open, args=(None,))


def _remove(group: GroupFacts) -> None:
    title, key = group.values.title, f"groups:remove:{group.id}"
    deeds.asking(key, "Remove", ":material/delete:")
    done = Done(f"{title} is removed.", partial(add_group, values=group.values))
    deeds.question(
        key,
        f"Remove {title}? Nothing changes in the chat itself.",
        "Remove it",
        Deed(partial(remove_group, group_id=group.id, seen=group.values), lambda _: done),
    )


@gate.guarded_callback
def _open(group_id: int | None) -> None:
    deeds.ask(None)
    st.session_state[_OPEN] = group_id


@gate.guarded_callback
def _save(group: GroupFacts | None) -> None:
    client, title, channel = (st.session_state[_key(name, group)] for name in _FIELDS)
    if client is None:
        deeds.problem(UsageError("No client was chosen; nothing was stored.", "Choose whose numbers are posted there."))
        return
    values = GroupValues(client, title.strip(), channel.strip(), group.values.is_active if group else True)
    if group is None:
        is_done, _ = deeds.attempt(partial(add_group, values=values))
        done = Done(f"{values.title} is added.")
    else:
        change = partial(change_group, group_id=group.id)
        is_done, _ = deeds.attempt(partial(change, values=values, seen=group.values))
        done = Done(f"{values.title} is saved.", partial(change, values=group.values, seen=values))
    if is_done:
        deeds.tell(done)
        st.session_state[_OPEN] = None


@gate.guarded_callback
def _switch(group: GroupFacts) -> None:
    switch, was_active = partial(switch_group, group_id=group.id), group.values.is_active
    is_done, _ = deeds.attempt(partial(switch, is_active=not was_active))
    if is_done:
        state = "is switched off" if was_active else "is switched on"
        deeds.tell(Done(f"{group.values.title} {state}.", partial(switch, is_active=was_active)))


def _key(name: str, group: GroupFacts | None) -> str:
    """Of a box; it starts anew where something else was stored meanwhile."""
    return f"groups:{name}:{group.id}:{hash(group)}" if group else f"groups:{name}:new"
