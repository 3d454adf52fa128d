"""Two clients who must never hear of each other: all of zebra's has its name in it, or an id that begins 9900."""

from __future__ import annotations

import datetime as dt
import random
import re
import uuid

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.people import put_person
from lib.access.personal_tokens import create_token
from lib.access.scopes import READ, WRITE
from lib.access.viewer import Role
from lib.store.engine import Store
from lib.store.models import Client, ClientGrant, RefreshRun, RefreshRunAccount, SavedView, User
from tests import factories

FIRST, LAST = dt.date(2026, 1, 5), dt.date(2026, 1, 25)
ACCOUNTS = {"acme": (1101, 1102), "zebra": (990011, 990022)}
CURRENCIES = {1101: "EUR", 1102: "JPY", 990011: "EUR", 990022: "USD"}
FOREIGN = re.compile(r"zebra|9900\d", re.IGNORECASE)
"""What no answer to a person of acme's may contain."""


async def build(store: Store) -> dict[str, int]:
    """Store both; the ids of the clients by slug."""
    draw = random.Random(11)
    clients: dict[str, int] = {}
    async with store.working() as session:
        for slug, accounts in ACCOUNTS.items():
            clients[slug] = await factories.add_client(session, slug, name=slug.title(), is_sample=slug == "zebra")
            for account_id in accounts:
                named = {"name": f"{slug.title()} {account_id}", "currency": CURRENCIES[account_id]}
                await factories.add_account(session, account_id, clients[slug], **named)
                await _numbers(session, draw, slug, account_id)
    return clients


async def _numbers(session: object, draw: random.Random, slug: str, account_id: int) -> None:
    ids = [account_id * 1000 + number for number in range(6)]
    for number, ad_id in enumerate(ids):
        if number % 3 == 0:
            name = f"={slug} Sale, “{number}”"
            await factories.add_campaign(session, account_id, ad_id + 100, name=name)  # type: ignore[arg-type]
            await factories.add_adset(session, account_id, ad_id + 200, name=f"{slug} set {number}")  # type: ignore[arg-type]
        if number < 5:
            await factories.add_ad(session, account_id, ad_id, name=f"{slug} ad {number}")  # type: ignore[arg-type]
    rows = []
    for offset in range((LAST - FIRST).days + 1):
        date = FIRST + dt.timedelta(days=offset)
        await factories.add_slice(session, account_id, date)  # type: ignore[arg-type]
        for number, ad_id in enumerate(ids):
            parents = {"campaign_id": ids[number // 3 * 3] + 100, "adset_id": ids[number // 3 * 3] + 200}
            counts = {"impressions": draw.randrange(5000), "clicks": draw.randrange(90), "purchases": draw.randrange(4)}
            money = {"spend": draw.randrange(100_000) / 100, "revenue": draw.randrange(9) * 49}
            money = {name: str(value) for name, value in money.items()}
            rows.append(factories.insight_row(account_id, date, ad_id, **parents, **money, **counts))  # type: ignore[arg-type]
    await factories.add_insights(session, rows)  # type: ignore[arg-type]


async def add_person(store: Store, email: str, role: Role, slugs: list[str]) -> uuid.UUID:
    """A person with grants."""
    return (await put_person(store, email, role, slugs=slugs)).user_id


async def token_of(store: Store, email: str, *scopes: str) -> str:
    """A personal token, by default one that may write."""
    return (await create_token(store, email, scopes=scopes or (READ, WRITE))).secret


async def add_run(store: Store, account_ids: list[int], *, state: str = "complete", **values: object) -> uuid.UUID:
    """A refresh run of these accounts."""
    run_id = uuid.uuid4()
    async with store.working() as session:
        await session.execute(insert(RefreshRun).values(id=run_id, state=state, **values))
        ended = {"state": state, "finished_at": values.get("finished_at")}
        rows = [{"run_id": run_id, "account_id": account_id, **ended} for account_id in account_ids]
        await session.execute(insert(RefreshRunAccount), rows)
    return run_id


async def _clients_of(session: AsyncSession, user_id: uuid.UUID) -> list[int]:
    role = await session.scalar(select(User.role).where(User.id == user_id))
    granted = select(ClientGrant.client_id).where(ClientGrant.user_id == user_id)
    return list(await session.scalars(select(Client.id) if role == Role.ADMIN else granted))


async def add_view(store: Store, owner_id: uuid.UUID, name: str, *, is_shared: bool = False) -> uuid.UUID:
    """A saved view."""
    view_id = uuid.uuid4()
    row = {"id": view_id, "owner_id": owner_id, "name": name, "page": "explore", "address": "metrics=spend"}
    async with store.working() as session:
        row["client_ids"] = await _clients_of(session, owner_id)
        await session.execute(insert(SavedView).values(**row, is_shared=is_shared))
    return view_id
