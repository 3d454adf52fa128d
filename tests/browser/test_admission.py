"""Newcomers by OIDC in a browser: by domain, by role claim, by invitation, and by nobody's leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy.engine import URL

from lib.access.audit import OPERATOR_ACTOR
from lib.access.invitations import invite
from lib.access.viewer import Role
from lib.store.engine import Store
from tests.browser.conftest import Dashboard
from tests.browser.single_sign_on import running_behind
from tests.people import noted

Contexts = Callable[..., BrowserContext]
ANA, ROLES = "ana@example.com", "https://ads.example.com/roles"
PEOPLE = (
    {"sub": "newcomer", "email": "new@agency.example"},
    {"sub": "boss", "email": "boss@elsewhere.example", ROLES: ["viewer", "manager", "unheard-of"]},
    {"sub": "stranger", "email": "eve@elsewhere.example"},
    {"sub": "ana-first", "email": ANA},
    {"sub": "ana-second", "email": ANA},
)


@pytest.fixture(scope="module")
def server(database_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    people = [{"email_verified": True, **person} for person in PEOPLE]
    settings = {"AUTH_ALLOWED_DOMAINS": "agency.example", "AUTH_ROLE_CLAIM": ROLES}
    with running_behind(database_url, tmp_path_factory.mktemp("admission"), people, **settings) as running:
        yield running


@pytest.fixture
def site(server: Dashboard) -> Dashboard:
    server.empty()
    return server


def come(site: Dashboard, page: Page, sub: str) -> None:
    page.goto(site.url)
    page.get_by_role("button", name="Sign in with single sign-on").click()
    page.wait_for_url("**/oauth2/authorize**")
    page.get_by_role("button", name=sub, exact=True).click()


def actions(site: Dashboard) -> list[tuple[str, str]]:
    return [(row.action, row.email) for row in site.prepare(noted)]


@pytest.mark.parametrize(
    ("sub", "shown"),
    [("newcomer", "new@agency.example · viewer"), ("boss", "boss@elsewhere.example · manager")],
)
def test_a_newcomer_comes_in_by_domain_or_role(site: Dashboard, new_context: Contexts, sub: str, shown: str) -> None:
    page = new_context().new_page()
    come(site, page, sub)
    expect(page.get_by_text(shown)).to_be_visible()
    email = shown.split(maxsplit=1)[0]
    assert actions(site) == [("added person", email), ("signed in", email)]


def test_a_stranger_stays_outside_and_is_noted_once(site: Dashboard, new_context: Contexts) -> None:
    page = new_context().new_page()
    come(site, page, "stranger")
    expect(page.get_by_text("eve@elsewhere.example may not use this dashboard. Ask the administrator")).to_be_visible()
    page.reload()
    expect(page.get_by_text("eve@elsewhere.example may not use this dashboard. Ask the administrator")).to_be_visible()
    assert actions(site) == [("sign-in failed", "eve@elsewhere.example")]


def test_an_invited_person_comes_by_one_account_alone(site: Dashboard, new_context: Contexts) -> None:
    async def offer(store: Store) -> None:
        await invite(store, OPERATOR_ACTOR, ANA, Role.ANALYST)

    site.prepare(offer)
    page = new_context().new_page()
    come(site, page, "ana-first")
    expect(page.get_by_text(f"{ANA} · analyst")).to_be_visible()
    other = new_context().new_page()
    come(site, other, "ana-second")
    expect(other.get_by_text("signs in by another account of the sign-in service")).to_be_visible()
    expect(other.get_by_text(f"{ANA} · analyst")).to_have_count(0)
    again = new_context().new_page()
    come(site, again, "ana-first")
    expect(again.get_by_text(f"{ANA} · analyst")).to_be_visible()
