"""A mirror's file while this process has it open: checked, caught up, read from."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb

from lib.insights.asking import EngineFailed
from lib.insights.mirror.catch_up import CatchUp, catch_up
from lib.insights.mirror.duck import log_of, one, open_file
from lib.insights.mirror.errors import MirrorFull, MirrorHeld, MirrorTooSmall, of_file, of_question
from lib.insights.mirror.files import LOOK_S, Place
from lib.insights.mirror.origin import Origin
from lib.insights.mirror.reader import Reader
from lib.insights.mirror.schema import ROLLUPS, TABLES, fingerprint

TIDY_BYTES = 16 * 1024**2


class Outdated(EngineFailed):
    """The file is of another database or of another form; it is built anew."""


@dataclass
class OpenFile:
    """``rows`` ad-days are in it; ``newest`` has the version of each account's newest slice.

    ``number`` tells the file on the disk from another one that was put in its place.
    """

    connection: duckdb.DuckDBPyConnection
    origin: str
    number: int | None = None
    rows: int = 0
    newest: dict[int, int] = field(default_factory=dict)
    _readers: set[Reader] = field(default_factory=set)
    _left: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader of one look; EngineFailed where the file was closed already."""
        try:
            reader = Reader(self.connection.cursor())
        except duckdb.Error as error:
            raise of_question(error) from error
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)
            reader.close()
            self._left.set()

    async def emptied(self) -> None:
        """Wait until nobody reads."""
        while self._readers:
            self._left.clear()
            await self._left.wait()

    def close(self) -> None:
        """Close it, and stop whoever still reads."""
        for reader in tuple(self._readers):
            reader.close()
        self.connection.close()

    def take_in(self, origin: Origin, only: set[int] | None) -> CatchUp:
        """Make it what PostgreSQL is now; StoreError where either of the two fails."""
        with origin.snapshot() as snapshot:
            if snapshot.identity != self.origin:
                raise Outdated("The mirror is of another database, or of this one before a migration.")
            try:
                with contextlib.closing(self.connection.cursor()) as cursor:
                    result = catch_up(cursor, snapshot, only)
                    self.look(cursor)
            except duckdb.Error as error:
                raise of_file(error) from error
        return result

    def tidy(self, place: Place) -> None:
        """Write the log into the file where it has grown: half a second in which readers go on, but no catching up."""
        log = log_of(place.path)
        if log.exists() and log.stat().st_size > TIDY_BYTES:
            try:
                self.connection.execute("CHECKPOINT")
            except duckdb.Error as error:
                raise of_file(error) from error

    def look(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Count what is in it."""
        self.rows = int(str(one(cursor, "SELECT count(*) FROM insight")[0]))
        found = cursor.execute("SELECT account_id, max(version) FROM slice GROUP BY account_id").fetchall()
        self.newest = dict(found)


def open_existing(place: Place, memory_mb: int) -> OpenFile | None:
    """The file of ``place``; None, and the file removed, where it cannot be used.

    StoreError where it cannot be opened for a reason that another file would meet too.
    """
    if not place.path.exists():
        return None
    try:
        connection = _opened(place, memory_mb)
        try:
            return _checked(connection, place)
        except BaseException:  # an interrupted start too: the file would stay open
            connection.close()
            raise
    except (duckdb.Error, LookupError) as error:
        failure = of_file(error) if isinstance(error, duckdb.Error) else None
        if isinstance(failure, MirrorFull | MirrorHeld | MirrorTooSmall):
            raise failure from error
    except Outdated:
        pass
    place.clear()
    return None


def open_new(place: Place, memory_mb: int) -> OpenFile:
    """The file that was just built and put in its place."""
    try:
        connection = _opened(place, memory_mb)
        file = OpenFile(connection, str(one(connection, "SELECT origin FROM mirror_about")[0]), place.number())
        file.look(connection)
    except duckdb.Error as error:
        raise of_file(error) from error
    return file


def _opened(place: Place, memory_mb: int) -> duckdb.DuckDBPyConnection:
    """Whoever only looks has the file for a moment; that is waited for."""
    until = time.monotonic() + LOOK_S
    while True:
        try:
            return open_file(place.path, memory_mb)
        except duckdb.Error as error:
            if time.monotonic() > until or not isinstance(of_file(error), MirrorHeld):
                raise
        time.sleep(0.02)


def _checked(connection: duckdb.DuckDBPyConnection, place: Place) -> OpenFile:
    """Read every block once: a damaged one is found here, not under somebody's question."""
    form, origin = one(connection, "SELECT format, origin FROM mirror_about")
    if form != fingerprint():
        raise Outdated("The mirror's file is of another form.")
    for name in (*(table.name for table in TABLES), *(rollup.name for rollup in ROLLUPS)):
        connection.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM {name}").fetchall()  # noqa: S608 (ours)
    file = OpenFile(connection, str(origin), place.number())
    file.look(connection)
    return file
