"""An account that refreshes were refused says why and what to do, in the same words, under Clients and on Data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, insert
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.engine import Store
from lib.store.models import RefreshRun, RefreshRunAccount
from tests.browser.conftest import Dashboard
from tests.browser.reruns import settled
from tests.browser.test_data import DAYS
from tests.factories import add_account, add_client, add_insights, add_slice, insight_row

SignIn = Callable[..., Page]
MESSAGE = "Meta gives this token no access to the account: (#200) Ad account owner has NOT grant ads_read permission."
REMEDY = "Give the token's user access to the account in Meta's Business settings (ads_read), then refresh again."
WORDS = f"{MESSAGE} {REMEDY} (Meta's code 200, trace AbC1)"
REFUSED = {"error_code": 200, "error_message": MESSAGE, "error_remedy": REMEDY, "trace_id": "AbC1"}


def prepared(dashboard: Dashboard) -> None:
    """Acme with an account in euros and one in dollars, and two that Meta never described: one was refused."""

    async def prepare(store: Store) -> None:
        async with store.working() as session:
            client_id = await add_client(session, "acme")
            for number, currency in ((11, "EUR"), (12, "USD")):
                await add_account(session, number, client_id, name=f"Main {currency}", currency=currency)
                await add_insights(session, [insight_row(number, day, ad_id=number, clicks=3) for day in DAYS])
                for day in DAYS:
                    await add_slice(session, number, day, meta_clicks=3)
            for number, name in ((13, "Closed shop"), (14, "New shop")):
                await add_account(session, number, client_id, name=name, currency=None, timezone_name=None)
            await noted(session, {11: {}, 13: REFUSED})

    dashboard.prepare(prepare)


async def noted(session: AsyncSession, ends: dict[int, dict[str, Any]]) -> None:
    """A refresh of these accounts that has ended; those with an error failed."""
    run_id = (await session.execute(insert(RefreshRun).values(state="partial").returning(RefreshRun.id))).scalar_one()
    for number, error in ends.items():
        values = {"state": "failed" if error else "complete", "finished_at": func.now(), **error}
        await session.execute(insert(RefreshRunAccount).values(run_id=run_id, account_id=number, **values))


def test_clients_tell_by_the_account_what_a_refresh_met(dashboard: Dashboard, signed_in: SignIn) -> None:
    prepared(dashboard)
    page = signed_in()
    page.goto(f"{dashboard.url}/clients?client=acme")
    settled(page)
    accounts = page.locator(".st-key-clients_accounts")
    expect(accounts.get_by_text("Closed shop")).to_be_visible()
    expect(accounts.get_by_text(WORDS)).to_be_visible()
    expect(accounts.get_by_text("The last refresh failed just now")).to_be_visible()
    expect(accounts.get_by_test_id("stAlert")).to_have_count(1)


@pytest.mark.parametrize("query", ["?currency=EUR", "?currency=USD", "?since=2026-01-01&until=2026-01-05"])
def test_data_tells_of_accounts_that_were_never_described_whatever_the_currency(
    dashboard: Dashboard, signed_in: SignIn, query: str
) -> None:
    prepared(dashboard)
    page = signed_in()
    page.goto(f"{dashboard.url}/data{query}")
    settled(page)
    wrong = page.locator(".st-key-data_wrong")
    closed, new = (wrong.get_by_test_id("stAlert").filter(has_text=name) for name in ("Closed shop", "New shop"))
    expect(closed).to_contain_text(WORDS)
    expect(new).to_contain_text("Meta was not asked about this account yet")
    expect(wrong.get_by_test_id("stAlert")).to_have_count(2)
    if "currency" in query:
        rows = page.locator(".st-key-data_accounts canvas table tbody tr")
        expect(rows.filter(has_text="Closed shop")).to_have_count(1)
        expect(rows.filter(has_text="New shop")).to_have_count(1)
        expect(rows.filter(has_text="Main")).to_have_count(1)


def test_what_a_later_refresh_made_good_is_told_no_more(dashboard: Dashboard, signed_in: SignIn) -> None:
    prepared(dashboard)

    async def made_good(store: Store) -> None:
        async with store.working() as session:
            await noted(session, {13: {}})

    dashboard.prepare(made_good)
    page = signed_in()
    page.goto(f"{dashboard.url}/clients?client=acme")
    settled(page)
    expect(page.locator(".st-key-clients_accounts").get_by_text("Closed shop")).to_be_visible()
    expect(page.get_by_text(REMEDY)).to_have_count(0)
