"""Clients, their accounts and their sealed tokens."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from lib.store.models import Account, Client, Credential, Installation, Slice


def slug_of(name: str) -> str:
    """``name`` in lower-case ASCII words joined by hyphens; ``client`` where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60] or "client"


async def free_slug(session: AsyncSession, name: str) -> str:
    """A slug of ``name`` that no client has."""
    wanted = slug_of(name)
    taken = set(await session.scalars(select(Client.slug).where(Client.slug.startswith(wanted, autoescape=True))))
    candidates = [wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 2))]
    return next(slug for slug in candidates if slug not in taken)


async def all_clients(session: AsyncSession) -> Sequence[Client]:
    """Every client with its accounts, by name."""
    found = await session.scalars(
        select(Client).options(selectinload(Client.accounts)).order_by(Client.name, Client.id)
    )
    return found.all()


async def client_named(session: AsyncSession, name: str) -> Client | None:
    """The client of this name, upper and lower case alike."""
    found = await session.scalars(
        select(Client).options(selectinload(Client.accounts)).where(func.lower(Client.name) == name.lower())
    )
    return found.first()


async def client_of_slug(session: AsyncSession, slug: str) -> Client | None:
    """The client of this slug."""
    found = await session.scalars(select(Client).options(selectinload(Client.accounts)).where(Client.slug == slug))
    return found.first()


async def owners_of(session: AsyncSession, account_ids: Sequence[int]) -> dict[int, str]:
    """Which client each of these accounts belongs to already, by name."""
    rows = await session.execute(
        select(Account.account_id, Client.name).join(Client).where(Account.account_id.in_(account_ids))
    )
    return dict(rows.tuples().all())


async def add_client(
    session: AsyncSession,
    *,
    name: str,
    graph_url: str,
    account_ids: Sequence[int],
    sealed_token: bytes,
    is_sample: bool,
) -> Client:
    """A new client with its accounts and its token; accounts are named by their id until Meta has answered."""
    client = Client(slug=await free_slug(session, name), name=name, graph_url=graph_url, is_sample=is_sample)
    client.accounts = [Account(account_id=account_id, name=f"act_{account_id}") for account_id in account_ids]
    client.credential = Credential(token_encrypted=sealed_token)
    session.add(client)
    await session.flush()
    return client


async def set_token(session: AsyncSession, client_id: int, sealed_token: bytes) -> None:
    """Put a new token in the place of the client's old one."""
    values = {"client_id": client_id, "token_encrypted": sealed_token, "state": "unchecked", "checked_at": None}
    await session.execute(
        insert(Credential).values(values).on_conflict_do_update(index_elements=["client_id"], set_=values)
    )


async def note_credential(session: AsyncSession, client_id: int, state: str) -> None:
    """Remember what Meta last said of the client's token: ``valid`` or ``dead``."""
    await session.execute(
        update(Credential).where(Credential.client_id == client_id).values(state=state, checked_at=func.now())
    )


async def describe_account(session: AsyncSession, account_id: int, values: dict[str, Any]) -> None:
    """Store what Meta says of an account."""
    now = dt.datetime.now(dt.UTC)
    await session.execute(update(Account).where(Account.account_id == account_id).values(checked_at=now, **values))


async def remove_samples(session: AsyncSession) -> int:
    """Remove every sample client with all its numbers; how many there were."""
    removed = await session.execute(delete(Client).where(Client.is_sample).returning(Client.id))
    return len(removed.all())


async def claim_samples(session: AsyncSession) -> bool:
    """True the first time, as long as no client was added: the store is to get its samples now."""
    if await session.scalar(select(func.count()).select_from(Client)):
        return False
    claimed = await session.execute(
        insert(Installation)
        .values(id=1, samples_added_at=func.now())
        .on_conflict_do_nothing()
        .returning(Installation.id)
    )
    return claimed.first() is not None


async def point_samples_at(session: AsyncSession, graph_url: str) -> int:
    """Tell the sample clients where the sandbox listens now; how many there are."""
    moved = await session.execute(
        update(Client).where(Client.is_sample).values(graph_url=graph_url).returning(Client.id)
    )
    return len(moved.all())


async def samples_without_days(session: AsyncSession) -> Sequence[int]:
    """The sample clients' accounts of which no day is stored yet."""
    has_days = select(Slice.account_id).where(Slice.account_id == Account.account_id).exists()
    found = await session.scalars(select(Account.account_id).join(Client).where(Client.is_sample, ~has_days))
    return found.all()
