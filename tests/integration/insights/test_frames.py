"""A page's questions together: one trip to the store, and one refusal for all of them where it fails."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest
import streamlit as st
from sqlalchemy import text

from dashboard import bridge
from dashboard.frames import Reader
from dashboard.selection import select
from dashboard.views import View
from lib.access.people import put_person
from lib.access.viewer import Role, Viewer
from lib.errors import StoreUnavailable, SumTooLarge
from lib.insights.compared import COMPARED
from lib.insights.query import InsightQuery
from lib.insights.scope import AccountScope, ClientScope
from lib.store.engine import Store
from tests import factories

DAY = dt.date(2026, 1, 1)
SPEND, CLICKS, OTHER = (InsightQuery(DAY, DAY, (), (metric,)) for metric in ("spend", "clicks", "impressions"))


@pytest.fixture(autouse=True)
def emptied() -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()
    bridge.detach()


@pytest.fixture
async def viewer(store: Store) -> Viewer:
    async with store.working() as session:
        client = await factories.add_client(session, "acme")
        await factories.add_account(session, 11, client)
        await factories.add_insights(
            session, [factories.insight_row(11, DAY, 1, spend="10.01", clicks=7, impressions=90)]
        )
    return factories.viewer_of((11,), (client,))


async def test_what_was_asked_together_is_not_asked_again(store: Store, viewer: Viewer) -> None:
    bridge.attach(asyncio.get_running_loop(), store)
    reader = Reader(viewer, "postgres 1")
    await asyncio.to_thread(reader.load, OTHER)
    before = store.statements
    await asyncio.to_thread(reader.load_together, [SPEND, None, CLICKS, SPEND])
    taken = store.statements - before
    frames = [await asyncio.to_thread(reader.load, query) for query in (SPEND, CLICKS)]
    assert taken == store.statements - before == 4
    assert [frame.data.iloc[0].to_list()[-1] for frame in frames] == [10.01, 7]
    await asyncio.to_thread(Reader(viewer, "postgres 2").load_together, [SPEND])
    assert store.statements - before == taken + 3


async def test_a_refusal_is_one_for_all_and_older_answers_stand_in_until_the_rerun_ends(
    store: Store, viewer: Viewer
) -> None:
    bridge.attach(asyncio.get_running_loop(), store)
    await asyncio.to_thread(Reader(viewer, "postgres 1").load, SPEND)
    bridge.detach()
    reader = Reader(viewer, "postgres 2")
    await asyncio.to_thread(reader.load_together, [SPEND, CLICKS])
    bridge.attach(asyncio.get_running_loop(), store)
    before = store.statements

    older = await asyncio.to_thread(reader.load, SPEND)
    assert older.data["spend"].to_list() == [10.01]
    assert isinstance(older.error, StoreUnavailable)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await asyncio.to_thread(reader.load, CLICKS)
    assert store.statements == before
    assert len(reader.failed) == 2

    assert (await asyncio.to_thread(reader.load, OTHER)).error is None
    assert (await asyncio.to_thread(Reader(viewer, "postgres 2").load, SPEND)).error is None


async def test_what_is_held_already_is_refused_to_nobody(store: Store, viewer: Viewer) -> None:
    bridge.attach(asyncio.get_running_loop(), store)
    reader = Reader(viewer, "postgres 1")
    await asyncio.to_thread(reader.load, SPEND)
    bridge.detach()
    await asyncio.to_thread(reader.load_together, [SPEND, CLICKS])
    assert (await asyncio.to_thread(reader.load, SPEND)).error is None
    assert reader.failed == []


async def test_a_query_that_cannot_be_answered_leaves_the_others_theirs(store: Store, viewer: Viewer) -> None:
    async with store.working() as session:
        rows = [factories.insight_row(11, DAY, number, link_clicks=2**63 - 1, impressions=1) for number in (2, 3)]
        await factories.add_insights(session, rows)
    bridge.attach(asyncio.get_running_loop(), store)
    reader, too_large = Reader(viewer, "postgres 1"), InsightQuery(DAY, DAY, (), ("link_ctr",))
    await asyncio.to_thread(reader.load_together, [too_large, OTHER])
    assert (await asyncio.to_thread(reader.load, OTHER)).data["impressions"].to_list() == [92]
    with pytest.raises(SumTooLarge):
        await asyncio.to_thread(reader.load, too_large)


async def test_days_that_were_not_compared_are_numbers_that_somebody_saw(store: Store) -> None:
    viewer, scopes = await two_clients(store)
    chosen = select(View(since=DAY, until=DAY), scopes)
    bridge.attach(asyncio.get_running_loop(), store)
    found = await asyncio.to_thread(Reader(viewer, "postgres 1").reconciliation, chosen, 10)
    assert (found.days, [day.account_id for day in found.no_match]) == (1, [21])
    assert await sights(store) == ["bolt"], "of acme no number is shown"


async def test_days_that_are_counted_and_not_listed_show_nobodys_number(store: Store) -> None:
    viewer, scopes = await two_clients(store)
    chosen = select(View(since=DAY, until=DAY), scopes)
    bridge.attach(asyncio.get_running_loop(), store)
    found = await asyncio.to_thread(Reader(viewer, "postgres 1").reconciliation, chosen, 0)
    assert (found.unknown_days, found.no_match) == (1, ())
    assert await sights(store) == []


async def two_clients(store: Store) -> tuple[Viewer, list[ClientScope]]:
    """Acme, whose day is Meta's own number, and Bolt, of whose day Meta would not serve it."""
    scopes, ids = [], []
    async with store.working() as session:
        for slug, account_id, meta in (("acme", 11, {"meta_clicks": 7}), ("bolt", 21, UNKNOWN)):
            client = await factories.add_client(session, slug)
            await factories.add_account(session, account_id, client)
            await factories.add_insights(session, [factories.insight_row(account_id, DAY, account_id, clicks=7)])
            await factories.add_slice(session, account_id, DAY, **meta)
            account = AccountScope(account_id, slug, "EUR", "UTC", DAY + dt.timedelta(1), True)
            scopes.append(ClientScope(client, slug, slug, False, (account,)))
            ids.append(client)
    person = await put_person(store, "ana@example.com", Role.ANALYST, slugs=["acme", "bolt"])
    return replace(factories.viewer_of((11, 21), ids), user_id=person.user_id), scopes


UNKNOWN = dict.fromkeys(f"meta_{name}" for name in COMPARED)


async def sights(store: Store) -> list[str]:
    """The clients whose numbers somebody saw, as the log has them."""
    async with store.working() as session:
        return list(await session.scalars(text("SELECT subject FROM audit_log WHERE action = 'saw client' ORDER BY 1")))


async def test_how_the_last_refreshes_ended_is_held_and_stands_in_where_the_store_refuses(
    store: Store, viewer: Viewer
) -> None:
    async with store.working() as session:
        await session.execute(text("INSERT INTO refresh_run (state) VALUES ('failed')"))
        await session.execute(
            text(
                "INSERT INTO refresh_run_account (run_id, account_id, state, error_message, finished_at)"
                " SELECT id, 11, 'failed', 'It is dead.', now() FROM refresh_run"
            )
        )
    bridge.attach(asyncio.get_running_loop(), store)
    reader = Reader(viewer, "postgres 1")
    first = await asyncio.to_thread(reader.last_refreshes, frozenset({11}))
    assert first[11].failure is not None
    before = store.statements
    assert await asyncio.to_thread(reader.last_refreshes, frozenset({11})) == first
    assert store.statements == before
    await asyncio.to_thread(Reader(viewer, "postgres 2").last_refreshes, frozenset({11}))
    assert store.statements > before
    bridge.detach()
    refused = Reader(viewer, "postgres 3")
    assert await asyncio.to_thread(refused.last_refreshes, frozenset({11})) == first
    assert [type(error) for error in refused.failed] == [StoreUnavailable]
