"""Invitations: stored with the hash of their token, used once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Uuid, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from lib.access.addresses import address_key, is_same_address
from lib.store.models import Client, ClientGrant, Invitation, Team, TeamMember


def _is_open() -> ColumnElement[bool]:
    is_over = Invitation.used_at.is_not(None) | Invitation.revoked_at.is_not(None)
    return ~is_over & (Invitation.expires_at > func.now())


async def lock_address(session: AsyncSession, email: str) -> None:
    """Whoever invites or lets in the same address waits until this transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(address_key(email), 0))))


async def add_invitation(
    session: AsyncSession,
    *,
    email: str,
    role: str,
    client_ids: Collection[int],
    team_ids: Collection[int],
    digest: bytes,
    invited_by: str,
    lasts: dt.timedelta,
) -> Invitation:
    """Store an invitation that is open from now for ``lasts``."""
    row = {
        "email": email,
        "role": role,
        "client_ids": sorted(client_ids),
        "team_ids": sorted(team_ids),
        "token_hash": digest,
        "invited_by": invited_by,
        "expires_at": func.now() + lasts,
    }
    added: Invitation = (await session.execute(insert(Invitation).values(row).returning(Invitation))).scalar_one()
    return added


async def open_by_token(session: AsyncSession, digest: bytes) -> Invitation | None:
    """The open invitation with this hash of its token; it stays open."""
    found: Invitation | None = await session.scalar(
        select(Invitation).where(Invitation.token_hash == digest, _is_open())
    )
    return found


async def use_by_token(session: AsyncSession, digest: bytes) -> Invitation | None:
    """Use an invitation up; ``None`` for everyone but the first."""
    used = update(Invitation).where(Invitation.token_hash == digest, _is_open()).values(used_at=func.now())
    found: Invitation | None = await session.scalar(used.returning(Invitation))
    return found


async def use_by_email(session: AsyncSession, email: str) -> Invitation | None:
    """Use up what is open for this address, whatever its case; the newest of it, ``None`` where there is nothing."""
    is_theirs = await _is_of(session, Invitation.email, email)
    used = update(Invitation).where(is_theirs, _is_open()).values(used_at=func.now()).returning(Invitation)
    found = (await session.scalars(used)).all()
    return max(found, key=lambda invitation: invitation.created_at, default=None)


async def revoke_for(session: AsyncSession, email: str) -> Sequence[Invitation]:
    """Withdraw what is open for this address, and say what it was."""
    return await _revoke(session, await _is_of(session, Invitation.email, email))


async def revoke_of(session: AsyncSession, invited_by: str) -> Sequence[Invitation]:
    """Withdraw what this person has offered and is still open, and say what it was."""
    return await _revoke(session, await _is_of(session, Invitation.invited_by, invited_by))


async def revoke(session: AsyncSession, invitation_id: uuid.UUID) -> bool:
    """Withdraw one; False where it is not open any more."""
    return bool(await _revoke(session, Invitation.id == invitation_id))


async def _is_of(session: AsyncSession, column: InstrumentedAttribute[str], email: str) -> ColumnElement[bool]:
    """Which open ones have this address in ``column``. PostgreSQL may fold letters that make it another address."""
    folded = select(Invitation.id, column).where(func.lower(column) == func.lower(email), _is_open())
    rows = (await session.execute(folded)).tuples().all()
    return Invitation.id.in_([number for number, address in rows if is_same_address(address, email)])


async def _revoke(session: AsyncSession, which: ColumnElement[bool]) -> Sequence[Invitation]:
    revoked = update(Invitation).where(which, _is_open()).values(revoked_at=func.now()).returning(Invitation)
    return (await session.scalars(revoked)).all()


async def keep_promise(session: AsyncSession, user_id: uuid.UUID, invitation: Invitation) -> None:
    """Give this person the clients and the teams of the invitation that are still there.

    Teams that were removed too: they open nothing, unless they come back.
    """
    clients = select(literal(user_id, Uuid), Client.id).where(Client.id.in_(invitation.client_ids))
    await session.execute(
        postgresql.insert(ClientGrant).from_select(["user_id", "client_id"], clients).on_conflict_do_nothing()
    )
    teams = select(Team.id, literal(user_id, Uuid)).where(Team.id.in_(invitation.team_ids))
    await session.execute(
        postgresql.insert(TeamMember).from_select(["team_id", "user_id"], teams).on_conflict_do_nothing()
    )


async def all_invitations(session: AsyncSession) -> Sequence[Invitation]:
    """Every invitation, the newest first."""
    found = await session.scalars(select(Invitation).order_by(Invitation.created_at.desc(), Invitation.id))
    return found.all()
