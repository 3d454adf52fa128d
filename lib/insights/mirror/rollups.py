"""Sums of the ad-days, kept beside them: a question that needs no single ad reads a thousandth or a tenth as many rows.

They have the ad-days' own column names, so the statement is the same. A sum is a HUGEINT: it holds any sum of bigints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from lib.insights.mirror.schema import INSIGHT, ROLLUPS, SUMMED, Rollup


def fill(
    rollup: Rollup, duck: duckdb.DuckDBPyConnection, condition: str = "true", values: Sequence[object] = ()
) -> None:
    """Add the sums of the ad-days that meet the condition."""
    keys = ", ".join(rollup.by)
    sums = ", ".join(f"sum({name})" for name in SUMMED)
    duck.execute(
        f"INSERT INTO {rollup.name} SELECT {keys}, {sums} FROM insight WHERE {condition}"  # noqa: S608 (ours)
        f" GROUP BY {keys} ORDER BY {keys}",
        list(values),
    )


def renew(duck: duckdb.DuckDBPyConnection, account: int, days: Sequence[object]) -> None:
    """Make the sums of these account-days anew from the ad-days."""
    condition = "account_id = $1 AND date IN $2"
    for rollup in ROLLUPS:
        duck.execute(f"DELETE FROM {rollup.name} WHERE {condition}", [account, list(days)])  # noqa: S608 (ours)
        fill(rollup, duck, condition, [account, list(days)])


def stand_ins(told_apart_by: frozenset[str] | None) -> Mapping[str, str]:
    """The table to read in place of the ad-days for a statement that tells them apart by these columns alone."""
    fitting = [rollup.name for rollup in ROLLUPS if told_apart_by is not None and told_apart_by <= set(rollup.by)]
    return {INSIGHT.name: fitting[0]} if fitting else {}
