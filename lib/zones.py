"""Days in the time zones of accounts."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(timezone_name: str | None) -> dt.tzinfo:
    """An account's time zone; UTC where it is unknown."""
    try:
        return ZoneInfo(timezone_name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):  # "America" is a folder of zones
        return dt.UTC


def today_in(timezone_name: str | None, now: dt.datetime | None = None) -> dt.date:
    """The date of ``now`` (default: this moment) in an account's time zone; in UTC where the zone is unknown."""
    return (now or dt.datetime.now(dt.UTC)).astimezone(zone_of(timezone_name)).date()
