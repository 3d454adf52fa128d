"""What refreshes have learned: how much of an account goes into one call."""

from __future__ import annotations

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import LearnedSpan


async def learned_span(session: AsyncSession, account_id: int, breakdown: str) -> LearnedSpan | None:
    """What is known of the account's size in this breakdown set."""
    return await session.get(LearnedSpan, (account_id, breakdown))


async def remember_span(
    session: AsyncSession, account_id: int, breakdown: str, *, rows_a_day: int, most_days: int | None
) -> None:
    """Keep what this refresh has learned."""
    keys = {"account_id": account_id, "breakdown": breakdown}
    values = {"rows_a_day": rows_a_day, "most_days": most_days, "learned_at": func.now()}
    added = insert(LearnedSpan).values(**keys, **values)
    await session.execute(added.on_conflict_do_update(index_elements=list(keys), set_=values))
