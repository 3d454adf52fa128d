"""What one run fetches of one account: for each breakdown set the days that are due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from lib.history import earliest
from lib.meta.fields import BREAKDOWNS, HISTORY_MONTHS
from lib.refresh.fetched import FetchKind
from lib.refresh.plan import Span, span_of
from lib.refresh.schedule import Stored, due, nightly_span
from lib.refresh.spans import Size
from lib.refresh.state import Wanted
from lib.store.engine import Store
from lib.store.repositories import learned, slices

_DAY = dt.timedelta(days=1)


@dataclass
class Plan:
    """One breakdown set: the days that are due, the newest first, and what is known of the account's size in it."""

    kind: FetchKind
    dates: list[dt.date]
    size: Size = field(default_factory=Size)

    @property
    def span(self) -> Span:
        """From the first due day to the last."""
        return Span(min(self.dates), max(self.dates))


async def plans(store: Store, account_id: int, wanted: Wanted, local: dt.datetime) -> list[Plan]:
    """The plain ad-days first, then each breakdown set of the client's; ``local`` is now in the account's time zone.

    Days that Meta no longer serves are left out; so is what this run has stored already.
    """
    found = []
    async with store.working() as session:
        for kind in kinds(wanted):
            months = kind.breakdown.history_months if kind.breakdown else HISTORY_MONTHS
            first = await slices.first_day(session, account_id, kind.slug) if wanted.kind == "nightly" else None
            span = _span(wanted, local.date(), first, months)
            stored = await slices.stored_slices(session, account_id, kind.slug, span.since, span.until)
            done = {one.date for one in stored if one.run_id == wanted.run_id}
            known = await learned.learned_span(session, account_id, kind.slug)
            dates = [date for date in _dates(wanted, span, local, stored) if date not in done]
            if dates:
                size = Size(known.rows_a_day, known.most_days) if known else Size()
                found.append(Plan(kind, dates, size))
    return found


def kinds(wanted: Wanted) -> Iterator[FetchKind]:
    """The plain ad-days and the client's breakdown sets; by the hour the plain ones alone."""
    yield FetchKind(windows=wanted.windows)
    if wanted.kind != "hourly":
        yield from (FetchKind(BREAKDOWNS[slug]) for slug in wanted.breakdowns if slug in BREAKDOWNS)


def _span(wanted: Wanted, today: dt.date, first: dt.date | None, months: int) -> Span:
    if wanted.kind == "hourly":
        return Span(today - _DAY, today)
    if wanted.kind == "nightly":
        return nightly_span(today, [first] if first else [], months)
    span = span_of(today, wanted.since, wanted.until)
    return Span(max(span.since, earliest(today, months)), span.until)


def _dates(wanted: Wanted, span: Span, local: dt.datetime, stored: slices.StoredSlices) -> list[dt.date]:
    """Whoever asks gets every day of the span anew; the clock asks for what is due."""
    if wanted.kind == "asked":
        return sorted(span.dates(), reverse=True)
    known = {
        one.date: Stored(
            one.fetched_at,
            one.is_complete,
            one.account_day_ended,
            frozenset(one.attribution_windows),
            one.tried_at,
        )
        for one in stored
    }
    return due(span, local, known, wanted.windows)
