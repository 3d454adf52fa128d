"""Groups: the chats that a bot posts a client's numbers to, looked after by managers and administrators.

Each change is noted. AccessError below manager, NotFound for what is not open to this person, UsageError or Conflict
where it cannot be done; then nothing was changed.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import Action, actor_of, note, of_change
from lib.access.standing import still_stands
from lib.access.viewer import Viewer
from lib.clients.managing import check_manager
from lib.clients.words import checked_line
from lib.errors import Conflict, NotFound, UsageError, changed_meanwhile
from lib.store.engine import Store
from lib.store.models import Group
from lib.store.repositories import groups

MAX_CHANNEL = 200
_CHANNEL = re.compile(rf"[!-~]{{1,{MAX_CHANNEL}}}")


@dataclass(frozen=True)
class GroupValues:
    """What there is to say of a chat. ``channel_id`` is the chat service's own id of it, such as -1001234567890."""

    client_id: int
    title: str
    channel_id: str
    is_active: bool = True


@dataclass(frozen=True)
class GroupFacts:
    """A chat that is stored."""

    id: int
    values: GroupValues


async def groups_of(store: Store, viewer: Viewer) -> tuple[GroupFacts, ...]:
    """The chats of the viewer's clients, by title; AccessError below manager."""
    check_manager(viewer)
    async with store.viewing(viewer) as session:
        return tuple(_facts(group) for group in await groups.groups_in_order(session))


async def add_group(store: Store, viewer: Viewer, values: GroupValues) -> GroupFacts:
    """Store a chat of one of the viewer's clients."""
    values = _checked(viewer, values)
    async with store.working() as session:
        await still_stands(session, viewer)
        await _refuse_taken(session, viewer, values.channel_id)
        await _refuse_same_title(session, values)
        group_id = await groups.add_group(session, asdict(values))
        await _note(session, viewer, values, None, values)
    return GroupFacts(group_id, values)


async def change_group(
    store: Store, viewer: Viewer, group_id: int, values: GroupValues, seen: GroupValues
) -> GroupValues:
    """Bring the chat from the client, title and channel id that were seen to other ones; its values then.

    Whether it is posted to stays. Conflict also where it is not as it was seen any more: a channel of one client is not
    to get another's numbers because two people each changed half of it.
    """
    values = _checked(viewer, values)
    async with store.working() as session:
        before = await _mine(session, viewer, group_id)
        _refuse_changed(before, seen)
        if (values.client_id, values.title.lower()) != (before.client_id, before.title.lower()):
            await _refuse_same_title(session, values)
        return await _bring(session, viewer, group_id, before, replace(values, is_active=before.is_active))


async def switch_group(store: Store, viewer: Viewer, group_id: int, *, is_active: bool) -> GroupValues:
    """Have the chat posted to or not, whatever else was changed of it; its values then."""
    check_manager(viewer)
    async with store.working() as session:
        before = await _mine(session, viewer, group_id)
        return await _bring(session, viewer, group_id, before, replace(before, is_active=is_active))


async def remove_group(store: Store, viewer: Viewer, group_id: int, seen: GroupValues) -> GroupValues:
    """Forget the chat that was seen; its values, to add it again. Conflict also where it is another one by now."""
    check_manager(viewer)
    async with store.working() as session:
        before = await _mine(session, viewer, group_id)
        _refuse_changed(before, seen)
        await groups.remove_group(session, group_id)
        await _note(session, viewer, before, before, None)
    return before


async def _bring(
    session: AsyncSession, viewer: Viewer, group_id: int, before: GroupValues, values: GroupValues
) -> GroupValues:
    if values != before:
        await _refuse_taken(session, viewer, values.channel_id, but=group_id)
        await groups.change_group(session, group_id, asdict(values))
        await _note(session, viewer, values, before, values)
    return values


def _refuse_changed(now: GroupValues, seen: GroupValues) -> None:
    if now != replace(seen, is_active=now.is_active):
        raise changed_meanwhile(f"The group {now.title}")


def _facts(group: Group) -> GroupFacts:
    return GroupFacts(group.id, _values(group))


def _values(group: Group) -> GroupValues:
    return GroupValues(group.client_id, group.title, group.channel_id, group.is_active)


async def _mine(session: AsyncSession, viewer: Viewer, group_id: int) -> GroupValues:
    await still_stands(session, viewer)
    group = await groups.group_of(session, group_id)
    if group is None or group.client_id not in viewer.client_ids:
        raise NotFound(
            "This group is not there, or it is not open to you; nothing was changed.", "Load the page again."
        )
    return _values(group)


def _checked(viewer: Viewer, values: GroupValues) -> GroupValues:
    check_manager(viewer)
    if values.client_id not in viewer.client_ids:
        raise NotFound("This client is not there, or it is not open to you; nothing was stored.", "Choose another one.")
    channel_id = values.channel_id.strip()
    if not _CHANNEL.fullmatch(channel_id):
        raise UsageError(
            f"A channel id is one word of at most {MAX_CHANNEL} letters, digits and signs; nothing was stored.",
            "Copy it from the chat service, such as C0123456789 or -1001234567890.",
        )
    return GroupValues(values.client_id, checked_line(values.title, "A group", "title"), channel_id, values.is_active)


async def _refuse_taken(session: AsyncSession, viewer: Viewer, channel_id: str, but: int | None = None) -> None:
    same = await groups.group_of_channel(session, channel_id)
    if same is None or same.id == but:
        return
    if same.client_id in viewer.client_ids:
        raise Conflict(f"The group {same.title} has this channel id already; nothing was stored.", "Change that one.")
    raise groups.channel_taken()


async def _refuse_same_title(session: AsyncSession, values: GroupValues) -> None:
    same = await groups.group_titled(session, values.client_id, values.title)
    if same is not None:
        raise Conflict(f"The client has a group {same.title} already; nothing was stored.", "Choose another title.")


async def _note(
    session: AsyncSession, viewer: Viewer, about: GroupValues, before: GroupValues | None, after: GroupValues | None
) -> None:
    await note(
        session,
        actor_of(viewer),
        of_change(before, after, Action.ADDED_GROUP, Action.CHANGED_GROUP, Action.REMOVED_GROUP),
        via="page",
        subject=about.title,
        client_id=about.client_id,
        before=asdict(before) if before else None,
        after=asdict(after) if after else None,
    )
