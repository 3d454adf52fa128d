"""One account from the sandbox: what is due, in few calls and statements; breakdowns, windows, reach by period."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from lib.meta.fields import BREAKDOWNS
from lib.refresh.spans import ROWS_OF_A_GET
from lib.store.engine import Store
from lib.store.repositories import learned
from lib.store.repositories.periods import Period, replace_period
from tests.clocks import FakeClock
from tests.fixtures_sandbox import LAST_DAY, PRESENT, Sandbox, Serve
from tests.integration.refresh.refreshing import add_account, refresh

DAY = dt.timedelta(days=1)
WEEK = (LAST_DAY - 6 * DAY, LAST_DAY)


async def rows(store: Store, query: str, **values: Any) -> list[tuple[Any, ...]]:
    async with store.working() as session:
        return [tuple(row) for row in await session.execute(text(query), values)]


@pytest.fixture
async def account(store: Store, sandbox: Sandbox) -> AsyncIterator[int]:
    """An account that was never refreshed; gone afterwards."""
    account_id = sandbox.ids[0]
    await add_account(store, account_id)
    yield account_id
    async with store.working() as session:
        await session.execute(text("DELETE FROM client WHERE slug = :slug"), {"slug": f"client-{account_id}"})


def truth(sandbox: Sandbox, account_id: int, name: str, span: tuple[dt.date, dt.date] = WEEK) -> Decimal:
    return sum((Decimal(day[name]) for day in sandbox.days(account_id, *span)), Decimal(0))


async def test_every_breakdown_adds_up_to_the_plain_numbers(store: Store, sandbox: Sandbox, account: int) -> None:
    state = await refresh(store, sandbox.url, account, now=PRESENT, span=WEEK, breakdowns=tuple(BREAKDOWNS))
    assert (state.days_total, state.days_done) == (7, 7)
    assert state.slices_total == state.slices_done == 7 * (1 + len(BREAKDOWNS))
    sums = "sum(spend_micros), sum(impressions), sum(clicks)"
    (plain,) = await rows(store, f"SELECT {sums} FROM insight")
    assert plain[0] == truth(sandbox, account, "spend") * 1_000_000
    found = {slug: tuple(more) for slug, *more in
             await rows(store, f"SELECT breakdown, {sums} FROM insight_breakdown GROUP BY 1")}  # fmt: skip
    assert found == dict.fromkeys(BREAKDOWNS, plain)
    keys = dict(await rows(store, "SELECT breakdown, count(DISTINCT (key1, key2)) FROM insight_breakdown GROUP BY 1"))
    assert keys["hour"] == 24
    assert keys["age_gender"] > 6


async def test_what_meta_does_not_report_by_a_set_is_null_and_never_zero(
    store: Store, sandbox: Sandbox, account: int
) -> None:
    await refresh(store, sandbox.url, account, now=PRESENT, span=(LAST_DAY, LAST_DAY), breakdowns=("country", "region"))
    known = "count(*) FILTER (WHERE purchases IS NOT NULL), count(*) FILTER (WHERE spend_micros IS NULL)"
    found = {
        slug: more for slug, *more in await rows(store, f"SELECT breakdown, {known} FROM insight_breakdown GROUP BY 1")
    }
    assert found["region"] == [0, 0]
    assert found["country"][0] > 0


async def test_attribution_windows_come_beside_the_accounts_own_setting(
    store: Store, sandbox: Sandbox, account: int
) -> None:
    windows = ("1d_click", "7d_click", "1d_view")
    await refresh(store, sandbox.url, account, now=PRESENT, span=WEEK, windows=windows)
    sums = "attribution_window, sum(purchases), sum(revenue_micros)"
    asked = await rows(store, f"SELECT {sums} FROM insight_attribution GROUP BY 1")
    found = {window: more for window, *more in asked}
    assert set(found) == set(windows)
    assert 0 < found["1d_click"][0] <= found["7d_click"][0]
    ((unified,),) = await rows(store, "SELECT sum(purchases) FROM insight")
    assert unified == truth(sandbox, account, "purchases")
    assert await rows(store, "SELECT DISTINCT attribution_windows FROM slice") == [(list(windows),)]


async def test_reach_is_kept_by_object_and_period_and_is_no_sum(store: Store, sandbox: Sandbox, account: int) -> None:
    await refresh(store, sandbox.url, account, now=PRESENT)
    today = PRESENT.date()
    week, asked = (today - 7 * DAY, today - DAY), "SELECT reach, impressions FROM period_insight WHERE level = :level"
    span = {"since": week[0], "until": week[1]}
    ((reach, impressions),) = await rows(
        store, f"{asked} AND since = :since AND until = :until", level="account", **span
    )
    ((summed,),) = await rows(store, "SELECT sum(reach) FROM insight WHERE date BETWEEN :since AND :until", **span)
    said = sandbox.http.get(
        f"{sandbox.url}/v26.0/act_{account}/insights",
        params={"access_token": "t", "level": "account", "fields": "reach,impressions",
                "time_range": json.dumps({name: day.isoformat() for name, day in span.items()})},
    ).json()["data"][0]  # fmt: skip
    assert (reach, impressions) == (int(said["reach"]), int(said["impressions"]))
    assert reach < summed
    levels = dict(await rows(store, "SELECT level, count(DISTINCT (since, until)) FROM period_insight GROUP BY 1"))
    assert set(levels) == {"account", "campaign", "adset", "ad"}
    ranked = await rows(store, "SELECT DISTINCT level FROM period_insight WHERE quality_ranking IS NOT NULL")
    assert set(ranked) <= {("ad",)}


async def test_by_the_hour_only_what_is_due_is_asked_for(store: Store, sandbox: Sandbox, account: int) -> None:
    first = await refresh(store, sandbox.url, account, now=PRESENT)
    hourly = await refresh(store, sandbox.url, account, now=PRESENT + dt.timedelta(minutes=5), kind="hourly")
    assert (hourly.slices_total, hourly.rows) == (0, 0)
    assert hourly.api_calls == 1, "only the account is looked at"
    async with store.working() as session:
        await session.execute(text("UPDATE slice SET fetched_at = fetched_at - interval '2 hours'"))
    hourly = await refresh(store, sandbox.url, account, now=dt.datetime.now(dt.UTC), kind="hourly")
    assert hourly.days_done == 2
    assert hourly.api_calls <= 4 < first.api_calls


async def test_the_night_fetches_what_is_missing_and_leaves_alone_what_is_fresh(
    store: Store, sandbox: Sandbox, account: int
) -> None:
    night = await refresh(store, sandbox.url, account, now=PRESENT, kind="nightly")
    assert night.days_done == 29
    again = await refresh(store, sandbox.url, account, now=PRESENT, kind="nightly")
    assert again.days_done == 0
    async with store.working() as session:
        await session.execute(text("DELETE FROM slice WHERE date = :date"), {"date": PRESENT.date() - 20 * DAY})
    third = await refresh(store, sandbox.url, account, now=PRESENT, kind="nightly")
    assert third.days_done == 1


async def test_a_run_that_is_taken_up_again_skips_what_it_has_stored(
    store: Store, sandbox: Sandbox, account: int
) -> None:
    run_id = uuid.uuid4()
    await refresh(store, sandbox.url, account, now=PRESENT, span=(LAST_DAY - 2 * DAY, LAST_DAY), run_id=run_id)
    again = await refresh(store, sandbox.url, account, now=PRESENT, span=WEEK, run_id=run_id)
    assert again.days_total == 4
    ((spend,),) = await rows(store, "SELECT sum(spend_micros) FROM insight")
    assert spend == truth(sandbox, account, "spend") * 1_000_000


async def test_what_is_stored_is_ordered_by_the_clock_that_workers_share(
    store: Store, sandbox: Sandbox, account: int
) -> None:
    """What a worker fetched whose own clock is a day late goes in the place of what was fetched before it."""
    stored = {"asked": "slice", "reach": "period_slice WHERE (since, until) = (:since, :until)"}
    for kind, place in stored.items():
        await refresh(store, sandbox.url, account, now=PRESENT, kind=kind, span=WEEK, ahead=dt.timedelta(0))
        late = await refresh(store, sandbox.url, account, now=PRESENT, kind=kind, span=WEEK, ahead=DAY)
        assert late.slices_done == late.slices_total > 0
        query = f"SELECT min(fetched_at) > now() + interval '23 hours' FROM {place}"
        assert await rows(store, query, since=WEEK[0], until=WEEK[1]) == [(True,)], place


async def test_calls_and_statements_for_four_weeks(store: Store, sandbox: Sandbox, account: int) -> None:
    """Four weeks of an account are a handful of calls, and a slice costs less than two statements."""
    span = (LAST_DAY - 27 * DAY, LAST_DAY)
    await refresh(store, sandbox.url, account, now=PRESENT, span=span)
    before = store.statements
    state = await refresh(store, sandbox.url, account, now=PRESENT, span=span)
    statements = store.statements - before
    assert state.days_done == 28
    assert state.api_calls / 28 < 0.5, f"{state.api_calls} calls for 28 account-days"
    assert statements / 28 < 2.5, f"{statements} statements for 28 slices"


async def test_calls_and_statements_of_an_account_that_is_read_by_reports(store: Store, serve_sandbox: Serve) -> None:
    """What four days more cost: the pages of one more report, and fewer than four statements a slice."""
    large = serve_sandbox("--accounts", "1", "--days", "20", "--ads", "5100", "--seed", "5")
    (account_id,) = large.ids
    await add_account(store, account_id)
    async with store.working() as session:
        await learned.remember_span(session, account_id, "", rows_a_day=ROWS_OF_A_GET + 1, most_days=None)
        # With one period stored, a run that names its days asks for no reach.
        period = Period(account_id, "account", LAST_DAY, LAST_DAY)
        await replace_period(session, period, [], fetched_at=PRESENT, period_ended=True)
    costs = []
    for days in (4, 8):
        before, span = store.statements, (LAST_DAY - (days - 1) * DAY, LAST_DAY)
        state = await refresh(store, large.url, account_id, now=PRESENT, span=span, clock=FakeClock())
        costs.append((state.api_calls, store.statements - before, state.rows))
        assert state.days_done == days
        assert state.rows / days > ROWS_OF_A_GET
    few, many = costs
    calls, statements, found = (more - less for more, less in zip(many, few, strict=True))
    assert calls / 4 < 7.5, f"{calls} calls for 4 account-days of {found} rows"
    assert statements / 4 < 3.5, f"{statements} statements for 4 slices"
    assert few[0] < 75, "the lists of its objects come in pages of 500"
    assert few[1] < 125


async def test_the_rows_of_a_removed_account_go_with_it(store: Store, sandbox: Sandbox, account: int) -> None:
    span = (LAST_DAY, LAST_DAY)
    await refresh(store, sandbox.url, account, now=PRESENT, span=span, breakdowns=("country",), windows=("7d_click",))
    tables = ("insight", "insight_actions", "insight_attribution", "insight_breakdown", "insight_breakdown_actions")
    for table in tables:
        assert await rows(store, f"SELECT DISTINCT account_id FROM {table}") == [(account,)], table
    await rows(store, "DELETE FROM client WHERE slug = :slug RETURNING id", slug=f"client-{account}")
    for table in tables:
        assert await rows(store, f"SELECT account_id FROM {table}") == [], table


async def test_reach_of_a_period_that_nobody_offers_by_name_is_fetched_when_asked_for(
    store: Store, sandbox: Sandbox, account: int
) -> None:
    span = (LAST_DAY - 10 * DAY, LAST_DAY - 2 * DAY)
    state = await refresh(store, sandbox.url, account, now=PRESENT, kind="reach", span=span)
    assert await rows(store, "SELECT count(*) FROM period_insight") == [(state.rows,)]
    assert (state.slices_done, await rows(store, "SELECT count(*) FROM slice")) == (4, [(0,)])
    stored = await rows(store, "SELECT level, since, until, unavailable_reason FROM period_slice ORDER BY 1")
    assert stored == [(level, *span, None) for level in ("account", "ad", "adset", "campaign")]
    (whole,) = await rows(store, "SELECT reach FROM period_insight WHERE level = 'account'")
    (parts,) = await rows(store, "SELECT sum(reach) FROM period_insight WHERE level = 'campaign'")
    assert 0 < whole[0] < parts[0]


async def test_a_period_that_meta_no_longer_serves_says_so(store: Store, sandbox: Sandbox, account: int) -> None:
    before = PRESENT.date() - 1300 * DAY
    state = await refresh(store, sandbox.url, account, now=PRESENT, kind="reach", span=(before, before + 6 * DAY))
    assert state.api_calls == 1, "Meta is not asked in vain"
    reasons = await rows(store, "SELECT DISTINCT unavailable_reason FROM period_slice")
    assert len(reasons) == 1
    assert "37 months" in reasons[0][0]
    assert await rows(store, "SELECT * FROM period_insight") == []
