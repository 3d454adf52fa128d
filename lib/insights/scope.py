"""Which clients and accounts a viewer sees."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import BigInteger, BindParameter, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.viewer import Role, Viewer
from lib.insights.dialects import among
from lib.store.engine import Store
from lib.store.models import Account, Client, Slice
from lib.zones import today_in


@dataclass(frozen=True)
class AccountScope:
    """An account; ``today`` is the day that it is there now (UTC until Meta has told the time zone).

    ``has_days`` tells whether any day of it is stored.
    """

    account_id: int
    name: str
    currency: str | None
    timezone_name: str | None
    today: dt.date
    has_days: bool


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
    async with store.viewing(viewer) as session:
        return await read_scope(session, viewer)


async def read_scope(session: AsyncSession, viewer: Viewer) -> list[ClientScope]:
    """The same in a transaction that is there already, as this viewer."""
    mine = {"account_ids": sorted(viewer.account_ids), "client_ids": sorted(viewer.client_ids)}
    rows = (await session.execute(_SCOPE, mine)).all()
    clients = groupby(rows, lambda row: (row.id, row.slug, row.name, row.is_sample))
    return [ClientScope(*client, tuple(_accounts(found))) for client, found in clients]


def _ids(name: str) -> BindParameter[Any]:
    return bindparam(name, type_=ARRAY(BigInteger()))


# Asked for on every rerun, so it is put together once.
_SCOPE = (
    select(
        *(Client.id, Client.slug, Client.name, Client.is_sample),
        *(Account.account_id, Account.name.label("account_name"), Account.currency, Account.timezone_name),
        select(Slice.account_id).where(Slice.account_id == Account.account_id).exists().label("has_days"),
    )
    .outerjoin(Account, (Account.client_id == Client.id) & among(Account.account_id, _ids("account_ids")))
    .where(among(Client.id, _ids("client_ids")))
    .order_by(func.lower(Client.name), Client.id, Account.account_id)
)


def _accounts(rows: Iterable[Any]) -> Iterator[AccountScope]:
    """The accounts of one client's rows; a client without any has one row without an id."""
    for row in rows:
        if row.account_id is not None:
            about = (row.account_name, row.currency, row.timezone_name, today_in(row.timezone_name))
            yield AccountScope(row.account_id, *about, has_days=row.has_days)


async def operator_viewer(store: Store) -> Viewer:
    """Whoever runs the command line: a trusted operator, who sees every client that is not archived."""
    here = Client.archived_at.is_(None)
    connected = select(Account.account_id).join(Client).where(here, Account.disconnected_at.is_(None))
    async with store.working() as session:
        clients = (await session.execute(select(Client.id).where(here))).scalars().all()
        accounts = (await session.execute(connected)).scalars().all()
    return Viewer(uuid.UUID(int=0), "command line", Role.ADMIN, frozenset(clients), frozenset(accounts))
