"""What the page of the data reads besides the reconciliation: incomplete slices, each account's trust, who asked."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from decimal import Decimal

import pytest

from lib.access.people import put_person
from lib.access.viewer import Role, Viewer
from lib.insights.engine import PostgresEngine
from lib.insights.trust import trust, trust_by_account
from lib.refresh.askers import askers
from lib.refresh.incomplete import incomplete_slices
from lib.store.engine import Store
from lib.store.repositories import runs
from tests import factories
from tests.people import viewer_named

DAYS = [dt.date(2026, 1, day) for day in range(1, 6)]
FIRST, LAST = DAYS[0], DAYS[-1]


@pytest.fixture
async def viewer(store: Store) -> Viewer:
    """A manager who sees accounts 11 (EUR) and 12 (JPY), and not the stranger's 33."""
    async with store.working() as session:
        acme = await factories.add_client(session, "acme")
        stranger = await factories.add_client(session, "stranger")
        await factories.add_account(session, 11, acme, name="Berlin")
        await factories.add_account(session, 12, acme, name="Amsterdam", currency="JPY")
        await factories.add_account(session, 33, stranger)
    await put_person(store, "mara@example.com", Role.MANAGER, slugs=["acme"])
    return await viewer_named(store, "mara@example.com")


async def add_slice(store: Store, account_id: int, date: dt.date, missing: str | None = None, **values: object) -> None:
    async with store.working() as session:
        facts = {"is_complete": missing is None, "incomplete_reason": missing}
        await factories.add_slice(session, account_id, date, **facts, **values)


async def test_incomplete_slices_are_listed_by_name_the_newest_first(store: Store, viewer: Viewer) -> None:
    await add_slice(store, 11, DAYS[0], "campaign 7")
    await add_slice(store, 11, DAYS[1])
    await add_slice(store, 11, DAYS[1], "Meta did not serve: reach", breakdown="country")
    await add_slice(store, 12, DAYS[1], "video")
    await add_slice(store, 33, DAYS[1], "campaign of a stranger")
    await add_slice(store, 11, FIRST - dt.timedelta(days=1), "too early")
    found, total = await incomplete_slices(store, viewer, FIRST, LAST, limit=10)
    assert total == 3
    assert [(each.date, each.account_name, each.breakdown, each.missing) for each in found] == [
        (DAYS[1], "Amsterdam", "", "video"),
        (DAYS[1], "Berlin", "country", "reach"),
        (DAYS[0], "Berlin", "", "campaign 7"),
    ]
    cut = await incomplete_slices(store, viewer, FIRST, LAST, limit=1)
    assert (cut[0], cut[1]) == (found[:1], 3)
    yen = await incomplete_slices(store, viewer, FIRST, LAST, currency="JPY", limit=10)
    assert yen == (found[:1], 1)
    others = await incomplete_slices(store, viewer, FIRST, LAST, account_ids=frozenset({33}), limit=10)
    assert others == ([], 0)


async def test_each_accounts_trust_is_what_it_would_be_alone(store: Store, viewer: Viewer) -> None:
    for date in DAYS:
        await add_slice(store, 11, date)
    await add_slice(store, 12, DAYS[0])
    await add_slice(store, 12, DAYS[1], "video", meta_spend_micros=5_000_000)
    engine = PostgresEngine(store)
    berlin, amsterdam = await trust_by_account(engine, viewer, FIRST, LAST)
    assert (berlin.account_name, berlin.complete_until, berlin.missing_days) == ("Berlin", LAST, 0)
    assert berlin.gap is not None
    assert berlin.gap.is_zero
    assert (amsterdam.account_id, amsterdam.complete_until, amsterdam.missing_days) == (12, DAYS[0], 4)
    assert amsterdam.gap is not None
    assert (amsterdam.gap.spend, amsterdam.gap.days_apart) == (Decimal(-5), 1)
    for each in (berlin, amsterdam):
        alone = await trust(engine, viewer, FIRST, LAST, account_ids=frozenset({each.account_id}))
        assert (each.complete_until, each.refreshed_at) == (alone.complete_until, alone.refreshed_at)
        assert (each.missing_days, (each.gap,)) == (alone.missing_days, alone.gaps)
    assert await trust_by_account(engine, viewer, FIRST, LAST, currency="JPY") == (amsterdam,)
    (never,) = await trust_by_account(engine, viewer, FIRST - dt.timedelta(days=9), FIRST - dt.timedelta(days=8),
                                      account_ids=frozenset({11, 33}))  # fmt: skip
    assert (never.complete_until, never.refreshed_at, never.missing_days, never.gap) == (None, None, 2, None)


async def add_run(store: Store, account_id: int, asker: uuid.UUID | None) -> uuid.UUID:
    async with store.working() as session:
        return await runs.add_run(session, [account_id], requested_by=asker, since=None, until=None)


async def test_managers_read_who_asked_and_others_their_own_runs_alone(store: Store, viewer: Viewer) -> None:
    await put_person(store, "ben@example.com", Role.MANAGER, slugs=["acme"])
    ben = await viewer_named(store, "ben@example.com")
    mine, bens = await add_run(store, 11, viewer.user_id), await add_run(store, 12, ben.user_id)
    clocks, strangers = await add_run(store, 11, None), await add_run(store, 33, ben.user_id)
    every = [mine, bens, clocks, strangers]
    assert await askers(store, viewer, every) == {mine: "mara@example.com", bens: "ben@example.com"}
    assert await askers(store, replace(viewer, role=Role.ANALYST), every) == {mine: "mara@example.com"}
    assert await askers(store, replace(viewer, seen_by="root@example.com"), every) == {mine: "mara@example.com"}
    assert await askers(store, viewer, []) == {}
