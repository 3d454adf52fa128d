"""Teams: who belongs to them, and which clients they open."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import ARRAY, Text, delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import NamedColumn

from lib.access.addresses import is_same_address
from lib.store.models import Client, Team, TeamGrant, TeamMember, User


async def lock_names(session: AsyncSession, *names: str) -> None:
    """Whoever makes or renames a team of one of these names waits until this transaction ends.

    They are locked in one order, so that two who want the same names do not wait for each other.
    """
    given = _given(names)
    key = func.hashtextextended(func.lower(given), 1).label("key")
    keys = select(key).distinct().order_by(key).subquery()
    await session.execute(select(func.pg_advisory_xact_lock(keys.c.key)))


async def locked_team(session: AsyncSession, name: str) -> Team | None:
    """The team of this name, whatever its case, which nobody else changes until the transaction ends.

    One that was removed is left out.
    """
    named = (func.lower(Team.name) == func.lower(name), Team.removed_at.is_(None))
    found: Team | None = await session.scalar(select(Team).where(*named).with_for_update())
    return found


async def locked_team_of_id(session: AsyncSession, team_id: int) -> Team | None:
    """The team with this id, removed or not, which nobody else changes until the transaction ends."""
    wanted = select(Team).where(Team.id == team_id).with_for_update().execution_options(populate_existing=True)
    found: Team | None = await session.scalar(wanted)
    return found


async def name_of(session: AsyncSession, team_id: int) -> str:
    """What the team with this id is called now, removed or not; empty where there is none."""
    return await session.scalar(select(Team.name).where(Team.id == team_id)) or ""


async def teams_by_name(session: AsyncSession, names: Sequence[str]) -> dict[str, int]:
    """The ids of those teams among ``names`` that there are, whatever their case, by the name as it is given.

    Those that were removed are left out.
    """
    wanted = _given(names)
    named = select(wanted, Team.id).join(Team, func.lower(Team.name) == func.lower(wanted))
    return dict((await session.execute(named.where(Team.removed_at.is_(None)))).tuples().all())


def _given(words: Sequence[str]) -> NamedColumn[str]:
    """The words as rows: what is the same in small letters is for PostgreSQL to say, whose indexes hold it so."""
    return func.unnest(literal(list(words), ARRAY(Text))).column_valued("given")


async def emails_of(session: AsyncSession, team_id: int) -> tuple[str, ...]:
    """Who belongs to this team, by address."""
    rows = await session.scalars(
        select(User.email)
        .join(TeamMember, TeamMember.user_id == User.id)
        .where(TeamMember.team_id == team_id)
        .order_by(func.lower(User.email))
    )
    return tuple(rows)


async def slugs_of(session: AsyncSession, team_id: int) -> tuple[str, ...]:
    """Which clients this team opens, archived ones left out."""
    rows = await session.scalars(
        select(Client.slug)
        .join(TeamGrant, TeamGrant.client_id == Client.id)
        .where(TeamGrant.team_id == team_id, Client.archived_at.is_(None))
        .order_by(Client.slug)
    )
    return tuple(rows)


async def users_by_email(session: AsyncSession, emails: Sequence[str]) -> dict[str, uuid.UUID]:
    """The ids of those people among ``emails`` that there are, whatever their case, by the address as it is given."""
    wanted = _given(emails)
    folded = select(wanted, User.id, User.email).join(User, func.lower(User.email) == func.lower(wanted))
    rows = (await session.execute(folded)).tuples().all()
    return {given: user_id for given, user_id, email in rows if is_same_address(given, email)}


async def set_members(session: AsyncSession, team_id: int, user_ids: Collection[uuid.UUID]) -> None:
    """Let exactly these people belong to the team."""
    await session.execute(delete(TeamMember).where(TeamMember.team_id == team_id))
    if user_ids:
        rows = [{"team_id": team_id, "user_id": user_id} for user_id in user_ids]
        await session.execute(insert(TeamMember).values(rows))


async def set_grants(session: AsyncSession, team_id: int, client_ids: Collection[int]) -> None:
    """Let the team open exactly these clients; grants of archived ones stay, for the day they come back."""
    archived = select(Client.id).where(Client.archived_at.is_not(None))
    await session.execute(delete(TeamGrant).where(TeamGrant.team_id == team_id, TeamGrant.client_id.not_in(archived)))
    if client_ids:
        rows = [{"team_id": team_id, "client_id": client_id} for client_id in client_ids]
        await session.execute(insert(TeamGrant).values(rows))
