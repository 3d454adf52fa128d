"""The audit log: rows are added, and read by administrators."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Row, Select, Text, cast, func, or_, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import Account, AuditLog, Client, Insight

AT_A_TIME = 2_000
"""Rows of a stream that are fetched together."""
ADDED_AT_ONCE = 1_000
"""Rows of one statement, which has room for 65,535 values."""


Written: TypeAlias = Row[Any]
"""An entry as text: moment, person, action, subject, client id (a number), before, after, via, address, seen as."""


@dataclass(frozen=True)
class Wanted:
    """Which entries: from the day ``since`` to the day ``until``, both included, in UTC.

    ``person`` is a part of the address of whoever did it, through whose eyes, or to whom; ``clients`` has the ids of
    the wanted clients by slug. What is empty narrows nothing.
    """

    since: dt.date
    until: dt.date
    person: str = ""
    action: str = ""
    clients: Mapping[str, int] | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """The same in SQL."""
        first = dt.datetime.combine(self.since, dt.time(), dt.UTC)
        after = dt.datetime.combine(self.until + dt.timedelta(days=1), dt.time(), dt.UTC)
        found: list[ColumnElement[bool]] = [AuditLog.at >= first, AuditLog.at < after]
        if self.person:
            whose = (AuditLog.email, AuditLog.seen_as, AuditLog.subject)
            found.append(or_(*(column.icontains(self.person, autoescape=True) for column in whose)))
        if self.action:
            found.append(AuditLog.action == self.action)
        if self.clients is not None:
            found.append(_is_about(self.clients))
        return found


def _is_about(clients: Mapping[str, int]) -> ColumnElement[bool]:
    """One client in its own column, several by their slugs among what was changed."""
    slugs = cast(list(clients), postgresql.ARRAY(Text))
    among = (column["clients"].has_any(slugs) for column in (AuditLog.before, AuditLog.after))
    return or_(AuditLog.client_id.in_(clients.values()), *among)


def _newest(wanted: Wanted) -> Select[tuple[AuditLog]]:
    return select(AuditLog).where(*wanted.conditions).order_by(AuditLog.at.desc(), AuditLog.id.desc())


async def add_entries(session: AsyncSession, entries: Sequence[Mapping[str, Any]]) -> None:
    """Store entries that name the same columns; of a day, what is there already stays as it is."""
    for first in range(0, len(entries), ADDED_AT_ONCE):
        rows = [dict(entry) for entry in entries[first : first + ADDED_AT_ONCE]]
        # Inline, as nobody but administrators may read what comes back, and they may not either while nobody is known.
        await session.execute(postgresql.insert(AuditLog).inline().values(rows).on_conflict_do_nothing())


async def count_entries(session: AsyncSession, wanted: Wanted) -> int:
    """How many of the wanted entries this transaction may see."""
    counted = select(func.count()).select_from(AuditLog).where(*wanted.conditions)
    return int((await session.execute(counted)).scalar_one())


async def newest_entries(session: AsyncSession, wanted: Wanted, *, offset: int, limit: int) -> Sequence[AuditLog]:
    """Those of the wanted entries that this transaction may see, the newest first."""
    return (await session.scalars(_newest(wanted).offset(offset).limit(limit))).all()


async def stream_written(session: AsyncSession, wanted: Wanted) -> AsyncIterator[Sequence[Written]]:
    """All of them in the same order as PostgreSQL writes them, some at a time."""
    columns = (
        func.to_char(func.timezone("UTC", AuditLog.at), "YYYY-MM-DD HH24:MI:SS"),
        AuditLog.email,
        AuditLog.action,
        AuditLog.subject,
        AuditLog.client_id,
        cast(AuditLog.before, Text),
        cast(AuditLog.after, Text),
        AuditLog.via,
        AuditLog.address,
        AuditLog.seen_as,
    )
    newest = _newest(wanted).with_only_columns(*columns)
    streamed = await session.stream(newest.execution_options(yield_per=AT_A_TIME))
    async for some in streamed.partitions():
        yield some


async def clients_of_accounts(session: AsyncSession, account_ids: frozenset[int]) -> dict[str, int]:
    """The clients that these accounts belong to: their ids by slug, in the order of the slugs."""
    rows = await session.execute(
        select(Client.slug, Client.id)
        .join(Account)
        .where(Account.account_id.in_(account_ids))
        .distinct()
        .order_by(Client.slug)
    )
    return dict(rows.tuples().all())


async def shown_of_accounts(session: AsyncSession, account_ids: frozenset[int]) -> list[tuple[int, str, int]]:
    """Those of these accounts that have numbers at all, each with its client's slug and id."""
    has_numbers = select(Insight.account_id).where(Insight.account_id == Account.account_id).exists()
    found = select(Account.account_id, Client.slug, Client.id).join(Client)
    rows = await session.execute(found.where(Account.account_id.in_(account_ids), has_numbers).order_by(Client.slug))
    return [*rows.tuples()]


async def names_of_accounts(session: AsyncSession, account_ids: Collection[int]) -> dict[int, str]:
    """The names of those of these accounts that are there, by id."""
    named = select(Account.account_id, Account.name).where(Account.account_id.in_(account_ids))
    return dict((await session.execute(named)).tuples().all())


async def every_client(session: AsyncSession) -> Sequence[Client]:
    """Every client by name, archived ones too: the log outlives what is shown elsewhere."""
    return (await session.scalars(select(Client).order_by(func.lower(Client.name), Client.id))).all()
