"""Takes in what changed in PostgreSQL since the mirror last looked, in one transaction of DuckDB.

Numbers of a sequence become visible out of order: version 11 may be committed before 10. So no highest version is
remembered. Each account's slices are counted and their versions hashed together, here as they were taken in and there
as they are; where these differ, the versions are compared day by day, and the days that differ are replaced whole.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from lib.insights.mirror import taking
from lib.insights.mirror.origin import Snapshot
from lib.insights.mirror.rollups import renew
from lib.insights.mirror.schema import ACCOUNT, CLIENT, INSIGHT, OF_SLICES, ROLLUPS, SLICE, WHOLE, Mirrored

_OF_ACCOUNTS = (
    *(table.name for tables in WHOLE.values() for table in tables),
    *(table.name for table in (ACCOUNT, SLICE, *OF_SLICES)),
    *(rollup.name for rollup in ROLLUPS),
)


@dataclass
class CatchUp:
    """What was taken in: account-days and ad-days replaced, and the accounts of which anything changed.

    ``is_changed`` is also true where only a client changed that has no accounts.
    """

    seconds: float = 0.0
    slices: int = 0
    rows: int = 0
    is_changed: bool = False
    accounts: set[int] = field(default_factory=set)


def catch_up(duck: duckdb.DuckDBPyConnection, snapshot: Snapshot, only: Set[int] | None = None) -> CatchUp:
    """Make the mirror what the snapshot is; ``only`` looks at these accounts alone, beside the list of them all.

    Readers see all of it or nothing. StoreError and duckdb.Error leave the mirror as it was.
    """
    started = time.monotonic()
    result = CatchUp()
    duck.execute("BEGIN TRANSACTION")
    try:
        gone = _take_lists(duck, snapshot, result)
        _take_accounts(duck, snapshot, None if only is None else only | gone, result)
        duck.execute("COMMIT" if result.is_changed else "ROLLBACK")
    except BaseException:  # an interruption too: the connection may not stay in half a transaction
        _roll_back(duck)
        raise
    result.seconds = time.monotonic() - started
    return result


def _roll_back(duck: duckdb.DuckDBPyConnection) -> None:
    try:
        duck.execute("ROLLBACK")
    except duckdb.Error:
        return  # a commit that failed has ended the transaction already


def _take_lists(duck: duckdb.DuckDBPyConnection, snapshot: Snapshot, result: CatchUp) -> set[int]:
    """Clients and accounts, which are few, whole; the accounts that are gone are removed with all that is theirs."""
    clients = {row["id"] for row in _replaced(duck, snapshot, CLIENT)}
    before = _accounts(duck)
    changed = {row["account_id"] for row in _replaced(duck, snapshot, ACCOUNT)}
    owned = duck.execute("SELECT account_id FROM account WHERE client_id IN $1", [list(clients)]).fetchall()
    result.accounts |= changed | {account for (account,) in owned}
    result.is_changed = bool(clients or changed)
    gone = before - _accounts(duck)
    if gone:
        for name in (*_OF_ACCOUNTS, "mirror_taken"):
            duck.execute(f'DELETE FROM "{name}" WHERE account_id IN $1', [list(gone)])  # noqa: S608 (ours)
    return gone


def _replaced(duck: duckdb.DuckDBPyConnection, snapshot: Snapshot, table: Mirrored) -> list[dict[str, Any]]:
    """The rows that were or are different, of a table that is replaced where any is."""
    statement = f"SELECT {table.columns} FROM {table.name} ORDER BY {table.order}"  # noqa: S608 (ours)
    ours = duck.sql(statement).to_arrow_table()
    theirs = snapshot.table(statement).cast(ours.schema)
    if theirs.equals(ours):
        return []
    duck.execute(f"DELETE FROM {table.name}")  # noqa: S608 (ours)
    duck.register("incoming", theirs)
    duck.execute(f"INSERT INTO {table.name} SELECT * FROM incoming")  # noqa: S608 (ours)
    duck.unregister("incoming")
    return [dict(row) for row in _rows(ours) ^ _rows(theirs)]


def _rows(table: pa.Table) -> set[tuple[tuple[str, Any], ...]]:
    return {tuple((name, _hashable(value)) for name, value in row.items()) for row in table.to_pylist()}


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _accounts(duck: duckdb.DuckDBPyConnection) -> set[int]:
    return {account for (account,) in duck.execute("SELECT account_id FROM account").fetchall()}


def _take_accounts(
    duck: duckdb.DuckDBPyConnection, snapshot: Snapshot, only: Iterable[int] | None, result: CatchUp
) -> None:
    found, known = taking.stamps(snapshot, only), taking.taken(duck, only)
    different = {key for key in found.keys() | known.keys() if found.get(key) != known.get(key)}
    for kind, account in sorted(different):
        if kind == SLICE.name:
            _take_slices(duck, snapshot, account, result)
        else:
            for table in WHOLE[kind]:
                duck.execute(f"DELETE FROM {table.name} WHERE account_id = $1", [account])  # noqa: S608 (ours)
                taking.copy(duck, snapshot, table, f"account_id = {account}")
        duck.execute("DELETE FROM mirror_taken WHERE kind = $1 AND account_id = $2", [kind, account])
        result.accounts.add(account)
    result.is_changed |= bool(different)
    taking.note(duck, {key: found[key] for key in different & found.keys()})


def _take_slices(duck: duckdb.DuckDBPyConnection, snapshot: Snapshot, account: int, result: CatchUp) -> None:
    """Replace the account's days of which a version differs or a slice came or went."""
    days = _days_that_differ(duck, snapshot, account)
    if not days:
        return
    listed = ", ".join(f"'{day.isoformat()}'" for day in days)
    condition = f"account_id = {account} AND date IN ({listed})"
    for table in (SLICE, *OF_SLICES):
        mine = f"DELETE FROM {table.name} WHERE account_id = $1 AND date IN $2"  # noqa: S608 (ours)
        duck.execute(mine, [account, list(days)])
        taken = taking.copy(duck, snapshot, table, condition)
        result.rows += taken if table.name == INSIGHT.name else 0
    renew(duck, account, days)
    result.slices += len(days)


def _days_that_differ(duck: duckdb.DuckDBPyConnection, snapshot: Snapshot, account: int) -> list[dt.date]:
    statement = f"SELECT date, breakdown, version FROM slice WHERE account_id = {account}"  # noqa: S608 (a number)
    ours, theirs = _rows(duck.sql(statement).to_arrow_table()), _rows(snapshot.table(statement))
    return sorted({dict(row)["date"] for row in ours ^ theirs})
