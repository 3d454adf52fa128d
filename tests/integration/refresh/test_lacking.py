"""Which days of a period are missing or incomplete, of whom, and which of them a refresh without days leaves out."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from lib.access.viewer import Viewer
from lib.history import earliest
from lib.refresh.lacking import Lacking, beyond_default, default_days, lacking
from lib.refresh.plan import Span
from lib.store.engine import Store
from tests.factories import add_account, add_client, add_slice, viewer_of

TODAY = dt.datetime.now(dt.UTC).date()


def ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


SPAN = Span(ago(40), ago(31))


def test_what_a_refresh_without_days_fetches_and_what_it_leaves_out() -> None:
    tomorrow = TODAY + dt.timedelta(days=1)
    assert default_days([TODAY, tomorrow]) == Span(ago(28), tomorrow)
    assert beyond_default(ago(60), TODAY, [TODAY]) == Span(ago(60), ago(29))
    assert beyond_default(ago(60), TODAY, [TODAY, tomorrow]) == Span(ago(60), ago(28)), "left out for the one"
    assert beyond_default(ago(28), TODAY, [TODAY]) is None
    assert beyond_default(ago(60), ago(50), [TODAY]) == Span(ago(60), ago(50))
    assert beyond_default(dt.date(2015, 1, 1), ago(29), [TODAY]) == Span(earliest(TODAY), ago(29))
    assert beyond_default(dt.date(2015, 1, 1), dt.date(2015, 1, 5), [TODAY]) is None


async def stored(store: Store) -> Viewer:
    """Two accounts of one client whole over SPAN, and somebody else's; who sees the two."""
    async with store.working() as session:
        client_id = await add_client(session, "acme")
        for number in (11, 12):
            await add_account(session, number, client_id)
            for date in SPAN.dates():
                await add_slice(session, number, date)
        await add_account(session, 33, await add_client(session, "zebra"))
    return viewer_of([11, 12], [client_id])


async def changed(store: Store, *statements: str) -> None:
    async with store.working() as session:
        for statement in statements:
            await session.execute(text(statement), {"first": SPAN.since, "last": ago(35)})


async def test_nothing_lacks_where_every_day_is_whole(store: Store) -> None:
    mine = await stored(store)
    assert await lacking(store, mine, SPAN, frozenset({11, 12, 33})) is None


async def test_days_that_are_missing_incomplete_or_were_not_over_lack(store: Store) -> None:
    mine = await stored(store)
    await changed(
        store,
        "DELETE FROM slice WHERE account_id = 11 AND date = :last",
        "UPDATE slice SET is_complete = false WHERE account_id = 11 AND date = :first",
    )
    assert await lacking(store, mine, SPAN, frozenset({11, 12})) == Lacking(Span(ago(40), ago(35)), frozenset({11}), 2)
    assert await lacking(store, mine, SPAN, frozenset({12})) is None
    await changed(store, "UPDATE slice SET account_day_ended = false WHERE account_id = 12 AND date = :last")
    found = await lacking(store, mine, SPAN, frozenset({11, 12}))
    assert found == Lacking(Span(ago(40), ago(35)), frozenset({11, 12}), 3)


async def test_days_that_meta_did_not_serve_whole_within_a_day_are_not_offered_again(store: Store) -> None:
    mine = await stored(store)
    await changed(store, "UPDATE slice SET is_complete = false WHERE account_id = 11 AND date IN (:first, :last)")
    await changed(store, "UPDATE slice SET fetched_at = now() - interval '23 hours' WHERE date = :last")
    found = await lacking(store, mine, SPAN, frozenset({11, 12}))
    assert found == Lacking(Span(ago(40), ago(40)), frozenset({11}), 1)
    await changed(store, "UPDATE slice SET fetched_at = now() - interval '25 hours' WHERE date = :last")
    found = await lacking(store, mine, SPAN, frozenset({11, 12}))
    assert found == Lacking(Span(ago(40), ago(35)), frozenset({11}), 2)
    await changed(store, "UPDATE slice SET fetched_at = now(), account_day_ended = false WHERE date = :last")
    found = await lacking(store, mine, SPAN, frozenset({11}))
    assert found == Lacking(Span(ago(40), ago(35)), frozenset({11}), 2), "a day that was not over is worth another look"


def test_what_is_fetched_for_them_is_every_day_between_of_each_account() -> None:
    assert Lacking(SPAN, frozenset({11, 12}), 3).fetched_days == 20


@pytest.mark.parametrize("chosen", [True, False])
async def test_a_breakdown_lacks_only_where_it_is_fetched(store: Store, chosen: bool) -> None:
    mine = await stored(store)
    if chosen:
        await changed(store, "UPDATE client SET breakdowns = '{country}' WHERE slug = 'acme'")
    found = await lacking(store, mine, SPAN, frozenset({11, 12}), "country")
    assert found == (Lacking(SPAN, frozenset({11, 12}), 20) if chosen else None)
