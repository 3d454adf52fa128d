"""Replaces slices: one account, one day, whole, in the caller's transaction."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import AsyncConnection
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import Insight, Slice
from lib.store.models.insights import slice_version

_WAITING_ROOM = text("CREATE TEMPORARY TABLE IF NOT EXISTS incoming_insight (LIKE insight) ON COMMIT DELETE ROWS")

_NOBODY_WAITS = text("DELETE FROM incoming_insight")


@dataclass(frozen=True)
class NewSlice:
    """What a slice becomes. ``lines`` are COPY's text lines of ``columns``; ``meta`` the ``meta_`` columns' values."""

    account_id: int
    date: dt.date
    columns: tuple[str, ...]
    lines: Sequence[bytes]
    meta: dict[str, int | None]
    fetched_at: dt.datetime
    account_day_ended: bool
    run_id: uuid.UUID | None = None
    incomplete_reason: str | None = None


async def replace_slice(session: AsyncSession, new: NewSlice) -> bool:
    """Put ``new`` in the place of what was there; False, and nothing done, where a later fetch is stored already.

    The lock is the account's: two refreshes of one account replace one slice after the other.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": new.account_id})
    mine = (Slice.account_id == new.account_id, Slice.date == new.date, Slice.breakdown == "")
    stored_at = await session.scalar(select(Slice.fetched_at).where(*mine))
    if stored_at is not None and stored_at > new.fetched_at:
        return False
    await session.execute(delete(Insight).where(Insight.account_id == new.account_id, Insight.date == new.date))
    await _copy(session, new)
    values = {
        "account_id": new.account_id,
        "date": new.date,
        "breakdown": "",
        "version": slice_version.next_value(),
        "run_id": new.run_id,
        "fetched_at": new.fetched_at,
        "rows": len(new.lines),
        "is_complete": new.incomplete_reason is None,
        "incomplete_reason": new.incomplete_reason,
        "account_day_ended": new.account_day_ended,
        **new.meta,
    }
    keys = ("account_id", "date", "breakdown")
    changed = {name: value for name, value in values.items() if name not in keys}
    await session.execute(insert(Slice).values(values).on_conflict_do_update(index_elements=keys, set_=changed))
    return True


async def _copy(session: AsyncSession, new: NewSlice) -> None:
    """COPY into the connection's own waiting room, and from there into the table.

    PostgreSQL refuses COPY into a table with row-level security; a temporary table has none and writes no log.
    """
    if not new.lines:
        return
    await session.execute(_WAITING_ROOM)
    await session.execute(_NOBODY_WAITS)
    raw = await (await session.connection()).get_raw_connection()
    driver: AsyncConnection[tuple[object, ...]] = raw.driver_connection  # type: ignore[assignment]  # psycopg's, by the URL
    columns = ", ".join(new.columns)
    async with driver.cursor() as cursor, cursor.copy(f"COPY incoming_insight ({columns}) FROM STDIN") as copy:
        await copy.write(b"".join(new.lines))
    await session.execute(text(f"INSERT INTO insight ({columns}) SELECT {columns} FROM incoming_insight"))  # noqa: S608 (ours)


async def renew_newest(session: AsyncSession, account_id: int) -> None:
    """Give the account's newest slice the next version: names and states changed, so cached answers are stale."""
    newest = select(func.max(Slice.date)).where(Slice.account_id == account_id).scalar_subquery()
    await session.execute(
        update(Slice)
        .where(Slice.account_id == account_id, Slice.date == newest)
        .values(version=slice_version.next_value())
    )
