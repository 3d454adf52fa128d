"""One reader's connection to the mirror, which whoever closes the file may take from it at any moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import duckdb
import pyarrow as pa

from lib.insights.mirror.errors import MirrorAside

T = TypeVar("T")
NUDGE_S = 0.05


class Reader:
    """A connection for one thread at a time; compared by identity."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._streams: list[pa.RecordBatchReader] = []
        self._working = threading.Lock()
        self._is_closed = False

    def do(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """What ``work`` gives; MirrorAside where the connection was taken away."""
        with self._working:
            if self._is_closed:
                raise MirrorAside
            return work(self._cursor)

    def stream(self, work: Callable[[duckdb.DuckDBPyConnection], pa.RecordBatchReader]) -> pa.RecordBatchReader:
        """The same for rows that are still to come: as long as they may, DuckDB does not let go of the file."""
        rows = self.do(work)
        self._streams.append(rows)
        return rows

    def interrupt(self) -> None:
        """Stop what it works on, if it does; a query that has not begun yet goes on."""
        self._cursor.interrupt()

    def close(self) -> None:
        """Take the connection away, once the work that was interrupted has ended: DuckDB may not lose it before."""
        self._is_closed = True
        while not self._working.acquire(timeout=NUDGE_S):
            self._cursor.interrupt()
        try:
            for rows in self._streams:
                rows.close()
            self._cursor.close()
        finally:
            self._working.release()
