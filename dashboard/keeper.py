"""Hands the store and its mirror to the bridge as soon as the one is open, and takes both back at the end."""

from __future__ import annotations

import asyncio

from dashboard import bridge
from lib.insights.mirror import Mirror, mirror_of
from lib.settings import Settings
from lib.store import keeping
from lib.store.engine import Store


class StoreKeeper(keeping.StoreKeeper):
    """The store of the dashboard's process, and the mirror that answers its pages once it stands."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._mirror_settings = settings
        self._mirror: Mirror | None = None

    async def opened(self, store: Store) -> None:
        """Let the pages begin; the mirror is brought up behind them."""
        if self._mirror_settings.mirror_memory_mb:
            self._mirror = mirror_of(store, self._mirror_settings, "dashboard")
            await self._mirror.start()
        bridge.attach(asyncio.get_running_loop(), store, self._mirror)

    async def stop(self) -> None:
        """Take the store from the pages, then close it."""
        bridge.detach()
        await super().stop()

    async def closing(self) -> None:
        """Close the mirror, which reads from the store."""
        bridge.detach()
        if self._mirror is not None:
            await self._mirror.close()
