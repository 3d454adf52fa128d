"""Days in the time zones of accounts."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def today_in(timezone_name: str | None, now: dt.datetime | None = None) -> dt.date:
    """The date of ``now`` (default: this moment) in an account's time zone; in UTC where the zone is unknown."""
    try:
        zone: dt.tzinfo = ZoneInfo(timezone_name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):  # "America" is a folder of zones
        zone = dt.UTC
    return (now or dt.datetime.now(dt.UTC)).astimezone(zone).date()
