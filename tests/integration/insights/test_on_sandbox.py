"""A store that was refreshed from the sandbox, twice and with what Meta changes between: both engines say the same of
it, and what they say is the sandbox's truth."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select, text
from sqlalchemy.engine import URL

from lib.access.viewer import Viewer
from lib.insights.answer import InsightAnswer
from lib.insights.engine import Engine, PostgresEngine
from lib.insights.mirror import Mirror
from lib.insights.query import InsightQuery
from lib.insights.run import run_query
from lib.store.engine import Store
from lib.store.models import Client
from tests import factories
from tests.emptying import emptying
from tests.fixtures_sandbox import LAST_DAY, PRESENT, Sandbox, Serve
from tests.integration.insights import split_world, world
from tests.integration.insights.test_against_pandas import queries
from tests.integration.refresh.refreshing import add_account, refresh

DAYS = (world.LAST - world.FIRST).days
SINCE, UNTIL = LAST_DAY - dt.timedelta(days=DAYS), LAST_DAY
WINDOWS = ("1d_click", "7d_click", "1d_view")


@dataclass(frozen=True)
class Ground:
    """Both engines over one store, and somebody who sees three of its four accounts."""

    runner: asyncio.Runner
    engines: tuple[Engine, Engine]
    viewer: Viewer
    sandbox: Sandbox

    def ask(self, query: InsightQuery) -> list[InsightAnswer]:
        """What PostgreSQL answers, and what the mirror does."""
        return [self.runner.run(run_query(engine, query, self.viewer)) for engine in self.engines]


async def fill(store: Store, sandbox: Sandbox) -> Viewer:
    """All that there is of each account; then one is restated and ads of another vanish, and both are refreshed."""
    wanted = {"now": PRESENT, "span": (SINCE, UNTIL), "breakdowns": tuple(split_world.SETS), "windows": WINDOWS}
    for account in sandbox.ids:
        await add_account(store, account)
        await refresh(store, sandbox.url, account, **wanted)
    sandbox.ask_faults(
        {"kind": "restated", "account": str(sandbox.ids[0])},
        {"kind": "withdrawn", "account": str(sandbox.ids[1]), "share": 0.3},
    )
    for account in sandbox.ids[:2]:
        await refresh(store, sandbox.url, account, **wanted)
    async with store.working() as session:
        clients = (await session.scalars(select(Client.id))).all()
    return factories.viewer_of(sandbox.ids[:3], clients)


@pytest.fixture(scope="module")
def ground(database_url: URL, serve_sandbox: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """The store, filled once, and a mirror of it that took in both refreshes."""
    sandbox = serve_sandbox("--accounts", "4", "--days", "40", "--seed", "11", "--ads", "24")
    with asyncio.Runner() as runner:
        store = Store(database_url)
        mirror = Mirror(tmp_path_factory.mktemp("mirror") / "mirror-test.duckdb", store, memory_mb=256)
        runner.run(empty(store))
        viewer = runner.run(fill(store, sandbox))
        runner.run(mirror.catch_up())
        engine = mirror.engine()
        assert engine is not None, mirror.status().reason
        yield Ground(runner, (PostgresEngine(store), engine), viewer, sandbox)
        runner.run(mirror.close())
        runner.run(store.dispose())


async def empty(store: Store) -> None:
    async with store.engine.begin() as connection:
        await connection.execute(text(emptying()))


def of_sandbox(query: InsightQuery, sandbox: Sandbox) -> InsightQuery:
    """The query of the other world, asked of the sandbox's days, accounts and ads."""
    shift = SINCE - world.FIRST
    accounts = query.account_ids and frozenset(sandbox.ids[number % 4] for number in query.account_ids)
    return replace(query, since=query.since + shift, until=query.until + shift, account_ids=accounts)


@settings(
    max_examples=int(os.environ.get("DRAWN_QUERIES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(query=queries())
def test_drawn_queries(ground: Ground, query: InsightQuery) -> None:
    from_postgres, from_mirror = ground.ask(of_sandbox(query, ground.sandbox))
    assert (from_postgres.engine, from_mirror.engine) == ("postgres", "mirror")
    assert from_mirror.rows == from_postgres.rows
    assert from_mirror.table.schema == from_postgres.table.schema
    assert from_mirror.notes == from_postgres.notes


def test_each_day_of_each_account_is_the_sandboxs_truth(ground: Ground) -> None:
    days = InsightQuery(SINCE, UNTIL, ("account", "date"), ("spend", "impressions", "clicks"))
    truth = {
        (str(account), day["date"]): tuple(Decimal(str(day[name])) for name in days.metrics)
        for account in sorted(ground.viewer.account_ids)
        for day in ground.sandbox.days(account, SINCE, UNTIL)
    }
    for answer in ground.ask(days):
        keys = [column.key for column in answer.columns]
        found = [dict(zip(keys, row, strict=True)) for row in answer.rows]
        assert {
            (row["account_id"], str(row["date"])): tuple(Decimal(row[name]) for name in days.metrics) for row in found
        } == truth


def test_accounts_of_others_are_in_no_answer(ground: Ground) -> None:
    others = InsightQuery(SINCE, UNTIL, ("account",), ("spend",), account_ids=frozenset(ground.sandbox.ids[3:]))
    assert [answer.rows for answer in ground.ask(others)] == [[], []]
