"""Links that someone was sent, before they are used."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import SignInLink, User


async def owner_of_link(session: AsyncSession, digest: bytes) -> User | None:
    """Whose link this is, which stays unused; ``None`` where it is unknown, used, expired or its person inactive."""
    owner = (
        select(User)
        .join(SignInLink, SignInLink.user_id == User.id)
        .where(
            SignInLink.token_hash == digest,
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > func.now(),
            User.is_active,
        )
    )
    return (await session.execute(owner)).scalar_one_or_none()
