"""Builds a mirror's file from nothing, beside the one that is in use."""

from __future__ import annotations

import contextlib
import logging
import queue
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
from sqlalchemy.engine import URL

from lib.insights.mirror import taking
from lib.insights.mirror.duck import open_file
from lib.insights.mirror.errors import MirrorFull, of_file
from lib.insights.mirror.files import Place
from lib.insights.mirror.origin import Origin, Snapshot
from lib.insights.mirror.rollups import fill
from lib.insights.mirror.schema import ACCOUNT, CLIENT, DDL, OF_SLICES, ROLLUPS, SLICE, WHOLE, fingerprint

READERS = 2
"""Connections that read accounts side by side: PostgreSQL's processes are what a build waits for."""

BYTES_A_ROW = 40
SPARE_BYTES = 64 * 1024**2
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Built:
    """How much was read, and how long it took."""

    rows: int
    seconds: float


def build(place: Place, url: URL, memory_mb: int, stopping: threading.Event) -> Built:
    """Write ``place.unfinished`` whole. StoreError where PostgreSQL or the disk fails; nothing is left of it then."""
    started = time.monotonic()
    place.clear(place.unfinished)
    try:
        with contextlib.closing(open_file(place.unfinished, memory_mb)) as duck:
            rows = _fill(duck, place, url, stopping)
            duck.execute("CHECKPOINT")
    except duckdb.Error as error:
        place.clear(place.unfinished)
        raise of_file(error) from error
    except BaseException:  # half a file is of no use to anyone
        place.clear(place.unfinished)
        raise
    built = Built(rows, time.monotonic() - started)
    _log.info("the mirror %s was built: %d rows in %.1f s", place.path, built.rows, built.seconds)
    return built


def _fill(duck: duckdb.DuckDBPyConnection, place: Place, url: URL, stopping: threading.Event) -> int:
    for statement in DDL:
        duck.execute(statement)
    with contextlib.closing(Origin(url, stopping)) as origin, origin.snapshot() as snapshot:
        _check_room(place, snapshot)
        for table in (CLIENT, ACCOUNT, *(table for tables in WHOLE.values() for table in tables), SLICE):
            taking.copy(duck, snapshot, table)
        taking.note(duck, taking.stamps(snapshot))
        rows = _fill_insights(duck, url, snapshot, stopping)
        for rollup in ROLLUPS:
            fill(rollup, duck)
        duck.execute("INSERT INTO mirror_about VALUES ($1, $2)", [fingerprint(), snapshot.identity])
    return rows


def _check_room(place: Place, snapshot: Snapshot) -> None:
    """A disk that is too full is not read eleven million rows for."""
    rows = snapshot.table("SELECT coalesce(sum(rows), 0)::bigint AS rows FROM slice")["rows"][0].as_py()
    needed = rows * BYTES_A_ROW + SPARE_BYTES
    free = shutil.disk_usage(place.path.parent).free
    if free < needed:
        raise MirrorFull(
            f"The mirror was not built: its disk has {free // 1024**2} MB free and it needs {needed // 1024**2} MB."
        )


def _fill_insights(duck: duckdb.DuckDBPyConnection, url: URL, snapshot: Snapshot, stopping: threading.Event) -> int:
    """Account by account, so that each lies together by date and a question skips the rest."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for account in snapshot.table("SELECT account_id FROM account ORDER BY account_id")["account_id"].to_pylist():
        waiting.put(account)
    shared = snapshot.share()
    failed = threading.Event()

    def work() -> int:
        rows = 0
        try:
            with (
                contextlib.closing(Origin(url, stopping)) as origin,
                contextlib.closing(duck.cursor()) as cursor,
                origin.snapshot(shared) as same,
            ):
                while not failed.is_set():
                    mine = f"account_id = {waiting.get_nowait()}"
                    found = [taking.copy(cursor, same, table, mine) for table in OF_SLICES]
                    rows += found[0]
        except queue.Empty:
            return rows
        except BaseException:  # whatever it was, the other reader need not go on
            failed.set()
            raise
        return rows

    with ThreadPoolExecutor(READERS, "mirror-build") as readers:
        jobs = [readers.submit(work) for _ in range(READERS)]
    return sum(job.result() for job in jobs)
