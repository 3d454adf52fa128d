"""Chats that a bot posts to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lib.errors import Conflict
from lib.store.models import Group
from lib.store.uniqueness import unless_taken


async def groups_in_order(session: AsyncSession) -> Sequence[Group]:
    """Every chat that this transaction may see, by title."""
    found = await session.scalars(select(Group).order_by(func.lower(Group.title), Group.id))
    return found.all()


async def group_of(session: AsyncSession, group_id: int) -> Group | None:
    """The chat, locked until the transaction ends."""
    return (await session.scalars(select(Group).where(Group.id == group_id).with_for_update())).first()


async def group_of_channel(session: AsyncSession, channel_id: str) -> Group | None:
    """The chat with the chat service's own id of it."""
    return (await session.scalars(select(Group).where(Group.channel_id == channel_id))).first()


async def group_titled(session: AsyncSession, client_id: int, title: str) -> Group | None:
    """The client's chat of this title, whatever its case."""
    named = (Group.client_id == client_id, func.lower(Group.title) == func.lower(title))
    return (await session.scalars(select(Group).where(*named).order_by(Group.id))).first()


async def add_group(session: AsyncSession, values: Mapping[str, Any]) -> int:
    """Store a chat; its id. Conflict where another has its channel id."""
    group = Group(**values)
    session.add(group)
    with unless_taken(channel_taken(), "uq_chat_group_channel_id"):
        await session.flush()
    return group.id


async def change_group(session: AsyncSession, group_id: int, values: Mapping[str, Any]) -> None:
    """Set client, title, channel id or whether it is posted to. Conflict where another has its channel id."""
    with unless_taken(channel_taken(), "uq_chat_group_channel_id"):
        await session.execute(update(Group).where(Group.id == group_id).values(**values))


def channel_taken() -> Conflict:
    """What is said of a channel id that another chat has: whose that is must not be learnt by trying ids."""
    return Conflict("This channel id cannot be used; nothing was stored.", "Ask an administrator of this dashboard.")


async def remove_group(session: AsyncSession, group_id: int) -> None:
    """Forget the chat."""
    await session.execute(delete(Group).where(Group.id == group_id))
