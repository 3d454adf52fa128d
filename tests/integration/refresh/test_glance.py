"""What a page begins with: one transaction as the viewer, and nothing of anybody else's."""

from __future__ import annotations

import datetime as dt

from lib.insights.scope import clients_in_scope
from lib.refresh.glance import glance
from lib.store.engine import Store
from lib.store.repositories import runs
from tests.factories import add_account, add_client, add_slice, viewer_of


async def test_a_glance_is_the_scope_and_the_run_of_the_viewers_accounts(store: Store) -> None:
    async with store.working() as session:
        acme, bare, zebra = [await add_client(session, slug) for slug in ("acme", "bare", "zebra")]
        for account_id, client_id in ((11, acme), (12, acme), (21, zebra)):
            await add_account(session, account_id, client_id)
        run_id = await runs.add_run(session, [21], requested_by=None, since=None, until=None)
    everyone = viewer_of([11, 12, 21], [acme, bare, zebra])
    ana, zoe, nobody = viewer_of([11], [acme, bare]), viewer_of([21], [zebra]), viewer_of([])
    whole = await glance(store, everyone)
    assert [client.slug for client in whole.clients] == ["acme", "bare", "zebra"]
    assert list(whole.clients) == await clients_in_scope(store, everyone)
    assert [account.account_id for account in whole.clients[0].accounts] == [11, 12]
    assert whole.clients[1].accounts == ()
    assert whole.run_id == run_id
    mine = await glance(store, ana)
    assert [(client.slug, len(client.accounts)) for client in mine.clients] == [("acme", 1), ("bare", 0)]
    assert mine.run_id is None
    assert (await glance(store, zoe)).run_id == run_id
    assert await glance(store, nobody) == type(mine)((), None)


async def test_a_glance_tells_which_accounts_have_stored_days(store: Store) -> None:
    async with store.working() as session:
        acme = await add_client(session, "acme")
        for account_id in (11, 12):
            await add_account(session, account_id, acme)
        await add_slice(session, 12, dt.date(2026, 1, 1))
    (client,) = (await glance(store, viewer_of([11, 12], [acme]))).clients
    assert [(account.account_id, account.has_days) for account in client.accounts] == [(11, False), (12, True)]


async def test_a_glance_is_three_statements(store: Store) -> None:
    before = store.statements
    await glance(store, viewer_of([]))
    assert store.statements - before == 3
