"""Heads of columns stand in full, and e-mail addresses are broken behind their signs alone."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Locator, Page, expect

from lib.access.audit import Action, Actor, note
from lib.store.engine import Store
from tests.browser.conftest import Dashboard
from tests.browser.explore import HEAD_PX, resting, settled
from tests.factories import (
    add_account,
    add_ad,
    add_adset,
    add_campaign,
    add_client,
    add_insights,
    add_slice,
    insight_row,
)
from tests.fixtures_processes import until

SignIn = Callable[..., Page]
TODAY = dt.datetime.now(dt.UTC).date()
DAYS = [TODAY - dt.timedelta(days=back) for back in range(1, 61)]
PLACES = f"""(() => {{
    window.heads = {{}};
    const draw = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (words, x, y, ...rest) {{
        if (this.canvas.closest(".st-key-results") && y < {HEAD_PX}) {{
            window.heads[words] = [x, this.measureText(words).width];
        }}
        return draw.call(this, words, x, y, ...rest);
    }};
}})()"""
"""Notes of each head that is drawn where it begins and how wide its words are."""


def prepared(dashboard: Dashboard) -> None:
    """Acme, with an ad on each of 60 days."""

    async def prepare(store: Store) -> None:
        async with store.working() as session:
            client_id = await add_client(session, "acme")
            await add_account(session, 11, client_id, timezone_name="UTC")
            await add_campaign(session, 11, 1)
            await add_adset(session, 11, 1)
            await add_ad(session, 11, 7)
            await add_insights(session, [insight_row(11, day, 7, spend="1.50", impressions=100) for day in DAYS])
            for day in DAYS:
                await add_slice(session, 11, day, meta_spend_micros=1_500_000, meta_impressions=100)

    dashboard.prepare(prepare)


MANY = "impressions,purchases,spend,revenue,leads,clicks"
QUESTIONS = {
    f"metrics=landing_page_views,cost_per_add_to_cart,{MANY}&compare=previous_period": "Δ Cost per add to cart",
    f"metrics=landing_page_views,add_to_cart,{MANY}&share=beside": "% of adds to cart",
    f"metrics=cost_per_outbound_click,outbound_clicks,{MANY}&sort=-cost_per_outbound_click": "Outbound clicks",
}
"""Each asks for more columns than there is room for, and has a head that is in sight."""


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_head_of_explore_stands_in_full(dashboard: Dashboard, signed_in: SignIn, question: str) -> None:
    prepared(dashboard)
    page = signed_in(viewport={"width": 1280, "height": 800})
    page.add_init_script(PLACES)
    page.goto(f"{dashboard.url}/explore?group_by=week&{question}")
    settled(page)

    def heads() -> list[tuple[float, float, str]]:
        return sorted(page.evaluate("Object.entries(window.heads).map(([words, [x, width]]) => [x, width, words])"))

    until(lambda: QUESTIONS[question] in [words for *_, words in heads()], "the heads are drawn")
    # Of the last one in sight nothing tells where it ends.
    cut = [words for (x, width, words), (following, *_) in pairwise(heads()) if x + width > following - 8]
    assert cut == []


LONG = "anastasia.longer-lastname+reports@subsidiary.of.example.com"


def lines(cell: Locator) -> list[str]:
    """The words of a cell, line by line as they are drawn."""
    found: list[str] = cell.evaluate(
        """cell => {
            const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), range = document.createRange();
            const lines = new Map();
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                for (let place = 0; place < node.length; place++) {
                    range.setStart(node, place), range.setEnd(node, place + 1);
                    const top = Math.round(range.getBoundingClientRect().top);
                    lines.set(top, (lines.get(top) ?? "") + node.data[place]);
                }
            }
            return [...lines.values()].map(line => line.trim());
        }"""
    )
    return found


@pytest.mark.parametrize("width", [390, 1280])
def test_an_address_goes_on_in_the_next_line_behind_a_sign(dashboard: Dashboard, signed_in: SignIn, width: int) -> None:
    async def noted(store: Store) -> None:
        async with store.working() as session:
            await note(session, Actor(LONG), Action.CHANGED_PERSON, via="page", subject=LONG)

    dashboard.prepare(noted)
    page = signed_in(dashboard.add_user(LONG), viewport={"width": width, "height": 844})
    page.goto(f"{dashboard.url}/audit?action=changed+person")
    row = page.locator('.st-key-audit_rows [data-testid="stHorizontalBlock"]').filter(has_text="Changed person")
    cells = row.get_by_test_id("stColumn").filter(has_text="anastasia")
    expect(cells).to_have_count(2)
    if width < 640:
        page.get_by_test_id("stExpandSidebarButton").click()
    signed_in_as = page.get_by_test_id("stSidebar").get_by_title(LONG)
    expect(signed_in_as).to_be_visible()
    resting(signed_in_as)
    for cell in (*cells.all(), signed_in_as):
        found = lines(cell)
        assert re.sub(r"\s", "", "".join(found)).startswith(LONG)
        for line in found[:-1]:
            assert re.search(r"[@._+-]$|·$", line) or line.endswith(".com"), found
