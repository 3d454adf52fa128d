"""How the columnar mirrors of DATA_DIR stand. Without one, answers come from PostgreSQL, so nothing here fails."""

from __future__ import annotations

import datetime as dt

from lib.doctor.finding import Finding, ok, skipped, warning
from lib.errors import DataDirError
from lib.insights.mirror.looking import IDLE, Found, look
from lib.insights.mirror.status import OFF
from lib.settings import Settings

MIRROR = "Mirror"
OLD = dt.timedelta(seconds=60)
_MEANWHILE = "Answers come from PostgreSQL meanwhile; `python -m lib mirror status` tells more."


def mirrors(settings: Settings, now: dt.datetime | None = None) -> list[Finding]:
    """One finding for each mirror's file, as it is by ``now``."""
    if not settings.mirror_memory_mb:
        return [skipped(MIRROR, OFF)]
    try:
        found = look(settings)
    except DataDirError as error:
        return [warning(MIRROR, error.message, error.remedy)]
    moment = now or dt.datetime.now(dt.UTC)
    return [_judge(each, moment) for each in found] or [ok(MIRROR, "There is none yet; the dashboard makes one.")]


def _judge(found: Found, now: dt.datetime) -> Finding:
    name, status = f"{MIRROR} {found.path.stem}", found.status
    size = f"{status.rows:,} ad-days in {status.size_bytes / 1024**2:.1f} MB"
    if not found.is_held:
        is_whole = status.reason == IDLE
        return ok(name, f"{size}. {IDLE}") if is_whole else warning(name, status.reason, _MEANWHILE)
    if not status.stands:
        return warning(name, status.reason, _MEANWHILE)
    age = now - status.caught_up_at if status.caught_up_at else OLD
    if age >= OLD:
        return warning(
            name,
            f"The process {status.pid} has not held it against PostgreSQL for {age.total_seconds():,.0f} s.",
            "Its answers may be old. Look at that process's log, and start it again where it hangs.",
        )
    return ok(name, f"It stands: {size}, held against PostgreSQL {max(age.total_seconds(), 0):.0f} s ago.")
