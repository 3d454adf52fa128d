"""Which account at a sign-in service belongs to whom."""

from __future__ import annotations

import uuid

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import UserIdentity


async def owner_of(session: AsyncSession, issuer: str, subject: str) -> uuid.UUID | None:
    """Who came by this account before."""
    found: uuid.UUID | None = await session.scalar(
        select(UserIdentity.user_id).where(UserIdentity.issuer == issuer, UserIdentity.subject == subject)
    )
    return found


async def subject_of(session: AsyncSession, issuer: str, user_id: uuid.UUID) -> str | None:
    """The account at this service that this person came by before."""
    found: str | None = await session.scalar(
        select(UserIdentity.subject).where(UserIdentity.issuer == issuer, UserIdentity.user_id == user_id)
    )
    return found


async def bind(session: AsyncSession, issuer: str, subject: str, user_id: uuid.UUID) -> None:
    """From now on this account is this person's."""
    row = {"issuer": issuer, "subject": subject, "user_id": user_id}
    await session.execute(postgresql.insert(UserIdentity).values(row))


async def unbind_all(session: AsyncSession, user_id: uuid.UUID) -> tuple[str, ...]:
    """Forget every account of this person; the services of those that there were."""
    gone = delete(UserIdentity).where(UserIdentity.user_id == user_id).returning(UserIdentity.issuer)
    return tuple(sorted(await session.scalars(gone)))
