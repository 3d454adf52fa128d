"""The app's database role as no code of ours takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.engine import Store


@asynccontextmanager
async def app_alone(store: Store) -> AsyncIterator[AsyncSession]:
    """The app's role, without the viewer that ``Store.viewing`` sets."""
    async with AsyncSession(store.engine) as session, session.begin():
        await session.execute(text("SET LOCAL ROLE ads_app"))
        yield session
