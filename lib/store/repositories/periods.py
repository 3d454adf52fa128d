"""Reach and its kin by object and period: replaced whole, one account, level and period at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import delete, exists, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import PeriodInsight, PeriodSlice


@dataclass(frozen=True)
class Period:
    """One account's objects of one level from ``since`` to ``until``, both inclusive."""

    account_id: int
    level: str
    since: dt.date
    until: dt.date


@dataclass(frozen=True)
class StoredPeriod:
    """What is known of a period: when it was fetched, its rows, whether it had ended, why any are missing."""

    fetched_at: dt.datetime
    rows: int
    period_ended: bool
    unavailable_reason: str | None


_KEYS = (PeriodSlice.level, PeriodSlice.since, PeriodSlice.until)


async def replace_period(
    session: AsyncSession,
    period: Period,
    rows: Sequence[Mapping[str, Any]],
    *,
    fetched_at: dt.datetime,
    period_ended: bool,
    unavailable_reason: str | None = None,
) -> bool:
    """Put these rows (``object_id`` and the numbers) in the place of what was there.

    False, and nothing done, where a later fetch is stored already.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": period.account_id})
    keys = vars(period)
    mine = [getattr(PeriodSlice, name) == value for name, value in keys.items()]
    later = await session.scalar(select(PeriodSlice.fetched_at).where(*mine))
    if later is not None and later > fetched_at:
        return False
    await session.execute(delete(PeriodInsight).where(*(getattr(PeriodInsight, n) == v for n, v in keys.items())))
    if rows:
        await _add(session, [{**keys, **row} for row in rows])
    values = {
        "fetched_at": fetched_at,
        "rows": len(rows),
        "period_ended": period_ended,
        "unavailable_reason": unavailable_reason,
    }
    added = insert(PeriodSlice).values(**keys, **values)
    await session.execute(added.on_conflict_do_update(index_elements=list(keys), set_=values))
    return True


async def stored_periods(
    session: AsyncSession, account_id: int, periods: Iterable[Period]
) -> dict[Period, StoredPeriod]:
    """What is stored of these periods of the account."""
    wanted = [(period.level, period.since, period.until) for period in periods]
    columns = (*_KEYS, PeriodSlice.fetched_at, PeriodSlice.rows, PeriodSlice.period_ended)
    found = await session.execute(
        select(*columns, PeriodSlice.unavailable_reason).where(
            PeriodSlice.account_id == account_id, tuple_(*_KEYS).in_(wanted)
        )
    )
    return {Period(account_id, *row[:3]): StoredPeriod(*row[3:]) for row in found.tuples()}


async def has_periods(session: AsyncSession, account_id: int) -> bool:
    """Whether any period of the account is stored."""
    return bool(await session.scalar(select(exists().where(PeriodSlice.account_id == account_id))))


async def forget_periods(
    session: AsyncSession, account_id: int, periods: Iterable[Period], *, before: dt.datetime
) -> None:
    """Remove the periods of the account, all but these, that were fetched before that moment."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": account_id})
    kept = [(period.level, period.since, period.until) for period in periods]
    is_over = PeriodSlice.account_id == account_id, PeriodSlice.fetched_at < before, tuple_(*_KEYS).not_in(kept)
    of_rows = tuple_(PeriodInsight.level, PeriodInsight.since, PeriodInsight.until)
    rows = delete(PeriodInsight).where(
        PeriodInsight.account_id == account_id, of_rows.in_(select(*_KEYS).where(*is_over))
    )
    await session.execute(rows)
    await session.execute(delete(PeriodSlice).where(*is_over))


async def _add(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows. They travel as one JSON parameter: bound one by one they take half of a first refresh's time."""
    names = ", ".join(rows[0])
    statement = text(
        f"INSERT INTO period_insight ({names}) SELECT {names}"  # noqa: S608 (names of our own columns)
        " FROM jsonb_populate_recordset(NULL::period_insight, CAST(:rows AS jsonb))"
    )
    await session.execute(statement, {"rows": orjson.dumps(rows).decode()})
