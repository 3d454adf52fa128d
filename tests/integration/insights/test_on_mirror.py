"""Drawn queries give on the mirror what they give on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from lib.errors import AccessError
from lib.insights.engine import Engine, PostgresEngine
from lib.insights.mirror import Mirror
from lib.insights.picking import accounts_statement
from lib.insights.query import InsightQuery
from lib.insights.run import run_query
from lib.insights.statuses import campaign_statuses
from lib.insights.trust import trust
from tests import factories
from tests.integration.insights import split_world, world
from tests.integration.insights.test_against_pandas import Ground, ground, queries

__all__ = ["ground"]
"""The fixture of the other module: the same world, stored once."""


@pytest.fixture(scope="module")
def on_mirror(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A mirror of the world."""
    path = Path(tmp_path_factory.mktemp("mirror")) / "mirror-test.duckdb"
    mirror = Mirror(path, ground.store, memory_mb=256)
    ground.runner.run(mirror.catch_up())
    engine = mirror.engine()
    assert engine is not None, mirror.status().reason
    yield engine
    ground.runner.run(mirror.close())


@settings(
    max_examples=int(os.environ.get("DRAWN_QUERIES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(query=queries())
def test_drawn_queries(ground: Ground, on_mirror: Engine, query: InsightQuery) -> None:
    from_postgres = ground.ask(query)
    from_mirror = ground.runner.run(run_query(on_mirror, query, ground.world.viewer))

    assert from_mirror.engine == "mirror"
    assert from_mirror.rows == from_postgres.rows
    assert from_mirror.table.schema == from_postgres.table.schema
    assert (from_mirror.notes, from_mirror.is_sample) == (from_postgres.notes, from_postgres.is_sample)


def test_trust_and_statuses(ground: Ground, on_mirror: Engine) -> None:
    viewer, engines = ground.world.viewer, (PostgresEngine(ground.store), on_mirror)
    for slug in ("", *split_world.SETS):
        look = [trust(engine, viewer, world.FIRST, world.LAST, breakdown=slug) for engine in engines]
        ours, theirs = [ground.runner.run(each) for each in look]
        assert ours == theirs, slug
        assert {gap.days_apart > 0 for gap in ours.gaps} == {True}, slug
    statuses = [ground.runner.run(campaign_statuses(engine, viewer, viewer.account_ids)) for engine in engines]

    assert statuses[0] == statuses[1]
    assert statuses[0]


def test_nobody_and_the_wrong_one_are_refused(ground: Ground, on_mirror: Engine) -> None:
    async def look(accounts: frozenset[int]) -> None:
        async with on_mirror.reading(factories.viewer_of(accounts)) as source:
            await source.table(accounts_statement(frozenset({101}), frozenset()))

    for accounts in (frozenset[int](), frozenset({102})):
        with pytest.raises(AccessError):
            ground.runner.run(look(accounts))
    query = InsightQuery(world.FIRST, world.LAST, ("account",), ("spend",))
    stranger = factories.viewer_of((106,), ground.world.client_ids)
    found = ground.runner.run(run_query(on_mirror, query, stranger))
    assert {row[0] for row in found.rows} == {"106"}
