"""What the overview shows instead of numbers, and what it makes of odd addresses; a small store without any Meta."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import text

from lib.access.viewer import Role
from lib.store.engine import Store
from tests.browser.choosing import choose
from tests.browser.conftest import Dashboard
from tests.browser.overview import loaded
from tests.browser.reruns import ANSWERED, settled
from tests.factories import add_account, add_campaign, add_client, add_insights, add_slice, insight_row, micros
from tests.fixtures_processes import until

TODAY = dt.datetime.now(dt.UTC).date()
DAYS = [TODAY - dt.timedelta(days=age) for age in range(1, 29)]


async def two_clients(store: Store) -> None:
    """Acme with euros on each of the last 28 days, and Bolt, which was never refreshed."""
    async with store.working() as session:
        acme = await add_client(session, "acme", name="Acme *Bikes*", is_sample=True)
        await add_account(session, 11, acme, name="Acme [EU](http://x)", timezone_name="UTC")
        await add_campaign(session, 11, 1, name="Autumn sale")
        rows = [insight_row(11, day, ad_id=7, spend="12.34", impressions=100, link_clicks=0) for day in DAYS]
        await add_insights(session, rows)
        for day in DAYS:
            await add_slice(session, 11, day, meta_spend_micros=micros("12.34"), meta_impressions=100)
        bolt = await add_client(session, "bolt", name="Bolt")
        await add_account(session, 22, bolt, name="Bolt US", timezone_name="UTC")


@pytest.fixture
def visit(dashboard: Dashboard, signed_in: Callable[..., Page]) -> Callable[..., Page]:
    """Opens an address as someone of this role and these clients."""
    dashboard.prepare(two_clients)

    def opened(query: str = "", role: Role = Role.ADMIN, slugs: list[str] | None = None) -> Page:
        page = signed_in(dashboard.add_user(f"{role}@example.com", role, slugs=slugs))
        page.goto(f"{dashboard.url}/{query}")
        return page

    return opened


def test_no_match_offers_to_clear(visit: Callable[..., Page]) -> None:
    page = visit("?name=zzz&period=last_7")
    expect(page.get_by_text("No match")).to_be_visible()
    expect(page.get_by_text("with “zzz” in its name")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    loaded(page)
    expect(page).to_have_url(re.compile(r"\?period=last_7$"))


@pytest.mark.parametrize(("role", "offer"), [(Role.MANAGER, True), (Role.VIEWER, False)])
def test_not_refreshed_yet_offers_a_refresh_to_those_who_may(
    visit: Callable[..., Page], role: Role, offer: bool
) -> None:
    page = visit("?client=bolt", role, ["acme", "bolt"])
    expect(page.get_by_text("Not refreshed yet")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Fetch "))).to_have_count(int(offer))
    expect(page.get_by_text("Ask a manager to refresh them")).to_have_count(int(not offer))


def test_no_access_says_whom_to_ask(visit: Callable[..., Page]) -> None:
    page = visit("", Role.VIEWER, [])
    expect(page.get_by_text("No client is open to you yet")).to_be_visible()
    expect(page.get_by_text("Ask your administrator")).to_be_visible()


def test_a_client_that_is_hidden_looks_like_one_that_does_not_exist(visit: Callable[..., Page]) -> None:
    page = visit("?client=bolt", Role.VIEWER, ["acme"])
    expect(page.get_by_text("You cannot see what this address asks for")).to_be_visible()
    expect(page.get_by_role("button", name="Show what I can see")).to_be_visible()
    hidden = page.locator(".stMain").inner_text()
    page.goto(page.url.replace("bolt", "nobody"))
    expect(page.get_by_text("You cannot see what this address asks for")).to_be_visible()
    expect(page.locator(".stMain")).to_have_text(hidden, use_inner_text=True)


def test_a_metric_that_meta_does_not_report_by_day_names_the_rule(visit: Callable[..., Page]) -> None:
    page = visit("?metric=reach")
    expect(page.get_by_text("Reach cannot be shown by day")).to_be_visible()
    expect(page.get_by_text("holds for one object and one period")).to_be_visible()


def test_a_malformed_address_gives_one_sentence_and_the_rest_holds(visit: Callable[..., Page]) -> None:
    page = visit("?period=last_7&compare=sideways&sort=-nothing&page=-3&limit=1e9&account=abc&since=2026-02-31")
    loaded(page)
    left_out = "Part of this address could not be understood and was left out"
    expect(page.get_by_text(left_out)).to_have_count(1)
    expect(page.get_by_text(left_out)).to_contain_text("comparison, account, sort order")
    expect(page.get_by_role("combobox", name="Period", exact=True)).to_have_value("Last 7 days")


def test_a_missing_value_is_a_dash_with_its_reason(visit: Callable[..., Page]) -> None:
    page = visit("?client=acme")
    loaded(page)
    cpc = page.get_by_test_id("stMetric").filter(has_text="CPC (link)")
    expect(cpc.get_by_test_id("stMetricValue")).to_have_text("-")
    cpc.get_by_role("button", name="Help for CPC (link)").hover()
    expect(page.get_by_text("there were no link clicks to divide by")).to_be_visible()


def test_nothing_moves_when_the_boxes_of_the_filters_arrive(
    dashboard: Dashboard, signed_in: Callable[..., Page]
) -> None:
    dashboard.prepare(two_clients)
    page, held = signed_in(), list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(r"/Selectbox\.[^/]*\.js$"), hold)
    page.goto(dashboard.url)
    refresh = page.get_by_role("button", name="Refresh", exact=True)
    expect(refresh).to_be_visible()
    expect(page.get_by_test_id("stMetricValue")).to_have_count(10)
    expect(page.locator(ANSWERED)).to_be_attached()
    assert held
    before = refresh.bounding_box()
    with pytest.raises(AssertionError, match="stSkeleton"):
        settled(page, timeout=500)
    for route in held:
        route.continue_()
    settled(page)
    expect(page.get_by_role("combobox", name="Period", exact=True)).to_be_visible()
    assert refresh.bounding_box() == before


def test_names_are_shown_as_they_are_and_samples_are_labelled(visit: Callable[..., Page]) -> None:
    page = visit("?client=acme&account=11")
    loaded(page)
    expect(page.locator(".st-key-pills")).to_contain_text("Client: Acme *Bikes*")
    expect(page.locator(".st-key-pills")).to_contain_text("Account: Acme [EU](http://x)")
    expect(page.locator(".st-key-title")).to_contain_text("Sample data")
    page.get_by_role("button", name=re.compile("Client: Acme")).click()
    page.wait_for_url(re.compile(r"\?account=11$"))


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(visit: Callable[..., Page], width: int) -> None:
    page = visit("?client=acme")
    page.set_viewport_size({"width": width, "height": 800})
    loaded(page)
    fits = f"document.querySelector('.stMain').scrollWidth <= {width}"
    until(lambda: page.evaluate(fits), "nothing lies beside the screen")


def test_a_download_is_refused_once_the_sign_in_has_ended(dashboard: Dashboard, visit: Callable[..., Page]) -> None:
    page = visit("?client=acme")
    loaded(page)
    dashboard.prepare(revoke_everyone)
    page.get_by_role("button", name=re.compile(r"^Download \(")).click()
    page.get_by_role("button", name="CSV", exact=True).click()
    expect(page.get_by_text("Your sign-in has ended; nothing was written. Sign in again.")).to_be_visible()


async def revoke_everyone(store: Store) -> None:
    """End every sign-in."""
    async with store.working() as session:
        await session.execute(text("UPDATE user_session SET revoked_at = now()"))


def test_the_last_good_numbers_stay_when_the_store_refuses(dashboard: Dashboard, visit: Callable[..., Page]) -> None:
    page = visit("?client=acme")
    loaded(page)
    cards = page.locator(".st-key-kpis").inner_text()
    dashboard.prepare(close_the_insights)
    try:
        choose(page, "Sort by", "ROAS")
        page.wait_for_url(re.compile("sort="))
        expect(page.get_by_text("These numbers could not be loaded")).to_be_visible()
        choose(page, "Sort by", "Spend")
        expect(page.get_by_text("These numbers are from just now")).to_be_visible()
        settled(page)
        expect(page.locator(".st-key-kpis")).to_have_text(cards, use_inner_text=True)
    finally:
        dashboard.prepare(open_the_insights)


async def close_the_insights(store: Store) -> None:
    """New data is there, and the app may no longer read it."""
    async with store.working() as session:
        await add_slice(session, 11, TODAY, account_day_ended=False)
    async with store.engine.begin() as connection:
        await connection.execute(text("REVOKE SELECT ON insight FROM ads_app"))


async def open_the_insights(store: Store) -> None:
    """The app may read again."""
    async with store.engine.begin() as connection:
        await connection.execute(text("GRANT SELECT ON insight TO ads_app"))


def test_half_a_comparison_period_gives_no_change_but_says_so(visit: Callable[..., Page]) -> None:
    page = visit("?client=acme")
    loaded(page)
    expect(page.get_by_text("not every day of both periods is complete")).to_be_visible()
    expect(page.get_by_text("vs €")).to_have_count(0)
    page.goto(f"{page.url}&period=last_7")
    loaded(page)
    expect(page.get_by_text("not every day of both periods is complete")).to_have_count(0)
    expect(page.get_by_text("vs €").first).to_be_visible()


def test_days_before_metas_history_are_not_offered(visit: Callable[..., Page]) -> None:
    page = visit("?client=acme&period=custom&since=2020-01-01&until=2020-02-01", role=Role.ADMIN)
    expect(page.get_by_text("Meta does not report these days")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Fetch "))).to_have_count(0)
