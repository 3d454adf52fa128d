"""Scope and trust: who sees what, complete until when, and equal to Meta's totals or not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, text

from lib.access.viewer import Role, Viewer
from lib.insights.breakdowns import NOT_CHOSEN
from lib.insights.compared import COMPARED
from lib.insights.engine import PostgresEngine
from lib.insights.scope import clients_in_scope, operator_viewer
from lib.insights.trust import Completeness, trust
from lib.store.engine import Store
from lib.store.models import Slice
from lib.zones import today_in
from tests import factories

FIRST, SECOND, THIRD = (dt.date(2026, 1, day) for day in (1, 2, 3))


@pytest.fixture
async def viewer(store: Store) -> Viewer:
    """Sees accounts 11 (EUR) and 12 (JPY), each with three complete days, and not the stranger's 33."""
    async with store.working() as session:
        acme = await factories.add_client(session, "acme")
        empty = await factories.add_client(session, "bare", name="Bare", is_sample=True)
        stranger = await factories.add_client(session, "stranger")
        await factories.add_account(session, 12, acme, currency="JPY", timezone_name="Asia/Tokyo")
        await factories.add_account(session, 11, acme)
        await factories.add_account(session, 33, stranger)
        for account_id in (11, 12, 33):
            for day in (FIRST, SECOND, THIRD):
                row = factories.insight_row(account_id, day, ad_id=1, spend="1.25", impressions=10, purchases=2)
                await factories.add_insights(session, [row])
                totals = {"meta_spend_micros": 1_250_000, "meta_impressions": 10, "meta_purchases": 2}
                await factories.add_slice(session, account_id, day, **totals)
    return factories.viewer_of((11, 12), (acme, empty))


async def change_slice(store: Store, account_id: int, day: dt.date, **values: object) -> None:
    """Change one slice as a refresh would."""
    async with store.working() as session:
        slice_ = await session.get_one(factories.Slice, (account_id, day, ""))
        for name, value in values.items():
            setattr(slice_, name, value)


async def test_everything_complete_and_equal(store: Store, viewer: Viewer) -> None:
    state = await trust(PostgresEngine(store), viewer, FIRST, THIRD)

    assert state.complete_until == THIRD
    assert state.refreshed_at == factories.NOW
    assert state.missing_days == 0
    assert state.matches
    assert [(gap.account_id, gap.account_name, gap.currency) for gap in state.gaps] == [
        (11, "Account 11", "EUR"),
        (12, "Account 12", "JPY"),
    ]


@pytest.mark.parametrize(
    ("change", "missing"), [({"is_complete": False}, 1), ({"account_day_ended": False}, 0), ({"breakdown": "age"}, 1)]
)
async def test_a_day_that_one_account_lacks_ends_it(
    store: Store, viewer: Viewer, change: dict[str, object], missing: int
) -> None:
    await change_slice(store, 12, SECOND, **change)

    both = await trust(PostgresEngine(store), viewer, FIRST, THIRD)
    other = await trust(PostgresEngine(store), viewer, FIRST, THIRD, account_ids=frozenset({11, 33}))
    euros = await trust(PostgresEngine(store), viewer, FIRST, THIRD, currency="EUR")
    from_second = await trust(PostgresEngine(store), viewer, SECOND, THIRD)

    assert (both.complete_until, both.missing_days) == (FIRST, missing)
    assert (other.complete_until, other.missing_days) == (THIRD, 0)
    assert euros == other
    assert from_second.complete_until is None


@pytest.mark.parametrize(
    ("change", "until"), [({}, SECOND), ({"is_complete": False}, FIRST), ({"account_day_ended": False}, FIRST)]
)
async def test_the_period_before_is_looked_at_too(
    store: Store, viewer: Viewer, change: dict[str, object], until: dt.date
) -> None:
    await change_slice(store, 12, SECOND, **change)

    state = await trust(PostgresEngine(store), viewer, THIRD, THIRD, compared=(FIRST, SECOND))

    assert state.complete_until == THIRD
    assert state.compared == Completeness(until, int("is_complete" in change))
    assert (await trust(PostgresEngine(store), viewer, THIRD, THIRD)).compared is None


async def test_days_before_the_first_fetch_and_days_to_come(store: Store, viewer: Viewer) -> None:
    early = await trust(PostgresEngine(store), viewer, FIRST - dt.timedelta(days=2), THIRD)
    tomorrow = max(today_in("Europe/Berlin"), today_in("Asia/Tokyo")) + dt.timedelta(days=1)
    later = await trust(PostgresEngine(store), viewer, tomorrow, tomorrow + dt.timedelta(days=30))

    assert (early.complete_until, early.missing_days) == (None, 4)
    assert (later.complete_until, later.missing_days, later.gaps, later.matches) == (None, 0, (), True)


async def test_gaps_are_rows_less_metas_numbers(store: Store, viewer: Viewer) -> None:
    await change_slice(store, 12, THIRD, meta_spend_micros=2_000_000, meta_leads=3)

    state = await trust(PostgresEngine(store), viewer, FIRST, THIRD)

    equal, gap = state.gaps
    assert equal.is_zero
    assert not gap.is_zero
    assert (gap.spend, gap.leads, gap.impressions, gap.revenue) == (Decimal("-0.75"), -3, 0, 0)
    assert not state.matches
    assert (await trust(PostgresEngine(store), viewer, FIRST, SECOND)).matches


async def test_gaps_of_two_days_that_cancel_out_are_gaps(store: Store, viewer: Viewer) -> None:
    async with store.working() as session:
        days = await session.execute(select(Slice.date, Slice.meta_leads).where(Slice.account_id == 12))
        leads = dict(days.tuples().all())
    await change_slice(store, 12, SECOND, meta_leads=leads[SECOND] + 5)
    await change_slice(store, 12, THIRD, meta_leads=leads[THIRD] - 5)

    state = await trust(PostgresEngine(store), viewer, FIRST, THIRD)

    assert (state.gaps[1].leads, state.gaps[1].days_apart, state.matches) == (0, 2, False)


async def test_a_day_without_metas_own_number_is_counted_apart_and_equals_nothing(store: Store, viewer: Viewer) -> None:
    unknown = dict.fromkeys((f"meta_{name}" for name in COMPARED), None)
    await change_slice(store, 12, SECOND, **unknown)
    await change_slice(store, 12, THIRD, meta_leads=None)

    state = await trust(PostgresEngine(store), viewer, FIRST, THIRD)

    equal, gap = state.gaps
    assert (equal.is_zero, equal.days_unknown) == (True, 0)
    assert (gap.spend, gap.impressions, gap.days_apart, gap.days_unknown) == (0, 0, 0, 2)
    assert not gap.is_zero
    assert not state.matches
    await change_slice(store, 12, THIRD, meta_clicks=4)
    both = (await trust(PostgresEngine(store), viewer, FIRST, THIRD)).gaps[1]
    assert (both.clicks, both.days_apart, both.days_unknown) == (-4, 1, 1)


async def add_set(store: Store, slug: str, account_id: int, days: Iterable[dt.date], **numbers: Any) -> None:
    """Two segments a day that add up to the plain row's numbers, unless told."""
    rows = [
        factories.breakdown_row(
            slug, key, **factories.insight_row(account_id, day, 1, **{"spend": spend, "impressions": 5, **numbers})
        )
        for day in days
        for key, spend in (("AT", "0.25"), ("DE", "1"))
    ]
    whole = {**dict.fromkeys(COMPARED, 0), "purchases": 1}
    async with store.working() as session:
        await factories.add_breakdowns(session, [{**whole, **row} for row in rows])
        for day in days:
            # What a set's own slice has beside it is of another moment.
            await factories.add_slice(session, account_id, day, breakdown=slug, meta_spend_micros=77)


async def test_a_breakdown_is_held_against_the_yardstick_of_the_plain_days(store: Store, viewer: Viewer) -> None:
    await add_set(store, "country", 11, (FIRST, SECOND))
    asked = partial(trust, PostgresEngine(store), viewer, breakdown="country", account_ids=frozenset({11}))

    (gap,) = (await asked(FIRST, THIRD)).gaps
    assert (gap.is_zero, gap.days_unknown) == (True, 0)
    await change_slice(store, 11, SECOND, meta_spend_micros=1_500_000, meta_purchases=3)
    (restated,) = (await asked(FIRST, THIRD)).gaps
    assert (restated.spend, restated.purchases, restated.days_apart) == (Decimal("-0.25"), -1, 1)
    assert (await asked(FIRST, FIRST)).matches
    assert (await asked(THIRD, THIRD)).gaps == ()
    async with store.working() as session:
        await session.delete(await session.get_one(Slice, (11, FIRST, "")))
    (without,) = (await asked(FIRST, FIRST)).gaps
    assert (without.days_apart, without.days_unknown, without.is_zero) == (0, 1, False)


async def test_what_meta_does_not_report_by_a_breakdown_is_not_compared(store: Store, viewer: Viewer) -> None:
    unreported: dict[str, Any] = {"purchases": None, "leads": None}
    await add_set(store, "region", 11, (FIRST,), **unreported)
    await add_set(store, "country", 11, (FIRST,), **unreported)
    asked = partial(trust, PostgresEngine(store), viewer, FIRST, FIRST, account_ids=frozenset({11}))

    region, country, plain = await asked(breakdown="region"), await asked(breakdown="country"), await asked()
    assert (region.matches, region.unreported) == (True, ("purchases", "revenue_micros", "leads"))
    assert (country.matches, country.unreported, country.gaps[0].days_unknown) == (False, (), 1)
    assert (plain.matches, plain.unreported) == (True, ())


async def test_accounts_whose_clients_do_not_fetch_the_breakdown_are_counted(store: Store, viewer: Viewer) -> None:
    async def said() -> str:
        return (await trust(PostgresEngine(store), viewer, FIRST, THIRD, breakdown="country")).lacking

    assert await said() == NOT_CHOSEN
    await add_set(store, "country", 11, (FIRST, SECOND))
    last = "No longer chosen, so not fetched any more, for 1 of 2 accounts: last fetched on 1 Mar 2026"
    never = "ot fetched for 1 of 2 accounts: choose the breakdown for their clients under Clients"
    assert await said() == f"N{never}; n{last[1:]}"
    async with store.working() as session:
        await session.execute(text("UPDATE account SET client_id = (SELECT id FROM client WHERE slug = 'bare')"
                                   " WHERE account_id = 12"))  # fmt: skip
        await session.execute(text("UPDATE client SET breakdowns = '{country}' WHERE slug = 'acme'"))
    assert await said() == f"N{never}"
    async with store.working() as session:
        await session.execute(text("UPDATE client SET breakdowns = '{country}'"))
    assert await said() == ""
    async with store.working() as session:
        await session.execute(text("UPDATE client SET breakdowns = '{}' WHERE slug = 'acme'"))
    assert await said() == last


async def test_the_day_of_the_period_fetched_longest_ago_tells_the_age(store: Store, viewer: Viewer) -> None:
    earlier = factories.NOW - dt.timedelta(hours=5)
    await change_slice(store, 11, FIRST, fetched_at=earlier)
    assert (await trust(PostgresEngine(store), viewer, FIRST, THIRD)).refreshed_at == earlier
    assert (await trust(PostgresEngine(store), viewer, SECOND, THIRD)).refreshed_at == factories.NOW
    month_later = FIRST + dt.timedelta(days=28)
    assert (await trust(PostgresEngine(store), viewer, FIRST, month_later)).refreshed_at == factories.NOW


async def test_an_account_that_was_never_fetched(store: Store, viewer: Viewer) -> None:
    async with store.working() as session:
        await factories.add_account(session, 13, min(viewer.client_ids), timezone_name="Nowhere/Land")
    wider = replace(viewer, account_ids=viewer.account_ids | {13})

    state = await trust(PostgresEngine(store), wider, FIRST, THIRD)

    assert (state.complete_until, state.refreshed_at, state.missing_days) == (None, None, 3)
    assert [gap.account_id for gap in state.gaps] == [11, 12]


async def test_a_viewer_without_accounts_learns_nothing(store: Store, viewer: Viewer) -> None:
    nobody = factories.viewer_of(())

    state = await trust(PostgresEngine(store), nobody, FIRST, THIRD, account_ids=frozenset({11}))

    assert (state.complete_until, state.refreshed_at, state.missing_days, state.gaps) == (None, None, 0, ())
    assert await clients_in_scope(store, nobody) == []
    assert await PostgresEngine(store).version(nobody) == 0
    assert await PostgresEngine(store).version(viewer) > 0


async def test_the_version_grows_with_every_replaced_slice_of_the_viewer(store: Store, viewer: Viewer) -> None:
    before = await PostgresEngine(store).version(viewer)
    async with store.working() as session:
        await factories.add_slice(session, 33, FIRST - dt.timedelta(days=1))
    assert await PostgresEngine(store).version(viewer) == before
    async with store.working() as session:
        await factories.add_slice(session, 11, FIRST - dt.timedelta(days=1))
    assert await PostgresEngine(store).version(viewer) > before


async def test_clients_with_their_accounts(store: Store, viewer: Viewer) -> None:
    acme, bare = await clients_in_scope(store, viewer)

    assert (acme.slug, acme.name, acme.is_sample) == ("acme", "Acme", False)
    assert [(each.account_id, each.currency, each.timezone_name) for each in acme.accounts] == [
        (11, "EUR", "Europe/Berlin"),
        (12, "JPY", "Asia/Tokyo"),
    ]
    assert [each.today for each in acme.accounts] == [today_in("Europe/Berlin"), today_in("Asia/Tokyo")]
    assert (bare.is_sample, bare.accounts) == (True, ())


async def test_one_account_of_a_client_may_be_seen_alone(store: Store, viewer: Viewer) -> None:
    scope = await clients_in_scope(store, replace(viewer, account_ids=frozenset({12})))

    assert [each.account_id for client in scope for each in client.accounts] == [12]


async def test_the_operator_sees_everything(store: Store, viewer: Viewer) -> None:
    operator = await operator_viewer(store)

    assert operator.account_ids == {11, 12, 33}
    assert operator.client_ids > viewer.client_ids
    assert operator.role is Role.ADMIN


async def test_each_look_takes_few_statements(store: Store, viewer: Viewer) -> None:
    await PostgresEngine(store).version(viewer)
    counts = []
    for look in (
        trust(PostgresEngine(store), viewer, FIRST, THIRD),
        trust(PostgresEngine(store), viewer, FIRST, THIRD, breakdown="country"),
        clients_in_scope(store, viewer),
        PostgresEngine(store).version(viewer),
    ):
        before = store.statements
        await look
        # The first of each names the role and the accounts of the transaction.
        counts.append(store.statements - before)
    assert counts == [3, 4, 2, 2]


@pytest.mark.parametrize("zone", [None, "", "Nowhere/Land", "../../etc/passwd", "/etc/passwd"])
def test_an_unknown_time_zone_is_utc(zone: str | None) -> None:
    assert today_in(zone) == dt.datetime.now(dt.UTC).date()
