"""Personal tokens: made by commands, revoked by administrators, looked up at every request."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.viewer import Viewer
from lib.store.models import PersonalToken, User
from lib.store.repositories.people import viewer_columns, viewer_of_row

TOUCH_EVERY = dt.timedelta(minutes=1)
Held = tuple[uuid.UUID, Viewer, frozenset[str], bool]
"""A live token's id, its person, its scopes, and whether its last use was noted long enough ago to note it again."""


def _is_live() -> ColumnElement[bool]:
    is_over = PersonalToken.expires_at <= func.now()
    return PersonalToken.revoked_at.is_(None) & is_over.is_not(True) & User.is_active


def _is_due() -> ColumnElement[bool]:
    return or_(PersonalToken.last_used_at.is_(None), PersonalToken.last_used_at <= func.now() - TOUCH_EVERY)


def _with_owner() -> Select[tuple[PersonalToken, str]]:
    return select(PersonalToken, User.email).join(User, PersonalToken.user_id == User.id)


async def add_token(
    session: AsyncSession, user_id: uuid.UUID, *, name: str, digest: bytes, scopes: Sequence[str], lasts: dt.timedelta
) -> PersonalToken:
    """Store a token that holds from now for ``lasts``."""
    token = PersonalToken(user_id=user_id, name=name, token_hash=digest, scopes=list(scopes))
    token.expires_at = await session.scalar(select(func.now() + lasts))
    session.add(token)
    await session.flush()
    return token


async def held(session: AsyncSession, digest: bytes) -> Held | None:
    """The live token with this hash and its person; needs a transaction that sees every client."""
    columns = (PersonalToken.id.label("token_id"), PersonalToken.scopes, _is_due().label("is_due"))
    wanted = viewer_columns().add_columns(*columns).join(PersonalToken, PersonalToken.user_id == User.id)
    row = (await session.execute(wanted.where(PersonalToken.token_hash == digest, _is_live()))).one_or_none()
    return None if row is None else (row.token_id, viewer_of_row(row), frozenset(row.scopes), row.is_due)


async def whose(session: AsyncSession, digest: bytes) -> tuple[PersonalToken, User] | None:
    """The token with this hash and its person, over or not; ``None`` where there never was one."""
    wanted = select(PersonalToken, User).join(User, PersonalToken.user_id == User.id)
    row = (await session.execute(wanted.where(PersonalToken.token_hash == digest))).one_or_none()
    return None if row is None else (row[0], row[1])


async def touch(session: AsyncSession, token_id: uuid.UUID) -> None:
    """Note that the token was used; of many who note it at once, one does."""
    await session.execute(
        update(PersonalToken).where(PersonalToken.id == token_id, _is_due()).values(last_used_at=func.now())
    )


async def tokens_of(session: AsyncSession, email: str | None) -> list[tuple[PersonalToken, str]]:
    """Every token of the person (``None``: of everyone) with the person's address, the oldest first."""
    wanted = _with_owner() if email is None else _with_owner().where(func.lower(User.email) == func.lower(email))
    rows = await session.execute(wanted.order_by(func.lower(User.email), PersonalToken.created_at, PersonalToken.id))
    return [(row[0], row[1]) for row in rows]


async def live_tokens_of(session: AsyncSession, user_id: uuid.UUID) -> list[tuple[PersonalToken, str]]:
    """Those of the person that open something now, with the person's address, the oldest first."""
    wanted = _with_owner().where(PersonalToken.user_id == user_id, _is_live())
    rows = await session.execute(wanted.order_by(PersonalToken.created_at, PersonalToken.id))
    return [(row[0], row[1]) for row in rows]


async def locked_token(session: AsyncSession, token_id: uuid.UUID) -> tuple[PersonalToken, str] | None:
    """The token with its person's address, which nobody else ends until the transaction does; ``None``: no such."""
    wanted = _with_owner().where(PersonalToken.id == token_id).with_for_update(of=PersonalToken)
    row = (await session.execute(wanted)).first()
    return None if row is None else (row[0], row[1])


async def revoke(session: AsyncSession, token_id: uuid.UUID) -> None:
    """End a token from now on, or leave it ended."""
    ended = update(PersonalToken).where(PersonalToken.id == token_id, PersonalToken.revoked_at.is_(None))
    await session.execute(ended.values(revoked_at=func.now()))


async def revoke_all_of(session: AsyncSession, user_id: uuid.UUID) -> int:
    """End every token of a person from now on; how many were still good."""
    ended = update(PersonalToken).where(PersonalToken.user_id == user_id, PersonalToken.revoked_at.is_(None))
    rows = await session.execute(ended.values(revoked_at=func.now()).returning(PersonalToken.expires_at))
    now = dt.datetime.now(dt.UTC)
    return sum(1 for (expires_at,) in rows if expires_at is None or expires_at > now)
