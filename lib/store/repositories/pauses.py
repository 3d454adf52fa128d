"""Until when nobody calls an account or an app, as all workers know it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import ApiPause

SAME = dt.timedelta(seconds=1)
"""Clocks differ by this much without a pause being another one."""


async def keep(session: AsyncSession, scope: str, until: dt.datetime, reason: str) -> None:
    """Nobody calls ``scope`` before ``until``; a shorter pause never shortens a longer one."""
    new = insert(ApiPause).values(scope=scope, until=until, reason=reason)
    longer = ApiPause.until < new.excluded.until - SAME
    values = {"until": new.excluded.until, "reason": new.excluded.reason}
    await session.execute(new.on_conflict_do_update(index_elements=[ApiPause.scope], set_=values, where=longer))


async def standing(session: AsyncSession) -> Sequence[tuple[str, dt.datetime, str]]:
    """The pauses that are not over yet: scope, until when, and why."""
    asked = select(ApiPause.scope, ApiPause.until, ApiPause.reason).where(ApiPause.until > func.clock_timestamp())
    return (await session.execute(asked)).tuples().all()


async def forget_over(session: AsyncSession) -> None:
    """Remove the pauses that are over."""
    await session.execute(delete(ApiPause).where(ApiPause.until <= func.clock_timestamp()))
