"""From a query to a file: streamed, with the loop free, and nothing that looks whole where it fails."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import errno
import hashlib
import io
import tempfile
import zipfile
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib.access.viewer import Viewer
from lib.errors import AppError, StoreError
from lib.insights.engine import BATCH_ROWS, PostgresEngine
from lib.insights.export import FORMATS, export_to
from lib.insights.query import InsightQuery
from lib.insights.scope import operator_viewer
from lib.store.engine import Store
from tests import factories
from tests.factories import viewer_of

DAY = dt.date(2026, 1, 1)
ADS = 2 * BATCH_ROWS + 500
BY_AD = InsightQuery(DAY, DAY, ("ad",), ("spend", "impressions"))
FILL = """INSERT INTO insight (account_id, date, ad_id, adset_id, campaign_id, spend_micros, impressions)
          SELECT 11, '2026-01-01', ad, 1, 1, ad * 10000, ad FROM generate_series(1, :ads) AS ad"""


@pytest.fixture
async def stored(store: Store) -> Store:
    """More ads than fit into two batches, in the account 11 of a sample client."""
    from sqlalchemy import text

    async with store.working() as session:
        await factories.add_account(session, 11, await factories.add_client(session, "acme", is_sample=True))
        await session.execute(text(FILL), {"ads": ADS})
    return store


async def test_all_rows_of_all_batches(stored: Store) -> None:
    file = io.BytesIO()
    result = await export_to(PostgresEngine(stored), BY_AD, await operator_viewer(stored), "csv", file)
    content = file.getvalue()
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert {int(row["ad_id"]) for row in rows} == set(range(1, ADS + 1))
    assert all(row["spend"] == f"{int(row['ad_id']) / 100:.2f}" for row in rows)
    assert (result.rows, result.bytes) == (ADS, len(content))
    assert result.sha256 == hashlib.sha256(content).hexdigest()
    assert (result.engine, result.is_sample, result.format) == ("postgres", True, "csv")


@pytest.mark.parametrize("name", FORMATS)
async def test_whoever_sees_nothing_gets_an_empty_file(stored: Store, name: str) -> None:
    file = io.BytesIO()
    result = await export_to(PostgresEngine(stored), BY_AD, viewer_of([22]), name, file)
    assert (result.rows, result.is_sample) == (0, False)
    assert file.getvalue()
    if name == "parquet":
        names = pq.read_table(io.BytesIO(file.getvalue())).column_names
        assert names == ["ad_id", "ad_name", "currency", "spend", "impressions"]


async def test_the_loop_stays_free_while_a_workbook_is_packed(stored: Store) -> None:
    """Of three times once: a busy machine may halt everything for as long, but not each time."""
    viewer = await operator_viewer(stored)
    shares = [await held_share(stored, viewer) for _ in range(3)]
    assert min(shares) < 1 / 2, shares


async def held_share(stored: Store, viewer: Viewer) -> float:
    """Of the time that an export took, the longest that the loop was not free."""
    longest = 0.0

    async def listen() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - before)

    listening = asyncio.create_task(listen())
    with tempfile.TemporaryFile() as file:
        started = asyncio.get_running_loop().time()
        await export_to(PostgresEngine(stored), BY_AD, viewer, "xlsx", file)
        took = asyncio.get_running_loop().time() - started
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    return longest / took


class Failing(io.BytesIO):
    """A disk that is full after so many bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: Any, /) -> int:
        if self.tell() + memoryview(data).nbytes > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("name", FORMATS)
async def test_a_full_disk_is_a_sentence(stored: Store, name: str) -> None:
    file = Failing(40_000)
    with pytest.raises(AppError, match="The file could not be written: no space left on device"):
        await export_to(PostgresEngine(stored), BY_AD, viewer_of([11]), name, file)
    with pytest.raises((zipfile.BadZipFile, pa.ArrowInvalid)):
        zipfile.ZipFile(io.BytesIO(file.getvalue())) if name == "xlsx" else pq.read_table(io.BytesIO(file.getvalue()))


class Cut(io.BytesIO):
    """Ends the database's connections once rows have come."""

    def __init__(self, loop: asyncio.AbstractEventLoop, end: Any) -> None:
        super().__init__()
        self.loop, self.end, self.has_ended = loop, end, False

    def write(self, data: Any, /) -> int:
        if not self.has_ended and memoryview(data).nbytes > 1000:
            self.has_ended = True
            asyncio.run_coroutine_threadsafe(self.end(), self.loop).result(10)
        return super().write(data)


@pytest.mark.parametrize("name", ["csv", "json", "parquet", "arrow"])
async def test_a_database_that_goes_half_way_leaves_nothing_whole(stored: Store, database: Any, name: str) -> None:
    """The second batch never comes."""
    from sqlalchemy import text

    async with stored.working() as session:
        await factories.add_account(session, 11, await factories.add_client(session, "acme"))
        await session.execute(text(FILL), {"ads": 10 * BATCH_ROWS})

    async def end() -> None:
        await asyncio.to_thread(
            database.owner,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )

    file = Cut(asyncio.get_running_loop(), end)
    with pytest.raises(StoreError):
        await export_to(PostgresEngine(stored), BY_AD, viewer_of([11]), name, file)
    assert file.has_ended
    content = file.getvalue()
    if name == "json":
        assert not content.endswith(b"]\n")
    if name == "parquet":
        with pytest.raises(pa.ArrowInvalid):
            pq.read_table(io.BytesIO(content))


async def test_whoever_leaves_half_way_leaves_nothing_whole(stored: Store) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Telling(io.BytesIO):
        def write(self, data: Any, /) -> int:
            if memoryview(data).nbytes > 1000:
                loop.call_soon_threadsafe(begun.set)
            return super().write(data)

    file = Telling()
    exporting = asyncio.create_task(export_to(PostgresEngine(stored), BY_AD, viewer_of([11]), "json", file))
    await begun.wait()
    exporting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await exporting
    assert not file.getvalue().endswith(b"]\n")
