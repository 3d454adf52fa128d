"""Whole answers as files: logged before they leave, an error where they fail, and given up with their reader."""

from __future__ import annotations

import asyncio
import gc

import pytest
from sqlalchemy import text

from tests.integration.api.conftest import House

WHEN = {"since": "2026-01-05", "until": "2026-01-25"}
WORDS = {**WHEN, "group_by": "week,campaign", "metrics": "spend,clicks"}
ARROW = "application/vnd.apache.arrow.stream"


async def test_every_file_is_logged(house: House) -> None:
    analyst = await house.asking("analyst")
    await analyst.get("/insights", params=WORDS, headers={"accept": "text/csv"})
    await analyst.get("/insights", params=WORDS, headers={"accept": ARROW})
    await analyst.get("/insights", params=WORDS)
    async with house.store.working() as session:
        logged = (await session.execute(text("SELECT email, via, format, rows FROM export_log ORDER BY at"))).all()
    assert [(row.email, row.via, row.format) for row in logged] == [
        ("analyst@example.com", "api", "csv"),
        ("analyst@example.com", "api", "arrow"),
    ]
    assert all(row.rows > 4 for row in logged)


@pytest.mark.parametrize("accept", ["text/csv", ARROW])
async def test_a_viewer_reads_and_takes_no_file_away(house: House, accept: str) -> None:
    viewer = await house.asking("viewer")
    refused = await viewer.get("/insights", params=WORDS, headers={"accept": accept})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert "Files are for analysts" in refused.json()["error"]["message"]
    assert (await viewer.get("/insights", params=WORDS)).json()["data"]
    async with house.store.working() as session:
        assert (await session.execute(text("SELECT count(*) FROM export_log"))).scalar_one() == 0


async def test_a_file_that_fails_is_an_error_and_not_a_part(house: House) -> None:
    async with house.store.working() as session:
        await session.execute(text("UPDATE insight SET spend_micros = :n, clicks = :n"), {"n": 2**62})
    analyst = await house.asking("analyst")
    words = {**WHEN, "metrics": "spend,clicks"}
    refused = await analyst.get("/insights", params=words, headers={"accept": ARROW})
    assert refused.status_code == 422, "a column of 64 bits has no room for the clicks"
    assert "too large" in refused.json()["error"]["message"]
    shown = (await analyst.get("/insights", params=words)).json()["data"][0]
    filed = await analyst.get("/insights", params=words, headers={"accept": "text/csv"})
    assert len(shown["spend"]) > 15
    assert f"{shown['spend']},{shown['clicks']}\r\n" in filed.text


# SQLAlchemy leaves the cursor of a cancelled query to the collector, of which psycopg complains.
@pytest.mark.filterwarnings("ignore:.*AsyncServerCursor.*deleted while still open:ResourceWarning")
async def test_a_reader_who_leaves_stops_the_writing(house: House) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )

    async def queries_wait(how_many: int) -> None:
        async with house.store.engine.connect() as looking, asyncio.timeout(15):
            while (await looking.execute(waiting)).scalar_one() != how_many:
                await looking.rollback()
                await asyncio.sleep(0.01)

    analyst = await house.asking("analyst", accept="text/csv")
    async with house.store.engine.begin() as lock:
        await lock.execute(text("LOCK TABLE insight IN ACCESS EXCLUSIVE MODE"))
        asking = asyncio.create_task(analyst.get("/insights", params=WORDS))
        await queries_wait(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await queries_wait(0)
    async with house.store.working() as session:
        assert (await session.execute(text("SELECT count(*) FROM export_log"))).scalar_one() == 0
    gc.collect()
