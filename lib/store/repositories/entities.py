"""Campaigns, ad sets, ads and creatives: newer descriptions take the place of older ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, any_, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import Ad, AdSet, Campaign, Creative

Entity = type[Campaign] | type[AdSet] | type[Ad] | type[Creative]


async def upsert(
    session: AsyncSession, model: Entity, rows: Sequence[Mapping[str, Any]], *, replace: bool = True
) -> None:
    """Store ``rows`` (all with the same columns); without ``replace`` only those that are not there yet.

    They travel as one JSON parameter: thousands of rows bound one by one take ten times as long.
    """
    if not rows:
        return
    table = model.__tablename__
    keys = [column.name for column in model.__table__.primary_key]
    names = ", ".join(rows[0])
    changed = ", ".join(f"{name} = excluded.{name}" for name in rows[0] if name not in keys)
    clash = f"({', '.join(keys)}) DO UPDATE SET {changed}" if replace else "DO NOTHING"
    statement = text(
        f"INSERT INTO {table} ({names}) SELECT {names}"  # noqa: S608 (names of our own columns)
        f" FROM jsonb_populate_recordset(NULL::{table}, CAST(:rows AS jsonb)) ON CONFLICT {clash}"
    )
    await session.execute(statement, {"rows": orjson.dumps(list(rows)).decode()})


async def known_ids(session: AsyncSession, model: Entity, account_id: int, ids: Iterable[int]) -> set[int]:
    """Which of ``ids`` the store has of this account."""
    key = list(model.__table__.primary_key)[1]
    found = await session.scalars(
        select(key).where(model.account_id == account_id, key == any_(literal(list(ids), ARRAY(BigInteger))))
    )
    return set(found)


async def creative_ids(session: AsyncSession, account_id: int) -> list[int]:
    """The creatives that the account's ads name."""
    mine = (Ad.account_id == account_id, Ad.creative_id.is_not(None))
    found = await session.scalars(select(Ad.creative_id).where(*mine).distinct().order_by(Ad.creative_id))
    return [number for number in found if number is not None]


async def ads_by_campaign(session: AsyncSession, account_id: int) -> dict[int, list[int]]:
    """The ads that are stored of each campaign."""
    found: dict[int, list[int]] = {}
    rows = await session.execute(select(Ad.campaign_id, Ad.ad_id).where(Ad.account_id == account_id))
    for campaign_id, ad_id in rows.tuples():
        found.setdefault(campaign_id, []).append(ad_id)
    return found


async def stored_ids(session: AsyncSession, model: Entity, account_id: int) -> Sequence[int]:
    """Every object of this kind that the store has of the account."""
    key = list(model.__table__.primary_key)[1]
    return (await session.scalars(select(key).where(model.account_id == account_id))).all()
