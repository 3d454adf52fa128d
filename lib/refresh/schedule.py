"""Which slices of an account are due: those that are missing, incomplete, or that Meta may have restated since.

Meta restates conversions for 28 days after the click, the young days most. So yesterday is asked for by the hour and
the 27th day once a week; a day that leaves the window is asked for once more, and is final from then on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lib.history import earliest
from lib.refresh.plan import COMPLETE_DAYS, Span

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
PATIENCE = ((1, HOUR), (3, 12 * HOUR), (7, DAY), (14, 2 * DAY), (21, 4 * DAY), (COMPLETE_DAYS, 7 * DAY))
"""Up to this age in days, a slice may be as old as this before it is asked for again."""
AGAIN_IF_INCOMPLETE = ((COMPLETE_DAYS, 12 * HOUR), (90, 7 * DAY), (10_000, 30 * DAY))
"""Up to this age in days, an incomplete slice is tried again after this: what Meta has not served for months, it rarely
ever does."""
EARLY = 0.1
"""A clock that strikes a little early still finds due what it came for: this share of the patience is given."""


@dataclass(frozen=True)
class Stored:
    """What is known of a slice that is stored. ``windows`` are the attribution windows that it was asked for with.

    ``tried_at`` is when it was asked for once more and kept what it had, because Meta did not serve everything.
    """

    fetched_at: dt.datetime
    is_complete: bool = True
    account_day_ended: bool = True
    windows: frozenset[str] = frozenset()
    tried_at: dt.datetime | None = None

    @property
    def asked_at(self) -> dt.datetime:
        """When Meta was asked for it last."""
        return max(self.fetched_at, self.tried_at or self.fetched_at)


def patience(age: int) -> dt.timedelta:
    """How old a slice of a day so many days ago may be."""
    return next(span for most, span in PATIENCE if age <= most)


def is_due(date: dt.date, now: dt.datetime, stored: Stored | None, windows: Iterable[str] = ()) -> bool:
    """Whether this day is to be fetched; ``now`` is this moment in the account's own time zone."""
    if stored is None:
        return True
    age, waited = (now.date() - date).days, (now - stored.asked_at) / (1 - EARLY)
    if not stored.is_complete and waited >= next(span for most, span in AGAIN_IF_INCOMPLETE if age <= most):
        return True
    if age > COMPLETE_DAYS:
        fetched_on = stored.fetched_at.astimezone(now.tzinfo).date()
        return (fetched_on - date).days <= COMPLETE_DAYS and stored.is_complete
    if age >= 1 and not stored.account_day_ended and stored.asked_at == stored.fetched_at:
        return True
    return waited >= patience(age) or not set(windows) <= stored.windows


def due(days: Span, now: dt.datetime, stored: Mapping[dt.date, Stored], windows: Iterable[str] = ()) -> list[dt.date]:
    """The days of the span that are due, the newest first; ``now`` as in ``is_due``."""
    wanted = tuple(windows)
    return [date for date in sorted(days.dates(), reverse=True) if is_due(date, now, stored.get(date), wanted)]


def nightly_span(today: dt.date, stored: Iterable[dt.date], months: int | None = None) -> Span:
    """From the first day that is stored, or the last 28 complete days, to today; never older than Meta serves."""
    oldest = earliest(today) if months is None else earliest(today, months)
    first = min([*stored, today - COMPLETE_DAYS * DAY])
    return Span(max(first, oldest), today)


def calls(dates: Sequence[dt.date], most_days: int, bridge: int = 0) -> list[Span]:
    """Spans of at most ``most_days`` that hold these days (the newest first), the newest span first.

    Up to ``bridge`` days that are not due are asked for again where that saves a call.
    """
    spans: list[Span] = []
    for date in sorted(set(dates), reverse=True):
        last = spans[-1] if spans else None
        near = last is not None and (last.since - date).days - 1 <= bridge
        if last is not None and near and (last.until - date).days < most_days:
            spans[-1] = Span(date, last.until)
        else:
            spans.append(Span(date, date))
    return spans
