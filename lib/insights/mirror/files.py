"""The mirror's files in DATA_DIR/mirror: one for each process of a role, held by a lock.

DuckDB lets one process open a file, and a second one not even to read. So each process takes a place: the first that
nobody holds of ``dashboard.duckdb``, ``dashboard-2.duckdb`` … The lock is the kernel's, on a small file beside it, so
it ends with the process however that ends; the file also says what the process last said of its mirror.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.errors import DataDirError
from lib.insights.mirror.duck import log_of, spill_of
from lib.settings import Settings

ROLES = ("dashboard", "api", "cli")
PLACES = 4
LOOK_S = 2.0
"""Whoever only looks whether a place is free is waited for so long, a thousand times as long as that takes."""

_SAID_BYTES = 2048
_Said = Mapping[str, Any]


def mirror_path(settings: Settings, role: str) -> Path:
    """The first file of this role of process."""
    return settings.data_path / "mirror" / f"{role}.duckdb"


@dataclass
class Place:
    """A file that this process holds until ``close``."""

    path: Path
    _lock: int

    @property
    def unfinished(self) -> Path:
        """Where the file is built, to be renamed when it is whole."""
        return self.path.with_suffix(".new")

    @property
    def is_held(self) -> bool:
        """Whether the lock is still where others look for it; it is not once the folder was removed."""
        return _number(self.path.with_suffix(".lock")) == os.fstat(self._lock).st_ino

    def say(self, said: _Said) -> None:
        """Let other processes know; always as many bytes, so that a disk that is full by now takes them too."""
        text = json.dumps(said).encode()[:_SAID_BYTES].ljust(_SAID_BYTES)
        with contextlib.suppress(OSError):  # one that was full before does not; only `mirror status` goes without
            os.pwrite(self._lock, text, 0)

    def clear(self, path: Path | None = None) -> None:
        """Remove the file (or another of its parts) with what DuckDB keeps beside it."""
        path = path or self.path
        # The log goes first: beside another file of this name it would be taken for that one's.
        log_of(path).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        shutil.rmtree(spill_of(path), ignore_errors=True)

    def clear_leftovers(self) -> None:
        """Remove what a process that was killed left behind: half a file, and what questions had spilled."""
        self.clear(self.unfinished)
        shutil.rmtree(spill_of(self.path), ignore_errors=True)

    def size(self) -> int:
        """The file's bytes; 0 where there is none."""
        return self.path.stat().st_size if self.number() is not None else 0

    def number(self) -> int | None:
        """What tells the file from another one of this name; None where there is none."""
        return _number(self.path)

    def put_in_place(self) -> None:
        """Make the unfinished file the one; it has to be closed, and so has the old one."""
        self.clear()
        self.unfinished.rename(self.path)

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._lock)


def _number(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def take(path: Path, places: int = PLACES) -> Place | None:
    """The first free place of this name, held by this process; None where others hold them all."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Files that DuckDB makes beside the mirror take the mode of the umask; nobody else comes this far.
        path.parent.chmod(0o700)
        for candidate in _names(path, places):
            lock = _locked(candidate)
            if lock is not None:
                return Place(candidate, lock)
    except OSError as error:
        raise DataDirError(
            f"The folder of the mirror {path.parent} cannot be used: {error.strerror}.",
            "Answers come from PostgreSQL. Give the folder to the user who runs this, or move it away.",
        ) from error
    return None


def _names(path: Path, places: int) -> Iterable[Path]:
    yield path
    for number in range(2, places + 1):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def _locked(path: Path) -> int | None:
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + LOOK_S
    while not _is_got(lock, fcntl.LOCK_EX):
        # A lock that can be shared is held by nobody but others who look: they are gone at once, a keeper is not.
        if not _is_got(lock, fcntl.LOCK_SH) or time.monotonic() > until:
            os.close(lock)
            return None
        fcntl.flock(lock, fcntl.LOCK_UN)
        time.sleep(0.001)
    return lock


def _is_got(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_kept(path: Path) -> bool:
    """Whether a process holds this file. Nothing is made for the look, and who opens the file waits for its end."""
    try:
        lock = os.open(path.with_suffix(".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _is_got(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def found(folder: Path) -> list[Path]:
    """The mirrors' files of this folder, whoever holds them."""
    locks = {path.with_suffix(".duckdb") for path in folder.glob("*.lock")}
    return sorted({*folder.glob("*.duckdb"), *locks})


def said_of(path: Path) -> _Said:
    """What the process that holds this file says of it; empty where it says nothing."""
    try:
        said = json.loads(path.with_suffix(".lock").read_text())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
