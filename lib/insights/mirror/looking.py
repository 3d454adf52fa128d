"""What mirrors there are in DATA_DIR, looked at from outside the processes that keep them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from lib.errors import DataDirError
from lib.insights.mirror import files
from lib.insights.mirror.duck import log_of, one, open_to_look
from lib.insights.mirror.errors import of_file
from lib.insights.mirror.schema import fingerprint
from lib.insights.mirror.status import MirrorStatus, status_of_json
from lib.settings import Settings

_LITTLE_MB = 64
IDLE = "No process uses it; the next one that starts brings it up to date."
_OTHER_FORM = "It is of another version of this program; the next process that starts builds it anew."


@dataclass(frozen=True)
class Found:
    """A mirror's file; ``is_held`` tells that a process keeps it, whose own words the status then is."""

    path: Path
    is_held: bool
    status: MirrorStatus


def look(settings: Settings) -> list[Found]:
    """Every mirror of this DATA_DIR, by name. It changes nothing, and keeps nobody from taking a file."""
    return list(_look(mirror_folder(settings)))


def mirror_folder(settings: Settings) -> Path:
    """Where the mirrors are."""
    return files.mirror_path(settings, files.ROLES[0]).parent


def _look(folder: Path) -> Iterator[Found]:
    for path in files.found(folder):
        try:
            if files.is_kept(path):
                yield Found(path, True, _said(path))
            elif path.exists():
                yield Found(path, False, _at_rest(path))
        except OSError as error:
            raise DataDirError(
                f"The mirror {path} cannot be looked at: {error.strerror}.", "Look as the user who runs the dashboard."
            ) from error


def _said(path: Path) -> MirrorStatus:
    try:
        return status_of_json(dict(files.said_of(path)))
    except (TypeError, ValueError):
        return MirrorStatus(file=path.name, reason="The process that holds it has not said yet how it is.")


def _at_rest(path: Path) -> MirrorStatus:
    """How the file is that nobody keeps. A log that lies beside it would have to be read first: too long for a look."""
    at_rest = MirrorStatus(file=path.name, reason=IDLE, size_bytes=path.stat().st_size)
    if not log_of(path).exists():
        return _read(at_rest, path)
    said = _said(path)
    return replace(at_rest, rows=said.rows, version=said.version)


def _read(at_rest: MirrorStatus, path: Path) -> MirrorStatus:
    try:
        with contextlib.closing(open_to_look(path, _LITTLE_MB)) as duck:
            form, rows, version = one(
                duck,
                "SELECT format, (SELECT count(*) FROM insight), (SELECT coalesce(max(version), 0) FROM slice)"
                " FROM mirror_about",
            )
    except (duckdb.Error, LookupError) as error:
        reason = str(of_file(error)) if isinstance(error, duckdb.Error) else _OTHER_FORM
        return replace(at_rest, reason=reason)
    reason = IDLE if form == fingerprint() else _OTHER_FORM
    return replace(at_rest, reason=reason, rows=int(str(rows)), version=int(str(version)))


def drop(settings: Settings) -> tuple[list[Path], list[Path]]:
    """Remove the mirrors that no process uses; the removed ones and the kept ones."""
    removed, kept = [], []
    for path in files.found(mirror_folder(settings)):
        place = files.take(path, places=1)
        if place is None:
            kept.append(path)
            continue
        with contextlib.closing(place):
            if path.exists():
                removed.append(path)
            place.clear()
            place.clear(place.unfinished)
    return removed, kept
