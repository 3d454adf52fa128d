"""How far back Meta serves numbers."""

from __future__ import annotations

import datetime as dt

HISTORY_MONTHS = 37


def earliest(today: dt.date, months: int = HISTORY_MONTHS) -> dt.date:
    """The first day that Meta still serves: so many months before ``today``."""
    count = today.year * 12 + today.month - 1 - months
    year, month = divmod(count, 12)
    for day in range(today.day, 0, -1):
        try:
            return dt.date(year, month + 1, day)
        except ValueError:
            continue  # the month is shorter
    raise AssertionError("every month has a first day")


def no_reach_before(first: dt.date) -> str:
    """Why a period that begins before ``first``, the first day that Meta still serves, has no reach."""
    return f"Meta keeps {HISTORY_MONTHS} months: of a period that begins before {first} it serves no reach."
