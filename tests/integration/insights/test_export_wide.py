"""Sums beyond 64 bits, in files as on pages, and streams whose reader leaves; on both engines."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from lib.errors import SumTooLarge
from lib.insights.engine import BATCH_ROWS, Engine, PostgresEngine
from lib.insights.export import FORMATS, export_to
from lib.insights.mirror import Mirror
from lib.insights.query import InsightQuery
from lib.insights.run import open_query, run_query
from lib.store.engine import Store
from tests import factories
from tests.factories import viewer_of

DAY, NEXT_DAY = dt.date(2026, 1, 1), dt.date(2026, 1, 2)
LARGEST = 2**63 - 1
ADS = 2 * BATCH_ROWS + 500
BY_AD = InsightQuery(DAY, NEXT_DAY, ("ad",), ("spend", "impressions"))
FILL = """INSERT INTO insight (account_id, date, ad_id, adset_id, campaign_id, spend_micros, impressions)
          SELECT 11, date '2026-01-01' + day, ad, 1, 1, CASE WHEN ad = :ads THEN :largest ELSE 5000000 END, 7
          FROM generate_series(1, :ads) AS ad, generate_series(0, 1) AS day"""
VIEWER = viewer_of([11])


@pytest.fixture
async def stored(store: Store) -> Store:
    """More ads than fit into two batches, of which only the very last has a sum beyond 64 bits."""
    async with store.working() as session:
        await factories.add_account(session, 11, await factories.add_client(session, "acme"))
        await session.execute(text(FILL), {"ads": ADS, "largest": LARGEST})
    return store


@pytest.fixture(params=["postgres", "mirror"])
async def engine(request: pytest.FixtureRequest, stored: Store, tmp_path: Path) -> AsyncIterator[Engine]:
    """Each engine over the same rows."""
    if request.param == "postgres":
        yield PostgresEngine(stored)
        return
    mirror = Mirror(tmp_path / "mirror.duckdb", stored, memory_mb=256)
    await mirror.catch_up()
    found = mirror.engine()
    assert found is not None, mirror.status().reason
    yield found
    await mirror.close()


async def test_a_file_has_what_the_page_shows(engine: Engine) -> None:
    file = io.BytesIO()
    result = await export_to(engine, BY_AD, VIEWER, "csv", file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline="")))
    shown = await run_query(engine, BY_AD, VIEWER)
    assert (result.engine, result.rows, len(rows)) == (engine.name, ADS, len(shown.rows))
    assert {row["ad_id"]: Decimal(row["spend"]) for row in rows} == {row[0]: row[3] for row in shown.rows}
    assert max(Decimal(row["spend"]) for row in rows) == Decimal(2 * LARGEST).scaleb(-6)


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_writes_them(stored: Store, name: str) -> None:
    file = io.BytesIO()
    assert (await export_to(PostgresEngine(stored), BY_AD, VIEWER, name, file)).rows == ADS
    if name == "parquet":
        found = pq.read_table(io.BytesIO(file.getvalue()))["spend"].to_pylist()
        assert max(found) == Decimal(2 * LARGEST).scaleb(-6)


async def test_counts_beyond_64_bits(stored: Store) -> None:
    """Text has room for them; columns that are typed as whole numbers of 64 bits refuse instead of rounding."""
    async with stored.working() as session:
        await session.execute(text("UPDATE insight SET impressions = :n WHERE ad_id = :ad"), {"n": LARGEST, "ad": ADS})
    file = io.BytesIO()
    await export_to(PostgresEngine(stored), BY_AD, VIEWER, "json", file)
    assert max(row["impressions"] for row in json.loads(file.getvalue())) == 2 * LARGEST
    for name in ("parquet", "arrow"):
        with pytest.raises(SumTooLarge, match="too large to be written exactly"):
            await export_to(PostgresEngine(stored), BY_AD, VIEWER, name, io.BytesIO())


async def test_a_reader_who_leaves_after_one_batch_closes_the_cursor(engine: Engine, stored: Store) -> None:
    async with open_query(engine, BY_AD, VIEWER) as stream:
        async for batch in stream.batches():
            assert batch.num_rows <= BATCH_ROWS
            break
        assert stream.rows <= BATCH_ROWS
    open_cursors = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    async with stored.engine.connect() as connection:
        found = await connection.execute(text(f"{open_cursors} AND datname = current_database()"))
        assert found.scalar_one() == 0
    assert (await run_query(engine, BY_AD, VIEWER)).table.num_rows == ADS
