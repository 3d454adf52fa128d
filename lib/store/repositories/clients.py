"""Clients, their accounts and their sealed tokens."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from lib.errors import Conflict
from lib.store.models import Account, Client, Credential, Installation, Slice
from lib.store.uniqueness import unless_taken

PUT_BACK_FOR = dt.timedelta(minutes=15)
"""A replaced token is kept for as long."""
Seal = Callable[[], bytes]
"""Gives a token sealed with the newest key of the moment that it is called at."""


def slug_of(name: str) -> str:
    """``name`` in lower-case ASCII words joined by hyphens; ``client`` where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60] or "client"


async def free_slug(session: AsyncSession, name: str) -> str:
    """A slug of ``name`` that no client has."""
    wanted = slug = slug_of(name)
    while await session.scalar(select(Client.id).where(Client.slug == slug)) is not None:
        # A number would tell how many others there are, also to who sees none of them.
        slug = f"{wanted}-{secrets.token_hex(2)}"
    return slug


async def all_clients(session: AsyncSession) -> Sequence[Client]:
    """Every client with its accounts, by name."""
    found = await session.scalars(
        select(Client).options(selectinload(Client.accounts)).order_by(Client.name, Client.id)
    )
    return found.all()


async def clients_with_tokens(session: AsyncSession) -> Sequence[Client]:
    """Every client with its accounts and its sealed token, by name."""
    found = await session.scalars(
        select(Client)
        .options(selectinload(Client.accounts), selectinload(Client.credential))
        .order_by(Client.name, Client.id)
    )
    return found.all()


async def client_named(session: AsyncSession, name: str) -> Client | None:
    """The client of this name, upper and lower case alike, archived ones left out."""
    named = (func.lower(Client.name) == func.lower(name), Client.archived_at.is_(None))
    return (await session.scalars(select(Client).where(*named))).first()


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
    seal: Seal,
    is_sample: bool,
) -> Client:
    """A new client with its accounts and its token; accounts are named by their id until Meta has answered.

    Conflict where its name, or one of the accounts, was taken by another client, if only just now.
    """
    await _wait_for_rotation(session)
    client = Client(slug=await free_slug(session, name), name=name, graph_url=graph_url, is_sample=is_sample)
    client.accounts = [Account(account_id=account_id, name=f"act_{account_id}") for account_id in account_ids]
    client.credential = Credential(token_encrypted=seal())
    session.add(client)
    held = Conflict("An account has one client, and one of these has one already; nothing was stored.", "Look again.")
    with unless_taken(name_taken(), "uq_client_name_lower", "uq_client_slug"), unless_taken(held, "pk_account"):
        await session.flush()
    return client


def name_taken() -> Conflict:
    """What is said of a name that another client has, which need not be open to whoever hears it."""
    return Conflict("This name cannot be used; nothing was stored.", "Choose another name.")


@dataclass(frozen=True)
class TokenChange:
    """The state of the token that was replaced, ``missing`` where there was none, and both as they are sealed."""

    state: str
    old: bytes | None = field(repr=False)
    new: bytes = field(repr=False)


async def set_token(
    session: AsyncSession, client_id: int, seal: Seal, *, replaced_at: dt.datetime | None = None
) -> TokenChange:
    """Put a new token in the place of the client's old one.

    Where ``replaced_at`` is said, the old one is kept for a while, to be put back.
    """
    await _wait_for_rotation(session)
    sealed = seal()
    before = select(Credential.state, Credential.token_encrypted).where(Credential.client_id == client_id)
    found = (await session.execute(before.with_for_update())).tuples().first()
    state, old = found or ("missing", None)
    values = {"client_id": client_id, "token_encrypted": sealed, **_NEW}
    previous = None if replaced_at is None else Credential.token_encrypted
    kept = {"previous_encrypted": previous, "replaced_at": replaced_at}
    added = insert(Credential).values(values)
    await session.execute(added.on_conflict_do_update(index_elements=["client_id"], set_=values | kept))
    return TokenChange(state, old, sealed)


_UNKNOWN: dict[str, Any] = {"state": "unchecked", "checked_at": None, "app_id": None, "expires_at": None}
"""What is known of a token that was just stored."""
_NEW = {**_UNKNOWN, "created_at": func.clock_timestamp()}


async def put_back_token(session: AsyncSession, client_id: int, at: dt.datetime) -> bool:
    """Undo the replacement of that moment; False where another token was stored since."""
    await _wait_for_rotation(session)
    mine = (
        Credential.client_id == client_id, Credential.replaced_at == at, Credential.previous_encrypted.is_not(None)
    )  # fmt: skip
    values = {"token_encrypted": Credential.previous_encrypted, **_NEW}
    back = update(Credential).where(*mine).values(**values, previous_encrypted=None, replaced_at=None)
    return (await session.execute(back.returning(Credential.client_id))).first() is not None


async def forget_replaced(session: AsyncSession) -> None:
    """Drop the replaced tokens whose time is over."""
    over = update(Credential).where(Credential.replaced_at < func.now() - PUT_BACK_FOR)
    await session.execute(over.values(previous_encrypted=None, replaced_at=None))


async def replaced_tokens(session: AsyncSession) -> dict[int, bytes]:
    """The replaced tokens that are kept, sealed, by client."""
    kept = select(Credential.client_id, Credential.previous_encrypted).where(Credential.previous_encrypted.is_not(None))
    return {client_id: sealed for client_id, sealed in (await session.execute(kept)).tuples() if sealed is not None}


async def reseal_replaced(session: AsyncSession, sealed: Mapping[int, bytes | None]) -> None:
    """The same replaced tokens by client, sealed otherwise; ``None`` drops one."""
    for client_id, token in sealed.items():
        mine = update(Credential).where(Credential.client_id == client_id)
        await session.execute(mine.values(previous_encrypted=token))


async def _wait_for_rotation(session: AsyncSession) -> None:
    """Until this transaction ends no rotation drops a key: what is sealed from here on stays readable."""
    await session.execute(text("LOCK TABLE credential IN ROW EXCLUSIVE MODE"))


async def lock_tokens(session: AsyncSession) -> dict[int, tuple[str, bytes]]:
    """Every client's name and sealed token by its id; nobody stores one until this transaction ends."""
    await session.execute(text("LOCK TABLE credential IN SHARE ROW EXCLUSIVE MODE"))
    rows = await session.execute(select(Client.id, Client.name, Credential.token_encrypted).join(Credential))
    return {client_id: (name, sealed) for client_id, name, sealed in rows.tuples()}


async def replace_sealed(session: AsyncSession, sealed: Mapping[int, bytes]) -> None:
    """The same tokens by client, sealed otherwise; what Meta said of them stays."""
    for client_id, token in sealed.items():
        await session.execute(update(Credential).where(Credential.client_id == client_id).values(token_encrypted=token))


async def note_credential(session: AsyncSession, client_id: int, state: str) -> None:
    """Remember what Meta last said of the client's token: ``valid`` or ``dead``."""
    await session.execute(
        update(Credential).where(Credential.client_id == client_id).values(state=state, checked_at=func.now())
    )


async def note_credential_of(session: AsyncSession, client_id: int, sealed_token: bytes, state: str) -> None:
    """The same, unless another token was stored since this one was looked at."""
    mine = (Credential.client_id == client_id, Credential.token_encrypted == sealed_token)
    await session.execute(update(Credential).where(*mine).values(state=state, checked_at=func.now()))


async def note_token_facts(
    session: AsyncSession, client_id: int, sealed_token: bytes, *, app_id: str, expires_at: dt.datetime | None
) -> None:
    """What Meta says of the token itself, unless another one was stored since."""
    mine = (Credential.client_id == client_id, Credential.token_encrypted == sealed_token)
    await session.execute(update(Credential).where(*mine).values(app_id=app_id, expires_at=expires_at))


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
    """The sample clients' accounts of which no day is stored yet; what is archived or disconnected waits for none."""
    has_days = select(Slice.account_id).where(Slice.account_id == Account.account_id).exists()
    is_served = (Client.is_sample, Client.archived_at.is_(None), Account.disconnected_at.is_(None))
    found = await session.scalars(select(Account.account_id).join(Client).where(*is_served, ~has_days))
    return found.all()
