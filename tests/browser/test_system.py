"""The administrators' page: the doctor's checks, and nobody else's eyes on it.

The dashboard under test has no TOKEN_KEYS, which is the first of the failures here.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text
from sqlalchemy.engine import URL

from lib.access.viewer import Role
from lib.insights.engine import PostgresEngine
from lib.insights.export import export_logged
from lib.insights.query import InsightQuery
from lib.store.engine import Store
from tests.browser import grids
from tests.browser.conftest import Dashboard, Frames, running_dashboard
from tests.browser.reruns import settled
from tests.factories import add_account, add_client, viewer_of

DAY = dt.date(2026, 1, 1)
CLIENT = "Zebra [Holding](http://x)"


@pytest.fixture(scope="module")
def with_mirror(database_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard whose page has a mirror to tell of."""
    with running_dashboard(database_url, tmp_path_factory.mktemp("system")) as dashboard:
        yield dashboard


@pytest.fixture
def dashboard(with_mirror: Dashboard) -> Dashboard:
    with_mirror.empty()
    return with_mirror


async def one_client(store: Store) -> None:
    """A client without a token."""
    async with store.working() as session:
        await add_account(session, 77, await add_client(session, "zebra", name=CLIENT))


async def no_client(store: Store) -> None:
    async with store.working() as session:
        await session.execute(text("DELETE FROM client"))


def opened(dashboard: Dashboard, page: Page) -> Page:
    page.goto(f"{dashboard.url}/system")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


def test_an_admin_finds_the_checks_and_looks_again(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    dashboard.prepare(one_client)
    page = signed_in()
    page.goto(dashboard.url)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="System").click()
    checks = page.locator(".st-key-checks")
    expect(checks.get_by_text("2 failed")).to_be_visible()
    expect(checks.get_by_text(f"Token of {CLIENT}")).to_be_visible()
    expect(checks.get_by_text("python -m lib client token zebra")).to_be_visible()
    expect(checks.get_by_text("The database stands at the newest migration")).to_be_visible()
    expect(page.get_by_text("Streamlit", exact=True)).to_be_visible()
    expect(page.get_by_text("Held against PostgreSQL", exact=True)).to_be_visible()
    expect(page.get_by_text("No file has left yet.")).to_be_visible()
    dashboard.prepare(no_client)
    page.get_by_role("button", name="Check again").click()
    expect(checks.get_by_text("There is no client yet")).to_be_visible()
    expect(checks.get_by_text("1 failed")).to_be_visible()
    expect(checks.get_by_text("Looked at on")).to_be_visible()


async def one_export(store: Store) -> None:
    async with store.working() as session:
        await add_account(session, 11, await add_client(session, "acme"))
    query = InsightQuery(DAY, DAY, (), ("spend",))
    await export_logged(store, PostgresEngine(store), query, viewer_of([11]), "csv", file=io.BytesIO(), via="api")


def test_an_admin_sees_what_others_took_out(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    dashboard.prepare(one_export)
    page = opened(dashboard, signed_in())
    expect(page.get_by_text("Latest exports")).to_be_visible()
    assert grids.lines(page.locator(".st-key-exports canvas table"))[1][1:7] == [
        "someone@example.com", "API", "csv", "0", "postgres", "--since 2026-01-01 --until 2026-01-01 --metrics spend"
    ]  # fmt: skip


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.MANAGER])
def test_nobody_else_sees_it_also_by_its_address(
    dashboard: Dashboard, new_context: Callable[..., BrowserContext], role: Role
) -> None:
    dashboard.prepare(one_client)
    someone = dashboard.add_user("ana@example.com", role, slugs=["zebra"])
    page, frames = new_context().new_page(), Frames()
    frames.watch(page)
    dashboard.sign_in(page.context, someone)
    page.goto(dashboard.url)
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(5 if role is Role.MANAGER else 3)
    expect(page.get_by_test_id("stSidebarNavLink").filter(has_text="System")).to_have_count(0)
    opened(dashboard, page)
    expect(page.get_by_text("This page is for administrators")).to_be_visible()
    settled(page)
    expect(page.get_by_role("button", name="Check again")).to_have_count(0)
    assert not any(frames.contain(words) for words in ("Token of", "newest migration", "SQLAlchemy"))


def test_who_is_no_admin_any_more_is_refused_at_the_next_click(
    dashboard: Dashboard, signed_in: Callable[..., Page]
) -> None:
    page = opened(dashboard, signed_in(dashboard.add_user("ana@example.com", Role.ADMIN)))
    expect(page.get_by_text("Looked at on")).to_be_visible()
    dashboard.prepare(one_client)
    dashboard.add_user("boss@example.com", Role.ADMIN)  # the last one stays
    dashboard.add_user("ana@example.com", Role.VIEWER, slugs=["zebra"])
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_text("This page is for administrators")).to_be_visible()
    expect(page.get_by_text("Looked at on")).to_have_count(0)
