"""The clients of a manager or an administrator, with all that may be shown of them; a token is never among it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from lib.access.viewer import Viewer
from lib.clients.managing import check_manager, managed, whose
from lib.refresh.last import LastRefresh, last_refreshes_in
from lib.store.engine import Store
from lib.store.models import Account
from lib.store.repositories import managed_clients

TokenState = Literal["missing", "unchecked", "valid", "dead"]


@dataclass(frozen=True)
class AccountFacts:
    """An account. Currency, time zone and Meta's status are None until Meta has told them.

    ``refused`` is what its last refresh met, where no later one was complete and the account is connected.
    """

    account_id: int
    name: str
    currency: str | None
    timezone_name: str | None
    status: int | None
    is_connected: bool
    refused: LastRefresh | None = None


@dataclass(frozen=True)
class ClientFacts:
    """A client. ``token_state`` is what Meta last said of its token, at ``token_checked_at``.

    ``account_count`` counts the connected accounts, whose numbers people see.
    """

    id: int
    slug: str
    name: str
    is_sample: bool
    archived_at: dt.datetime | None
    token_state: TokenState
    token_checked_at: dt.datetime | None
    account_count: int

    @property
    def has_token(self) -> bool:
        """Whether one is stored, good or not."""
        return self.token_state in ("unchecked", "valid", "dead")

    @property
    def is_archived(self) -> bool:
        """Whether nobody sees it."""
        return self.archived_at is not None


async def clients_of(store: Store, viewer: Viewer) -> tuple[ClientFacts, ...]:
    """The clients that this person looks after, archived ones too, by name; AccessError below manager."""
    check_manager(viewer)
    # The app's role sees no archived client, so this look is the worker's.
    async with store.working(timeout_s=30) as session:
        rows = await managed_clients.clients_open_to(session, whose(viewer))
    return tuple(
        ClientFacts(
            id=row.id,
            slug=row.slug,
            name=row.name,
            is_sample=row.is_sample,
            archived_at=row.archived_at,
            token_state=row.state or "missing",
            token_checked_at=row.checked_at,
            account_count=row.account_count,
        )
        for row in rows
    )


async def with_account(store: Store, viewer: Viewer, part: str) -> frozenset[int]:
    """Those of them, by id, that have ``part`` in the name or the id of an account; AccessError below manager."""
    check_manager(viewer)
    async with store.working(timeout_s=30) as session:
        return await managed_clients.clients_with_account(session, whose(viewer), part)


async def accounts_of(store: Store, viewer: Viewer, client_id: int) -> tuple[AccountFacts, ...]:
    """The accounts of one of them, the connected ones first, by name.

    AccessError below manager, NotFound for a client that is not open to this person, Conflict for an archived one.
    """
    async with store.working(timeout_s=30) as session:
        client = await managed(session, viewer, client_id, is_changed=False)
        connected = [account.account_id for account in client.accounts if account.disconnected_at is None]
        last = await last_refreshes_in(session, connected)
        found = [_account(account, last.get(account.account_id)) for account in client.accounts]
    return tuple(sorted(found, key=lambda account: (not account.is_connected, account.name.casefold())))


def _account(account: Account, last: LastRefresh | None) -> AccountFacts:
    return AccountFacts(
        account_id=account.account_id,
        name=account.name,
        currency=account.currency,
        timezone_name=account.timezone_name,
        status=account.status,
        is_connected=account.disconnected_at is None,
        refused=last if last and last.failure else None,
    )
