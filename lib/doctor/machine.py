"""What the machine itself has to give: room on the disk, and the right time."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from lib.doctor.finding import Finding, failed, ok, skipped, warning

DISK, CLOCK = "Disk", "Clock"
MB = 1024**2
FULL_MB, LOW_MB = 200, 2048
LATE_S, WRONG_S = 5.0, 60.0
"""Tokens and sign-ins are judged by the minute."""

_FREE_SOME = "Free some space on that disk, or set DATA_DIR to a folder on another."
_SET_CLOCK = "Let this machine keep its time by NTP: `timedatectl set-ntp true`."


def disk(folder: Path) -> Finding:
    """The room where DATA_DIR is or is going to be."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    sentence = f"{_size(free)} are free on the disk of {folder}."
    if free < FULL_MB * MB:
        return failed(DISK, sentence, _FREE_SOME)
    return warning(DISK, sentence, _FREE_SOME) if free < LOW_MB * MB else ok(DISK, sentence)


def _size(free: int) -> str:
    return f"{free / MB:,.0f} MB" if free < 10 * 1024 * MB else f"{free / MB / 1024:,.0f} GB"


def clock(ahead_s: Mapping[str, float]) -> Finding:
    """``ahead_s`` has how far each other clock is ahead of ours, in seconds, by its name."""
    if not ahead_s:
        return skipped(CLOCK, "No other clock could be asked.")
    name, most = max(ahead_s.items(), key=lambda item: abs(item[1]))
    if abs(most) < LATE_S:
        return ok(CLOCK, f"It agrees with {' and '.join(ahead_s)}.")
    sentence = f"This machine's clock is {abs(most):,.0f} s {'behind' if most > 0 else 'ahead of'} {name}'s."
    return (failed if abs(most) >= WRONG_S else warning)(CLOCK, sentence, _SET_CLOCK)
