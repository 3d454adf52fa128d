"""Making, renaming and archiving clients, by managers and administrators. Each change is noted.

AccessError below manager, NotFound for a client that is not open to this person, UsageError or Conflict where it
cannot be done; then nothing was changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import Action
from lib.access.standing import still_stands
from lib.access.viewer import Viewer
from lib.clients.accounts import add_accounts
from lib.clients.managing import check_manager, managed, whose
from lib.clients.noting import note_change
from lib.clients.tokens import TokenLook, check_of_use
from lib.clients.words import checked_line
from lib.errors import Conflict, changed_meanwhile
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.repositories import clients, managed_clients
from lib.store.secrets import TokenVault


async def create_client(store: Store, viewer: Viewer, name: str, look: TokenLook, chosen: Collection[int]) -> str:
    """A client with the token that was looked at and those of its accounts that were chosen; its slug.

    It is granted to whoever makes it.
    """
    check_manager(viewer)
    check_of_use(look)
    name, vault = checked_line(name, "A client"), TokenVault(get_settings())
    async with store.working() as session:
        await still_stands(session, viewer)
        await _refuse_taken_name(session, viewer, name)
        client = await clients.add_client(
            session,
            name=name,
            graph_url=get_settings().graph_url,
            account_ids=(),
            seal=lambda: vault.reseal(look.sealed),
            is_sample=False,
        )
        await clients.note_credential(session, client.id, "valid")
        await add_accounts(session, client.id, look, chosen)
        await managed_clients.grant(session, viewer.user_id, client.id)
        accounts = [str(number) for number in sorted(chosen)]
        after = {"name": name, "accounts": accounts, "granted_to": viewer.email}
        await note_change(session, viewer, client, Action.ADDED_CLIENT, after=after)
    return client.slug


async def rename_client(store: Store, viewer: Viewer, client_id: int, name: str, *, seen: str | None = None) -> str:
    """Give the client another name; the one before. Its slug stays, so that addresses still lead to it.

    Conflict also where it is not called ``seen`` any more.
    """
    name = checked_line(name, "A client")
    async with store.working() as session:
        client = await managed(session, viewer, client_id)
        before = client.name
        if seen is not None and seen != before:
            raise changed_meanwhile(seen)
        if name != before:
            await _refuse_taken_name(session, viewer, name, but=client_id)
            await managed_clients.change_client(session, client_id, {"name": name})
            said = {"before": {"name": before}, "after": {"name": name}}
            await note_change(session, viewer, client, Action.CHANGED_CLIENT, **said)
    return before


async def archive_client(store: Store, viewer: Viewer, client_id: int) -> None:
    """Nobody sees the client from now on, and it is refreshed no more; its numbers stay."""
    await _set_archived(store, viewer, client_id, at=dt.datetime.now(dt.UTC))


async def restore_client(store: Store, viewer: Viewer, client_id: int) -> None:
    """The archived client is back, as it was."""
    await _set_archived(store, viewer, client_id, at=None)


async def _set_archived(store: Store, viewer: Viewer, client_id: int, *, at: dt.datetime | None) -> None:
    async with store.working() as session:
        client = await managed(session, viewer, client_id, is_archived=at is None)
        if at is None:
            await _refuse_taken_name(session, viewer, client.name, but=client_id)
        await managed_clients.change_client(session, client_id, {"archived_at": at})
        said = {"before": {"is_archived": at is None}, "after": {"is_archived": at is not None}}
        action = Action.RESTORED_CLIENT if at is None else Action.ARCHIVED_CLIENT
        await note_change(session, viewer, client, action, **said)


async def _refuse_taken_name(session: AsyncSession, viewer: Viewer, name: str, but: int | None = None) -> None:
    same = await clients.client_named(session, name)
    if same is None or same.id == but:
        return
    if same.id in await managed_clients.names_open_to(session, whose(viewer)):
        raise Conflict(f"Another client is called {same.name}; nothing was stored.", "Give one of them another name.")
    raise clients.name_taken()
