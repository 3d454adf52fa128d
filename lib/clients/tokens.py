"""Tokens that were pasted or are stored: sealed at once, looked at with Meta, and whose the accounts are they open."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lib.access.audit import Action
from lib.access.viewer import Viewer
from lib.clients.managing import check_manager, managed, whose
from lib.clients.noting import note_change, token_action, token_words
from lib.clients.probe import Opened, Probe, TokenVerdict, probe
from lib.clients.words import checked_token
from lib.errors import Conflict, UsageError
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.models import Client, Credential
from lib.store.repositories import clients, managed_clients
from lib.store.repositories.clients import TokenChange
from lib.store.secrets import TokenVault

PATIENCE_S = 60.0
_LATE = Probe(TokenVerdict.UNREACHED, "Meta took too long to answer. Nothing was changed; ask again in a few minutes.")


class Standing(StrEnum):
    """Whose an account is: nobody's, this client's (connected or not), or another client's."""

    FREE = "free"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Found:
    """An account that the token opens. ``holder`` is the other client's name where this person looks after that too."""

    account: Opened
    standing: Standing
    holder: str = ""


@dataclass(frozen=True)
class TokenLook:
    """What a token opens, and whose that is. ``closed`` are connected accounts that it does not open, by name.

    ``sealed`` is the token where it was pasted and is not stored yet.
    """

    verdict: TokenVerdict
    words: str
    found: tuple[Found, ...] = ()
    closed: tuple[str, ...] = ()
    sealed: bytes = field(default=b"", repr=False)

    @property
    def free(self) -> Mapping[int, Opened]:
        """The accounts that can be connected, by id."""
        free = (Standing.FREE, Standing.DISCONNECTED)
        return {each.account.account_id: each.account for each in self.found if each.standing in free}


def seal(pasted: str) -> bytes:
    """The pasted token encrypted; UsageError where it cannot be one. It is needed open only to ask Meta."""
    return TokenVault(get_settings()).seal(checked_token(pasted))


async def look_at(store: Store, viewer: Viewer, sealed: bytes, client_id: int | None = None) -> TokenLook:
    """What the pasted token opens, for a new client or for one that is there. Stores nothing."""
    check_manager(viewer)
    client = None if client_id is None else await _read(store, viewer, client_id)
    return await _looked(store, viewer, sealed, client)


async def look_at_stored(store: Store, viewer: Viewer, client_id: int) -> TokenLook:
    """The same for the client's own token; what Meta says of it is remembered. Conflict where there is none."""
    client = await _read(store, viewer, client_id)
    if client.credential is None:
        raise Conflict(f"{client.name} has no token yet.", "Paste one first.")
    look = await _looked(store, viewer, client.credential.token_encrypted, client)
    state = "valid" if look.verdict.is_of_use else "dead" if look.verdict is TokenVerdict.DEAD else None
    async with store.working(timeout_s=30) as session:
        await clients.forget_replaced(session)
        if state:
            await clients.note_credential_of(session, client_id, look.sealed, state)
    return replace(look, sealed=b"")


async def replace_token(store: Store, viewer: Viewer, client_id: int, look: TokenLook) -> dt.datetime | None:
    """Put the token that was looked at in the place of the client's.

    The moment of it, by which it can be undone; ``None`` where there was no token before.
    """
    check_of_use(look)
    vault, now = TokenVault(get_settings()), dt.datetime.now(dt.UTC)
    async with store.working() as session:
        client = await managed(session, viewer, client_id)
        change = await clients.set_token(session, client_id, lambda: vault.reseal(look.sealed), replaced_at=now)
        await clients.note_credential(session, client_id, "valid")
        said = token_words(vault, change, "valid", "replaced")
        await note_change(session, viewer, client, token_action(change), **said)
    return None if change.old is None else now


async def put_back_token(
    store: Store, viewer: Viewer, client_id: int, replaced_at: dt.datetime, *, now: dt.datetime | None = None
) -> None:
    """Undo the replacement of that moment. Conflict where it is too long ago, or another token was stored since."""
    is_late = (now or dt.datetime.now(dt.UTC)) - replaced_at >= clients.PUT_BACK_FOR
    async with store.working() as session:
        client = await managed(session, viewer, client_id)
        if is_late:
            minutes = clients.PUT_BACK_FOR // dt.timedelta(minutes=1)
            raise Conflict(
                f"A replaced token is kept for {minutes} minutes, which are over; nothing was changed.",
                "Replace the token by the old one, if you still have that.",
            )
        change = _back(client.credential)
        if not await clients.put_back_token(session, client_id, replaced_at):
            raise Conflict(
                f"The token of {client.name} was changed meanwhile by somebody else; nothing was changed.",
                "Look again.",
            )
        said = token_words(TokenVault(get_settings()), change, "unchecked", "put_back")
        await note_change(session, viewer, client, Action.RESTORED_TOKEN, **said)


def check_of_use(look: TokenLook) -> None:
    """UsageError where Meta did not take the token."""
    if not look.verdict.is_of_use:
        raise UsageError("Meta did not take this token; nothing was stored.", "Paste another one.")


def connected_ids(client: Client) -> set[int]:
    """The accounts of the client whose numbers people see."""
    return {account.account_id for account in client.accounts if account.disconnected_at is None}


async def _read(store: Store, viewer: Viewer, client_id: int) -> Client:
    async with store.working(timeout_s=30) as session:
        return await managed(session, viewer, client_id, is_changed=False)


def _back(credential: Credential | None) -> TokenChange:
    if credential is None:
        return TokenChange("missing", None, b"")
    return TokenChange(credential.state, credential.token_encrypted, credential.previous_encrypted or b"")


async def _looked(store: Store, viewer: Viewer, sealed: bytes, client: Client | None) -> TokenLook:
    token = TokenVault(get_settings()).open(sealed)
    graph_url = client.graph_url if client else get_settings().graph_url
    mine = {account.account_id: account for account in client.accounts} if client else {}
    wanted = connected_ids(client) if client else set()
    # No transaction is held open while Meta is waited for.
    try:
        seen = await asyncio.wait_for(asyncio.to_thread(probe, token, graph_url, wanted), PATIENCE_S)
    except TimeoutError:
        seen = _LATE
    async with store.working(timeout_s=30) as session:
        holders = await managed_clients.holders_of(session, [account.account_id for account in seen.accounts])
        known = await managed_clients.names_open_to(session, whose(viewer))
    found = tuple(_found(account, holders, known, client) for account in seen.accounts)
    closed = tuple(mine[number].name for number in seen.closed)
    return TokenLook(seen.verdict, seen.words, found, closed, sealed)


def _found(account: Opened, holders: Mapping[int, int], known: Mapping[int, str], client: Client | None) -> Found:
    holder = holders.get(account.account_id)
    if holder is None:
        return Found(account, Standing.FREE)
    if client is None or holder != client.id:
        return Found(account, Standing.ELSEWHERE, known.get(holder, ""))
    is_connected = account.account_id in connected_ids(client)
    return Found(account, Standing.CONNECTED if is_connected else Standing.DISCONNECTED)
