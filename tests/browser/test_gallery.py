"""Explore by ad and by creative: cards with pictures kept here, texts, statuses and Meta's rankings; nobody else's."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import insert

from lib.access.viewer import Role
from lib.insights.cards import NOT_KEPT, NOT_RANKED
from lib.insights.periods import preset
from lib.store.engine import Store
from lib.store.models import CreativePicture
from lib.zones import today_in
from sandbox.pictures import png
from tests.browser.conftest import Dashboard, Frames
from tests.browser.explore import settled
from tests.factories import (
    NOW,
    add_account,
    add_ad,
    add_client,
    add_insights,
    add_period,
    add_slice,
    insight_row,
    put_creative,
)

ACME, BOLT, SIDE, ADS = 11, 22, 48, 14
SINCE, UNTIL = preset("last_28", today_in("Europe/Berlin"))
HOSTILE = "<img src=x onerror=alert(1)> **bold**"
WORDS = {"quality_ranking": "ABOVE_AVERAGE", "engagement_rate_ranking": "BELOW_AVERAGE_35"}


async def furnish(store: Store) -> None:
    """Acme with fourteen ads, 1 to 14, the first spending the most; Bolt with one, 91. Rankings of the last 28 days."""
    async with store.working() as session:
        for slug, account in (("acme", ACME), ("bolt", BOLT)):
            await add_account(session, account, await add_client(session, slug))
        named: dict[int, dict[str, Any]] = {1: {"name": HOSTILE}, 2: {"effective_status": "DELETED"}}
        for ad in range(1, ADS + 1):
            await add_ad(session, ACME, ad, creative_id=ad * 10, **named.get(ad, {}))
            await put_creative(
                session, ACME, ad * 10, title=f"Title {ad}", body="Words", thumbnail_url="https://x.test/"
            )
        await add_ad(session, BOLT, 91, name="Foreign ad", creative_id=910)
        await put_creative(session, BOLT, 910, name="Foreign creative", title="Foreign title")
        for account, creative in ((ACME, 10), (ACME, 20), (BOLT, 910)):
            await keep(session, account, creative)
        rows = [insight_row(ACME, UNTIL, ad, spend=100 - ad) for ad in range(1, ADS + 1)]
        await add_insights(session, [*rows, insight_row(BOLT, UNTIL, 91, spend=200)])
        for account in (ACME, BOLT):
            await add_slice(session, account, UNTIL)
        await add_period(session, ACME, "ad", SINCE, UNTIL, [{"object_id": 1, **WORDS}])
        await add_period(session, BOLT, "ad", SINCE, UNTIL, [{"object_id": 91, **WORDS}])


async def keep(session: Any, account: int, creative: int) -> None:
    kept = {"content": png(str(creative), SIDE), "content_type": "image/png", "source_key": "/", "fetched_at": NOW}
    await session.execute(insert(CreativePicture).values(account_id=account, creative_id=creative, **kept))


@pytest.fixture(scope="module")
def furnished(shared_dashboard: Dashboard) -> Dashboard:
    shared_dashboard.empty()
    shared_dashboard.prepare(furnish)
    return shared_dashboard


@pytest.fixture
def dashboard(furnished: Dashboard) -> Dashboard:
    return furnished


@pytest.fixture
def open_page(dashboard: Dashboard, signed_in: Callable[..., Page]) -> Callable[..., Page]:
    """Opens Explore at this address as somebody of this role who sees these clients."""

    def opened(query: str, role: Role = Role.VIEWER, slugs: tuple[str, ...] = ("acme",), **options: Any) -> Page:
        page = signed_in(dashboard.add_user(f"{role.value}@example.com", role, slugs=list(slugs)))
        for watch in options.values():
            watch(page)
        page.goto(f"{dashboard.url}/explore{query}")
        settled(page)
        return page

    return opened


def cards(page: Page) -> Locator:
    return page.locator(".st-key-gallery article")


def buttons(page: Page) -> Locator:
    """What asks Meta for numbers of exactly these days."""
    return page.get_by_role("button", name=re.compile("Fetch .* from Meta"))


def widths(page: Page) -> list[int]:
    """How wide the pictures are that the browser really has."""
    found = page.locator(".st-key-gallery img")
    expect(found.first).to_be_visible()
    return list(found.evaluate_all("all => Promise.all(all.map(one => one.decode().then(() => one.naturalWidth)))"))


def test_ads_have_their_pictures_texts_statuses_and_rankings(open_page: Callable[..., Page]) -> None:
    page = open_page("?group_by=ad&metrics=spend")
    expect(page.get_by_role("heading", name="Ads in these rows")).to_be_visible()
    expect(cards(page)).to_have_count(12)
    assert widths(page) == [SIDE, SIDE]
    first, second, third = (cards(page).nth(number) for number in range(3))
    expect(first.locator("strong")).to_have_text(HOSTILE)
    expect(first).to_contain_text("Title 1")
    expect(first.locator("dd")).to_have_text(["Above average", "Below average (bottom 35%)", "-"])
    expect(first.locator("dd").nth(2)).to_have_attribute("title", NOT_RANKED)
    expect(second.get_by_text("Deleted")).to_be_visible()
    expect(third).to_contain_text(NOT_KEPT)
    page.locator(".st-key-next_cards button").click()
    expect(cards(page)).to_have_count(2)
    expect(cards(page).first).to_contain_text("Ad 13")
    page.locator(".st-key-previous_cards button").click()
    expect(cards(page)).to_have_count(12)


def test_nobody_is_shown_what_is_not_theirs(open_page: Callable[..., Page]) -> None:
    frames, foreign = Frames(), base64.b64encode(png("910", SIDE)).decode()
    for group_by in ("ad", "creative"):
        page = open_page(f"?group_by={group_by}&metrics=spend&account={BOLT}&account={ACME}", watch=frames.watch)
        expect(cards(page)).to_have_count(12)
    assert frames.contain("Title 1")
    assert not any(frames.contain(words) for words in ("Foreign", foreign))
    page = open_page("?group_by=creative&metrics=spend", Role.ANALYST, ("bolt",), watch=frames.watch)
    expect(page.get_by_role("heading", name="Creatives in these rows")).to_be_visible()
    expect(cards(page)).to_have_count(1)
    expect(cards(page)).to_contain_text("Foreign title")
    assert widths(page) == [SIDE]
    assert frames.contain(foreign)


def test_rows_of_anything_else_have_no_cards(open_page: Callable[..., Page]) -> None:
    page = open_page("?group_by=campaign&metrics=spend")
    expect(page.locator(".st-key-results")).to_be_visible()
    expect(page.locator(".st-key-gallery")).to_have_count(0)


def test_rankings_of_other_days_are_asked_for_by_one_button(open_page: Callable[..., Page]) -> None:
    days = f"since={UNTIL - dt.timedelta(days=4)}&until={UNTIL}"
    page = open_page(f"?group_by=ad&metrics=spend&{days}")
    expect(page.locator(".st-key-gallery")).to_contain_text("Not fetched for this period yet.")
    expect(cards(page).first.locator("dd")).to_have_text(["-", "-", "-"])
    expect(buttons(page)).to_have_count(0)
    page = open_page(f"?group_by=ad&metrics=spend&{days}", Role.MANAGER)
    expect(buttons(page)).to_have_text(re.compile("Fetch rankings of"))
    page.goto(page.url.replace("metrics=spend", "metrics=spend,reach"))
    expect(page.locator(".st-key-gallery")).to_contain_text("The button above that fetches reach fetches them too.")
    expect(buttons(page)).to_have_text(re.compile("Fetch reach of"))
