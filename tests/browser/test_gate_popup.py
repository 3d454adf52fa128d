"""Sign-in by Auth0's popup and the way out, against a tenant of this machine with Auth0's addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text
from sqlalchemy.engine import URL

from lib.access.viewer import Role
from lib.store.engine import Store
from tests.browser.conftest import Dashboard, Frames, running_dashboard
from tests.browser.test_gate_policy import Heard
from tests.mock_auth0 import CLIENT_ID, MockAuth0, running_auth0

Contexts = Callable[..., BrowserContext]
ANA, BOB = "ana@example.com", "bob@example.com"


@pytest.fixture(scope="module")
def tenant_and_server(
    database_url: URL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[MockAuth0, Dashboard]]:
    folder: Path = tmp_path_factory.mktemp("popup")
    with running_auth0(folder) as (tenant, pem):
        for name in ("ana", "bob"):
            tenant.people[name] = {"sub": f"auth0|{name}", "email": f"{name}@example.com"}
        tenant.people["eve"] = {"sub": "auth0|eve", "email": ANA, "email_verified": False}
        settings = {
            "AUTH_POPUP_DOMAIN": tenant.domain,
            "AUTH_POPUP_CLIENT_ID": CLIENT_ID,
            "SSL_CERT_FILE": str(pem),
            "LOG_LEVEL": "INFO",
        }
        with running_dashboard(database_url, folder, **settings) as running:
            yield tenant, running


@pytest.fixture
def tenant(tenant_and_server: tuple[MockAuth0, Dashboard]) -> MockAuth0:
    tenant_and_server[0].asked.clear()
    return tenant_and_server[0]


@pytest.fixture
def server(tenant_and_server: tuple[MockAuth0, Dashboard]) -> Dashboard:
    tenant_and_server[1].empty()
    return tenant_and_server[1]


@pytest.fixture
def browsing(new_context: Contexts) -> Callable[[], BrowserContext]:
    return lambda: new_context(ignore_https_errors=True)


def by_popup(page: Page, address: str, person: str) -> None:
    page.goto(address)
    with page.expect_popup() as opened:
        page.frame_locator("iframe").get_by_role("button", name="Sign In").click()
    opened.value.get_by_role("button", name=person, exact=True).click()


def signed_in(page: Page, words: str) -> None:
    expect(page.get_by_test_id("stSidebar").get_by_text(words)).to_be_visible()


def sessions_of(server: Dashboard) -> list[tuple[str, bool]]:
    async def read(store: Store) -> list[tuple[str, bool]]:
        async with store.working() as session:
            query = "SELECT provider, revoked_at IS NULL FROM user_session ORDER BY revoked_at NULLS LAST"
            return [tuple(row) for row in await session.execute(text(query))]

    return server.prepare(read)


def names_of(context: BrowserContext, url: str) -> set[str]:
    return {cookie["name"] for cookie in context.cookies(url)}


def test_the_popup_signs_in_where_one_was(
    server: Dashboard, tenant: MockAuth0, browsing: Callable[[], BrowserContext]
) -> None:
    server.add_user(ANA, Role.ANALYST)
    context = browsing()
    page = context.new_page()
    heard, frames = Heard(page), Frames()
    frames.watch(page)
    by_popup(page, f"{server.url}/explore?group_by=campaign&metrics=spend", "ana")
    signed_in(page, f"{ANA} · analyst")
    expect(page).to_have_url(re.compile(rf"^{re.escape(server.url)}/explore\?group_by=campaign"))
    assert sessions_of(server) == [("popup", False), ("popup", True)]
    cookie = next(each for each in context.cookies(server.url) if each["name"] == "ads_session")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert [each for each in context.cookies() if each["name"].startswith(("auth0.", "_legacy"))] == []
    assert heard.refused == []
    assert "eyJ" not in server.log_text()
    page.reload()
    signed_in(page, f"{ANA} · analyst")


def test_the_way_out_leaves_auth0_and_every_window(
    server: Dashboard, tenant: MockAuth0, browsing: Callable[[], BrowserContext]
) -> None:
    server.add_user(ANA)
    context = browsing()
    page, other = context.new_page(), context.new_page()
    by_popup(page, server.url, "ana")
    signed_in(page, f"{ANA} · admin")
    other.goto(server.url)
    signed_in(other, f"{ANA} · admin")
    copied = {cookie["name"]: cookie["value"] for cookie in context.cookies(server.url)}
    assert httpx.get(f"{server.url}/api/v1/me", cookies=copied).status_code == 200
    page.get_by_role("button", name="Sign out").click()
    for each in (page, other):
        expect(each.frame_locator("iframe").get_by_role("button", name="Sign In")).to_be_visible()
    assert tenant.ways_out() == [{"client_id": CLIENT_ID, "returnTo": server.url}]
    assert "ads_session" not in names_of(context, server.url)
    assert httpx.get(f"{server.url}/api/v1/me", cookies=copied).status_code == 401
    assert not any(is_live for _, is_live in sessions_of(server))


@pytest.mark.parametrize(
    ("person", "sentence"),
    [("bob", f"{BOB} may not use this dashboard. Ask the administrator"), ("eve", "has not verified your e-mail")],
)
def test_who_may_not_come_in_is_told_whom_to_ask(
    server: Dashboard, tenant: MockAuth0, browsing: Callable[[], BrowserContext], person: str, sentence: str
) -> None:
    server.add_user(ANA)
    page = browsing().new_page()
    by_popup(page, server.url, person)
    expect(page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
    assert sessions_of(server) == []


def test_two_people_sign_in_beside_each_other(
    server: Dashboard, tenant: MockAuth0, browsing: Callable[[], BrowserContext]
) -> None:
    server.add_user(ANA)
    server.add_user(BOB, Role.VIEWER)
    pages = {name: browsing().new_page() for name in ("ana", "bob")}
    for name, page in pages.items():
        by_popup(page, server.url, name)
    signed_in(pages["ana"], f"{ANA} · admin")
    signed_in(pages["bob"], f"{BOB} · viewer")
    assert [path for path, _ in tenant.asked].count("/.well-known/jwks.json") <= 1


def test_the_single_sign_on_proves_that_it_asked(
    database_url: URL, tmp_path: Path, browsing: Callable[[], BrowserContext]
) -> None:
    """PKCE, state and nonce, where the provider offers them; the tenant gives no token without the verifier."""
    with running_auth0(tmp_path) as (tenant, pem):
        tenant.people["ana"] = {"sub": "auth0|ana", "email": ANA}
        settings = {
            "AUTH_ISSUER": tenant.name,
            "AUTH_CLIENT_ID": "regularWebApplication",
            "AUTH_CLIENT_SECRET": "the client's own secret",
            "AUTH_COOKIE_SECRET": "a secret of forty characters, just for tests",
            "SSL_CERT_FILE": str(pem),
        }
        with running_dashboard(database_url, tmp_path, **settings) as server:
            server.empty()
            server.add_user(ANA, Role.ANALYST)
            page = browsing().new_page()
            page.goto(f"{server.url}/system")
            page.get_by_role("button", name="Sign in with single sign-on").click()
            page.get_by_role("button", name="ana", exact=True).click()
            signed_in(page, f"{ANA} · analyst")
    (asked,) = [words for path, words in tenant.asked if path == "/authorize" and "code_challenge" in words][-1:]
    assert asked["code_challenge_method"] == "S256"
    assert asked["state"]
    assert asked["nonce"]
