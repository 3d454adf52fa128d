"""Slices that Meta could not serve, and that keep the rows they had: asked for again after a while, not every night."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from lib.refresh.lacking import lacking
from lib.refresh.plan import Span
from lib.refresh.planning import plans
from lib.refresh.state import Wanted
from lib.store.engine import Store
from lib.store.repositories import runs, slices
from lib.store.repositories.slices import NewSlice
from tests.factories import add_account, add_client, add_slice, viewer_of

ACCOUNT = 11
NIGHT = dt.datetime.now(dt.UTC).replace(hour=2, minute=17, second=0, microsecond=0)
DAY = dt.timedelta(days=1)
OLD = NIGHT.date() - 60 * DAY
"""A day of which a slice has been stored for long, when every field was served."""


async def old_slice(store: Store, **values: object) -> int:
    """An account whose slice of OLD was fetched a month ago; its client."""
    async with store.working() as session:
        client_id = await add_client(session, "acme")
        await add_account(session, ACCOUNT, client_id)
        await add_slice(session, ACCOUNT, OLD, **{"fetched_at": NIGHT - 31 * DAY, **values})
    return client_id


async def tried_in_vain(store: Store, at: dt.datetime, date: dt.date = OLD, kind: str = "nightly") -> uuid.UUID:
    """A run that began then, to which Meta did not serve a field that no row may be without."""
    async with store.working() as session:
        run_id = await runs.add_run(session, [ACCOUNT], requested_by=None, since=None, until=None, kind=kind)
        began = {"at": at, "id": run_id}
        await session.execute(text("UPDATE refresh_run SET started_at = :at WHERE id = :id"), began)
        reason = "Not served: clicks"
        new = NewSlice(ACCOUNT, date, (), (), {}, at, True, run_id, reason, keeps_rows=True)
        assert await slices.replace_slices(session, [new])
    return run_id


async def is_asked_for(store: Store, at: dt.datetime, date: dt.date = OLD) -> bool:
    """Whether a night that begins then asks for the day."""
    wanted = Wanted(uuid.uuid4(), "nightly", None, None, (), ())
    return any(date in plan.dates for plan in await plans(store, ACCOUNT, wanted, at))


async def test_an_old_day_that_was_tried_in_vain_waits_for_a_week(store: Store) -> None:
    await old_slice(store)
    assert not await is_asked_for(store, NIGHT)
    await tried_in_vain(store, NIGHT)
    assert not await is_asked_for(store, NIGHT + DAY)
    assert not await is_asked_for(store, NIGHT + 6 * DAY)
    assert await is_asked_for(store, NIGHT + 7 * DAY)
    await tried_in_vain(store, NIGHT + 7 * DAY)
    assert not await is_asked_for(store, NIGHT + 8 * DAY)


async def test_the_fetch_counts_where_the_run_is_not_known_any_more(store: Store) -> None:
    await old_slice(store)
    await tried_in_vain(store, NIGHT)
    async with store.working() as session:
        await session.execute(text("DELETE FROM refresh_run"))
    assert await is_asked_for(store, NIGHT + DAY)


async def test_a_young_day_that_keeps_what_it_had_while_it_ran_waits_too(store: Store) -> None:
    young = NIGHT.date() - 5 * DAY
    await old_slice(store)
    async with store.working() as session:
        await add_slice(session, ACCOUNT, young, fetched_at=NIGHT - 5 * DAY, account_day_ended=False)
    assert await is_asked_for(store, NIGHT, young)
    await tried_in_vain(store, NIGHT, young)
    assert not await is_asked_for(store, NIGHT + dt.timedelta(hours=3), young), "a failed night that is asked for again"
    assert await is_asked_for(store, NIGHT + DAY, young)


@pytest.mark.parametrize("ended", [True, False])
async def test_what_was_tried_in_vain_within_a_day_is_not_offered(store: Store, ended: bool) -> None:
    mine = viewer_of([ACCOUNT], [await old_slice(store, account_day_ended=ended)])
    now = dt.datetime.now(dt.UTC)
    await tried_in_vain(store, now - dt.timedelta(hours=23))
    assert await lacking(store, mine, Span(OLD, OLD), frozenset({ACCOUNT})) is None
    await tried_in_vain(store, now - dt.timedelta(hours=25), kind="asked")
    found = await lacking(store, mine, Span(OLD, OLD), frozenset({ACCOUNT}))
    assert found is not None
    assert found.account_days == 1
