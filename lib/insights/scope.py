"""Which clients and accounts a viewer sees, and whether anything changed since the last look."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import func, select

from lib.access.viewer import Role, Viewer
from lib.insights.conditions import is_among
from lib.store.engine import Store
from lib.store.models import Account, Client, Slice
from lib.zones import today_in


@dataclass(frozen=True)
class AccountScope:
    """An account; ``today`` is the day that it is there now (UTC until Meta has told the time zone)."""

    account_id: int
    name: str
    currency: str | None
    timezone_name: str | None
    today: dt.date


@dataclass(frozen=True)
class ClientScope:
    """A client with the accounts that the viewer sees, in the order of their ids."""

    id: int
    slug: str
    name: str
    is_sample: bool
    accounts: tuple[AccountScope, ...]


async def clients_in_scope(store: Store, viewer: Viewer) -> list[ClientScope]:
    """The viewer's clients in the order of their names, by one statement."""
    mine = is_among(Account.account_id, viewer.account_ids)
    query = (
        select(Client, Account)
        .outerjoin(Account, (Account.client_id == Client.id) & mine)
        .where(is_among(Client.id, viewer.client_ids))
        .order_by(func.lower(Client.name), Client.id, Account.account_id)
    )
    async with store.viewing(viewer) as session:
        rows = (await session.execute(query)).all()
    accounts: dict[int, list[AccountScope]] = {}
    clients: dict[int, Client] = {}
    for client, account in rows:
        clients[client.id] = client
        accounts.setdefault(client.id, [])
        if account is not None:
            accounts[client.id].append(_scope(account))
    return [
        ClientScope(key, each.slug, each.name, each.is_sample, tuple(accounts[key])) for key, each in clients.items()
    ]


def _scope(account: Account) -> AccountScope:
    today = today_in(account.timezone_name)
    return AccountScope(account.account_id, account.name, account.currency, account.timezone_name, today)


async def data_version(store: Store, viewer: Viewer) -> int:
    """The version of the newest slice among the viewer's accounts; 0 without any."""
    newest = select(func.coalesce(func.max(Slice.version), 0)).where(is_among(Slice.account_id, viewer.account_ids))
    async with store.viewing(viewer) as session:
        return int((await session.execute(newest)).scalar_one())


async def operator_viewer(store: Store) -> Viewer:
    """Whoever runs the command line: a trusted operator, who sees every client."""
    async with store.working() as session:
        clients = (await session.execute(select(Client.id))).scalars().all()
        accounts = (await session.execute(select(Account.account_id))).scalars().all()
    return Viewer(uuid.UUID(int=0), "command line", Role.ADMIN, frozenset(clients), frozenset(accounts))
