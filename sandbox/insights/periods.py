"""The dates of a report: presets, ranges and the increments they are cut into."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sandbox import errors
from sandbox.params import Params, decoded

Period = tuple[dt.date, dt.date]
HISTORY_MONTHS = 37
_DAYS = {"last_3d": 3, "last_7d": 7, "last_14d": 14, "last_28d": 28, "last_30d": 30, "last_90d": 90}


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day of an earlier month, or that month's last."""
    count = day.year * 12 + day.month - 1 - months
    year, month = divmod(count, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return dt.date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def preset(name: str, today: dt.date) -> Period:
    """The dates that a preset means today. The `last_` presets end yesterday."""
    one = dt.timedelta(days=1)
    monday = today - today.weekday() * one
    sunday = today - (today.weekday() + 1) % 7 * one
    month = today.replace(day=1)
    quarter = dt.date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    whole: dict[str, Period] = {
        "today": (today, today), "yesterday": (today - one, today - one),
        "this_month": (month, today), "last_month": (months_before(month, 1), month - one),
        "this_quarter": (quarter, today), "last_quarter": (months_before(quarter, 3), quarter - one),
        "this_year": (dt.date(today.year, 1, 1), today),
        "last_year": (dt.date(today.year - 1, 1, 1), dt.date(today.year - 1, 12, 31)),
        "this_week_mon_today": (monday, today), "this_week_sun_today": (sunday, today),
        "last_week_mon_sun": (monday - 7 * one, monday - one), "last_week_sun_sat": (sunday - 7 * one, sunday - one),
        "maximum": (months_before(today, HISTORY_MONTHS), today),
        "data_maximum": (months_before(today, HISTORY_MONTHS), today),
    }  # fmt: skip
    if name in _DAYS:
        return today - _DAYS[name] * one, today - one
    if name not in whole:
        valid = ", ".join(sorted([*whole, *_DAYS]))
        raise errors.bad_parameter(f"date_preset must be one of the following values: {valid}")
    return whole[name]


def _date(value: Any, name: str) -> dt.date:
    try:
        found = dt.date.fromisoformat(str(value))
        if found.isoformat() != value:
            raise ValueError(value)
        return found
    except ValueError as broken:
        raise errors.bad_parameter(f"Must be a date representation in the format YYYY-MM-DD ({name})") from broken


def _range(value: Any, name: str, today: dt.date) -> Period:
    if not isinstance(value, dict) or not {"since", "until"} <= set(value):
        raise errors.bad_parameter(f"param {name} must have since and until.")
    since, until = _date(value["since"], f"{name}[since]"), _date(value["until"], f"{name}[until]")
    if since > until:
        raise errors.bad_parameter(f"The start date of {name} cannot be after its end date")
    if since < months_before(today, HISTORY_MONTHS):
        raise errors.GraphError(
            "(#3018) The start date of the time range cannot be beyond 37 months from the current date", 3018
        )
    return since, until


def _increment(params: Params) -> str | int:
    text = params.get("time_increment", "").strip('"')
    if text in ("", "all_days"):
        return "all_days"
    if text == "monthly":
        return text
    if text.isdecimal() and 1 <= int(text) <= 90:
        return int(text)
    raise errors.bad_parameter("time_increment must be an integer from 1 to 90, or one of: monthly, all_days")


def _cut(whole: Period, increment: str | int) -> list[Period]:
    since, until = whole
    if increment == "all_days":
        return [whole]
    cuts: list[Period] = []
    while since <= until:
        if increment == "monthly":
            following = (since.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        else:
            following = since + dt.timedelta(days=int(increment))
        cuts.append((since, min(until, following - dt.timedelta(days=1))))
        since = following
    return cuts


def of(params: Params, today: dt.date) -> list[Period]:
    """The periods of a report, oldest first. Several `time_ranges` are not cut any further."""
    increment = _increment(params)
    ranges = decoded(params, "time_ranges")
    if ranges is not None:
        if not isinstance(ranges, list) or not ranges:
            raise errors.bad_parameter("param time_ranges must be a non-empty array.")
        return [_range(one, f"time_ranges[{n}]", today) for n, one in enumerate(ranges)]
    asked = decoded(params, "time_range")
    if asked is not None:
        return _cut(_range(asked, "time_range", today), increment)
    return _cut(preset(params.get("date_preset") or "last_30d", today), increment)
