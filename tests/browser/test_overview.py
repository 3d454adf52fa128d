"""The overview page on a store that was refreshed from the sandbox: numbers, address, downloads, refresh."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy.engine import URL

from dashboard import formats
from lib.access.viewer import Role
from lib.insights.periods import previous_period
from tests.browser.conftest import Dashboard, running_dashboard
from tests.browser.overview import (
    TOKEN_KEYS,
    Sandbox,
    add_client,
    card,
    cells,
    command,
    downloaded,
    loaded,
    number,
    pick,
    row_of,
    running_sandbox,
    table,
    yesterday,
)

WIDE = {"viewport": {"width": 2200, "height": 2400}}
SUMS = {"Spend": "spend", "Impressions": "impressions", "Purchases": "purchases", "Purchase value": "revenue"}


@dataclass(frozen=True)
class World:
    """A dashboard of two clients: the accounts in euros and yen are the first one's, those in dollars the other's."""

    dashboard: Dashboard
    sandbox: Sandbox
    admin: uuid.UUID


@pytest.fixture(scope="module")
def world(database_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("overview")
    with (
        running_sandbox(folder) as sandbox,
        running_dashboard(database_url, folder, TOKEN_KEYS=TOKEN_KEYS) as dashboard,
    ):
        dashboard.empty()
        add_client(dashboard, sandbox, "Northern Lights", [*sandbox.of_currency("EUR"), *sandbox.of_currency("JPY")])
        add_client(dashboard, sandbox, "Harbour Group", sandbox.of_currency("USD"))
        command(dashboard, sandbox, "refresh", "--since", sandbox.days_ago(58))
        yield World(dashboard, sandbox, dashboard.add_user("boss@example.com", Role.ADMIN))


@pytest.fixture
def open_page(world: World, new_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Opens the overview with these words behind the address, as the admin unless told."""

    def opened(query: str = "", user_id: uuid.UUID | None = None) -> Page:
        page = new_context(**WIDE).new_page()
        page.goto(world.dashboard.link(user_id or world.admin))
        page.wait_for_url(re.compile(r"/$"))
        page.goto(f"{world.dashboard.url}/{query}")
        loaded(page)
        return page

    return opened


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


@pytest.mark.parametrize("currency", ["EUR", "JPY"])
def test_numbers_are_the_truth(world: World, open_page: Callable[..., Page], currency: str) -> None:
    page = open_page(f"?currency={currency}")
    accounts = world.sandbox.of_currency(currency)
    until = yesterday(world.sandbox, currency)
    since = until - dt.timedelta(days=27)
    totals = cells(page, 1)
    for label, slug in SUMS.items():
        truth = world.sandbox.total(accounts, slug, since, until)
        assert number(totals[label]) == truth, label
        before = world.sandbox.total(accounts, slug, *previous_period(since, until))
        shown = formats.compact(truth, "money" if slug in ("spend", "revenue") else "count", currency)
        expect(card(page, label).get_by_test_id("stMetricValue")).to_have_text(shown)
        change = formats.delta(truth, before, "up").text
        expect(card(page, label).get_by_test_id("stMetricDelta")).to_have_text(change)
    expect(page.locator(".st-key-trust")).to_contain_text("Matches Meta")
    expect(page.get_by_text(f"Complete until {formats.day(until)}")).to_be_visible()


def test_the_address_shows_the_same_view_in_another_window(world: World, open_page: Callable[..., Page]) -> None:
    page = open_page("?currency=EUR")
    pick(page, "Period", "Last 7 days")
    pick(page, "Compare with", "Previous year")
    page.get_by_role("button", name="All clients").click()
    page.get_by_label("Clients", exact=True).click()
    page.get_by_role("option", name="Northern Lights").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    pick(page, "Sort by", "ROAS")
    page.get_by_role("button", name="Largest first").click()
    pick(page, "Metric", "Purchases")
    page.get_by_placeholder("Part of a name").fill("re")
    page.get_by_placeholder("Part of a name").press("Enter")
    page.wait_for_url(re.compile("name=re"))
    loaded(page)
    assert asked(page) == {
        "period": ["last_7"],
        "compare": ["previous_year"],
        "client": ["northern-lights"],
        "metric": ["purchases"],
        "sort": ["roas"],
        "name": ["re"],
        "currency": ["EUR"],
    }
    other = open_page(f"?{urlsplit(page.url).query}")
    expect(other.get_by_role("button", name="Smallest first")).to_be_visible()
    expect(other.get_by_role("combobox", name="Metric", exact=True)).to_have_value("Purchases")
    expect(other.locator(".st-key-pills")).to_contain_text("Client: Northern Lights")
    expect(table(other)).to_have_text(table(page).text_content() or "")
    assert other.locator(".st-key-kpis").inner_text() == page.locator(".st-key-kpis").inner_text()


def test_a_default_view_has_a_bare_address(open_page: Callable[..., Page]) -> None:
    page = open_page("?period=last_7")
    pick(page, "Period", "Last 28 days")
    page.wait_for_url(re.compile(r"/$"))


def test_the_csv_holds_the_whole_result(world: World, open_page: Callable[..., Page]) -> None:
    page = open_page("?currency=EUR&limit=10&sort=-roas")
    until = yesterday(world.sandbox, "EUR")
    since = until - dt.timedelta(days=27)
    totals = cells(page, 1)
    whole = int(re.findall(r"of (\d+)", page.locator(".st-key-pager").inner_text())[0])
    assert whole > 10
    expect(page.get_by_role("button", name=f"Download CSV ({whole} rows)")).to_be_visible()
    name, rows = downloaded(page)
    assert name == f"northern-lights_{since}_{until}_client-account-campaign.csv"
    assert len(rows) == whole
    for label, slug in SUMS.items():
        exact = sum(Decimal(row[slug]) for row in rows)
        assert exact == number(totals[label]), label
        assert exact == world.sandbox.total(world.sandbox.of_currency("EUR"), slug, since, until), label


def test_pages_of_rows_follow_each_other(open_page: Callable[..., Page]) -> None:
    page = open_page("?currency=EUR&limit=10")
    first = "".join(cells(page, 2).values())
    page.get_by_role("button", name="Next").click()
    page.wait_for_url(re.compile("page=2"))
    expect(page.locator(".st-key-pager")).to_contain_text("Campaigns 11 to")
    expect(row_of(page, 2)).not_to_have_text(first)
    assert cells(page, 1)["Campaign"].startswith("Total of")


def test_two_people_never_see_each_others_clients(
    world: World, open_page: Callable[..., Page], new_context: Callable[..., BrowserContext]
) -> None:
    north = world.dashboard.add_user("north@example.com", Role.VIEWER, slugs=["northern-lights"])
    harbour = world.dashboard.add_user("harbour@example.com", Role.VIEWER, slugs=["harbour-group"])
    pages = {who: new_context(**WIDE).new_page() for who in (north, harbour)}
    seen: dict[uuid.UUID, list[bytes]] = {who: [] for who in pages}
    for who, page in pages.items():
        frames = seen[who]
        page.on(
            "websocket",
            lambda socket, frames=frames: socket.on(
                "framereceived",
                lambda payload: frames.append(payload.encode() if isinstance(payload, str) else payload),
            ),
        )
        page.goto(world.dashboard.link(who))
    for page in pages.values():
        loaded(page)
        expect(page.get_by_role("button", name="Refresh", exact=True)).to_have_count(0)
    until = yesterday(world.sandbox, "USD")
    spend = world.sandbox.total(world.sandbox.of_currency("USD"), "spend", until - dt.timedelta(days=27), until)
    of_harbour = [b"Harbour Group", *world.sandbox.words_of("USD")]
    of_north = [b"Northern Lights", *world.sandbox.words_of("EUR", "JPY")]
    words = {who: b"".join(frames) for who, frames in seen.items()}
    assert number(cells(pages[harbour], 1)["Spend"]) == spend
    assert of_harbour[1] in words[harbour]
    assert of_north[1] in words[north]
    assert not [each for each in of_harbour if each in words[north]]
    assert not [each for each in of_north if each in words[harbour]]


def test_refresh_shows_its_progress_and_ends_with_new_data(world: World, open_page: Callable[..., Page]) -> None:
    manager = world.dashboard.add_user("manager@example.com", Role.MANAGER, slugs=["northern-lights"])
    page = open_page("?period=last_7&currency=EUR", manager)
    page.get_by_role("button", name="Refresh", exact=True).click()
    expect(page.locator(".st-key-refresh_progress")).to_contain_text(re.compile(r"of [\d,]+ days?, [\d,]+ rows?"))
    expect(page.locator(".st-key-refresh_result")).to_contain_text("Refreshed:", timeout=60_000)
    expect(page.get_by_text("Refreshed just now")).to_be_visible()
    assert asked(page) == {"period": ["last_7"], "currency": ["EUR"]}
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".st-key-refresh_result")).to_have_count(0)


def test_days_that_were_never_fetched_can_be_fetched(world: World, open_page: Callable[..., Page]) -> None:
    until = yesterday(world.sandbox, "EUR") - dt.timedelta(days=80)
    query = f"?since={until - dt.timedelta(days=2)}&until={until}&currency=EUR&compare=none"
    page = open_page()
    page.goto(f"{world.dashboard.url}/{query}")
    expect(page.get_by_text("Not refreshed yet")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Fetch ")).click()
    expect(page.locator(".st-key-refresh_result")).to_contain_text("Refreshed:", timeout=60_000)
    loaded(page)
    truth = world.sandbox.total(world.sandbox.of_currency("EUR"), "spend", until - dt.timedelta(days=2), until)
    assert number(cells(page, 1)["Spend"]) == truth
