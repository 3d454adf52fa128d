"""People, their sessions, one-time links and grants."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Interval,
    Row,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from lib.access.addresses import is_same_address
from lib.access.viewer import Role, Viewer
from lib.store.models import (
    Account,
    Client,
    ClientGrant,
    SignInLink,
    Team,
    TeamGrant,
    TeamMember,
    User,
    UserIdentity,
    UserSession,
)
from lib.store.repositories.standing import hashed_password_held

_Owner = aliased(User)
"""Whose sign-in it is, where ``User`` is whose eyes are looked through."""
_TOUCHED = dt.timedelta(minutes=1)


def _ids(column: Any, client_id: Any, *also: ColumnElement[bool]) -> ScalarSelect[Any]:
    """All ids of ``column`` for an admin; for the others those of the clients that grants to them or a team open."""
    granted = select(ClientGrant.client_id).where(ClientGrant.user_id == User.id).correlate(User)
    of_team = (
        select(TeamGrant.client_id)
        .join(TeamMember, TeamMember.team_id == TeamGrant.team_id)
        .join(Team, Team.id == TeamGrant.team_id)
        .where(TeamMember.user_id == User.id, Team.removed_at.is_(None))
        .correlate(User)
    )
    archived = select(Client.id).where(Client.archived_at.is_not(None))
    opened = or_(User.role == Role.ADMIN.value, client_id.in_(granted.union(of_team)))
    found = select(func.array_agg(column)).where(opened, client_id.not_in(archived), *also)
    return found.correlate(User).scalar_subquery()


async def viewer_of_session(session: AsyncSession, token_hash: bytes, idle: dt.timedelta) -> Viewer | None:
    """The person of a live session with what grants open at this moment; needs a transaction that sees every client.

    A session that was not used for longer than ``idle`` has ended; a use is noted once a minute.
    """
    row = (await session.execute(_LIVE, {"token_hash": token_hash, "idle": idle})).one_or_none()
    if row is None:
        return None
    if row.is_due:
        used = update(UserSession).where(UserSession.token_hash == token_hash).values(seen_at=func.now())
        await session.execute(used)
    return viewer_of_row(row, token_hash)


async def viewer_of_identity(session: AsyncSession, issuer: str, subject: str) -> Viewer | None:
    """The same for the active person to whom this account at a sign-in service is bound."""
    bound = select(UserIdentity.user_id).where(UserIdentity.issuer == issuer, UserIdentity.subject == subject)
    return await _viewer(session, User.id == bound.scalar_subquery())


async def viewer_of_person(session: AsyncSession, user_id: uuid.UUID) -> Viewer | None:
    """The same for the active person with this id."""
    return await _viewer(session, User.id == user_id)


async def _viewer(session: AsyncSession, which: ColumnElement[bool]) -> Viewer | None:
    row = (await session.execute(viewer_columns().where(which, User.is_active))).one_or_none()
    return None if row is None else viewer_of_row(row)


def viewer_columns() -> Select[Any]:
    """What ``viewer_of_row`` wants to know of a person."""
    return select(
        User.id,
        User.email,
        User.role,
        _ids(Client.id, Client.id).label("client_ids"),
        _ids(Account.account_id, Account.client_id, Account.disconnected_at.is_(None)).label("account_ids"),
    )


def viewer_of_row(row: Row[Any], token_hash: bytes = b"") -> Viewer:
    """The viewer in a row of ``viewer_columns``; ``token_hash`` names the session, where there is one."""
    return Viewer(
        user_id=row.id,
        email=row.email,
        role=Role(row.role),
        client_ids=frozenset(row.client_ids or ()),
        account_ids=frozenset(row.account_ids or ()),
        session_hash=token_hash,
        seen_by=getattr(row, "seen_by", None) or "",
        seen_by_id=getattr(row, "seen_by_id", None),
    )


def _live() -> Select[Any]:
    is_other = and_(UserSession.seen_as_id.is_not(None), _Owner.role == Role.ADMIN.value)
    return (
        viewer_columns()
        .add_columns(
            case((is_other, _Owner.email)).label("seen_by"),
            case((is_other, _Owner.id)).label("seen_by_id"),
            (UserSession.seen_at < func.now() - _TOUCHED).label("is_due"),
        )
        .select_from(UserSession)
        .join(_Owner, _Owner.id == UserSession.user_id)
        .join(User, User.id == case((is_other, UserSession.seen_as_id), else_=UserSession.user_id))
        .where(
            UserSession.token_hash == bindparam("token_hash"),
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > func.now(),
            UserSession.seen_at > func.now() - bindparam("idle", type_=Interval()),
            _Owner.is_active,
            User.is_active,
        )
    )


# Asked for on every rerun: written once, it costs a third of what it would if it were put together each time.
_LIVE = _live()


async def add_session(
    session: AsyncSession, token_hash: bytes, user_id: uuid.UUID, provider: str, expires_in: dt.timedelta
) -> bool:
    """Store a sign-in and say so; one that is there already stays as it is."""
    row = {"token_hash": token_hash, "user_id": user_id, "provider": provider, "expires_at": func.now() + expires_in}
    added = postgresql.insert(UserSession).values(row).on_conflict_do_nothing().returning(UserSession.token_hash)
    return (await session.execute(added)).first() is not None


async def has_session(session: AsyncSession, token_hash: bytes) -> bool:
    """Whether this sign-in was ever stored, good or ended."""
    return bool(await session.scalar(select(exists().where(UserSession.token_hash == token_hash))))


async def revoke_session(session: AsyncSession, token_hash: bytes) -> uuid.UUID | None:
    """End one sign-in from this moment on and say whose it was; ``None`` where there was none to end."""
    ended = update(UserSession).where(UserSession.token_hash == token_hash, UserSession.revoked_at.is_(None))
    whose: uuid.UUID | None = await session.scalar(ended.values(revoked_at=func.now()).returning(UserSession.user_id))
    return whose


async def exchange_session(session: AsyncSession, token_hash: bytes, new_hash: bytes, provider: str) -> bool:
    """End one live sign-in and store another of the same person, for as long as that one had left; once."""
    owner = select(UserSession.user_id).where(UserSession.token_hash == token_hash).scalar_subquery()
    if await hashed_password_held(session, owner) is None:
        return False
    ended = (
        update(UserSession)
        .where(UserSession.token_hash == token_hash, UserSession.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(UserSession.user_id, UserSession.expires_at)
    )
    row = (await session.execute(ended)).one_or_none()
    if row is None:
        return False
    new = {"token_hash": new_hash, "user_id": row.user_id, "provider": provider, "expires_at": row.expires_at}
    await session.execute(insert(UserSession).values(new))
    return True


async def provider_of(session: AsyncSession, token_hash: bytes) -> str | None:
    """How whoever holds this sign-in came in, ended or not; ``None`` where there is no such sign-in."""
    known = select(UserSession.provider).where(UserSession.token_hash == token_hash)
    return (await session.execute(known)).scalar_one_or_none()


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


async def email_of_link(session: AsyncSession, token_hash: bytes) -> str | None:
    """Whose link this was or is; ``None`` where there never was one."""
    email: str | None = await session.scalar(
        select(User.email).join(SignInLink, SignInLink.user_id == User.id).where(SignInLink.token_hash == token_hash)
    )
    return email


async def find_user(session: AsyncSession, email: str) -> User | None:
    """The person with this address, whatever its case."""
    found = (
        await session.execute(select(User).where(func.lower(User.email) == func.lower(email)))
    ).scalar_one_or_none()
    # PostgreSQL may fold letters that make it another address.
    return found if found is not None and is_same_address(found.email, email) else None


async def see_as(session: AsyncSession, token_hash: bytes, owner_id: uuid.UUID, seen_as_id: uuid.UUID | None) -> bool:
    """Let this sign-in of its owner look through another's eyes or, with ``None``, their own; False where it ended."""
    live = (UserSession.token_hash == token_hash, UserSession.user_id == owner_id, UserSession.revoked_at.is_(None))
    changed = update(UserSession).where(*live).values(seen_as_id=seen_as_id).returning(UserSession.token_hash)
    return (await session.execute(changed)).first() is not None


async def stop_seeing(session: AsyncSession, user_id: uuid.UUID) -> None:
    """Nobody looks through this person's eyes any more."""
    await session.execute(update(UserSession).where(UserSession.seen_as_id == user_id).values(seen_as_id=None))


async def stop_looking(session: AsyncSession, user_id: uuid.UUID) -> None:
    """This person looks through nobody's eyes any more, in any sign-in."""
    looking = (UserSession.user_id == user_id, UserSession.seen_as_id.is_not(None))
    await session.execute(update(UserSession).where(*looking).values(seen_as_id=None))


async def clients_by_slug(session: AsyncSession) -> dict[str, int]:
    """Every client's slug and id, by slug, archived ones left out; needs a transaction that sees every client."""
    rows = await session.execute(
        select(Client.slug, Client.id).where(Client.archived_at.is_(None)).order_by(Client.slug)
    )
    return {row.slug: row.id for row in rows}


async def grants_of(session: AsyncSession, user_id: uuid.UUID) -> frozenset[int]:
    """The clients that are granted to this person, archived ones left out."""
    rows = await session.execute(
        select(ClientGrant.client_id)
        .join(Client, Client.id == ClientGrant.client_id)
        .where(ClientGrant.user_id == user_id, Client.archived_at.is_(None))
    )
    return frozenset(rows.scalars())


async def set_grants(session: AsyncSession, user_id: uuid.UUID, client_ids: Collection[int]) -> None:
    """Let this person see exactly these clients; grants of archived ones stay, for the day they come back."""
    archived = select(Client.id).where(Client.archived_at.is_not(None))
    stale = delete(ClientGrant).where(
        ClientGrant.user_id == user_id,
        ClientGrant.client_id.not_in(client_ids),
        ClientGrant.client_id.not_in(archived),
    )
    await session.execute(stale)
    if client_ids:
        rows = [{"user_id": user_id, "client_id": client_id} for client_id in sorted(client_ids)]
        await session.execute(postgresql.insert(ClientGrant).values(rows).on_conflict_do_nothing())
