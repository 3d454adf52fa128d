"""Connecting a client's accounts and disconnecting them, by managers and administrators. Each change is noted.

AccessError below manager, NotFound for what is not open to this person, UsageError or Conflict where it cannot be
done; then nothing was changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import Action
from lib.access.viewer import Viewer
from lib.clients.managing import managed
from lib.clients.noting import note_change
from lib.clients.tokens import TokenLook, connected_ids
from lib.errors import Conflict, NotFound, UsageError
from lib.store.engine import Store
from lib.store.models import Client
from lib.store.repositories import managed_clients


async def connect_accounts(
    store: Store, viewer: Viewer, client_id: int, look: TokenLook, chosen: Collection[int]
) -> None:
    """Connect accounts that the client's token opens; those that were disconnected come back with their numbers."""
    async with store.working() as session:
        client = await managed(session, viewer, client_id)
        before = connected_ids(client)
        await add_accounts(session, client_id, look, chosen)
        await _note(session, viewer, client, before, before | set(chosen))


async def disconnect_account(store: Store, viewer: Viewer, client_id: int, account_id: int) -> None:
    """Nobody sees the account from now on, and it is refreshed no more; its numbers stay."""
    await _set_connected(store, viewer, client_id, account_id, is_connected=False)


async def reconnect_account(store: Store, viewer: Viewer, client_id: int, account_id: int) -> None:
    """The account is back, with its numbers."""
    await _set_connected(store, viewer, client_id, account_id, is_connected=True)


async def add_accounts(session: AsyncSession, client_id: int, look: TokenLook, chosen: Collection[int]) -> None:
    """Connect ``chosen`` within a transaction that is there; UsageError or Conflict where not all of them can be."""
    free = look.free
    if not chosen or not free.keys() >= set(chosen):
        raise UsageError("No account was chosen that can be connected; nothing was stored.", "Choose at least one.")
    holders = await managed_clients.holders_of(session, chosen)
    _refuse_held(number for number, holder in sorted(holders.items()) if holder != client_id)
    for account_id in sorted(chosen):
        if not await managed_clients.connect_account(session, client_id, account_id, free[account_id].values):
            _refuse_held([account_id])


def _refuse_held(account_ids: Iterable[int]) -> None:
    held = ", ".join(f"act_{number}" for number in account_ids)
    if held:
        raise Conflict(f"An account has one client, and {held} has one already; nothing was stored.", "Look again.")


async def _set_connected(store: Store, viewer: Viewer, client_id: int, account_id: int, *, is_connected: bool) -> None:
    async with store.working() as session:
        client = await managed(session, viewer, client_id)
        if account_id not in {account.account_id for account in client.accounts}:
            raise NotFound(f"{client.name} does not have this account; nothing was changed.", "Load the page again.")
        before = connected_ids(client)
        after = before | {account_id} if is_connected else before - {account_id}
        if after != before:
            at = None if is_connected else dt.datetime.now(dt.UTC)
            await managed_clients.set_disconnected(session, account_id, at)
            await _note(session, viewer, client, before, after)


async def _note(
    session: AsyncSession, viewer: Viewer, client: Client, before: Iterable[int], after: Iterable[int]
) -> None:
    said = {
        name: {"accounts": [str(number) for number in sorted(some)]}
        for name, some in (("before", before), ("after", after))
    }
    action = Action.CONNECTED_ACCOUNTS if set(after) > set(before) else Action.DISCONNECTED_ACCOUNTS
    await note_change(session, viewer, client, action, **said)
