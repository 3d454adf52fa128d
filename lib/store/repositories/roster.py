"""Lists of everyone for administrators; they need a transaction that sees every client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, ScalarSelect, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import Client, ClientGrant, Team, TeamGrant, TeamMember, User, UserIdentity, UserSession


def _listed(column: Any, *where: Any) -> ScalarSelect[Any]:
    return select(func.array_agg(aggregate_order_by(column, func.lower(column)))).where(*where).scalar_subquery()


_CLIENTS = _listed(
    Client.slug, Client.id == ClientGrant.client_id, ClientGrant.user_id == User.id, Client.archived_at.is_(None)
)
_TEAMS = _listed(Team.name, Team.id == TeamMember.team_id, TeamMember.user_id == User.id, Team.removed_at.is_(None))
_ISSUERS = _listed(UserIdentity.issuer, UserIdentity.user_id == User.id)
_SEEN = select(func.max(UserSession.seen_at)).where(UserSession.user_id == User.id).scalar_subquery()
_MEMBERS = _listed(User.email, User.id == TeamMember.user_id, TeamMember.team_id == Team.id)
_OPENED = _listed(
    Client.slug, Client.id == TeamGrant.client_id, TeamGrant.team_id == Team.id, Client.archived_at.is_(None)
)


async def people(session: AsyncSession) -> Sequence[Row[Any]]:
    """Everyone by address: id, email, role, is_active, created_at, has_password, seen_at, clients, teams, issuers."""
    wanted = select(
        User.id,
        User.email,
        User.role,
        User.is_active,
        User.created_at,
        (User.hashed_password != "").label("has_password"),
        _SEEN.label("seen_at"),
        _CLIENTS.label("clients"),
        _TEAMS.label("teams"),
        _ISSUERS.label("issuers"),
    )
    return (await session.execute(wanted.order_by(func.lower(User.email)))).all()


async def teams(session: AsyncSession) -> Sequence[Row[Any]]:
    """Every team by name, removed ones left out: id, name, emails, clients."""
    wanted = select(Team.id, Team.name, _MEMBERS.label("emails"), _OPENED.label("clients"))
    wanted = wanted.where(Team.removed_at.is_(None))
    return (await session.execute(wanted.order_by(func.lower(Team.name)))).all()


async def names(session: AsyncSession) -> tuple[dict[int, str], dict[int, str]]:
    """Slugs of clients and names of teams, each by id; teams that were removed are left out."""
    slugs = await session.execute(select(Client.id, Client.slug))
    named = await session.execute(select(Team.id, Team.name).where(Team.removed_at.is_(None)))
    return dict(slugs.tuples().all()), dict(named.tuples().all())
