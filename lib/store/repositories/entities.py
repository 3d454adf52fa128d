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
