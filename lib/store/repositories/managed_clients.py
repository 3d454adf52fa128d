"""Clients as those who look after them see them, archived ones too. Needs a transaction that sees every client."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, cast, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from lib.store.models import Account, Client, ClientGrant, Credential, Team, TeamGrant, TeamMember
from lib.store.repositories.clients import name_taken
from lib.store.uniqueness import unless_taken


def _open_to(user_id: uuid.UUID | None) -> ColumnElement[bool]:
    if user_id is None:
        return true()
    granted = select(ClientGrant.client_id).where(ClientGrant.user_id == user_id)
    of_team = (
        select(TeamGrant.client_id)
        .join(TeamMember, TeamMember.team_id == TeamGrant.team_id)
        .join(Team, Team.id == TeamGrant.team_id)
        .where(TeamMember.user_id == user_id, Team.removed_at.is_(None))
    )
    return Client.id.in_(granted.union(of_team))


async def clients_open_to(session: AsyncSession, user_id: uuid.UUID | None) -> Sequence[Row[Any]]:
    """The clients granted to this person (``None``: all), by name.

    id, slug, name, is_sample, archived_at, account_count (of connected ones), and of the token state and checked_at.
    """
    connected = select(func.count()).where(Account.client_id == Client.id, Account.disconnected_at.is_(None))
    wanted = (
        select(
            Client.id,
            Client.slug,
            Client.name,
            Client.is_sample,
            Client.archived_at,
            connected.correlate(Client).scalar_subquery().label("account_count"),
            Credential.state,
            Credential.checked_at,
        )
        .outerjoin(Credential, Credential.client_id == Client.id)
        .where(_open_to(user_id))
        .order_by(func.lower(Client.name), Client.id)
    )
    return (await session.execute(wanted)).all()


async def names_open_to(session: AsyncSession, user_id: uuid.UUID | None) -> dict[int, str]:
    """Their names by id."""
    return dict((await session.execute(select(Client.id, Client.name).where(_open_to(user_id)))).tuples().all())


async def clients_with_account(session: AsyncSession, user_id: uuid.UUID | None, part: str) -> frozenset[int]:
    """The ids of those that have ``part`` in the name or the id of an account."""
    fits = or_(
        func.strpos(func.lower(Account.name), func.lower(part)) > 0,
        func.strpos(cast(Account.account_id, Text), part) > 0,
    )
    found = select(Account.client_id).join(Client).where(fits, _open_to(user_id)).distinct()
    return frozenset(await session.scalars(found))


async def client_open_to(
    session: AsyncSession, client_id: int, user_id: uuid.UUID | None, *, is_changed: bool = False
) -> Client | None:
    """One of them with accounts and token; locked until the transaction ends where it ``is_changed``."""
    asked = (
        select(Client)
        .options(selectinload(Client.accounts), selectinload(Client.credential))
        .where(Client.id == client_id, _open_to(user_id))
    )
    return (await session.scalars(asked.with_for_update(of=Client) if is_changed else asked)).first()


async def holders_of(session: AsyncSession, account_ids: Collection[int]) -> dict[int, int]:
    """Which client each of these accounts belongs to, connected or not; by the ids of both."""
    rows = await session.execute(
        select(Account.account_id, Account.client_id).where(Account.account_id.in_(account_ids))
    )
    return dict(rows.tuples().all())


async def grant(session: AsyncSession, user_id: uuid.UUID, client_id: int) -> None:
    """Let this person see this client too."""
    row = {"user_id": user_id, "client_id": client_id}
    await session.execute(insert(ClientGrant).values(row).on_conflict_do_nothing())


async def change_client(session: AsyncSession, client_id: int, values: Mapping[str, Any]) -> None:
    """Set its name, when it was archived, or what is fetched for it. Conflict where another client has its name."""
    with unless_taken(name_taken(), "uq_client_name_lower"):
        await session.execute(update(Client).where(Client.id == client_id).values(**values))


async def connect_account(session: AsyncSession, client_id: int, account_id: int, described: Mapping[str, Any]) -> bool:
    """Add the account to the client with what Meta says of it, or connect one of its own again.

    False where it is another client's, if only just now.
    """
    values = {**described, "checked_at": func.now(), "disconnected_at": None}
    added = insert(Account).values(account_id=account_id, client_id=client_id, **values)
    mine = Account.client_id == client_id
    connected = added.on_conflict_do_update(index_elements=["account_id"], set_=values, where=mine)
    return (await session.execute(connected.returning(Account.account_id))).first() is not None


async def set_disconnected(session: AsyncSession, account_id: int, at: dt.datetime | None) -> None:
    """Say since when the account is connected no more; ``None`` connects it again."""
    await session.execute(update(Account).where(Account.account_id == account_id).values(disconnected_at=at))
