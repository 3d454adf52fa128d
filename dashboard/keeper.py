"""Opens the store when the server starts, and again and again while the database is down."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from dashboard import bridge
from lib.errors import StoreError
from lib.settings import Settings
from lib.store.engine import Store
from lib.store.opening import opened

FIRST_WAIT_S = 15.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
_log = logging.getLogger(__name__)


class StoreKeeper:
    """Hands the store to the bridge as soon as there is one, and closes it at the end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closing = contextlib.ExitStack()
        self._store: Store | None = None
        self._tried = asyncio.Event()
        self._stopping = asyncio.Event()

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
                bridge.attach(asyncio.get_running_loop(), self._store)
                return

    async def stop(self) -> None:
        """Close the store; a try that is under way is waited for, so that no embedded server stays behind."""
        self._stopping.set()
        bridge.detach()
        await asyncio.wait({self._opening})
        if self._store is not None:
            await self._store.dispose()
        await asyncio.to_thread(self._closing.close)
