"""Which days of an account a refresh fetches, in the account's own time zone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from lib.errors import UsageError
from lib.history import HISTORY_MONTHS, earliest
from lib.zones import today_in

COMPLETE_DAYS = 28
"""Meta restates conversions for this many days after the click."""
_EASTERNMOST, _WESTERNMOST = dt.timedelta(hours=14), dt.timedelta(hours=12)
"""How far clocks are ahead of UTC, and behind it, at most."""


@dataclass(frozen=True)
class Span:
    """Days from ``since`` to ``until``, both inclusive."""

    since: dt.date
    until: dt.date

    @property
    def days(self) -> int:
        """How many days; 0 where the span is empty."""
        return max(0, (self.until - self.since).days + 1)

    def dates(self) -> Iterator[dt.date]:
        """Each day."""
        return (self.since + dt.timedelta(days=offset) for offset in range(self.days))

    def parts(self, days: int) -> Iterator[Span]:
        """The span in pieces of at most ``days``, the newest first: people look at those first."""
        until = self.until
        while until >= self.since:
            since = max(self.since, until - dt.timedelta(days=days - 1))
            yield Span(since, until)
            until = since - dt.timedelta(days=1)

    def halves(self) -> tuple[Span, Span]:
        """Two spans of about the same length; only of two days or more."""
        middle = self.since + dt.timedelta(days=(self.days - 1) // 2)
        return Span(middle + dt.timedelta(days=1), self.until), Span(self.since, middle)


def check_span(
    since: dt.date | None,
    until: dt.date | None,
    now: dt.datetime,
    called: tuple[str, str] = ("--since", "--until"),
    zones: Collection[str | None] = (),
) -> None:
    """UsageError where no account of these ``zones`` could be asked for these days; of an unknown one any may be meant.

    A last day may be named once it has begun anywhere: an account is asked until its own today.
    ``called`` is what whoever asks knows the two by, as a sentence begins with it.
    """
    begun = (now.astimezone(dt.UTC) + _EASTERNMOST).date()
    newest = max((today_in(zone, now) if zone else begun for zone in zones), default=begun)
    still = (now.astimezone(dt.UTC) - _WESTERNMOST).date()
    oldest = earliest(min((today_in(zone, now) if zone else still for zone in zones), default=still))
    first, last = called
    if since and until and since > until:
        raise UsageError(f"{first} {since} is after {last.lower()} {until}; nothing was fetched.", "Swap them.")
    for name, day, latest in ((first, since, newest), (last, until, begun)):
        if day and day > latest:
            raise UsageError(f"{name} {day} is in the future; nothing was fetched.", "Name a day up to today.")
        if day and day < oldest:
            raise UsageError(
                f"{name} {day} is more than {HISTORY_MONTHS} months ago, and Meta no longer serves that;"
                " nothing was fetched.",
                f"Name a day from {oldest} on.",
            )


def span_of(today: dt.date, since: dt.date | None, until: dt.date | None) -> Span:
    """The days of one account whose date is ``today``: by default the last 28 complete ones and today.

    Of a span that is named, days that this account has not reached yet are left out.
    """
    last = min(until or today, today)
    first = since or (until or today) - dt.timedelta(days=COMPLETE_DAYS if until is None else COMPLETE_DAYS - 1)
    return Span(max(first, earliest(today)), last)
