"""Moves rows from a snapshot of PostgreSQL into DuckDB, and tells by stamps which accounts differ."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from lib.insights.mirror.origin import Rows, Snapshot
from lib.insights.mirror.schema import STAMPS, Mirrored

Stamp = tuple[int, int]
"""How many rows an account has in a table, and what its rows' versions come to together."""


def copy(duck: duckdb.DuckDBPyConnection, snapshot: Snapshot, table: Mirrored, condition: str = "true") -> int:
    """Insert the rows of ``table`` that meet the condition, in the order of its key; how many they are."""
    statement = f"SELECT {table.columns} FROM {table.name} WHERE {condition} ORDER BY {table.order}"  # noqa: S608 (ours)
    return insert(duck, table, snapshot.rows(statement))


def insert(duck: duckdb.DuckDBPyConnection, table: Mirrored, rows: Rows) -> int:
    """Insert rows that have the table's columns; StoreError where PostgreSQL broke off."""
    duck.register("incoming", rows.reader())
    try:
        statement = f'INSERT INTO "{table.name}" ({table.columns}) SELECT {table.columns} FROM incoming'  # noqa: S608 (ours)
        found = duck.execute(statement).fetchone()
    except duckdb.Error:
        if rows.failure is not None:
            raise rows.failure from None
        raise
    finally:
        duck.unregister("incoming")
    return int(found[0]) if found else 0


def stamps(snapshot: Snapshot, only: Iterable[int] | None = None) -> dict[tuple[str, int], Stamp]:
    """The stamp of each table and account (of ``only`` these) that has rows."""
    condition = "true" if only is None else f"account_id IN ({ids(only)})"
    parts = (
        f"SELECT '{kind}' AS kind, account_id, count(*) AS rows, bit_xor({stamp}) AS stamp"  # noqa: S608 (ours)
        f" FROM {kind} WHERE {condition} GROUP BY account_id"
        for kind, stamp in STAMPS.items()
    )
    return _by_account(snapshot.table(" UNION ALL ".join(parts)).to_pylist())


def taken(duck: duckdb.DuckDBPyConnection, only: Iterable[int] | None = None) -> dict[tuple[str, int], Stamp]:
    """The same as the mirror last took it in."""
    condition = "true" if only is None else f"account_id IN ({ids(only)})"
    found = duck.sql(f"SELECT * FROM mirror_taken WHERE {condition}").to_arrow_table()  # noqa: S608 (ours)
    return _by_account(found.to_pylist())


def _by_account(rows: list[dict[str, object]]) -> dict[tuple[str, int], Stamp]:
    return {
        (str(row["kind"]), int(str(row["account_id"]))): (int(str(row["rows"])), int(str(row["stamp"]))) for row in rows
    }


def note(duck: duckdb.DuckDBPyConnection, found: dict[tuple[str, int], Stamp]) -> None:
    """Remember these stamps as taken in."""
    if found:
        values = [[kind, account, *stamp] for (kind, account), stamp in found.items()]
        duck.executemany("INSERT INTO mirror_taken VALUES ($1, $2, $3, $4)", values)


def ids(numbers: Iterable[int]) -> str:
    """Ids as a list for SQL; they are numbers, so nothing else can be in it. NULL stands for none."""
    return ", ".join(str(int(number)) for number in sorted(numbers)) or "NULL"
