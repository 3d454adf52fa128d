"""Refresh fetches the last 28 days and says so; older days of the period that lack have a button of their own."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from dashboard import formats
from lib.access.viewer import Role
from lib.store.engine import Store
from tests.browser.conftest import Dashboard
from tests.browser.reruns import settled
from tests.factories import add_account, add_client, add_insights, add_slice, insight_row

SignIn = Callable[..., Page]
TODAY = dt.datetime.now(dt.UTC).date()
DAYS = [TODAY - dt.timedelta(days=back) for back in range(1, 61)]
SINCE, UNTIL = DAYS[-1], DAYS[0]
PERIOD = f"since={SINCE}&until={UNTIL}"
OLDER = re.compile("of this period (is|are) missing or incomplete and older than what Refresh fetches")


def prepared(dashboard: Dashboard, lacking: Sequence[dt.date]) -> None:
    """Acme with two accounts and 60 days; the first account is without the ``lacking`` ones."""

    async def prepare(store: Store) -> None:
        async with store.working() as session:
            client_id = await add_client(session, "acme")
            for number, name in ((11, "Acme north"), (12, "Acme south")):
                await add_account(session, number, client_id, name=name, timezone_name="UTC")
                mine = [day for day in DAYS if number == 12 or day not in lacking]
                await add_insights(session, [insight_row(number, day, ad_id=number, clicks=3) for day in mine])
                for day in mine:
                    await add_slice(session, number, day, meta_clicks=3)

    dashboard.prepare(prepare)


def opened(page: Page, dashboard: Dashboard, where: str) -> Page:
    page.goto(f"{dashboard.url}/{where}?{PERIOD}")
    expect(page.locator(".st-key-filter_bar")).to_be_visible()
    settled(page)
    return page


def asked_for(dashboard: Dashboard) -> list[tuple[object, ...]]:
    """The runs with their days and accounts."""

    async def read(store: Store) -> list[tuple[object, ...]]:
        wanted = (
            "SELECT r.since, r.until, array_agg(a.account_id ORDER BY a.account_id) FROM refresh_run r"
            " JOIN refresh_run_account a ON a.run_id = r.id GROUP BY r.id"
        )
        async with store.working() as session:
            return [tuple(row) for row in await session.execute(text(wanted))]

    return dashboard.prepare(read)


@pytest.mark.parametrize("where", ["overview", "explore", "data"])
def test_older_days_that_lack_are_fetched_from_where_they_are_missed(
    dashboard: Dashboard, signed_in: SignIn, where: str
) -> None:
    prepared(dashboard, [DAYS[40], DAYS[45], DAYS[3]])
    page = opened(signed_in(), dashboard, where)
    expect(page.get_by_text("2 account days of this period are missing or incomplete")).to_be_visible()
    expect(page.get_by_text("with every day between, the button fetches 6 account days.")).to_be_visible()
    span = formats.span(DAYS[45], DAYS[40])
    page.get_by_role("button", name=f"Fetch {span} from Meta").click()
    # Nobody has stored a token, so it ends at once; what was asked for is told all the same.
    expect(page.get_by_text(f"The refresh of {span} of Acme north failed")).to_be_visible()
    assert asked_for(dashboard) == [(DAYS[45], DAYS[40], [11])]


def test_refresh_says_which_days_of_whom_it_fetches_before_and_after(dashboard: Dashboard, signed_in: SignIn) -> None:
    prepared(dashboard, [DAYS[3]])
    page = opened(signed_in(), dashboard, "overview")
    expect(page.get_by_text("1 account day missing in this period")).to_be_visible()
    expect(page.get_by_text(OLDER)).to_have_count(0)
    refresh = page.get_by_role("button", name="Refresh", exact=True)
    refresh.hover()
    span = formats.span(TODAY - dt.timedelta(days=28), TODAY)
    said = (
        f"Fetch {span} (the last 28 days and today, whatever period is chosen) from Meta for Acme north and Acme south"
    )
    expect(page.get_by_text(said)).to_be_visible()
    refresh.click()
    expect(page.get_by_text("the last 28 days and today of Acme north and Acme south failed")).to_be_visible()
    assert asked_for(dashboard) == [(None, None, [11, 12])]


def test_nothing_is_offered_to_whoever_may_not_refresh(dashboard: Dashboard, signed_in: SignIn) -> None:
    prepared(dashboard, [DAYS[40]])
    page = opened(signed_in(dashboard.add_user("vic@example.com", Role.VIEWER, slugs=["acme"])), dashboard, "overview")
    expect(page.get_by_text("1 account day missing in this period")).to_be_visible()
    expect(page.get_by_text(OLDER)).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("^Fetch "))).to_have_count(0)
