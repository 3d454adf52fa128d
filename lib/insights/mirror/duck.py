"""Opens DuckDB on a mirror's file: bounded in memory, shut off from files and the network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb

SPILL_MB = 4096
"""As much of the disk as questions may take while they run."""

LOG_MB = "256MiB"
"""A log of this size is written into the file at once: it would take long to read at the next start."""

_LAST_SETTINGS = (
    "SET GLOBAL TimeZone = 'UTC'",
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    # In DuckDB 2.0.0 the first squeezes a sum into the width of a column beside it that nobody reads, and gives its
    # rest; with the second, rows of an attribution window that are to be sorted by a ratio come unsorted.
    "SET disabled_optimizers = 'compressed_materialization, statistics_propagation'",
    "SET lock_configuration = true",
)


def log_of(path: Path) -> Path:
    """What was changed since it was last written into the file."""
    return path.with_name(f"{path.name}.wal")


def spill_of(path: Path) -> Path:
    """The folder of this file for what does not fit into memory: of no other, whose names would be the same."""
    return path.with_name(f"{path.name}.tmp")


def open_file(path: Path, memory_mb: int) -> duckdb.DuckDBPyConnection:
    """A connection to the file, which is made where it is missing; duckdb.Error where it cannot be read."""
    connection = _connected(path, memory_mb)
    try:
        path.chmod(0o600)
    except BaseException:  # the file would stay open
        connection.close()
        raise
    return connection


def open_to_look(path: Path, memory_mb: int) -> duckdb.DuckDBPyConnection:
    """A connection that changes nothing; duckdb.Error where the file cannot be read or another process has it."""
    return _connected(path, memory_mb, access_mode="READ_ONLY")


def _connected(path: Path, memory_mb: int, **more: Any) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        str(path),
        config={
            "memory_limit": f"{memory_mb}MiB",
            "threads": os.cpu_count() or 1,
            "temp_directory": str(spill_of(path)),
            "max_temp_directory_size": f"{SPILL_MB}MiB",
            "wal_autocheckpoint": LOG_MB,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            **more,
        },
    )
    try:
        for statement in _LAST_SETTINGS:
            connection.execute(statement)
    except BaseException:  # an interrupted start too: the file would stay open
        connection.close()
        raise
    return connection


def one(
    connection: duckdb.DuckDBPyConnection, statement: str, values: list[object] | None = None
) -> tuple[object, ...]:
    """The only row of a statement."""
    row = connection.execute(statement, values).fetchone()
    if row is None:
        raise LookupError(statement)
    return tuple(row)
