"""Questions by GET and POST, their answers as JSON, CSV and Arrow, equal to what lib answers."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pyarrow as pa
import pytest

from lib.access.viewer import Role, Viewer
from lib.insights.engine import PostgresEngine
from lib.insights.export import write_csv, write_json
from lib.insights.paging import read_page
from lib.insights.reach import NEVER_ADDED
from lib.insights.run import run_query
from lib.insights.words import query_of_words
from tests.integration.api import houses
from tests.integration.api.conftest import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

WHEN = {"since": "2026-01-05", "until": "2026-01-25"}
WORDS = {
    **WHEN,
    "group_by": "week,campaign",
    "metrics": "spend,clicks,ctr,cpc,reach",
    "filter": ["campaign~sale", "impressions>100"],
    "having": ["clicks>20"],
    "order": "-spend,week",
}
QUESTION = {
    **WHEN,
    "group_by": ["week", "campaign"],
    "metrics": ["spend", "clicks", "ctr", "cpc", "reach"],
    "filters": [
        {"name": "campaign", "operator": "~", "values": ["sale"]},
        {"name": "impressions", "operator": ">", "values": ["100"]},
    ],
    "having": [{"name": "clicks", "operator": ">", "values": ["20"]}],
    "order": [{"key": "spend", "descending": True}, {"key": "week"}],
}
ARROW = "application/vnd.apache.arrow.stream"


def analyst_of_acme(shared_house: House) -> Viewer:
    """The analyst as lib knows them."""
    client, accounts = shared_house.clients["acme"], houses.ACCOUNTS["acme"]
    return Viewer(
        shared_house.people["analyst"], "analyst@example.com", Role.ANALYST, frozenset({client}), frozenset(accounts)
    )


async def files_of(shared_house: House, words: dict[str, Any]) -> tuple[bytes, bytes, pa.Table]:
    """What an export of the same question holds as CSV and JSON, and the table."""
    of = {"filter": "filters", "account": "accounts"}
    query = query_of_words(**{of.get(name, name): value for name, value in words.items()})
    answer = await run_query(PostgresEngine(shared_house.store), query, analyst_of_acme(shared_house))
    as_csv, as_json = io.BytesIO(), io.BytesIO()
    write_csv(answer, as_csv)
    write_json(answer, as_json)
    return as_csv.getvalue(), as_json.getvalue(), answer.table


async def test_json_by_get_and_by_post_is_what_lib_answers(shared_house: House) -> None:
    analyst = await shared_house.asking("analyst")
    by_get = await analyst.get("/insights", params=WORDS)
    by_post = await analyst.post("/insights", json=QUESTION)
    _, rows, _ = await files_of(shared_house, WORDS)
    assert by_get.status_code == by_post.status_code == 200
    assert by_get.json() == by_post.json()
    assert by_get.json()["data"] == json.loads(rows)
    assert len(by_get.json()["data"]) > 4


async def test_what_to_know_of_the_numbers(shared_house: House) -> None:
    answer = (await (await shared_house.asking("analyst")).get("/insights", params=WORDS)).json()
    row, meta = answer["data"][0], answer["meta"]
    assert isinstance(row["spend"], str)
    assert isinstance(row["campaign_id"], str)
    assert isinstance(row["clicks"], int)
    assert 0 < row["ctr"] < 1
    assert row["reach"] is None
    assert meta["notes"] == {"reach": NEVER_ADDED}
    assert (meta["engine"], meta["is_sample"], meta["missing_days"]) == ("postgres", False, 0)
    assert meta["complete_until"] == "2026-01-25"
    assert meta["columns"][0] == {"key": "week", "label": "Week", "kind": "date"}
    assert [column["key"] for column in meta["columns"]] == list(row)


async def test_rows_and_how_complete_they_are_take_one_look(shared_house: House) -> None:
    store, question = shared_house.store, query_of_words(**WHEN, metrics="clicks")
    before = store.statements
    page = await read_page(PostgresEngine(store), question, analyst_of_acme(shared_house), offset=0, limit=10)
    assert page.days.complete_until == dt.date(2026, 1, 25)
    assert store.statements - before == 5, "one says for whom, then two about the days, the accounts, the rows"


async def test_days_that_are_missing_are_counted(shared_house: House) -> None:
    later = {**WORDS, "until": "2026-01-27"}
    meta = (await (await shared_house.asking("analyst")).get("/insights", params=later)).json()["meta"]
    assert (meta["complete_until"], meta["missing_days"]) == ("2026-01-25", 4)


async def test_samples_say_so(shared_house: House) -> None:
    zed = await shared_house.asking("zed")
    assert (await zed.get("/insights", params=WORDS)).json()["meta"]["is_sample"] is True
    as_csv = await zed.get("/insights", params=WORDS, headers={"accept": "text/csv"})
    assert as_csv.headers["ads-sample"] == "true"
    assert as_csv.headers["content-disposition"] == (
        'attachment; filename="zebra_2026-01-05_2026-01-25_week-campaign_sample.csv"'
    )


async def test_pages_of_json(shared_house: House) -> None:
    analyst = await shared_house.asking("analyst")
    whole = (await analyst.get("/insights", params={**WHEN, "group_by": "date,ad", "metrics": "spend"})).json()
    assert whole["meta"]["total"] == len(whole["data"]) == 2 * 6 * 21
    found: list[Any] = []
    for page in (1, 2, 3):
        part = {**WHEN, "group_by": "date,ad", "metrics": "spend", "page": str(page), "per_page": "100"}
        answer = (await analyst.get("/insights", params=part)).json()
        assert answer["meta"]["total"] == 252
        assert (answer["meta"]["page"], answer["meta"]["per_page"]) == (page, 100)
        found += answer["data"]
    assert found == whole["data"]
    beyond = (await analyst.get("/insights", params={**WHEN, "group_by": "date,ad", "page": "9"})).json()
    assert (beyond["data"], beyond["meta"]["total"]) == ([], 252)


async def test_pages_of_a_limited_answer(shared_house: House) -> None:
    analyst = await shared_house.asking("analyst")
    asked = {**WHEN, "group_by": "date,ad", "order": "-spend", "metrics": "spend", "limit": "25", "per_page": "10"}
    sizes = []
    for page in ("1", "3", "4"):
        answer = (await analyst.get("/insights", params={**asked, "page": page})).json()
        sizes.append((len(answer["data"]), answer["meta"]["total"]))
    assert sizes == [(10, 25), (5, 25), (0, 25)]


async def test_csv_is_the_export_byte_for_byte(shared_house: House) -> None:
    analyst = await shared_house.asking("analyst")
    as_csv, _, _ = await files_of(shared_house, WORDS)
    for answer in (
        await analyst.get("/insights", params=WORDS, headers={"accept": "text/csv"}),
        await analyst.post("/insights", json=QUESTION, headers={"accept": "text/csv"}),
    ):
        assert answer.content == as_csv
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["ads-engine"] == "postgres"
        assert answer.headers["cache-control"] == "no-store"
        assert int(answer.headers["content-length"]) == len(as_csv)
        assert int(answer.headers["ads-rows"]) == as_csv.count(b"\r\n") - 1


async def test_arrow_is_the_same_table(shared_house: House) -> None:
    answer = await (await shared_house.asking("analyst")).get("/insights", params=WORDS, headers={"accept": ARROW})
    _, _, table = await files_of(shared_house, WORDS)
    with pa.ipc.open_stream(answer.content) as reader:
        assert reader.read_all().equals(table)
    assert answer.headers["content-type"] == ARROW


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/csv;q=0.9, application/json;q=0.5", "text/csv; charset=utf-8"),
        ("text/csv, application/json", "application/json"),
        ("text/*;q=0.1, application/json;q=0", "text/csv; charset=utf-8"),
        (f"application/json;q=0.3, {ARROW};q=0.4, */*;q=0.1", ARROW),
        ("*/*, application/json;q=0", "text/csv; charset=utf-8"),
        ("Text/CSV", "text/csv; charset=utf-8"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("no media type", "application/json"),
        ("text/csv;q=1.5, application/json;q=0.1", "application/json"),
    ],
)
async def test_accept_chooses(shared_house: House, accept: str, given: str) -> None:
    answer = await (await shared_house.asking("analyst")).get("/insights", params=WORDS, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, given)
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*, text/csv;q=0.0"])
async def test_accept_may_want_what_is_not_there(shared_house: House, accept: str) -> None:
    answer = await (await shared_house.asking("analyst")).get("/insights", params=WORDS, headers={"accept": accept})
    assert answer.status_code == 406
    assert answer.json()["error"]["code"] == "not_acceptable"


async def test_an_asked_for_engine_is_never_swapped(shared_house: House) -> None:
    analyst = await shared_house.asking("analyst")
    postgres = await analyst.get("/insights", params={**WORDS, "engine": "postgres"})
    assert postgres.json()["meta"]["engine"] == "postgres"
    for accept in ("application/json", "text/csv"):
        mirror = await analyst.get("/insights", params={**WORDS, "engine": "mirror"}, headers={"accept": accept})
        assert mirror.status_code == 503
        assert "mirror" in mirror.json()["error"]["message"]


async def test_other_peoples_accounts_and_unknown_ones_are_one(shared_house: House) -> None:
    analyst = await shared_house.asking("analyst")
    sentences = set()
    for account in ("990011", "act_990011", "5"):
        by_get = await analyst.get("/insights", params={**WORDS, "account": ["1101", account]})
        by_post = await analyst.post("/insights", json={**QUESTION, "account_ids": [account]})
        assert by_get.status_code == by_post.status_code == 422
        assert by_get.json() == by_post.json()
        sentences.add(by_get.json()["error"]["message"].replace(account.removeprefix("act_"), "N"))
    assert len(sentences) == 1


@pytest.mark.parametrize("again", ["metrics=clicks", "since=2026-01-06", "engine=postgres&engine=postgres"])
async def test_a_parameter_of_one_value_is_given_once(shared_house: House, again: str) -> None:
    analyst = await shared_house.asking("analyst")
    answer = await analyst.get(f"/insights?since=2026-01-05&until=2026-01-25&metrics=spend&{again}")
    assert answer.status_code == 422
    assert "is given twice." in answer.json()["error"]["message"]


@pytest.mark.parametrize("group_by", ["account", "week,account", "quarter,campaign"])
async def test_the_longest_period_is_answered_and_a_longer_one_refused(shared_house: House, group_by: str) -> None:
    analyst = await shared_house.asking("analyst")
    words = {"group_by": group_by, "metrics": "spend,reach"}
    longest = await analyst.get("/insights", params={**words, "since": "1900-01-01", "until": "2100-12-31"})
    assert longest.status_code == 200
    for days in (("0001-01-01", "2026-01-01"), ("2026-01-05", "9999-12-31"), ("9999-12-31", "9999-12-31")):
        refused = await analyst.get("/insights", params={**words, "since": days[0], "until": days[1]})
        assert refused.status_code == 422
        assert "are not all between 1900-01-01 and 2100-12-31" in refused.json()["error"]["message"]


async def test_one_account_and_one_currency(shared_house: House) -> None:
    analyst = await shared_house.asking("analyst")
    one = await analyst.get("/insights", params={**WHEN, "group_by": "account", "account": "act_1102"})
    assert [row["account_id"] for row in one.json()["data"]] == ["1102"]
    euro = await analyst.get("/insights", params={**WHEN, "group_by": "account", "metrics": "spend", "currency": "EUR"})
    assert [row["account_id"] for row in euro.json()["data"]] == ["1101"]


async def test_top_folds_the_others(shared_house: House) -> None:
    analyst = await shared_house.asking("analyst")
    words = {**WHEN, "group_by": "ad", "metrics": "clicks", "top": "2:ad:clicks"}
    by_get = await analyst.get("/insights", params=words)
    question = {**WHEN, "group_by": ["ad"], "metrics": ["clicks"], "top": {"dimension": "ad", "by": "clicks", "n": 2}}
    by_post = await analyst.post("/insights", json=question)
    assert by_get.json() == by_post.json()
    assert [row["ad_name"] for row in by_get.json()["data"]][-1] == "Other"
    assert len(by_get.json()["data"]) == 3
