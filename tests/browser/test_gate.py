"""The gate in a real browser: strangers, one-time links, passwords, revoked sessions."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text
from sqlalchemy.engine import URL
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard.navigation import PAGES
from lib.access.sessions import viewer_of
from lib.store import migrate
from lib.store.engine import Store
from tests.browser.conftest import Dashboard, Frames, running_dashboard
from tests.browser.reruns import settled
from tests.browser.reverse_proxy import reverse_proxy
from tests.conftest import drop_database
from tests.people import noted

Contexts = Callable[..., BrowserContext]
LINK = "Sign in with e-mail and password"
CLIENT = "Zebra Holding"


@pytest.fixture(scope="module")
def probe_server(database_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    target, folder = "tests.browser.probe_server:app", tmp_path_factory.mktemp("probe")
    with running_dashboard(database_url, folder, target=target) as running:
        yield running


@pytest.fixture
def probe(probe_server: Dashboard) -> Dashboard:
    probe_server.empty()
    return probe_server


ENDS = {
    "revoked": "revoked_at = now()",
    "past its greatest age": "expires_at = now()",
    "past its idle age": "seen_at = now() - interval '1 year'",
}
"""How a sign-in ends without a click."""


def end_everything(dashboard: Dashboard, how: str = "revoked") -> None:
    """End every sign-in in one of these ways."""

    async def end(store: Store) -> None:
        async with store.engine.begin() as connection:
            await connection.execute(text(f"UPDATE user_session SET {ENDS[how]}"))

    dashboard.prepare(end)


def add_numbers(dashboard: Dashboard) -> None:
    """One client with one account, ten days of numbers up to yesterday."""

    async def add(store: Store) -> None:
        async with store.working() as session:
            await session.execute(
                text(
                    "WITH c AS (INSERT INTO client (slug, name, graph_url) VALUES ('zebra', :name, 'http://x')"
                    " RETURNING id) INSERT INTO account (account_id, client_id, name, currency, timezone_name)"
                    " SELECT 77, id, 'Zebra account', 'EUR', 'Europe/Berlin' FROM c"
                ),
                {"name": CLIENT},
            )
            await session.execute(
                text(
                    "INSERT INTO insight (account_id, date, ad_id, adset_id, campaign_id, spend_micros, impressions)"
                    " SELECT 77, current_date - n, 1, 1, 1, 987650000, 56789 FROM generate_series(1, 10) n"
                )
            )

    dashboard.prepare(add)


def test_a_one_time_link_signs_in_once(dashboard: Dashboard, new_context: Contexts) -> None:
    link = dashboard.link(dashboard.add_user("ana@example.com"))
    page = new_context().new_page()
    page.goto(link)
    expect(page.get_by_text("ana@example.com · admin")).to_be_visible()
    expect(page).to_have_url(f"{dashboard.url}/")
    stranger = new_context().new_page()
    answer = stranger.goto(link)
    assert answer is not None
    assert answer.status == 410
    expect(stranger.get_by_text("has been used or has expired")).to_be_visible()
    stranger.get_by_role("link", name="Sign in", exact=True).click()
    expect(stranger.get_by_label("Password")).to_be_visible()
    token = link.split("token=")[1]
    assert "GET /sign-in" in dashboard.log_text()
    assert token not in dashboard.log_text()


def test_a_link_on_another_site_asks_first(dashboard: Dashboard, new_context: Contexts) -> None:
    link = dashboard.link(dashboard.add_user("ana@example.com"))
    page = new_context().new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.set_content(f'<a href="{link}">here</a>')
    page.get_by_role("link", name="here").click()
    expect(page.get_by_text("This link signs you in as ana@example.com, once.")).to_be_visible()
    assert not page.context.cookies()
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("ana@example.com · admin")).to_be_visible()
    expect(page).to_have_url(f"{dashboard.url}/")
    assert link.split("token=")[1] not in dashboard.log_text()
    assert not [one for one in complaints if "Content Security Policy" in one]


def test_a_deep_link_survives_the_password_form(dashboard: Dashboard, new_context: Contexts) -> None:
    dashboard.add_user("ana@example.com", password="correct horse battery")
    page = new_context().new_page()
    page.goto(f"{dashboard.url}/overview?period=last_7&kept=a%20%26%20b")
    page.get_by_role("link", name=LINK).click()
    page.get_by_label("E-mail").fill("ana@example.com")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("ana@example.com · admin")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"^{re.escape(dashboard.url)}/\?period=last_7"))


def test_a_stranger_sees_no_number_on_a_fresh_server(database_url: URL, tmp_path: Path, new_context: Contexts) -> None:
    with running_dashboard(database_url, tmp_path) as fresh:
        fresh.empty()
        add_numbers(fresh)
        for path in ("/", f"/{PAGES[0].path}?period=last_90", f"/{PAGES[1].path}"):
            page, frames = new_context().new_page(), Frames()
            frames.watch(page)
            page.goto(fresh.url + path)
            expect(page.get_by_role("link", name=LINK)).to_be_visible()
            settled(page)
            expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(0)
            assert not re.search(r"\d", page.locator("body").inner_text())
            assert frames.received
            for word in (CLIENT, "zebra", "Zebra account", "9876", "987.65", "567890", "567.9", "Spend", "Impressions"):
                assert not frames.contain(word)


@pytest.mark.parametrize("how", ENDS)
def test_a_sign_in_that_ends_loses_the_page_by_itself(probe: Dashboard, new_context: Contexts, how: str) -> None:
    page = new_context().new_page()
    page.goto(probe.link(probe.add_user()))
    expect(page.get_by_text("Page secret 424242")).to_be_visible()
    page.goto(f"{probe.url}/?ticking=1")
    expect(page.get_by_text(re.compile(r"Fragment secret 737373, tick ([3-9]|\d\d)"))).to_be_visible()
    end_everything(probe, how)
    expect(page.get_by_role("link", name=LINK)).to_be_visible()
    for secret in ("424242", "737373", "919191"):
        expect(page.get_by_text(secret)).to_have_count(0)


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("button", ["Rerun fragment", "Act"])
def test_fragments_and_callbacks_of_a_sign_in_that_ended_show_nothing(
    probe: Dashboard, new_context: Contexts, button: str, how: str
) -> None:
    page, frames = new_context().new_page(), Frames()
    frames.watch(page)
    page.goto(probe.link(probe.add_user()))
    page.get_by_role("button", name="Act").click()
    expect(page.get_by_text("Acted 1 times")).to_be_visible()
    settled(page)
    assert frames.contain("919191")
    end_everything(probe, how)
    frames.received.clear()
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("link", name=LINK)).to_be_visible()
    expect(page.get_by_text("424242")).to_have_count(0)
    assert frames.received
    for secret in ("424242", "919191", "Acted"):
        assert not frames.contain(secret)


def test_signing_out_ends_every_window(probe: Dashboard, new_context: Contexts) -> None:
    context = new_context()
    page, other = context.new_page(), context.new_page()
    page.goto(probe.link(probe.add_user()))
    other.goto(probe.url)
    expect(other.get_by_text("Page secret 424242")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    for each in (page, other):
        expect(each.get_by_role("link", name=LINK)).to_be_visible()
        expect(each.get_by_text("424242")).to_have_count(0)
    assert not [cookie for cookie in context.cookies(probe.url) if cookie["name"] == "ads_session"]


def test_a_sign_out_from_a_page_is_noted_with_where_it_came_from(probe: Dashboard, new_context: Contexts) -> None:
    with reverse_proxy(urlsplit(probe.url).port or 0, "203.0.113.9") as proxied:
        page = new_context().new_page()
        page.goto(probe.link(probe.add_user()).replace(probe.url, proxied))
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("link", name=LINK)).to_be_visible()
        assert page.url.startswith(proxied)
    (note,) = [each for each in probe.prepare(noted) if each.action == "signed out"]
    assert note.address == "203.0.113.9"


def test_a_replayed_and_a_tampered_cookie_open_nothing(probe: Dashboard, new_context: Contexts) -> None:
    mine = new_context()
    page = mine.new_page()
    page.goto(probe.link(probe.add_user()))
    expect(page.get_by_text("Page secret 424242")).to_be_visible()
    good = next(cookie["value"] for cookie in mine.cookies(probe.url) if cookie["name"] == "ads_session")
    tampered = [good[:-1] + ("A" if good[-1] != "A" else "B"), good + "A", good[:-1], good.swapcase(), "", '"']
    for value in tampered:
        assert httpx.get(f"{probe.url}/api/v1/me", headers={"cookie": f"ads_session={value}"}).status_code == 401
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name=LINK)).to_be_visible()
    for value in (good, tampered[0]):
        thief = new_context()
        thief.add_cookies([{"name": "ads_session", "value": value, "url": probe.url}])
        stolen, frames = thief.new_page(), Frames()
        frames.watch(stolen)
        stolen.goto(probe.url)
        expect(stolen.get_by_role("link", name=LINK)).to_be_visible()
        assert not frames.contain("424242")


def test_a_failing_page_says_a_number_and_no_more(probe: Dashboard, new_context: Contexts) -> None:
    page, frames = new_context().new_page(), Frames()
    frames.watch(page)
    page.goto(probe.link(probe.add_user()))
    page.get_by_role("button", name="Fail").click()
    said = page.get_by_text("This page could not be drawn.")
    expect(said).to_be_visible()
    number = said.inner_text().rstrip(".").split()[-1]
    assert number in probe.log_text()
    assert "5150" in probe.log_text()
    assert not frames.contain("5150")
    assert not frames.contain("Traceback")


def test_signed_in_people_see_the_menu_and_themselves(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    page.goto(dashboard.url)
    expect(page.get_by_text("ana@example.com · admin")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_download_is_for_people_who_are_signed_in(probe: Dashboard, new_context: Contexts) -> None:
    page = new_context().new_page()
    page.goto(probe.link(probe.add_user()))
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert Path(download.value.path()).read_text() == "export secret 616161"
    address = download.value.url
    assert page.request.get(address).status == 200
    assert httpx.get(address).status_code == 401
    end_everything(probe)
    assert page.request.get(address).status == 401


def test_a_websocket_of_another_site_is_refused(probe: Dashboard) -> None:
    address = probe.url.replace("http://", "ws://") + "/_stcore/stream"
    with connect(address, origin=probe.url, subprotocols=["streamlit"]):
        pass
    for origin in ("https://evil.example", "http://localhost:1", "null"):
        with pytest.raises(InvalidStatus, match="403"), connect(address, origin=origin, subprotocols=["streamlit"]):
            pass


@pytest.mark.parametrize(
    "path",
    ["/_stcore/metrics", "/_stcore/agent/openapi.json", "/_stcore/agent/mcp", "/_stcore/upload_file/a/b",
     "/api/v1/docs"],
)  # fmt: skip
def test_closed_addresses_are_closed_on_the_real_server(probe: Dashboard, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert httpx.request(method, probe.url + path).status_code == 404


def test_streamlit_pages_carry_the_headers(probe: Dashboard) -> None:
    headers = httpx.get(probe.url).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert "unsafe-inline" not in policy["script-src"]
    assert "unsafe-eval" not in policy["script-src"].replace("wasm-unsafe-eval", "")


def test_a_server_that_starts_without_its_database_waits_for_it(
    server_url: URL, tmp_path: Path, new_context: Contexts
) -> None:
    late = server_url.set(database=f"ads_late_{os.getpid()}")
    with running_dashboard(late, tmp_path) as waiting:
        assert httpx.get(f"{waiting.url}/healthz").json() == {"status": "ok"}
        ready = httpx.get(f"{waiting.url}/readyz")
        assert (ready.status_code, ready.json()["database"]) == (503, "unreachable")
        page = new_context().new_page()
        page.context.add_cookies([{"name": "ads_session", "value": "any", "url": waiting.url}])
        page.goto(waiting.url)
        expect(page.get_by_text("The database cannot be reached.")).to_be_visible()
        try:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(migrate.ensure_database, late).result()
            until_ready(waiting)
            page.get_by_role("button", name="Try again").click()
            expect(page.get_by_role("link", name=LINK)).to_be_visible()
        finally:
            drop_database(late)


def until_ready(waiting: Dashboard) -> None:
    """The server asks again by itself; so does this, for a minute."""
    end = time.monotonic() + 60
    while httpx.get(f"{waiting.url}/readyz").status_code != 200:
        assert time.monotonic() < end, waiting.log_text()
        threading.Event().wait(0.2)


def test_a_sign_in_over_another_ends_it_and_its_windows_are_told(dashboard: Dashboard, new_context: Contexts) -> None:
    first, second = dashboard.add_user("ana@example.com"), dashboard.add_user("ben@example.com")
    context = new_context()
    window, other = context.new_page(), context.new_page()
    window.goto(dashboard.link(first))
    expect(window.get_by_text("ana@example.com · admin")).to_be_visible()
    (held,) = [one["value"] for one in context.cookies() if one["name"] == "ads_session"]
    other.goto(dashboard.link(second))
    expect(other).to_have_url(f"{dashboard.url}/")
    for page in (other, window):
        expect(page.get_by_text("ben@example.com · admin")).to_be_visible()
    assert dashboard.prepare(lambda store: viewer_of(store, held)) is None
