"""Breakdowns, attribution windows and reach by object and period, asked in the words of the API."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import AsyncIterator

import pyarrow as pa
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.engine import URL

from lib.insights.breakdowns import NOT_CHOSEN
from lib.insights.reach import NOT_FETCHED
from lib.settings import Settings
from tests import factories
from tests.conftest import emptied
from tests.factories import breakdown_row, insight_row
from tests.integration.api.conftest import House, built

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY = dt.date(2026, 1, 5)
WHEN = {"since": "2026-01-05", "until": "2026-01-05", "account": "act_1101"}
CAMPAIGN = 1101100


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def split_house(database_url: URL, settings: Settings) -> AsyncIterator[House]:
    """A house with countries and regions of a day, a window, and people of its campaigns; zebra's are there too."""
    async with emptied(database_url) as store, built(store, settings) as house:
        async with store.working() as session:
            for account, country in ((1101, "DE"), (990011, "zebraland")):
                rows = [("country", country, 3), ("country", "AT", 1), ("region", "Bavaria", None)]
                for slug, value, bought in rows:
                    row = insight_row(account, DAY, 1, spend="2.50", impressions=100, purchases=bought)
                    await factories.add_breakdowns(session, [breakdown_row(slug, value, **row)])
                for slug in ("country", "region"):
                    await factories.add_slice(session, account, DAY, breakdown=slug)
            await session.execute(text("UPDATE client SET breakdowns = '{country,region}'"))
            people = [{"object_id": CAMPAIGN, "reach": 12345, "impressions": 24690, "spend_micros": 1_000_000}]
            await factories.add_period(session, 1101, "campaign", DAY, DAY, people)
        yield house


async def test_a_breakdown_by_get_and_by_post(split_house: House) -> None:
    analyst = await split_house.asking("analyst")
    words = {
        **WHEN,
        "group_by": "country",
        "metrics": "spend,purchases,cpa",
        "filter": "country!=XX",
        "order": "-spend",
    }
    body = {
        "since": "2026-01-05", "until": "2026-01-05", "account_ids": ["act_1101"], "group_by": ["country"],
        "metrics": ["spend", "purchases", "cpa"], "order": [{"key": "spend", "descending": True}],
        "filters": [{"name": "country", "operator": "!=", "values": ["XX"]}],
    }  # fmt: skip
    by_get, by_post = await analyst.get("/insights", params=words), await analyst.post("/insights", json=body)
    assert by_get.json() == by_post.json()
    assert by_get.json()["data"] == [
        {"country": "AT", "currency": "EUR", "spend": "2.50", "purchases": 1, "cpa": "2.5000"},
        {"country": "DE", "currency": "EUR", "spend": "2.50", "purchases": 3, "cpa": "0.8333"},
    ]
    meta = by_get.json()["meta"]
    assert (meta["complete_until"], meta["missing_days"], meta["notes"]) == ("2026-01-05", 0, {})
    as_arrow = await analyst.get(
        "/insights", params=words, headers={"accept": "application/vnd.apache.arrow.stream"}
    )  # fmt: skip
    assert pa.ipc.open_stream(io.BytesIO(as_arrow.content)).read_all()["country"].to_pylist() == ["AT", "DE"]


async def test_nobody_hears_of_the_breakdowns_of_others(split_house: House) -> None:
    analyst = await split_house.asking("analyst")
    for more in ({}, {"filter": "country~zebra"}, {"filter": "country=zebraland"}):
        words = {"since": "2026-01-05", "until": "2026-01-05", "group_by": "country", "metrics": "clicks", **more}
        assert "zebra" not in (await analyst.get("/insights", params=words)).text
    zed = await split_house.asking("zed")
    assert "zebraland" in (await zed.get("/insights", params={**words, "group_by": "country"})).text


async def test_what_meta_does_not_report_is_null_with_its_reason(split_house: House) -> None:
    analyst = await split_house.asking("analyst")
    answer = (await analyst.get("/insights", params={**WHEN, "group_by": "region", "metrics": "purchases,cpa"})).json()
    assert answer["data"] == [{"region": "Bavaria", "currency": "EUR", "purchases": None, "cpa": None}]
    assert answer["meta"]["notes"] == dict.fromkeys(("purchases", "cpa"), "Meta does not report it by region")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"group_by": "country,age"}, "Meta does not report this combination: country, age."),
        ({"group_by": "country", "attribution": "1d_view"}, "Attribution windows are not kept by breakdown."),
        ({"attribution": "28d_view"}, "There is no attribution window"),
    ],
)
async def test_what_cannot_be_asked_is_a_sentence(split_house: House, words: dict[str, str], sentence: str) -> None:
    analyst = await split_house.asking("analyst")
    refused = await analyst.get("/insights", params={**WHEN, "metrics": "spend", **words})
    assert refused.status_code == 422
    assert sentence in refused.text


async def test_what_was_never_fetched_says_so(split_house: House) -> None:
    analyst = await split_house.asking("analyst")
    answer = (await analyst.get("/insights", params={**WHEN, "group_by": "hour", "metrics": "spend"})).json()
    assert (answer["data"], answer["meta"]["notes"]) == ([], {"hour": NOT_CHOSEN})
    windowed = {**WHEN, "metrics": "purchases,clicks", "attribution": "7d_click"}
    answer = (await analyst.get("/insights", params=windowed)).json()
    assert answer["data"][0]["purchases"] is None
    assert answer["data"][0]["clicks"] > 0
    assert "not fetched for 7 days after a click" in answer["meta"]["notes"]["purchases"]


async def test_accounts_that_do_not_fetch_the_breakdown_are_counted(split_house: House) -> None:
    analyst = await split_house.asking("analyst")
    words = {"since": "2026-01-05", "until": "2026-01-05", "group_by": "country", "metrics": "spend"}
    accounts = (await analyst.get("/accounts")).json()["data"]
    rest = len(accounts) - 1
    async with split_house.store.working() as session:
        await session.execute(text("UPDATE client SET breakdowns = '{}'"))
    note = (await analyst.get("/insights", params=words)).json()["meta"]["notes"]["country"]
    assert note.startswith(f"Not fetched for {rest} of {rest + 1} accounts: choose the breakdown for their clients")
    assert note.endswith("no longer chosen, so not fetched any more, for 1 of "
                         f"{rest + 1} accounts: last fetched on 1 Mar 2026")  # fmt: skip
    async with split_house.store.working() as session:
        await session.execute(text("UPDATE client SET breakdowns = '{country,region}'"))


async def test_reach_of_one_campaign_and_one_period(split_house: House) -> None:
    analyst = await split_house.asking("analyst")
    words = {**WHEN, "group_by": "campaign", "metrics": "reach,frequency", "filter": f"campaign_id={CAMPAIGN}"}
    answer = (await analyst.get("/insights", params=words)).json()
    assert [(row["reach"], row["frequency"]) for row in answer["data"]] == [(12345, 2)]
    longer = (await analyst.get("/insights", params={**words, "until": "2026-01-06"})).json()
    assert [row["reach"] for row in longer["data"]] == [None]
    assert longer["meta"]["notes"]["reach"] == NOT_FETCHED
