"""The overview page on a store that was refreshed from the sandbox: numbers, address, downloads, refresh."""

from __future__ import annotations

import datetime as dt
import operator
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect
from sqlalchemy.engine import URL

from dashboard import formats
from dashboard.navigation import PAGES
from lib.access.viewer import Role
from lib.insights.periods import previous_period
from tests.browser.choosing import choose, choose_at_once
from tests.browser.conftest import PATIENCE_MS, Dashboard, Frames, running_dashboard
from tests.browser.holding import Holding
from tests.browser.overview import (
    TOKEN_KEYS,
    Sandbox,
    add_client,
    card,
    command,
    downloaded,
    loaded,
    number,
    rows,
    running_sandbox,
    yesterday,
)
from tests.browser.reruns import settled

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

    def opened(
        query: str = "", user_id: uuid.UUID | None = None, routed: Callable[[WebSocketRoute], None] | None = None
    ) -> Page:
        page = new_context(**WIDE).new_page()
        if routed:
            page.route_web_socket(re.compile("_stcore/stream"), routed)
        world.dashboard.sign_in(page.context, user_id or world.admin)
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
    totals = rows(page)[0]
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
    choose(page, "Period", "Last 7 days")
    choose(page, "Compare with", "Previous year")
    loaded(page)
    page.get_by_role("button", name="All clients").click()
    page.get_by_label("Clients", exact=True).click()
    page.get_by_role("option", name="Northern Lights").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile("client="))
    choose(page, "Sort by", "ROAS")
    page.wait_for_url(re.compile("sort=-roas"))
    loaded(page)
    page.get_by_role("button", name="Largest first").click()
    page.wait_for_url(re.compile("sort=roas"))
    choose(page, "Metric", "Purchases")
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
    assert rows(other) == rows(page)
    shown = page.locator(".st-key-kpis").inner_text()
    expect(other.locator(".st-key-kpis")).to_have_text(shown, use_inner_text=True)


def test_quick_changes_are_all_kept_whichever_answers_the_browser_has_heard(
    world: World, open_page: Callable[..., Page]
) -> None:
    """Of three, the second is sent before the first's answer has come, the third before the second's."""
    line = Holding()
    page = open_page("?currency=EUR", routed=line.between)
    line.is_on = True
    choose_at_once(page, "Period", "Last 7 days")
    first = line.whole_answer(page)
    choose_at_once(page, "Metric", "Purchases")
    line.whole_answer(page, behind=first)
    line.release(first)
    page.wait_for_url(re.compile("period=last_7"))
    second = len(line.held)
    choose_at_once(page, "Compare with", "Previous year")
    line.whole_answer(page, behind=second)
    line.end()
    page.wait_for_url(re.compile("compare=previous_year"))
    loaded(page)
    assert asked(page) == {
        "period": ["last_7"],
        "compare": ["previous_year"],
        "metric": ["purchases"],
        "currency": ["EUR"],
    }


def test_a_box_that_an_older_answer_puts_back_takes_no_choice_back_with_the_next_click(
    open_page: Callable[..., Page],
) -> None:
    """The address of the first change is there when the second is made, the box as the first saw it comes after."""
    line = Holding()
    page = open_page("?currency=EUR", routed=line.between)
    line.is_on = True
    choose_at_once(page, "Metric", "Purchases")
    first = line.whole_answer(page)
    while "metric=purchases" not in page.url:
        line.release(1)
        first -= 1
        page.wait_for_timeout(20)
    choose_at_once(page, "Sort by", "ROAS")
    line.whole_answer(page, behind=first)
    line.release(first)
    expect(page.get_by_role("combobox", name="Sort by")).to_have_value("Spend")
    second = len(line.held)
    page.get_by_role("button", name="Largest first").click()
    line.whole_answer(page, behind=second)
    line.end()
    loaded(page)
    assert asked(page) == {"metric": ["purchases"], "currency": ["EUR"], "sort": ["roas"]}


def test_what_was_changed_on_one_page_is_not_taken_to_another(open_page: Callable[..., Page]) -> None:
    """What both pages have goes along; what only one has would be words that the other does not know."""
    page = open_page()
    choose(page, "Sort by", "ROAS")
    page.wait_for_url(re.compile("sort=-roas"))
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Explore").click()
    expect(page.locator(".st-key-answer")).to_be_visible()
    settled(page)
    expect(page.get_by_text("could not be understood")).to_have_count(0)
    assert asked(page) == {}


def test_a_default_view_has_a_bare_address(open_page: Callable[..., Page]) -> None:
    page = open_page("?period=last_7")
    choose(page, "Period", "Last 28 days")
    page.wait_for_url(re.compile(r"/$"))


def test_the_csv_holds_the_whole_result(world: World, open_page: Callable[..., Page]) -> None:
    page = open_page("?currency=EUR&limit=10&sort=-roas")
    until = yesterday(world.sandbox, "EUR")
    since = until - dt.timedelta(days=27)
    totals = rows(page)[0]
    whole = int(re.findall(r"of (\d+)", page.locator(".st-key-pager").inner_text())[0])
    assert whole > 10
    expect(page.get_by_role("button", name=f"Download ({whole} rows)")).to_be_visible()
    name, found = downloaded(page)
    assert name == f"northern-lights_{since}_{until}_client-account-campaign.csv"
    assert len(found) == whole
    for label, slug in SUMS.items():
        exact = sum(Decimal(row[slug]) for row in found)
        assert exact == number(totals[label]), label
        assert exact == world.sandbox.total(world.sandbox.of_currency("EUR"), slug, since, until), label


def test_pages_of_rows_follow_each_other(open_page: Callable[..., Page]) -> None:
    page = open_page("?currency=EUR&limit=10")
    first = rows(page)[1]
    page.get_by_role("button", name="Next").click()
    page.wait_for_url(re.compile("page=2"))
    expect(page.locator(".st-key-pager")).to_contain_text("Campaigns 11 to")
    loaded(page)
    total, following, *_ = rows(page)
    assert following != first
    assert total["Campaign"].startswith("Total of")


def test_a_click_on_a_head_sorts_every_row_and_the_totals_stay_on_top(open_page: Callable[..., Page]) -> None:
    page = open_page("?currency=EUR&limit=10")
    totals = rows(page)[0]
    grid = page.locator(".st-key-campaigns_table canvas").first
    # Behind the campaign, its account, its status and its spend; what scrolls the canvas lies over it.
    impressions = {"x": sum((220, 140, 80, 104)) + 50, "y": 19}
    for order, is_sorted in (("-impressions", operator.ge), ("impressions", operator.le)) * 2:
        grid.click(position=impressions, force=True)  # type: ignore[arg-type]
        page.wait_for_url(re.compile(rf"sort={order}(&|$)"))
        loaded(page)
        total, *others = rows(page)
        assert total == totals
        assert all(is_sorted(*pair) for pair in pairwise(number(each["Impressions"]) for each in others[:10])), order
    choose(page, "Metric", "Purchases")
    page.wait_for_url(re.compile("metric=purchases"))
    loaded(page)
    assert "sort=impressions" in page.url


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
        expect(page.get_by_role("button", name=re.compile("^Download"))).to_have_count(0)
    until = yesterday(world.sandbox, "USD")
    spend = world.sandbox.total(world.sandbox.of_currency("USD"), "spend", until - dt.timedelta(days=27), until)
    of_harbour = [b"Harbour Group", *world.sandbox.words_of("USD")]
    of_north = [b"Northern Lights", *world.sandbox.words_of("EUR", "JPY")]
    words = {who: b"".join(frames) for who, frames in seen.items()}
    assert number(rows(pages[harbour])[0]["Spend"]) == spend
    assert of_harbour[1] in words[harbour]
    assert of_north[1] in words[north]
    assert not [each for each in of_harbour if each in words[north]]
    assert not [each for each in of_north if each in words[harbour]]


def test_on_no_page_do_two_people_see_each_others_clients(
    world: World, new_context: Callable[..., BrowserContext]
) -> None:
    both = {name: f"{name.split()[0].lower()}.manager@example.com" for name in ("Northern Lights", "Harbour Group")}
    of = {"Northern Lights": world.sandbox.words_of("EUR", "JPY"), "Harbour Group": world.sandbox.words_of("USD")}
    pages = {name: new_context(**WIDE).new_page() for name in both}
    seen = {name: Frames() for name in both}
    for name, page in pages.items():
        who = world.dashboard.add_user(both[name], Role.MANAGER, slugs=[name.lower().replace(" ", "-")])
        seen[name].watch(page)
        page.goto(world.dashboard.link(who))
        expect(page.get_by_test_id("stMetricValue").first).to_be_visible()
    for entry in PAGES:
        for page in pages.values():
            page.goto(f"{world.dashboard.url}/{entry.path}")
        for page in pages.values():
            head = page.get_by_role("heading", name=entry.title, level=1)
            expect(head.or_(page.get_by_text("This page is for administrators")).first).to_be_visible()
            settled(page)
    for name, other in pairwise([*both, *both][:3]):
        frames = b"".join(seen[name].received)
        assert name.encode() in frames
        assert of[name][0] in frames
        assert not [word for word in (other.encode(), *of[other], both[other].encode()) if word in frames]


def test_refresh_shows_its_progress_and_ends_with_new_data(world: World, open_page: Callable[..., Page]) -> None:
    manager = world.dashboard.add_user("manager@example.com", Role.MANAGER, slugs=["northern-lights"])
    page = open_page("?period=last_7&currency=EUR", manager)
    page.get_by_role("button", name="Refresh", exact=True).click()
    expect(page.locator(".st-key-refresh_progress")).to_contain_text(re.compile(r"of [\d,]+ days?, [\d,]+ rows?"))
    expect(page.locator(".st-key-refresh_result")).to_contain_text("Refreshed:", timeout=2 * PATIENCE_MS)
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
    expect(page.locator(".st-key-refresh_result")).to_contain_text("Refreshed:", timeout=2 * PATIENCE_MS)
    loaded(page)
    truth = world.sandbox.total(world.sandbox.of_currency("EUR"), "spend", until - dt.timedelta(days=2), until)
    assert number(rows(page)[0]["Spend"]) == truth
