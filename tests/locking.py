"""Two things at the same moment: one is held up by a row that the test has locked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text

from lib.store.engine import Store

HERE = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
"""A condition on pg_locks, which tells of every worker's database, where tables of one name have one number."""
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


@asynccontextmanager
async def meanwhile(store: Store, statement: str, doing: Coroutine[Any, Any, Any]) -> AsyncIterator[asyncio.Task[Any]]:
    """``doing`` while ``statement`` is not committed yet: it waits for that, or is done without.

    The statement is committed before the block.
    """
    async with store.working() as session:
        await session.execute(text(statement))
        task = asyncio.create_task(doing)
        async with asyncio.timeout(60), store.engine.connect() as watching:
            while not task.done() and not (await watching.execute(WAITING)).scalar_one():
                await watching.rollback()
                await asyncio.sleep(0)
    yield task
