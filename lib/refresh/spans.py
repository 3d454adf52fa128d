"""How many days of an account go into one call, and whether a plain GET or a report asks for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from lib.refresh.plan import Span
from lib.refresh.schedule import calls

FIRST_DAYS = 7
"""So many days go into a call where nothing is known of the account."""
MOST_DAYS = 31
MOST_DAYS_OF_A_REPORT = 92
ROWS_OF_A_GET = 5_000
ROWS_OF_A_REPORT = 25_000
MANY_ROWS = 50_000
"""From here on reports are worth their waiting: they take fewer calls, and Meta works them out at its leisure."""
ROWS_WORTH_A_CALL = 500
"""Days between that are not due are asked for again where they hold no more rows than these."""


@dataclass(frozen=True)
class Size:
    """What is known of an account in one breakdown set: about how many rows a day has, and how many days a GET may ask
    for before Meta refuses (None: it never has)."""

    rows_a_day: int | None = None
    most_days: int | None = None

    def learned(self, span: Span, parts: Sequence[Span], rows: int, *, by_report: bool) -> Size:
        """The size after a call for ``span`` that was served in ``parts``."""
        rows_a_day = max(1, -(-rows // span.days))
        if self.rows_a_day is not None and span.days == 1:
            rows_a_day = max(rows_a_day, self.rows_a_day)  # one quiet day says little of the others
        if by_report:
            return Size(rows_a_day, self.most_days)
        if len(parts) > 1:
            return Size(rows_a_day, max(part.days for part in parts))
        if self.most_days is not None and span.days >= self.most_days:
            grown = span.days * 2
            return Size(rows_a_day, grown if grown < MOST_DAYS else None)
        return Size(rows_a_day, self.most_days)


@dataclass(frozen=True)
class Call:
    """One question: which days, and by a report or by a plain GET."""

    span: Span
    by_report: bool = False


def next_call(dates: Sequence[dt.date], size: Size) -> Call:
    """The call for the newest of these days (the newest first, at least one) and for as many others as fit."""
    by_report = is_for_reports(len(dates), size)
    most = days_of_a_call(size, by_report=by_report)
    bridge = ROWS_WORTH_A_CALL // size.rows_a_day if size.rows_a_day else 0
    return Call(calls(dates, most, bridge)[0], by_report)


def is_for_reports(days: int, size: Size) -> bool:
    """Whether so many days are asked for by reports."""
    rows_a_day = size.rows_a_day or 0
    return rows_a_day > ROWS_OF_A_GET or rows_a_day * days > MANY_ROWS


def days_of_a_call(size: Size, *, by_report: bool) -> int:
    """How many days the next call may ask for."""
    if by_report:
        return max(1, min(MOST_DAYS_OF_A_REPORT, ROWS_OF_A_REPORT // (size.rows_a_day or 1)))
    fits = FIRST_DAYS if size.rows_a_day is None else max(1, ROWS_OF_A_GET // size.rows_a_day)
    return min(MOST_DAYS, fits, size.most_days or MOST_DAYS)
