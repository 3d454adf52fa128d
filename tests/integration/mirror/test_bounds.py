"""Whose rows the mirror gives, and how much memory it may take for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from sqlalchemy import BigInteger, func, literal, select

from lib.errors import AccessError
from lib.insights.asking import ask
from lib.insights.dialects import is_among
from lib.insights.engine import Bounded, Engine, PostgresEngine
from lib.insights.mirror import Mirror
from lib.insights.mirror.errors import MirrorTooSmall
from lib.insights.query import InsightQuery
from lib.insights.run import run_query
from lib.store.models import Insight
from tests import factories
from tests.integration.insights import world
from tests.integration.mirror.holding import EVERYONE, Holder

ROWS = Insight.__table__.c
QUERY = InsightQuery(world.FIRST, world.LAST, ("account",), ("impressions",))


def engine_of(mirror: Mirror) -> Engine:
    """The mirror's engine, which has to stand."""
    engine = mirror.engine()
    assert engine is not None
    assert engine.name == "mirror"
    return engine


async def read(engine: Engine, viewer: Any, accounts: frozenset[int]) -> pa.Table:
    """The accounts that have rows, of these."""
    async with engine.reading(viewer) as source:
        return await source.table(
            Bounded(select(ROWS.account_id.label("id")).where(is_among(ROWS.account_id, accounts)), accounts)
        )


@pytest.mark.parametrize("nobody", [None, "someone@example.com", EVERYONE.account_ids])
def test_nobody_reads_without_a_viewer(shared_world: Holder, standing: Mirror, nobody: object) -> None:
    engine = engine_of(standing)
    with pytest.raises(AccessError, match="signed-in people only"):
        shared_world.run(read(engine, nobody, frozenset()))


def test_nobody_reads_beyond_their_accounts(shared_world: Holder, standing: Mirror) -> None:
    engine = engine_of(standing)
    viewer = factories.viewer_of({101, 102})
    for accounts in ({103}, {101, 106}, {101, 102, 999}):
        with pytest.raises(AccessError, match="not open to you"):
            shared_world.run(read(engine, viewer, frozenset(accounts)))
    assert set(shared_world.run(read(engine, viewer, frozenset({101})))["id"].to_pylist()) == {101}


def test_a_new_grant_is_seen_at_once_and_a_lost_one_is_not(shared_world: Holder, standing: Mirror) -> None:
    engine = engine_of(standing)
    for accounts in ({101}, {101, 104, 106}, {106}, set[int]()):
        viewer = factories.viewer_of(accounts)
        found = shared_world.run(run_query(engine, QUERY, viewer))
        assert {row[0] for row in found.rows} == {str(number) for number in accounts}
        assert found.rows == shared_world.run(run_query(PostgresEngine(shared_world.store), QUERY, viewer)).rows


@pytest.mark.parametrize("memory_mb", [64, 200])
def test_the_setting_is_what_duckdb_keeps_to(shared_world: Holder, path: Path, memory_mb: int) -> None:
    mirror = shared_world.opened(path, memory_mb=memory_mb)
    with mirror.reading() as reader:
        said = reader.do(
            lambda cursor: cursor.execute(
                "SELECT current_setting('memory_limit'), current_setting('max_temp_directory_size'),"
                " current_setting('enable_external_access'), current_setting('lock_configuration')"
            ).fetchone()
        )
    assert said == (f"{memory_mb}.0 MiB", "4.0 GiB", False, True)


@pytest.mark.parametrize(
    "statement",
    [
        "SET memory_limit = '8GB'",
        "SET enable_external_access = true",
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY campaign TO '/tmp/campaign.csv'",
        "ATTACH '/tmp/other.duckdb'",
        "INSTALL httpfs",
    ],
)
def test_it_is_shut_off_from_files_and_its_limits_stay(standing: Mirror, statement: str) -> None:
    with standing.reading() as reader, pytest.raises(duckdb.Error, match=r"disabled|locked|Permission|not allowed"):
        reader.do(lambda cursor: cursor.execute(statement))


def test_what_memory_cannot_hold_is_spilled(shared_world: Holder, path: Path) -> None:
    mirror = shared_world.opened(path, memory_mb=64)
    sorted_ = "SELECT sum(n) FROM (SELECT range AS n, repeat('x', 100) AS s FROM range(1500000) ORDER BY hash(range))" \
              " WHERE s <> ''"  # fmt: skip
    with mirror.reading() as reader:
        assert reader.do(lambda cursor: cursor.execute(sorted_).fetchone()) == (1_124_999_250_000,)
    assert not [each for each in path.parent.glob("*.tmp") if any(each.iterdir())]


def test_what_needs_more_than_that_is_answered_by_postgres(shared_world: Holder, path: Path) -> None:
    mirror = shared_world.opened(path, memory_mb=64)
    one, two, three = (Insight.__table__.alias(name) for name in ("one", "two", "three"))
    listed = func.array_length(
        func.array_agg(one.c.ad_id + two.c.ad_id * three.c.ad_id), literal(1), type_=BigInteger
    ).label("length")
    mine = [is_among(each.c.account_id, EVERYONE.account_ids) for each in (one, two, three)]
    near = (one.c.clicks < two.c.clicks + 10**9, two.c.clicks < three.c.clicks + 10**9)
    question = Bounded(select(listed).select_from(one, two, three).where(*mine, *near), EVERYONE.account_ids)

    async def work(engine: Engine) -> tuple[str, pa.Table]:
        async with engine.reading(EVERYONE) as source:
            return engine.name, await source.table(question)

    with pytest.raises(MirrorTooSmall, match=r"needs more memory than the mirror may take.*MIRROR_MEMORY_MB"):
        shared_world.run(work(engine_of(mirror)))
    name, table = shared_world.run(ask(lambda: engine_of(mirror), work))
    assert name == "postgres"
    assert table["length"][0].as_py() > 1_000_000
    assert mirror.status().stands, "the file is not at fault"
    shared_world.check(mirror, drawn=0)
