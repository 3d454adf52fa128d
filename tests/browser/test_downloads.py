"""All four files of a page's result, and what people read where there is none."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import openpyxl
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Download, Page, expect
from sqlalchemy import text

from dashboard.explore.queries import MOST_ROWS
from lib.access.viewer import Role
from lib.insights.export import LoggedExport, newest_exports
from lib.insights.scope import operator_viewer
from lib.store.engine import Store
from tests.browser.conftest import Dashboard
from tests.browser.overview import download, loaded
from tests.factories import add_account, add_campaign, add_client, add_insights, add_slice, insight_row

YESTERDAY = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
NAMES = {1: "=HYPERLINK(1)", 2: "Été; 1,5", 3: "<r>x</r>"}
SPENT = {1: "1234.56", 2: "0.5", 3: "12"}


async def one_client(store: Store) -> None:
    """Three campaigns in euros with awkward names, and somebody else's client."""
    async with store.working() as session:
        acme = await add_client(session, "acme")
        await add_account(session, 11, acme, timezone_name="UTC")
        for number, name in NAMES.items():
            await add_campaign(session, 11, number, name=name)
        rows = [
            insight_row(11, YESTERDAY, ad_id=number, campaign_id=number, spend=spend, impressions=1000, link_clicks=25)
            for number, spend in SPENT.items()
        ]
        await add_insights(session, rows)
        await add_slice(session, 11, YESTERDAY)
        other = await add_client(session, "other")
        await add_account(session, 22, other, timezone_name="UTC")
        await add_insights(session, [insight_row(22, YESTERDAY, ad_id=9, spend="7", impressions=1, link_clicks=1)])
        await add_slice(session, 22, YESTERDAY)


@pytest.fixture
def page(dashboard: Dashboard, signed_in: Callable[..., Page]) -> Page:
    """The overview of a viewer who sees acme alone."""
    dashboard.prepare(one_client)
    page = signed_in(dashboard.add_user("ana@example.com", Role.ANALYST, slugs=["acme"]))
    page.goto(f"{dashboard.url}/?period=last_7")
    loaded(page)
    return page


def read(label: str, content: bytes) -> list[dict[str, Any]]:
    if label == "Excel":
        header, *rows = openpyxl.load_workbook(io.BytesIO(content))["Data"].iter_rows(values_only=True)
        return [dict(zip(map(str, header), row, strict=True)) for row in rows]
    if label == "Parquet":
        return list(pq.read_table(io.BytesIO(content)).to_pylist())
    is_european = label == "Excel CSV (EU)"
    lines = io.StringIO(content.decode("utf-8-sig"), newline="")
    rows = list(csv.DictReader(lines, delimiter=";" if is_european else ","))
    if is_european:
        assert all("." not in row["spend"] + row["link_ctr"] for row in rows)
    return [row | {key: row[key].replace(",", ".") for key in ("spend", "link_ctr")} for row in rows]


def logged(dashboard: Dashboard) -> list[LoggedExport]:
    async def look(store: Store) -> list[LoggedExport]:
        return await newest_exports(store, await operator_viewer(store))

    return dashboard.prepare(look)


def test_all_four_files_hold_the_same_numbers_and_are_logged(dashboard: Dashboard, page: Page) -> None:
    week = f"{YESTERDAY - dt.timedelta(days=6)}_{YESTERDAY}"
    for label, extension in (("CSV", "csv"), ("Excel CSV (EU)", "csv"), ("Excel", "xlsx"), ("Parquet", "parquet")):
        name, content = download(page, label)
        assert name == f"acme_{week}_client-account-campaign.{extension}"
        rows = read(label, content)
        assert {row["campaign_id"] for row in rows} == {"1", "2", "3"}, "ids are texts"
        for row in rows:
            number = int(row["campaign_id"])
            assert float(row["spend"]) == float(SPENT[number])
            assert float(row["link_ctr"]) == 0.025
            assert row["campaign_name"] == ("'" if number == 1 and "CSV" in label else "") + NAMES[number]
        newest = logged(dashboard)[0]
        assert (newest.sha256, newest.size) == (hashlib.sha256(content).hexdigest(), len(content))
        assert (newest.email, newest.via, newest.rows) == ("ana@example.com", "page", 3)
        assert newest.question.startswith(f"--since {YESTERDAY - dt.timedelta(days=6)} --until {YESTERDAY} ")
    assert [each.format for each in logged(dashboard)] == ["parquet", "xlsx", "csv-eu", "csv"]


def test_without_a_log_there_is_no_file_but_a_sentence(dashboard: Dashboard, page: Page) -> None:
    dashboard.prepare(lambda store: change(store, "REVOKE INSERT ON export_log FROM ads_app"))
    try:
        page.get_by_role("button", name=re.compile(r"^Download \(")).click()
        page.get_by_role("button", name="Excel", exact=True).click()
        expect(page.get_by_text("This export could not be logged, and none is given out without that.")).to_be_visible()
    finally:
        dashboard.prepare(lambda store: change(store, "GRANT INSERT ON export_log TO ads_app"))
    assert logged(dashboard) == []
    assert download(page)[0].endswith(".csv")


async def change(store: Store, statement: str) -> None:
    async with store.engine.begin() as connection:
        await connection.execute(text(statement))


def test_a_result_without_rows_has_no_files(page: Page) -> None:
    page.get_by_placeholder("Part of a name").fill("nothing")
    page.get_by_placeholder("Part of a name").press("Enter")
    expect(page.get_by_text("No match")).to_be_visible()
    expect(page.get_by_role("button", name="Download (0 rows)")).to_be_disabled()


def opened(page: Page) -> None:
    """Open the menu of downloads and wait for its buttons."""
    page.get_by_role("button", name=re.compile(r"^Download \(")).click()
    expect(page.get_by_role("button", name="Parquet", exact=True)).to_be_visible()


def test_twelve_at_once_all_succeed(dashboard: Dashboard, page: Page, signed_in: Callable[..., Page]) -> None:
    """More than the loop has threads of its own, and three times as many as may be made at once."""
    pages = [page]
    for name in ("ben", "cleo"):
        other = signed_in(dashboard.add_user(f"{name}@example.com", Role.ANALYST, slugs=["acme"]))
        other.goto(page.url)
        loaded(other)
        pages.append(other)
    came: list[Download] = []

    def keep(download: Download) -> None:
        came.append(download)

    for each in pages:
        each.on("download", keep)
        opened(each)
    for label in ("CSV", "Excel CSV (EU)", "Excel", "Parquet"):
        for each in pages:
            each.get_by_role("button", name=label, exact=True).click()
    end = time.monotonic() + 60
    while len(came) < 12 and time.monotonic() < end:
        page.wait_for_timeout(20)  # hears of the downloads meanwhile
    assert len(came) == 12
    assert all(each.path().stat().st_size for each in came)
    assert sorted(each.email for each in logged(dashboard)) == sorted(
        f"{name}@example.com" for name in ("ana", "ben", "cleo") for _ in range(4)
    )


def test_a_file_is_for_the_sign_in_that_asked(dashboard: Dashboard, page: Page, signed_in: Callable[..., Page]) -> None:
    other = signed_in(dashboard.add_user("ben@example.com", Role.ADMIN))
    other.goto(dashboard.url)
    loaded(other)
    with page.expect_response("**/media/made/**") as looking:
        _, content = download(page)
    address = looking.value.url
    assert (looking.value.status, looking.value.headers.get("content-length")) == (204, None), (
        "looks, and reads nothing"
    )
    assert httpx.get(address).status_code == 401
    assert other.request.get(address).status == 404
    mine = page.request.get(address)
    assert mine.status == 200
    assert mine.body() == content
    assert mine.headers["content-disposition"].endswith('_client-account-campaign.csv"')
    assert mine.headers["cache-control"] == "no-store"
    assert logged(dashboard)[0].sha256 == hashlib.sha256(content).hexdigest()
    assert page.request.get(f"{address}x").status == 404


async def many_ads(store: Store) -> None:
    """As many ads more as the page takes."""
    await one_client(store)
    async with store.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO insight (account_id, date, ad_id, adset_id, campaign_id, spend_micros)"
                " SELECT 11, :day, ad, 1, 1, 1000000 FROM generate_series(100, 99 + :most) AS ad"
            ),
            {"day": YESTERDAY, "most": MOST_ROWS},
        )
        await connection.execute(text("UPDATE slice SET version = nextval('slice_version') WHERE account_id = 11"))


def test_a_result_beyond_the_page_is_offered_whole(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    dashboard.prepare(many_ads)
    page = signed_in(dashboard.add_user("ana@example.com", Role.ANALYST, slugs=["acme"]))
    page.goto(f"{dashboard.url}/explore?period=last_7&group_by=ad&metrics=spend")
    expect(page.get_by_role("button", name="Download (all rows)")).to_be_enabled()
    _, content = download(page, "Parquet")
    assert pq.read_table(io.BytesIO(content)).num_rows == MOST_ROWS + len(NAMES)


def test_what_would_show_some_of_too_many_groups_as_all_is_a_sentence(
    dashboard: Dashboard, signed_in: Callable[..., Page]
) -> None:
    dashboard.prepare(many_ads)
    page = signed_in(dashboard.add_user("ana@example.com", Role.ANALYST, slugs=["acme"]))
    asked = f"{dashboard.url}/explore?period=last_7&group_by=date,ad&metrics=spend"
    page.goto(asked)
    expect(
        page.get_by_text("The largest groups of the top 8 (ad, by spend) are drawn; a file has them")
    ).to_be_visible()
    expect(page.locator(".st-key-chart .scatterlayer .trace")).to_have_count(8)
    page.goto(f"{asked}&pivot=date&having=spend>0")
    expect(page.get_by_text("There is no chart: there are more than 50,000 groups")).to_be_visible()
    expect(page.get_by_text("There are more than 50,000 groups, too many to turn one dimension into")).to_be_visible()
    expect(page.get_by_role("button", name="Download (all rows)")).to_be_enabled()
    expect(page.locator(".st-key-results")).to_have_count(0)
