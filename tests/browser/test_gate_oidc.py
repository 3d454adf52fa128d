"""Sign-in and sign-out by OIDC, against a provider that runs here."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Response, expect
from sqlalchemy import text
from sqlalchemy.engine import URL

from dashboard.navigation import PAGES
from lib.access.viewer import Role
from lib.store.engine import Store
from tests.browser.conftest import Dashboard, Frames
from tests.browser.reruns import settled
from tests.browser.single_sign_on import running_behind
from tests.factories import add_account, add_campaign, add_client, add_insights, add_slice, insight_row
from tests.integration.api.houses import add_run
from tests.people import noted

Contexts = Callable[..., BrowserContext]
BUTTON = "Sign in with single sign-on"
ANA, CORA, EVE = "ana@example.com", "cora@example.com", "eve@example.com"
PEOPLE = (
    {"sub": "ana", "email": ANA, "email_verified": True},
    {"sub": "cora", "email": CORA, "email_verified": True},
    {"sub": "bob", "email": "bob@example.com", "email_verified": True},
    {"sub": "eve", "email": EVE, "email_verified": False},
    {"sub": "mallory", "email": ANA},
)


@pytest.fixture(scope="module")
def oidc_server(database_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with running_behind(database_url, tmp_path_factory.mktemp("sso"), PEOPLE) as running:
        yield running


@pytest.fixture
def sso(oidc_server: Dashboard) -> Dashboard:
    oidc_server.empty()
    return oidc_server


def sign_in(page: Page, address: str, sub: str) -> None:
    page.goto(address)
    page.get_by_role("button", name=BUTTON).click()
    page.wait_for_url("**/oauth2/authorize**")
    page.get_by_role("button", name=sub, exact=True).click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/oauth2/end_session**")


def sessions_of(dashboard: Dashboard) -> list[Any]:
    async def read(store: Store) -> list[Any]:
        async with store.working() as session:
            query = "SELECT provider, revoked_at IS NULL FROM user_session ORDER BY created_at"
            return [tuple(row) for row in await session.execute(text(query))]

    return dashboard.prepare(read)


def test_sign_in_comes_back_to_the_deep_link(sso: Dashboard, new_context: Contexts) -> None:
    sso.add_user(ANA, Role.ANALYST)
    page = new_context().new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    sign_in(page, f"{sso.url}/?period=last_7&kept=a%20%26%20b", "ana")
    expect(page.get_by_text(f"{ANA} · analyst")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"^{re.escape(sso.url)}/\?period=last_7"))
    assert sessions_of(sso) == [("oidc", True)]
    asked = next(url for url in requests if "/oauth2/authorize?" in url)
    assert "nonce=" in asked
    assert "prompt=login" in asked
    back = next(url for url in requests if "/oauth2callback?" in url)
    log = sso.log_text()
    assert "GET /oauth2callback" in log
    for secret in re.findall(r"(?:code|state)=([^&]+)", back):
        assert secret not in log
    assert "the client's own secret" not in log


def test_no_token_of_the_provider_is_left_in_the_browser(sso: Dashboard, new_context: Contexts) -> None:
    sso.add_user(ANA)
    context = new_context()
    context.add_cookies([{"name": "_streamlit_user_tokens_1", "value": "of-another-day", "url": sso.url}])
    page = context.new_page()
    set_cookies: list[str] = []

    def hear(response: Response) -> None:
        if response.url.startswith(f"{sso.url}/oauth2callback?"):
            set_cookies.extend(one["value"] for one in response.headers_array() if one["name"] == "set-cookie")

    page.on("response", hear)
    sign_in(page, sso.url, "ana")
    expect(page.get_by_text(f"{ANA} · admin")).to_be_visible()
    given = [line.partition("=")[0] for line in set_cookies if "Max-Age=0" not in line]
    assert "_streamlit_user" in given
    assert not [name for name in given if name.startswith("_streamlit_user_tokens")]
    held = {str(cookie.get("name")): str(cookie.get("value")) for cookie in context.cookies(sso.url)}
    assert not [name for name in held if name.startswith("_streamlit_user_tokens")]
    sign_out(page)


def test_a_copied_cookie_is_worth_nothing_after_the_sign_out(sso: Dashboard, new_context: Contexts) -> None:
    sso.add_user(CORA)
    context = new_context()
    page = context.new_page()
    sign_in(page, sso.url, "cora")
    expect(page.get_by_text(f"{CORA} · admin")).to_be_visible()
    other = context.new_page()
    other.goto(sso.url)
    expect(other.get_by_text(f"{CORA} · admin")).to_be_visible()
    copied = context.cookies()
    assert page.request.get(f"{sso.url}/media/anything.csv").status == 404
    sign_out(page)
    assert sessions_of(sso) == [("oidc", False)]
    assert not [cookie for cookie in context.cookies(sso.url) if cookie["name"].startswith("_streamlit_user")]
    expect(other.get_by_role("button", name=BUTTON)).to_be_visible()
    jar = {cookie["name"]: cookie["value"] for cookie in copied}
    assert httpx.get(f"{sso.url}/media/anything.csv", cookies=jar).status_code == 401
    thief = new_context()
    thief.add_cookies(copied)
    stolen, frames = thief.new_page(), Frames()
    frames.watch(stolen)
    stolen.goto(sso.url)
    expect(stolen.get_by_text("Your sign-in has ended.")).to_be_visible()
    expect(stolen.get_by_role("button", name=BUTTON)).to_be_visible()
    assert not frames.contain(f"{CORA} · admin")


@pytest.mark.parametrize(
    ("sub", "sentence"),
    [
        ("bob", "bob@example.com may not use this dashboard. Ask the administrator"),
        ("eve", "has not verified your e-mail address"),
        ("mallory", "has not verified your e-mail address"),
    ],
)
def test_unknown_and_unverified_people_are_told_whom_to_ask(
    sso: Dashboard, new_context: Contexts, sub: str, sentence: str
) -> None:
    sso.add_user(ANA)
    sso.add_user(EVE)
    page = new_context().new_page()
    sign_in(page, sso.url, sub)
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(0)
    assert sessions_of(sso) == []
    sign_out(page)


def test_a_sign_in_that_fails_is_told_and_noted_once_by_its_reason(sso: Dashboard, new_context: Contexts) -> None:
    sso.add_user(ANA)
    page = new_context().new_page()
    sentence = page.get_by_text("The sign-in did not succeed and nobody was signed in: try again")

    def begun() -> str:
        """The state of a sign-in that has got as far as the provider."""
        page.goto(f"{sso.url}/?period=last_7")
        page.get_by_role("button", name=BUTTON).click()
        page.wait_for_url("**/oauth2/authorize**")
        return re.findall("[?&]state=([^&]+)", page.url)[0]

    words = "denied%20%3Cb%3Eby%20hand"
    page.goto(f"{sso.url}/oauth2callback?error=access_denied&error_description={words}&state={begun()}")
    expect(sentence).to_be_visible()
    expect(page).to_have_url(re.compile(rf"^{re.escape(sso.url)}/\?period=last_7"))
    expect(page.get_by_text("denied")).to_have_count(0)
    page.goto(f"{sso.url}/oauth2callback?code=made-up&state={begun()}")
    expect(sentence).to_be_visible()
    for _ in range(3):
        answer = httpx.get(f"{sso.url}/oauth2callback?code=made-up&state=made-up")
        assert (answer.status_code, answer.headers["location"]) == (302, "/")
    notes = sso.prepare(lambda store: noted(store, "sign-in failed"))
    assert [(note.email, note.via, note.after, bool(note.address)) for note in notes] == [
        ("nobody known", "sign-in", {"by": "oidc", "why": why}, True)
        for why in (
            "refused by the sign-in service",
            "answer of the sign-in service not accepted",
            "not begun in this browser",
        )
    ]
    sign_in(page, sso.url, "ana")
    expect(page.get_by_text(f"{ANA} · admin")).to_be_visible()
    assert not [one for one in page.context.cookies(sso.url) if one["name"] == "ads_failed"]
    assert len(sso.prepare(lambda store: noted(store, "sign-in failed"))) == 3


def test_a_sign_in_by_redirect_ends_the_one_that_the_browser_had(sso: Dashboard, new_context: Contexts) -> None:
    sso.add_user(ANA)
    ben = sso.add_user("ben@example.com")
    context = new_context()
    page = context.new_page()
    page.goto(sso.url)
    page.get_by_role("button", name=BUTTON).click()
    page.wait_for_url("**/oauth2/authorize**")
    sso.sign_in(context, ben)
    page.get_by_role("button", name="ana", exact=True).click()
    expect(page.get_by_text(f"{ANA} · admin")).to_be_visible()
    assert sessions_of(sso) == [("local", False), ("oidc", True)]
    (gone,) = sso.prepare(lambda store: noted(store, "signed out"))
    assert gone.email == "ben@example.com"


def test_both_ways_in_stand_beside_each_other(sso: Dashboard, new_context: Contexts) -> None:
    sso.add_user(ANA, password="correct horse battery")
    page = new_context().new_page()
    page.goto(sso.url)
    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()
    page.get_by_role("link", name="Sign in with e-mail and password").click()
    page.get_by_label("E-mail").fill(ANA)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text(f"{ANA} · admin")).to_be_visible()


def test_two_people_look_at_every_page_at_the_same_time(sso: Dashboard, new_context: Contexts) -> None:
    sso.prepare(two_clients)
    seen: dict[str, tuple[Page, Frames]] = {}
    for email, slug in ((ANA, "acme"), (CORA, "zebra")):
        sso.add_user(email, Role.MANAGER, slugs=[slug])
        page, frames = new_context().new_page(), Frames()
        frames.watch(page)
        sign_in(page, sso.url, email.partition("@")[0])
        expect(page.get_by_text(f"{email} · manager")).to_be_visible()
        seen[slug] = page, frames
    for entry in PAGES:
        for page, _ in seen.values():
            page.goto(f"{sso.url}/{entry.path if entry is not PAGES[0] else ''}?period=last_7", wait_until="commit")
        for page, _ in seen.values():
            settled(page)
    for slug, (_, frames) in seen.items():
        told = b"".join(frames.received).lower()
        assert slug.encode() in told
        assert ({"acme", "zebra"} - {slug}).pop().encode() not in told


async def two_clients(store: Store) -> None:
    today = dt.datetime.now(dt.UTC).date()
    async with store.working() as session:
        for slug, account in (("acme", 110011), ("zebra", 990022)):
            await add_account(session, account, await add_client(session, slug), name=f"{slug.title()} main")
            await add_campaign(session, account, account * 10, name=f"{slug.title()} autumn")
            days = [today - dt.timedelta(days=back) for back in range(1, 9)]
            rows = [insight_row(account, day, account * 100, campaign_id=account * 10, spend="12.34") for day in days]
            await add_insights(session, rows)
            for day in days:
                await add_slice(session, account, day)


def test_nobody_is_sent_elsewhere_after_the_sign_in(sso: Dashboard, new_context: Contexts, tmp_path: Path) -> None:
    sso.add_user(ANA)
    context = new_context()
    page = context.new_page()
    page.goto(sso.url)
    page.get_by_role("button", name=BUTTON).click()
    page.wait_for_url("**/oauth2/authorize**")
    context.add_cookies([{"name": "ads_next", "value": "%2F%2Fevil.example%2F", "url": sso.url}])
    page.get_by_role("button", name="ana", exact=True).click()
    expect(page.get_by_text(f"{ANA} · admin")).to_be_visible()
    expect(page).to_have_url(f"{sso.url}/")


WATCH = """run => new Promise(done => {
    const socket = new WebSocket(`/api/v1/live?run=${run}`), said = [];
    socket.onmessage = message => said.push(JSON.parse(message.data).type);
    socket.onclose = closed => done([closed.code, ...said]);
})"""
SIGN_OUT = "() => fetch('/api/v1/auth/logout', {method: 'POST'}).then(answer => answer.status)"


def test_the_api_knows_who_signed_in_by_oidc(sso: Dashboard, new_context: Contexts) -> None:
    sso.add_user(CORA)

    async def ended_run(store: Store) -> str:
        async with store.working() as session:
            client_id = await add_client(session, "acme")
            await add_account(session, 11, client_id)
        return str(await add_run(store, [11]))

    run = sso.prepare(ended_run)
    context = new_context()
    page = context.new_page()
    sign_in(page, sso.url, "cora")
    expect(page.get_by_text(f"{CORA} · admin")).to_be_visible()
    jar = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    assert "ads_session" not in jar
    me = httpx.get(f"{sso.url}/api/v1/me", cookies=jar)
    assert (me.status_code, me.json()["data"]["email"]) == (200, CORA)
    assert page.evaluate(WATCH, run) == [1000, "end"]
    assert page.evaluate(WATCH, "unknown") == [1006]
    assert httpx.post(f"{sso.url}/api/v1/auth/logout", cookies=jar).status_code == 403
    assert page.evaluate(SIGN_OUT) == 204
    assert httpx.get(f"{sso.url}/api/v1/me", cookies=jar).status_code == 401
    assert page.evaluate(WATCH, run) == [1006]
