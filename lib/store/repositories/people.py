"""People, their sessions, one-time links and grants."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Row, ScalarSelect, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.viewer import Role, Viewer
from lib.store.models import Account, Client, ClientGrant, SignInLink, User, UserSession


def _is_live() -> ColumnElement[bool]:
    return (UserSession.revoked_at.is_(None)) & (UserSession.expires_at > func.now()) & User.is_active


def _ids(column: Any, client_id: Any) -> ScalarSelect[Any]:
    """All ids of ``column`` for an admin; for the others those of the clients that grants open."""
    granted = select(ClientGrant.client_id).where(ClientGrant.user_id == User.id).correlate(User)
    opened = or_(User.role == Role.ADMIN.value, client_id.in_(granted))
    return select(func.array_agg(column)).where(opened).correlate(User).scalar_subquery()


async def viewer_of_session(session: AsyncSession, token_hash: bytes) -> Viewer | None:
    """The person of a live session with what grants open at this moment; needs a transaction that sees every client."""
    found = await session.execute(
        select(
            User.id,
            User.email,
            User.role,
            _ids(Client.id, Client.id).label("client_ids"),
            _ids(Account.account_id, Account.client_id).label("account_ids"),
        )
        .join(UserSession, UserSession.user_id == User.id)
        .where(UserSession.token_hash == token_hash, _is_live())
    )
    row = found.one_or_none()
    return None if row is None else _viewer(row, token_hash)


def _viewer(row: Row[Any], token_hash: bytes) -> Viewer:
    return Viewer(
        user_id=row.id,
        email=row.email,
        role=Role(row.role),
        client_ids=frozenset(row.client_ids or ()),
        account_ids=frozenset(row.account_ids or ()),
        session_hash=token_hash,
    )


async def add_session(
    session: AsyncSession, token_hash: bytes, user_id: uuid.UUID, provider: str, expires_in: dt.timedelta
) -> None:
    """Store a sign-in; one that is there already stays as it is."""
    row = {"token_hash": token_hash, "user_id": user_id, "provider": provider, "expires_at": func.now() + expires_in}
    await session.execute(postgresql.insert(UserSession).values(row).on_conflict_do_nothing())


async def revoke_session(session: AsyncSession, token_hash: bytes) -> None:
    """End one sign-in from this moment on."""
    ended = update(UserSession).where(UserSession.token_hash == token_hash, UserSession.revoked_at.is_(None))
    await session.execute(ended.values(revoked_at=func.now()))


async def revoke_sessions_of(session: AsyncSession, user_id: uuid.UUID) -> int:
    """End every sign-in of a person and use up their links; how many sign-ins were still good."""
    live = (UserSession.user_id == user_id, UserSession.revoked_at.is_(None), UserSession.expires_at > func.now())
    ended = update(UserSession).where(*live).values(revoked_at=func.now()).returning(UserSession.token_hash)
    count = len((await session.execute(ended)).all())
    links = update(SignInLink).where(SignInLink.user_id == user_id, SignInLink.used_at.is_(None))
    await session.execute(links.values(used_at=func.now()))
    return count


async def add_link(session: AsyncSession, token_hash: bytes, user_id: uuid.UUID, expires_in: dt.timedelta) -> None:
    """Store a link that signs ``user_id`` in once."""
    row = {"token_hash": token_hash, "user_id": user_id, "expires_at": func.now() + expires_in}
    await session.execute(insert(SignInLink).values(row))


async def use_link(session: AsyncSession, token_hash: bytes) -> uuid.UUID | None:
    """Use a link up and say whose it was; ``None`` where it is unknown, used, expired or its person inactive."""
    used = (
        update(SignInLink)
        .where(
            SignInLink.token_hash == token_hash,
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > func.now(),
            SignInLink.user_id == User.id,
            User.is_active,
        )
        .values(used_at=func.now())
        .returning(SignInLink.user_id)
    )
    return (await session.execute(used)).scalar_one_or_none()


async def find_user(session: AsyncSession, email: str) -> User | None:
    """The person with this address, whatever its case."""
    found = await session.execute(select(User).where(func.lower(User.email) == func.lower(email)))
    return found.scalar_one_or_none()


async def clients_by_slug(session: AsyncSession) -> dict[str, int]:
    """Every client's slug and id, by slug; needs a transaction that sees every client."""
    rows = await session.execute(select(Client.slug, Client.id).order_by(Client.slug))
    return {row.slug: row.id for row in rows}


async def grants_of(session: AsyncSession, user_id: uuid.UUID) -> frozenset[int]:
    """The clients that this person may see."""
    rows = await session.execute(select(ClientGrant.client_id).where(ClientGrant.user_id == user_id))
    return frozenset(rows.scalars())


async def set_grants(session: AsyncSession, user_id: uuid.UUID, client_ids: Collection[int]) -> None:
    """Let this person see exactly these clients."""
    stale = delete(ClientGrant).where(ClientGrant.user_id == user_id, ClientGrant.client_id.not_in(client_ids))
    await session.execute(stale)
    if client_ids:
        rows = [{"user_id": user_id, "client_id": client_id} for client_id in sorted(client_ids)]
        await session.execute(postgresql.insert(ClientGrant).values(rows).on_conflict_do_nothing())
