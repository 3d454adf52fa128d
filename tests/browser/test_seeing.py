"""Through another's eyes: the banner on every page, that person's clients and rights only, and the way back."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from dashboard.navigation import PAGES
from lib.access.viewer import Role
from lib.store.engine import Store
from tests.browser.conftest import Dashboard, Frames
from tests.browser.people import ANA, BEN, CYD, House, button, furnish, opened, row
from tests.browser.reruns import settled
from tests.factories import add_insights, add_slice, insight_row

BANNER = f"You see the numbers that {BEN} sees (viewer). You only look: nothing can be changed."


@pytest.fixture
def house(dashboard: Dashboard) -> House:
    return furnish(dashboard)


@pytest.fixture
def seeing(house: House, signed_in: Callable[..., Page]) -> Page:
    """Ana's window, from which she looks through Ben's eyes."""
    page = house.open(signed_in(house.ana), f"?open={house.ben}")
    button(opened(page), "See as").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    settled(page)
    return page


def test_the_banner_is_on_every_page_and_the_pages_are_those_of_the_person(house: House, seeing: Page) -> None:
    shown = [entry.title for entry in PAGES if entry.role is Role.VIEWER]
    frames, another = Frames(), seeing.context.new_page()
    frames.watch(another)
    for entry in PAGES:
        another.goto(f"{house.dashboard.url}/{entry.path}")
        expect(another.locator(".st-key-seeing_as")).to_contain_text(BANNER)
        expect(another.get_by_test_id("stSidebarNavLink")).to_have_count(len(shown))
        expect(another.get_by_test_id("stSidebarNavLink")).to_contain_text(shown)
        settled(another)
    # Addresses have their full stops escaped on the way.
    assert frames.contain("ben@example")
    assert not any(frames.contain(words) for words in ("Bolt", "cyd@example"))
    expect(another.get_by_text(f"{ANA} · admin")).to_be_visible()


def test_whoever_only_looks_refreshes_and_saves_nothing(house: House, seeing: Page) -> None:
    expect(seeing.locator(".st-key-seeing_as")).to_contain_text(BANNER)
    expect(seeing.locator(".st-key-refresh")).to_have_count(0)
    expect(seeing.get_by_text("Ask a manager to refresh them")).to_be_visible()
    seeing.goto(f"{house.dashboard.url}/people")
    expect(seeing.get_by_text("Not shown while you look through another's eyes")).to_be_visible()
    expect(seeing.get_by_text(CYD)).to_have_count(0)


def test_stopping_gives_the_page_back_in_every_window_and_both_are_noted(house: House, seeing: Page) -> None:
    another = seeing.context.new_page()
    another.goto(f"{house.dashboard.url}/people")
    button(another, "Stop").click()
    expect(another.get_by_role("heading", name="People", exact=True)).to_be_visible()
    expect(another.locator(".st-key-seeing_as")).to_have_count(0)
    expect(button(opened(another), "See as")).to_be_visible()
    expect(another).to_have_url(f"{house.dashboard.url}/people?open={house.ben}")
    seeing.reload()
    expect(seeing.get_by_test_id("stSidebarNavLink").filter(has_text="People")).to_be_visible()
    expect(seeing.locator(".st-key-seeing_as")).to_have_count(0)
    assert [(each.email, each.subject, each.after) for each in house.noted("sees as")] == [
        (ANA, BEN, {"seen_as": BEN}),
        (ANA, BEN, {"seen_as": ""}),
    ]


def test_a_filter_chosen_before_is_not_taken_along(house: House, signed_in: Callable[..., Page]) -> None:
    page = signed_in(house.ana)
    page.goto(f"{house.dashboard.url}/?client=bolt")
    expect(page.get_by_role("button", name=re.compile("Bolt")).first).to_be_visible()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="People").click()
    button(row(page, BEN), BEN).click()
    button(opened(page), "See as").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    settled(page)
    expect(page.get_by_text("You cannot see what this address asks for")).to_have_count(0)
    assert "bolt" not in page.url


def test_a_part_of_another_window_that_draws_itself_anew_brings_the_banner(
    house: House, signed_in: Callable[..., Page]
) -> None:
    page = house.open(signed_in(house.ana), f"?open={house.ben}")
    system = page.context.new_page()
    system.goto(f"{house.dashboard.url}/system")
    expect(button(system, "Check again")).to_be_enabled()
    expect(system.get_by_text("Looked at on")).to_be_visible()
    button(opened(page), "See as").click()
    expect(page.locator(".st-key-seeing_as")).to_be_visible()
    button(system, "Check again").click()
    expect(system.locator(".st-key-seeing_as")).to_contain_text(BANNER)


def test_the_person_notices_nothing(house: House, seeing: Page, signed_in: Callable[..., Page]) -> None:
    expect(seeing.locator(".st-key-seeing_as")).to_be_visible()
    bens = signed_in(house.ben)
    bens.goto(house.dashboard.url)
    expect(bens.get_by_text(f"{BEN} · viewer")).to_be_visible()
    settled(bens)
    expect(bens.locator(".st-key-seeing_as")).to_have_count(0)


def test_signing_out_while_looking_ends_the_administrators_own_sign_in(house: House, seeing: Page) -> None:
    button(seeing, "Sign out").click()
    expect(seeing.get_by_role("link", name="Sign in with e-mail and password")).to_be_visible()
    expect(seeing.locator(".st-key-seeing_as")).to_have_count(0)
    assert house.person(BEN).is_active


def test_administrators_are_not_seen_as(house: House, signed_in: Callable[..., Page]) -> None:
    eve = house.dashboard.add_user("eve@example.com", Role.ADMIN)
    page = house.open(signed_in(house.ana), f"?open={eve}")
    expect(button(opened(page), "See as")).to_be_disabled()


def test_who_became_an_administrator_meanwhile_is_not_seen_as(house: House, signed_in: Callable[..., Page]) -> None:
    page = house.open(signed_in(house.ana), f"?open={house.ben}")
    house.dashboard.add_user(BEN, Role.ADMIN)
    button(opened(page), "See as").click()
    expect(row(page, BEN)).to_contain_text("Every client")
    expect(button(opened(page), "See as")).to_be_disabled()
    expect(page.locator(".st-key-seeing_as")).to_have_count(0)


def test_through_an_analysts_eyes_no_file_is_offered_and_no_page_sends_to_a_manager(
    house: House, signed_in: Callable[..., Page]
) -> None:
    house.dashboard.add_user(CYD, Role.MANAGER, slugs=["acme"])
    house.dashboard.prepare(numbers)
    page = house.open(signed_in(house.ana), f"?open={house.cyd}")
    button(opened(page), "See as").click()
    expect(page.get_by_text(f"{CYD} finds the downloads here.")).to_be_visible()
    expect(page.get_by_role("button", name="Download")).to_have_count(0)
    for path in ("clients", "groups", "people", "audit", "system"):
        page.goto(f"{house.dashboard.url}/{path}")
        expect(page.get_by_text("Stop first: the button is above.")).to_be_visible()
    button(page, "Stop").click()
    expect(button(opened(page), "See as")).to_be_visible()
    expect(page).to_have_url(f"{house.dashboard.url}/people?open={house.cyd}")


async def numbers(store: Store) -> None:
    """Yesterday's of Acme."""
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    async with store.working() as session:
        await add_insights(session, [insight_row(11, yesterday, 1, spend="10")])
        await add_slice(session, 11, yesterday)
