"""The page of the data: what each account is worth, where it differs from Meta, what is missing, and the refreshes."""

from __future__ import annotations

import csv
import datetime as dt
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert, text

from lib.access.viewer import Role
from lib.store.engine import Store
from lib.store.models import RefreshRun, RefreshRunAccount
from tests.browser.conftest import Dashboard
from tests.browser.pasting import press
from tests.browser.reruns import settled
from tests.factories import add_account, add_client, add_insights, add_slice, insight_row

SignIn = Callable[..., Page]
TODAY = dt.datetime.now(dt.UTC).date()
DAYS = [TODAY - dt.timedelta(days=back) for back in range(1, 30)]


UNKNOWN = ("spend_micros", "impressions", "clicks", "link_clicks", "purchases", "revenue_micros", "leads")


def prepared(dashboard: Dashboard, *, differs: bool = True, is_unknown: bool = False, runs: int = 0) -> None:
    """Acme with 29 days, of which one differs and one is incomplete, and refreshes of it; and a client of others.

    With ``is_unknown`` Meta would not serve its own number of one.
    """

    async def prepare(store: Store) -> None:
        async with store.working() as session:
            for slug, number in (("acme", 11), ("zebra", 33)):
                client_id = await add_client(session, slug)
                await add_account(session, number, client_id, name=f"{slug.title()} main", timezone_name="UTC")
                rows = [insight_row(number, day, ad_id=number, spend="10.50", clicks=3) for day in DAYS]
                await add_insights(session, rows)
                for day in DAYS:
                    facts: dict[str, Any] = {"meta_spend_micros": 10_500_000, "meta_clicks": 3}
                    if differs and day == DAYS[4]:
                        facts |= {"meta_spend_micros": 12_000_000, "looked_twice_for": {"spend_micros": -1_500_000}}
                    if is_unknown and day == DAYS[6]:
                        facts = {f"meta_{name}": None for name in UNKNOWN}
                    if differs and day == DAYS[2]:
                        facts |= {"is_complete": False, "incomplete_reason": "campaign 77 of Retargeting"}
                    await add_slice(session, number, day, **facts)
            for back in range(runs):
                await add_run(session, back)

    dashboard.prepare(prepare)


async def add_run(session: Any, back: int) -> None:
    """A nightly run; every other one of them failed."""
    run_id, at = uuid.UUID(int=back + 1), dt.datetime.now(dt.UTC) - dt.timedelta(hours=back + 1)
    state = "failed" if back % 2 else "complete"
    moments = {"started_at": at, "heartbeat_at": at, "finished_at": at + dt.timedelta(seconds=30)}
    await session.execute(insert(RefreshRun).values(id=run_id, kind="nightly", state=state, **moments))
    error = {
        "error_message": "The token is dead.",
        "error_remedy": "Paste another.",
        "error_code": 190,
        "trace_id": "Xy9",
    }
    about = {
        "finished_at": moments["finished_at"],
        "slices_total": 58,
        "slices_done": 58,
        "rows": 290,
        "api_calls": 7,
        **(error if back % 2 else {}),
    }
    await session.execute(insert(RefreshRunAccount).values(run_id=run_id, account_id=11, state=state, **about))


def opened(page: Page, dashboard: Dashboard, query: str = "") -> Page:
    page.goto(f"{dashboard.url}/data{query}")
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    settled(page)
    return page


def test_a_viewer_reads_how_far_their_accounts_can_be_relied_on(dashboard: Dashboard, signed_in: SignIn) -> None:
    prepared(dashboard, runs=2)
    page = opened(signed_in(dashboard.add_user("vic@example.com", Role.VIEWER, slugs=["acme"])), dashboard)
    said = "28 account days compared with Meta's own numbers: 27 are the same to the last digit, 1 differs."
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_text("Objects not listed any more (1): It was fetched once more")).to_be_visible()
    for heading in ("Accounts", "Held against Meta", "Not served by Meta", "Refreshes"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(page.locator(".st-key-data_incomplete canvas").first).to_be_visible()
    for name in ("Refresh", re.compile("^Download CSV"), re.compile("^Cancel")):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_text("Zebra")).to_have_count(0)


def test_the_trust_line_of_the_overview_leads_here_with_its_own_state(dashboard: Dashboard, signed_in: SignIn) -> None:
    prepared(dashboard)
    page = signed_in()
    page.goto(f"{dashboard.url}/overview?period=last_7&client=acme")
    page.get_by_role("link", name="Behind these numbers").click()
    expect(page).to_have_url(f"{dashboard.url}/data?period=last_7&client=acme")
    expect(page.get_by_text("7 account days compared with Meta's own numbers")).to_be_visible()


def test_the_file_has_each_day_that_differs_and_is_logged(dashboard: Dashboard, signed_in: SignIn) -> None:
    prepared(dashboard)
    page = opened(signed_in(dashboard.add_user("ben@example.com", Role.ANALYST, slugs=["acme"])), dashboard)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download CSV (1 day)").click()
    assert re.fullmatch(r"reconciliation_\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d\.csv", waiting.value.suggested_filename)
    content = waiting.value.path().read_text(encoding="utf-8-sig")
    (row,) = csv.DictReader(content.splitlines())
    assert (row["account_id"], row["date"], row["spend_difference"]) == ("11", str(DAYS[4]), "-1.50")
    assert row["reason"] == "not_listed"

    async def logged(store: Store) -> list[str]:
        async with store.working() as session:
            return list(await session.scalars(text("SELECT question FROM export_log WHERE email = 'ben@example.com'")))

    (question,) = dashboard.prepare(logged)
    assert question.startswith("reconciliation --since")


def test_a_refresh_opens_to_its_accounts_with_why_they_failed(dashboard: Dashboard, signed_in: SignIn) -> None:
    prepared(dashboard, runs=12)
    page = opened(signed_in(dashboard.add_user("vic@example.com", Role.VIEWER, slugs=["acme"])), dashboard)
    expect(page.get_by_text("Refreshes 1 to 10 of 12")).to_be_visible()
    rows = page.locator(".st-key-run_rows button[kind=tertiary]")
    expect(rows).to_have_count(10)
    rows.nth(1).click()
    expect(page.get_by_text("The token is dead. Paste another. (Meta's code 190, trace Xy9)")).to_be_visible()
    expect(page).to_have_url(re.compile(f"run={uuid.UUID(int=2)}"))
    page.reload()
    expect(page.get_by_text("The token is dead. Paste another.")).to_be_visible()
    settled(page)
    rows.nth(1).click()
    expect(page.get_by_text("The token is dead.")).to_have_count(0)
    settled(page)
    press(page, "Next")
    expect(page.get_by_text("Refreshes 11 to 12 of 12")).to_be_visible()


def test_the_refresh_of_the_address_is_there_on_every_page_and_others_are_not(
    dashboard: Dashboard, signed_in: SignIn
) -> None:
    prepared(dashboard, runs=12)
    ana, zoe = dashboard.add_user(), dashboard.add_user("zoe@example.com", Role.MANAGER, slugs=["zebra"])
    page = opened(signed_in(ana), dashboard, f"?run={uuid.UUID(int=12)}")
    expect(page.get_by_text("The token is dead.")).to_be_visible()
    theirs = opened(signed_in(zoe), dashboard, f"?run={uuid.UUID(int=12)}")
    expect(theirs.get_by_text("No refresh yet")).to_be_visible()
    expect(theirs.get_by_text("The token is dead.")).to_have_count(0)


def test_nothing_differs(dashboard: Dashboard, signed_in: SignIn) -> None:
    prepared(dashboard, differs=False)
    page = opened(signed_in(), dashboard)
    expect(
        page.locator(".st-key-empty_reconciled").get_by_text("Every stored day of this period is Meta's own number.")
    ).to_be_visible()
    expect(page.get_by_text("Nothing is missing from what is stored of this period.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Download"))).to_have_count(0)


def test_a_day_that_was_not_compared_is_no_match(dashboard: Dashboard, signed_in: SignIn) -> None:
    prepared(dashboard, differs=False, is_unknown=True)
    page = opened(signed_in(dashboard.add_user("ben@example.com", Role.ANALYST, slugs=["acme"])), dashboard)
    expect(page.get_by_text("1 account day not compared: Meta did not serve its own number.")).to_be_visible()
    expect(page.get_by_text("Not compared (1): Meta would not serve its own number of the account")).to_be_visible()
    expect(page.get_by_text("Matches Meta")).to_have_count(0)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download CSV (1 day)").click()
    (row,) = csv.DictReader(waiting.value.path().read_text(encoding="utf-8-sig").splitlines())
    assert [row[f"spend_{side}"] for side in ("ads", "meta", "difference")] == ["10.50", "", ""]
    assert (row["date"], row["reason"]) == (str(DAYS[6]), "not_compared")


def test_four_kinds_of_nothing(dashboard: Dashboard, signed_in: SignIn) -> None:
    page = opened(signed_in(), dashboard)
    expect(page.get_by_text("There is no client yet")).to_be_visible()
    prepared(dashboard)
    viewer = opened(signed_in(dashboard.add_user("vic@example.com", Role.VIEWER)), dashboard)
    expect(viewer.get_by_text("No client is open to you yet")).to_be_visible()
    opened(page, dashboard, "?since=2026-01-01&until=2026-01-05")
    expect(page.get_by_text("Not refreshed yet")).to_be_visible()
    expect(page.get_by_role("button", name="Fetch 1 Jan to 5 Jan 2026 from Meta")).to_be_visible()
    expect(page.get_by_text("No day of this period is stored yet")).to_be_visible()
    opened(page, dashboard, "?since=2015-01-01&until=2015-01-05")
    expect(page.get_by_text("Meta does not report these days")).to_be_visible()
    opened(page, dashboard, "?client=nobodys")
    expect(page.get_by_text("You cannot see what this address asks for")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(dashboard: Dashboard, signed_in: SignIn, width: int, scheme: str) -> None:
    prepared(dashboard, runs=3)
    options = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
    page = opened(signed_in(**options), dashboard, f"?run={uuid.UUID(int=2)}")
    expect(page.get_by_text("The token is dead.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    inside = "box => box.getBoundingClientRect().right <= window.innerWidth && box.getBoundingClientRect().left >= 0"
    for button in page.locator(".stMainBlockContainer button:visible").all():
        assert button.evaluate(inside), button.text_content()
