"""/api/v1/accounts: the ad accounts that the viewer may see."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from api.envelope import Data, Page
from api.openapi import errors
from api.routes import OpenStore, Reader, subject
from api.schemas.scope import Account, AccountsPaging
from lib.access.viewer import Viewer
from lib.errors import NotFound
from lib.insights.scope import clients_in_scope
from lib.store.engine import Store

router = subject("clients and accounts")
AccountId = Annotated[str, Path(description="Meta's id of it, with or without act_", examples=["act_1234567890123456"])]


@router.get("/accounts", summary="Your accounts", response_description="A page of your accounts.")
async def list_accounts(user: Reader, store: OpenStore, paging: Annotated[AccountsPaging, Query()]) -> Page[Account]:
    """The accounts that are open to you, by the names of their clients."""
    found = await _accounts(store, user.viewer)
    return paging.of([one for one in found if paging.client_id in (None, one.client_id)])


@router.get("/accounts/{account_id}", summary="One account", response_description="The account.", responses=errors(404))
async def get_account(user: Reader, store: OpenStore, account_id: AccountId) -> Data[Account]:
    """An account that is open to you; its id with or without ``act_``."""
    for account in await _accounts(store, user.viewer):
        if account.id == account_id.removeprefix("act_"):
            return Data(data=account)
    raise NotFound("There is no such account.", "GET /api/v1/accounts lists those that are open to you.")


async def _accounts(store: Store, viewer: Viewer) -> list[Account]:
    clients = await clients_in_scope(store, viewer)
    return [Account.of(account, client) for client in clients for account in client.accounts]
