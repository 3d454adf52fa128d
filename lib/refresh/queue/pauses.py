"""What all workers know of Meta's limits: a pause that one of them meets is kept in the store, and all hold it."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from concurrent.futures import Future

from lib.errors import StoreError
from lib.meta.pacing import Pacer, account_scope, app_scope
from lib.refresh.queue import stopping
from lib.store.engine import Store
from lib.store.repositories import pauses

logger = logging.getLogger(__name__)


class SharedPacer(Pacer):
    """The pacer of one process, made on the loop of the store."""

    def __init__(self, store: Store) -> None:
        self.clock = stopping.StoppableClock()
        super().__init__(self.clock, self._met)
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._reasons: dict[str, str] = {}

    def before(self, app: str, account_id: int | None) -> float:
        """Wait until the app and the account may be called; Stopped where this thread's work is to end."""
        stopping.check()
        return super().before(app, account_id)

    def reason(self, app: str, account_id: int) -> str:
        """Why the account is paused, as far as anybody said."""
        return self._reasons.get(account_scope(account_id)) or self._reasons.get(app_scope(app)) or ""

    def _met(self, scope: str, seconds: float, reason: str) -> None:
        self._reasons[scope] = reason
        until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
        if not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._keep(scope, until, reason), self._loop).add_done_callback(_look)

    async def _keep(self, scope: str, until: dt.datetime, reason: str) -> None:
        async with self._store.working() as session:
            await pauses.keep(session, scope, until, reason)

    async def take_in(self) -> None:
        """Hold the pauses that other workers met."""
        async with self._store.working() as session:
            found = await pauses.standing(session)
        now = dt.datetime.now(dt.UTC)
        for scope, until, reason in found:
            self._reasons[scope] = reason
            self.pause(scope, (until - now).total_seconds(), reason)


def _look(future: Future[None]) -> None:
    error = None if future.cancelled() else future.exception()
    if isinstance(error, StoreError):
        logger.warning("A pause was not told to other workers: %s", error)
