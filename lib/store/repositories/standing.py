"""What someone is worth at this moment, held until the transaction ends."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ScalarSelect, Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.viewer import Role
from lib.store.models import User


async def locked_user(session: AsyncSession, user_id: uuid.UUID) -> User | None:
    """The person with this id, whom nobody else changes until the transaction ends."""
    # Rows that point to the person are let be: who waits for one of those would hold up who is waited for.
    wanted = select(User).where(User.id == user_id).with_for_update(key_share=True)
    found: User | None = await session.scalar(wanted.execution_options(populate_existing=True))
    return found


async def locked_admins(session: AsyncSession) -> frozenset[uuid.UUID]:
    """The active administrators, whom nobody else changes until the transaction ends."""
    admins = select(User.id).where(User.role == Role.ADMIN.value, User.is_active).order_by(User.id)
    return frozenset(await session.scalars(admins.with_for_update(key_share=True)))


async def role_held(session: AsyncSession, user_id: uuid.UUID) -> Role | None:
    """The role of an active person, which nobody changes until the transaction ends; ``None`` for the others."""
    role = await session.scalar(_held(User.role, user_id))
    return None if role is None else Role(role)


async def hashed_password_held(session: AsyncSession, user_id: uuid.UUID | ScalarSelect[uuid.UUID]) -> str | None:
    """The same of the hash of an active person's password, which is '' where none was set."""
    hashed: str | None = await session.scalar(_held(User.hashed_password, user_id))
    return hashed


def _held(column: Any, user_id: uuid.UUID | ScalarSelect[uuid.UUID]) -> Select[Any]:
    return select(column).where(User.id == user_id, User.is_active).with_for_update(read=True)


async def replace_hash(session: AsyncSession, user_id: uuid.UUID, hashed: str, better: str) -> bool:
    """Store a better hash of the same password; False where there is another password by now."""
    same = (User.id == user_id, User.hashed_password == hashed)
    changed = update(User).where(*same).values(hashed_password=better).returning(User.id)
    return (await session.execute(changed)).first() is not None
