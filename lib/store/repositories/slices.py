"""Replaces slices, one account and day in one breakdown set each: whole, in the caller's transaction."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, null, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import (
    ATTRIBUTED,
    Insight,
    InsightActions,
    InsightAttribution,
    InsightBreakdown,
    InsightBreakdownActions,
    RefreshRun,
    Slice,
)
from lib.store.models.insights import slice_version
from lib.store.repositories.copying import copy_numbers, copy_plain

ATTRIBUTION_COLUMNS = ("account_id", "date", "ad_id", "attribution_window", *ATTRIBUTED)
YARDSTICK = ("spend_micros", "impressions", "clicks", "link_clicks", "purchases", "revenue_micros", "leads")
"""What the ads of a plain slice are added up for, to be compared with Meta's own number of the account."""
Session = AsyncSession
Difference = dict[str, int]
StoredSlices = Sequence[Row[Any]]


@dataclass(frozen=True)
class NewSlice:
    """What a slice becomes. ``lines`` are COPY's text lines of ``columns``; ``meta`` the ``meta_`` columns' values.

    ``breakdown`` is the slug of its set, ``''`` for none. ``attributed`` are lines of ATTRIBUTION_COLUMNS for the
    ``windows`` that were asked for. With ``keeps_rows`` its own are not worth storing: what is stored stays, and the
    slice is incomplete for the reason given.
    """

    account_id: int
    date: dt.date
    columns: tuple[str, ...]
    lines: Sequence[bytes]
    meta: dict[str, int | None]
    fetched_at: dt.datetime
    account_day_ended: bool
    run_id: uuid.UUID | None = None
    incomplete_reason: str | None = None
    breakdown: str = ""
    attributed: Sequence[bytes] = ()
    windows: tuple[str, ...] = ()
    keeps_rows: bool = False


async def replace_slice(session: AsyncSession, new: NewSlice) -> bool:
    """Put ``new`` in the place of what was there; False, and nothing done, where a later fetch is stored already."""
    return bool(await replace_slices(session, [new]))


async def replace_slices(session: AsyncSession, news: Sequence[NewSlice]) -> list[NewSlice]:
    """Put slices of one account and breakdown set in the place of what was there; those that were stored.

    One of which a later fetch is stored already is left out. The lock is the account's: two refreshes of one account
    replace its slices one after the other.
    """
    if not news:
        return []
    account_id, breakdown = news[0].account_id, news[0].breakdown
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": account_id})
    later = await _fetched_at(session, account_id, breakdown, [new.date for new in news])
    wanted = [new for new in news if new.date not in later or later[new.date] <= new.fetched_at]
    whole = [new for new in wanted if not new.keeps_rows]
    if whole:
        await _clear(session, account_id, breakdown, [new.date for new in whole])
        await _fill(session, breakdown, whole)
        await _note(session, whole)
    poor = [replace(new, lines=(), attributed=()) for new in wanted if new.keeps_rows]
    if poor:
        await _note(session, poor, changed=("run_id", "is_complete", "incomplete_reason"))
    return whole + poor


async def _fetched_at(
    session: AsyncSession, account_id: int, breakdown: str, dates: Collection[dt.date]
) -> dict[dt.date, dt.datetime]:
    mine = (Slice.account_id == account_id, Slice.breakdown == breakdown, Slice.date.in_(dates))
    return dict((await session.execute(select(Slice.date, Slice.fetched_at).where(*mine))).tuples().all())


async def _clear(session: AsyncSession, account_id: int, breakdown: str, dates: Collection[dt.date]) -> None:
    if breakdown:
        for broken in (InsightBreakdown, InsightBreakdownActions):
            mine = (broken.account_id == account_id, broken.date.in_(dates), broken.breakdown == breakdown)
            await session.execute(delete(broken).where(*mine))
        return
    for plain in (Insight, InsightActions, InsightAttribution):
        await session.execute(delete(plain).where(plain.account_id == account_id, plain.date.in_(dates)))


async def _fill(session: AsyncSession, breakdown: str, news: Sequence[NewSlice]) -> None:
    lines = [line for new in news for line in new.lines]
    if lines:
        await copy_numbers(session, "insight_breakdown" if breakdown else "insight", news[0].columns, lines)
    attributed = [line for new in news for line in new.attributed]
    if attributed:
        await copy_plain(session, "insight_attribution", ATTRIBUTION_COLUMNS, attributed)


async def _note(session: AsyncSession, news: Sequence[NewSlice], changed: Collection[str] = ()) -> None:
    """Insert or update the slices; of those that are stored only the columns ``changed``, all where none is named."""
    rows = [
        {
            "account_id": new.account_id,
            "date": new.date,
            "breakdown": new.breakdown,
            "run_id": new.run_id,
            "fetched_at": new.fetched_at,
            "rows": len(new.lines),
            "is_complete": new.incomplete_reason is None,
            "incomplete_reason": new.incomplete_reason,
            "account_day_ended": new.account_day_ended,
            "attribution_windows": list(new.windows),
            **new.meta,
        }
        for new in news
    ]
    keys = ("account_id", "date", "breakdown")
    added = insert(Slice).values([{**row, "version": slice_version.next_value()} for row in rows])
    names = [name for name in (changed or rows[0]) if name not in keys]
    values: dict[str, Any] = {name: added.excluded[name] for name in [*names, "version"]}
    await session.execute(added.on_conflict_do_update(index_elements=keys, set_=values))


async def differences(
    session: AsyncSession, account_id: int, dates: Iterable[dt.date]
) -> dict[dt.date, tuple[Difference, Difference | None]]:
    """Days whose ads do not add up to Meta's own account number: the sum less Meta's, by column, where it is not zero;

    and what the slice was looked at twice for. A number that Meta would not serve is not compared.
    """
    listed = list(dates)
    mine = (Slice.account_id == account_id, Slice.date.in_(listed), Slice.breakdown == "")
    sums = (
        select(Insight.date, *(func.sum(getattr(Insight, name)).label(name) for name in YARDSTICK))
        .where(Insight.account_id == account_id, Insight.date.in_(listed))
        .group_by(Insight.date)
        .subquery()
    )
    apart = [(func.coalesce(sums.c[name], 0) - getattr(Slice, f"meta_{name}")).label(name) for name in YARDSTICK]
    rows = await session.execute(
        select(Slice.date, Slice.looked_twice_for, *apart).outerjoin(sums, sums.c.date == Slice.date).where(*mine)
    )
    found = {}
    for date, before, *values in rows:
        difference = {name: int(value) for name, value in zip(YARDSTICK, values, strict=True) if value}
        if difference:
            found[date] = (difference, before)
    return found


async def forget_second_looks(session: AsyncSession, account_id: int, dates: Iterable[dt.date]) -> None:
    """These days add up again; of those without a whole yardstick nobody knows, and they keep theirs."""
    mine = (Slice.account_id == account_id, Slice.breakdown == "", Slice.date.in_(list(dates)))
    known = (getattr(Slice, f"meta_{name}").is_not(None) for name in YARDSTICK)
    noted = update(Slice).where(*mine, Slice.looked_twice_for.is_not(None), *known)
    await session.execute(noted.values(looked_twice_for=null()))


async def note_second_look(session: AsyncSession, account_id: int, date: dt.date, difference: Difference) -> None:
    """Remember that this slice was fetched twice and differs from Meta's own numbers by ``difference`` still."""
    mine = (Slice.account_id == account_id, Slice.date == date, Slice.breakdown == "")
    await session.execute(update(Slice).where(*mine).values(looked_twice_for=difference))


async def stored_slices(
    session: AsyncSession, account_id: int, breakdown: str, since: dt.date, until: dt.date
) -> StoredSlices:
    """The slices of one account and breakdown set from ``since`` to ``until``.

    date, run_id, fetched_at, tried_at, is_complete, account_day_ended and attribution_windows.
    """
    mine = (Slice.account_id == account_id, Slice.breakdown == breakdown, Slice.date.between(since, until))
    known = (Slice.is_complete, Slice.account_day_ended, Slice.attribution_windows)
    asked = select(Slice.date, Slice.run_id, Slice.fetched_at, tried_at().label("tried_at"), *known).where(*mine)
    return (await session.execute(asked)).all()


def tried_at() -> ColumnElement[dt.datetime]:
    """When Meta was asked for a slice last: its fetch, or the later run that had to keep what was stored.

    That run's beginning; runs that are not known any more count for nothing.
    """
    began = select(RefreshRun.started_at).where(RefreshRun.id == Slice.run_id).correlate(Slice).scalar_subquery()
    return func.greatest(Slice.fetched_at, began)


async def first_day(session: AsyncSession, account_id: int, breakdown: str) -> dt.date | None:
    """The first day of which a slice is stored."""
    mine = (Slice.account_id == account_id, Slice.breakdown == breakdown)
    return (await session.execute(select(func.min(Slice.date)).where(*mine))).scalars().first()


async def renew_newest(session: AsyncSession, account_id: int) -> None:
    """Give the account's newest slice the next version: names and states changed, so cached answers are stale."""
    newest = (
        select(Slice.date, Slice.breakdown)
        .where(Slice.account_id == account_id, Slice.breakdown == "")
        .order_by(Slice.date.desc())
        .limit(1)
    )
    await session.execute(
        update(Slice)
        .where(Slice.account_id == account_id, tuple_(Slice.date, Slice.breakdown).in_(newest))
        .values(version=slice_version.next_value())
    )
