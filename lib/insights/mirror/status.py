"""What a mirror tells of itself, to pages and to other processes."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, replace
from typing import Any

BUILDING = "The mirror is being built; answers come from PostgreSQL until it stands."
OFF = "The mirror is switched off: MIRROR_MEMORY_MB is 0."


@dataclass(frozen=True)
class MirrorStatus:
    """``reason`` says why it does not stand and is empty while it does; ``version`` is that of the newest slice in it.

    ``caught_up_at`` is when it was last held against PostgreSQL, ``catch_up_ms`` what taking in the last change took.
    """

    file: str
    stands: bool = False
    reason: str = BUILDING
    size_bytes: int = 0
    rows: int = 0
    version: int = 0
    caught_up_at: dt.datetime | None = None
    catch_up_ms: float | None = None
    build_seconds: float | None = None
    pid: int = 0

    def as_json(self) -> dict[str, Any]:
        """As values for JSON."""
        at = self.caught_up_at
        return asdict(self) | {"caught_up_at": at.isoformat() if at else None}


def status_of_json(said: dict[str, Any]) -> MirrorStatus:
    """What another process said; TypeError or ValueError where it is not that."""
    at = said.get("caught_up_at")
    return replace(MirrorStatus(**said), caught_up_at=dt.datetime.fromisoformat(at) if at else None)
