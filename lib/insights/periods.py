"""Periods by name and the periods that they are compared with. Both ends of every period are part of it.

Presets end with the last complete day. ``today`` is the exception, and so is a week, month, quarter or year that
began today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from types import MappingProxyType

from lib.errors import QueryError
from lib.insights.nearest import unknown

Period = tuple[dt.date, dt.date]
_DAY = dt.timedelta(days=1)


def _last(days: int) -> Callable[[dt.date], Period]:
    return lambda today: (today - days * _DAY, today - _DAY)


def _week(day: dt.date) -> dt.date:
    return day - day.weekday() * _DAY


def _month(day: dt.date) -> dt.date:
    return day.replace(day=1)


def _quarter(day: dt.date) -> dt.date:
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def _year(day: dt.date) -> dt.date:
    return day.replace(month=1, day=1)


def _this(start: Callable[[dt.date], dt.date]) -> Callable[[dt.date], Period]:
    return lambda today: (start(today), max(start(today), today - _DAY))


def _last_whole(start: Callable[[dt.date], dt.date]) -> Callable[[dt.date], Period]:
    return lambda today: (start(start(today) - _DAY), start(today) - _DAY)


_PRESETS: dict[str, tuple[str, Callable[[dt.date], Period]]] = {
    "today": ("Today", lambda today: (today, today)),
    "yesterday": ("Yesterday", _last(1)),
    **{f"last_{days}": (f"Last {days} days", _last(days)) for days in (7, 14, 28, 30, 90)},
    "this_week": ("This week", _this(_week)),
    "last_week": ("Last week", _last_whole(_week)),
    "this_month": ("This month", _this(_month)),
    "last_month": ("Last month", _last_whole(_month)),
    "this_quarter": ("This quarter", _this(_quarter)),
    "last_quarter": ("Last quarter", _last_whole(_quarter)),
    "this_year": ("This year", _this(_year)),
    "last_year": ("Last year", _last_whole(_year)),
}

PRESETS: Mapping[str, str] = MappingProxyType({name: label for name, (label, _) in _PRESETS.items()})
"""Name to label, in the order of the menu."""

COMPARISONS: Mapping[str, str] = MappingProxyType(
    {"previous_period": "Previous period", "previous_year": "Previous year", "none": "No comparison"}
)
"""Name to label, in the order of the menu."""


def preset(name: str, today: dt.date) -> Period:
    """The first and last day of the preset; QueryError for an unknown name."""
    if name not in _PRESETS:
        raise QueryError(unknown("period", name, PRESETS))
    return _PRESETS[name][1](today)


def previous_period(since: dt.date, until: dt.date) -> Period:
    """As many days, earlier by whole weeks, so that the weekdays are the same and the two do not overlap."""
    days = (until - since).days + 1
    shift = -(-days // 7) * 7 * _DAY
    return since - shift, until - shift


def previous_year(since: dt.date, until: dt.date) -> Period:
    """364 days back: the same weekdays a year earlier."""
    return since - 364 * _DAY, until - 364 * _DAY


def comparison(name: str, since: dt.date, until: dt.date) -> Period | None:
    """The period that this one is compared with, None for ``none``; QueryError for an unknown name."""
    if name not in COMPARISONS:
        raise QueryError(unknown("comparison", name, COMPARISONS))
    try:
        if name == "previous_period":
            return previous_period(since, until)
        return previous_year(since, until) if name == "previous_year" else None
    except OverflowError as error:
        raise QueryError("There is no earlier period to compare with.", "Ask for later days.") from error
