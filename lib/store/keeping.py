"""Opens the store when a server starts, and again and again while the database is down."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from lib.errors import StoreError, StoreUnavailable
from lib.settings import Settings
from lib.store.engine import Store
from lib.store.opening import opened

FIRST_WAIT_S = 15.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
_log = logging.getLogger(__name__)


class StoreKeeper:
    """Holds the store of this process on the loop that it was started on, from when there is one to the end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closing = contextlib.ExitStack()
        self._store: Store | None = None
        self._tried = asyncio.Event()
        self._stopping = asyncio.Event()

    def store(self) -> Store:
        """The store; StoreUnavailable while it is not open."""
        if self._store is None or self._stopping.is_set():
            raise StoreUnavailable("The database cannot be reached.")
        return self._store

    async def start(self) -> None:
        """Wait for the first try, not for its success; what no waiting mends (AppError) is raised."""
        self._opening = asyncio.create_task(self._open())
        tried = asyncio.create_task(self._tried.wait())
        await asyncio.wait({self._opening, tried}, timeout=FIRST_WAIT_S, return_when=asyncio.FIRST_COMPLETED)
        tried.cancel()
        if self._opening.done():
            self._opening.result()

    async def _open(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                url = await asyncio.to_thread(self._closing.enter_context, opened(self._settings))
            except StoreError as error:
                _log.warning("%s The server goes on without it and tries again in %.0f s.", error, pause)
                self._tried.set()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                self._store = Store(url)
                await self.opened(self._store)
                return

    async def opened(self, store: Store) -> None:
        """What else there is to do once there is a store."""

    async def closing(self) -> None:
        """What else there is to do before it is closed."""

    async def stop(self) -> None:
        """Close the store; a try that is under way is waited for, so that no embedded server stays behind."""
        self._stopping.set()
        await asyncio.wait({self._opening})
        if self._store is not None:
            await self.closing()
            await self._store.dispose()
        await asyncio.to_thread(self._closing.close)
