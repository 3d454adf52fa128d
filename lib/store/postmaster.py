"""Whether the server that ``postmaster.pid`` names still lives.

The file outlives a killed server. Its number may by then be another program's (in a container they come back within
seconds) or that of a dead process which nobody has collected; both make PostgreSQL refuse to start for ever.
"""

from __future__ import annotations

import time
from pathlib import Path

import psutil

PROGRAM = "postgres"
LAST_ONES_TIMEOUT_S = 30.0


def is_server(folder: Path) -> bool:
    """Whether a server works in the data folder ``folder``."""
    try:
        number = int((folder / "postmaster.pid").read_text().split("\n", 1)[0])
        return _works_in(psutil.Process(number), folder)
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return False


def _works_in(process: psutil.Process, folder: Path) -> bool:
    if process.status() == psutil.STATUS_ZOMBIE or process.name() != PROGRAM:
        return False
    try:
        return Path(process.cwd()) == folder.resolve()
    except psutil.AccessDenied:
        return True  # a container may forbid root to look: a server of another folder is the rarer case


def forget_killed_server(folder: Path, sockets: Path) -> None:
    """Remove the files by which a killed server said "taken", once the last of its processes has noticed and ended."""
    file = folder / "postmaster.pid"
    if not file.exists() or is_server(folder):
        return
    deadline = time.monotonic() + LAST_ONES_TIMEOUT_S
    while _left_over(folder) and time.monotonic() < deadline:
        time.sleep(0.05)  # its other processes see within moments that it is gone
    if not _left_over(folder):
        for said in (file, *sockets.glob(".s.PGSQL.*.lock")):
            said.unlink(missing_ok=True)


def _left_over(folder: Path) -> bool:
    for process in psutil.process_iter():
        try:
            if process.name() == PROGRAM and Path(process.cwd()) == folder.resolve():
                return True
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return False
