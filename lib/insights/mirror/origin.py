"""PostgreSQL as the mirror's reader: snapshots of its rows, handed over as Arrow."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from threading import Event

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from sqlalchemy.engine import URL

from lib.errors import StoreError
from lib.insights.mirror.errors import of_origin
from lib.store.engine import MIRROR_ROLE, libpq_url

TIMEOUT_S = 600
LOCKED_S = 10
"""Who changes the tables themselves is waited for so long, and then again after a pause."""

_LOST = (adbc_driver_manager.Error, pa.ArrowException, OSError)

# The cluster, its timeline (another one after a restore or a failover), the database, the tables and their migration:
# where any of it differs, versions say nothing about what the mirror took in before.
_IDENTITY = """
    SELECT concat_ws(':', (SELECT system_identifier FROM pg_control_system()),
        (SELECT timeline_id FROM pg_control_checkpoint()),
        (SELECT oid FROM pg_database WHERE datname = current_database()),
        'slice'::regclass::oid, 'insight'::regclass::oid, (SELECT version_num FROM alembic_version)) AS identity"""


class Stopped(StoreError):
    """The process ends."""


class Snapshot:
    """The store as it was at one moment, everyone's rows. Every statement is ours: nothing in one comes from people."""

    def __init__(self, cursor: adbc.Cursor, identity: str, stopping: Event) -> None:
        self._cursor = cursor
        self._stopping = stopping
        self.identity = identity

    def table(self, statement: str) -> pa.Table:
        """The whole result."""
        self._cursor.execute(statement)
        return self._cursor.fetch_arrow_table()

    def share(self) -> str:
        """The snapshot's name, by which another connection may look at the same moment while this one does."""
        return str(self.table("SELECT pg_export_snapshot() AS name")["name"][0])

    def rows(self, statement: str) -> Rows:
        """The result piece by piece."""
        self._cursor.execute(statement)
        return Rows(self._cursor.fetch_record_batch(), self._stopping)


class Rows:
    """Rows on their way. ``failure`` is what kept PostgreSQL from sending the rest: DuckDB would call it its own."""

    def __init__(self, reader: pa.RecordBatchReader, stopping: Event) -> None:
        self._reader = reader
        self._stopping = stopping
        self.failure: StoreError | None = None

    def reader(self) -> pa.RecordBatchReader:
        """The rows, once."""
        return pa.RecordBatchReader.from_batches(self._reader.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._reader:
                if self._stopping.is_set():
                    raise Stopped("The program ends.")
                yield batch
        except Stopped as error:
            self.failure = error
            raise
        except _LOST as error:
            self.failure = of_origin(error)
            raise self.failure from error


class Origin:
    """A connection that is made when it is first needed and again after it broke; for one thread at a time."""

    def __init__(self, url: URL, stopping: Event) -> None:
        self._uri = libpq_url(url)
        self._stopping = stopping
        self._connection: adbc.Connection | None = None

    @contextlib.contextmanager
    def snapshot(self, shared: str = "") -> Iterator[Snapshot]:
        """The store as it is now, or as it was at the ``shared`` snapshot. StoreError where PostgreSQL fails."""
        try:
            with self._connected().cursor() as cursor:
                yield self._begin(cursor, shared)
                cursor.execute("COMMIT")
        except adbc_driver_manager.Error as error:
            self.close()
            raise of_origin(error) from error
        except BaseException:  # however the look ended, the next one has a transaction of its own
            self.close()
            raise

    def _begin(self, cursor: adbc.Cursor, shared: str) -> Snapshot:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if shared:
            cursor.execute(f"SET TRANSACTION SNAPSHOT '{shared}'")
        cursor.execute(f"SET LOCAL statement_timeout = '{TIMEOUT_S}s'")
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCKED_S}s'")
        cursor.execute(_IDENTITY)
        identity = str(cursor.fetch_arrow_table()["identity"][0])
        cursor.execute(f"SET LOCAL ROLE {MIRROR_ROLE}")
        return Snapshot(cursor, identity, self._stopping)

    def _connected(self) -> adbc.Connection:
        if self._connection is None:
            self._connection = adbc.connect(self._uri, autocommit=True)
        return self._connection

    def close(self) -> None:
        """Close the connection; the next look makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(adbc_driver_manager.Error):
                connection.close()
