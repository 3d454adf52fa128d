"""Holds a mirror to PostgreSQL: every table whole, and drawn queries on both."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, settings

from lib.access.viewer import Viewer
from lib.insights.asking import ask
from lib.insights.engine import Engine, PostgresEngine
from lib.insights.mirror import CatchUp, Mirror
from lib.insights.mirror.schema import ROLLUPS, TABLES, Mirrored, Rollup
from lib.insights.query import InsightQuery
from lib.insights.run import InsightAnswer, run_query
from lib.insights.scope import operator_viewer
from lib.store.engine import Store
from lib.store.models import COUNTS, MONEY
from tests import factories
from tests.fixtures_database import Database
from tests.integration.insights import world
from tests.integration.insights.test_against_pandas import queries

T = TypeVar("T")
Row = dict[str, Any]
QUERY = InsightQuery(world.FIRST, world.LAST, ("account", "campaign"), ("spend", "results", "roas"))
EVERYONE = factories.viewer_of(range(101, 107))
SLICES = (
    "INSERT INTO slice (account_id, date, breakdown, fetched_at, rows, is_complete, account_day_ended,"
    " meta_spend_micros, meta_impressions, meta_clicks, meta_link_clicks, meta_purchases, meta_revenue_micros,"
    " meta_leads)"
    " SELECT account_id, date, '', now(), count(*), true, true, sum(spend_micros), sum(impressions), sum(clicks),"
    " sum(link_clicks), sum(purchases), sum(revenue_micros), sum(leads) FROM insight GROUP BY account_id, date"
)
"""A slice for every day of an account that has rows."""

DRAWN = int(os.environ.get("DRAWN_AT_CHANGES", "4"))


async def held(mirror: Mirror) -> dict[str, list[Row]]:
    """Every table of the mirror."""

    def rows(table: Mirrored) -> list[Row]:
        statement = f'SELECT {table.columns} FROM "{table.name}" ORDER BY {table.order}'
        with mirror.reading() as reader:
            found: list[Row] = reader.do(lambda cursor: cursor.sql(statement).to_arrow_table().to_pylist())
        return found

    return {table.name: rows(table) for table in TABLES}


def stored(database: Database) -> dict[str, list[Row]]:
    """The same of PostgreSQL, by another driver than the mirror's."""
    return {
        table.name: [
            dict(zip(table.types, row, strict=True))
            for row in database.owner(f'SELECT {table.columns} FROM "{table.name}" ORDER BY {table.order}')
        ]
        for table in TABLES
    }


async def kept(mirror: Mirror, rollup: Rollup) -> list[tuple[Any, ...]]:
    """The sums that the mirror keeps."""
    statement = f"SELECT {', '.join((*rollup.by, *MONEY, *COUNTS))} FROM {rollup.name} ORDER BY {', '.join(rollup.by)}"
    with mirror.reading() as reader:
        found: list[tuple[Any, ...]] = reader.do(lambda cursor: cursor.sql(statement).fetchall())
    return found


def summed(database: Database, rollup: Rollup) -> list[tuple[Any, ...]]:
    """The same as PostgreSQL sums it."""
    keys, sums = ", ".join(rollup.by), ", ".join(f"sum({name})" for name in (*MONEY, *COUNTS))
    return database.owner(f"SELECT {keys}, {sums} FROM insight GROUP BY {keys} ORDER BY {keys}")


async def told(mirror: Mirror, store: Store, query: InsightQuery = QUERY) -> InsightAnswer:
    """What a page is told: by the mirror while it stands, by PostgreSQL otherwise."""

    async def work(engine: Engine) -> InsightAnswer:
        return await run_query(engine, query, EVERYONE)

    return await ask(lambda: mirror.engine() or PostgresEngine(store), work)


@dataclass
class Holder:
    """One loop, a store on it and the mirrors that tests open; for tests that are not async."""

    runner: asyncio.Runner
    store: Store
    database: Database
    mirrors: list[Mirror] = field(default_factory=list)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What the coroutine gives."""
        return self.runner.run(work)

    def opened(self, path: Path, *, memory_mb: int = 128) -> Mirror:
        """The mirror of this file, opened or built, and current."""
        mirror = self.unopened(path, memory_mb=memory_mb)
        self.run(mirror.catch_up())
        return mirror

    def unopened(self, path: Path, *, memory_mb: int = 128) -> Mirror:
        """The mirror of this file, which nobody has looked at yet."""
        mirror = Mirror(path, self.store, memory_mb=memory_mb)
        self.mirrors.append(mirror)
        return mirror

    def close(self) -> None:
        """Close every mirror."""
        while self.mirrors:
            self.run(self.mirrors.pop().close())

    def catch_up(self, mirror: Mirror, *, drawn: int = DRAWN) -> CatchUp:
        """Take in what changed, and hold the mirror to PostgreSQL."""
        result = self.run(mirror.catch_up())
        self.check(mirror, drawn=drawn)
        return result

    def asked(self, mirror: Mirror) -> InsightAnswer:
        """What a page is told, which are PostgreSQL's numbers."""
        answer = self.run(told(mirror, self.store))
        assert answer.rows == self.run(run_query(PostgresEngine(self.store), QUERY, EVERYONE)).rows
        assert answer.rows
        return answer

    def check(self, mirror: Mirror, *, drawn: int = DRAWN) -> None:
        """The mirror stands, has every row of PostgreSQL and no other, and answers drawn queries as PostgreSQL does."""
        assert mirror.status().stands, mirror.status().reason
        assert mirror.status().reason == ""
        mine, theirs = self.run(held(mirror)), stored(self.database)
        for name, rows in theirs.items():
            assert mine[name] == rows, name
        assert mirror.status().rows == len(theirs["insight"])
        for rollup in ROLLUPS:
            assert self.run(kept(mirror, rollup)) == summed(self.database, rollup), rollup.name
        if drawn:
            self._ask_both(mirror, self.run(operator_viewer(self.store)), drawn)

    def _ask_both(self, mirror: Mirror, viewer: Viewer, drawn: int) -> None:
        engine = mirror.engine()
        assert engine is not None

        @settings(max_examples=drawn, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(query=queries())
        def agree(query: InsightQuery) -> None:
            from_mirror = self.run(run_query(engine, query, viewer))
            from_postgres = self.run(run_query(PostgresEngine(self.store), query, viewer))
            assert (from_mirror.engine, from_postgres.engine) == ("mirror", "postgres")
            assert from_mirror.rows == from_postgres.rows
            assert from_mirror.is_sample == from_postgres.is_sample

        agree()
