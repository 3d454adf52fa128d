"""Who works on the queue: a lock on a connection of its own, which PostgreSQL takes back the moment a worker dies.

The heartbeat alone tells of a killed worker only when it is old; a machine that is gone without closing its
connections is told of by the heartbeat. The lock is a shared one: after the network broke, the server may keep the
worker's old session, and its lock, for hours, and the new session must not wait for that.
"""

from __future__ import annotations

import asyncio

import psycopg
from sqlalchemy.engine import URL

from lib.errors import StoreUnavailable
from lib.store.engine import libpq_url

WORKERS = 20_651
"""The first of the two numbers of these locks."""
MOST = 2_147_483_647
ANSWER_S = 5.0
"""A connection that is silent for longer than this is taken for dead."""
_HOLD = "SELECT pg_advisory_lock_shared(%s, %s)"


class Presence:
    """One worker's lock, and the connection that holds it."""

    def __init__(self, url: URL, worker_id: int) -> None:
        self._url = url
        self._worker_id = worker_id
        self._connection: psycopg.AsyncConnection | None = None

    async def hold(self) -> None:
        """Hold the lock; taken anew where the connection was lost. StoreUnavailable where there is no way in."""
        if self._connection is not None and await self._answers(self._connection):
            return
        await self.leave()
        try:
            self._connection = await psycopg.AsyncConnection.connect(libpq_url(self._url), autocommit=True)
            async with asyncio.timeout(ANSWER_S):
                await self._connection.execute(_HOLD, [WORKERS, self._worker_id % MOST])
        except (psycopg.OperationalError, TimeoutError) as error:
            await self.leave()
            raise StoreUnavailable("The database cannot be reached.") from error
        except BaseException:  # whoever is cancelled here has no presence to leave
            await self.leave()
            raise

    async def _answers(self, connection: psycopg.AsyncConnection) -> bool:
        try:
            async with asyncio.timeout(ANSWER_S):
                await connection.execute("SELECT 1")
        except (psycopg.OperationalError, TimeoutError):
            return False
        return True

    async def leave(self) -> None:
        """Give the lock back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
