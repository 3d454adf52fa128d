"""The progress of refresh runs for those who watch, from the same rows that pages and terminals read.

However many watch a run with the same accounts open to them, the store is asked once in ``poll_s`` seconds. Whose
accounts differ have a look of their own, so that row-level security draws the line between them and nothing here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from lib.access.viewer import Viewer
from lib.errors import StoreError
from lib.refresh.progress import RunProgress, progress
from lib.store.engine import Store

POLL_S = 1.0
Key = tuple[uuid.UUID, frozenset[int], frozenset[int]]
"""A run, and the clients and accounts that are open to those who watch it."""
_log = logging.getLogger(__name__)


def key_of(viewer: Viewer, run_id: uuid.UUID) -> Key:
    """What viewers have in common who see the same of a run."""
    return run_id, viewer.client_ids, viewer.account_ids


class Feed:
    """The newest state of a run: whoever is slow misses the states between, and holds nobody up.

    ``number`` counts the states; 0 until the first look. ``state`` is ``None`` where the run is not to be seen.
    """

    def __init__(self, key: Key) -> None:
        self.key = key
        self.number = 0
        self.state: RunProgress | None = None
        self._problem: StoreError | None = None
        self._news = asyncio.Event()

    def tell(self, state: RunProgress | None) -> None:
        """Wake those who wait, where ``state`` is news."""
        if not self.number or state != self.state:
            self.state, self.number = state, self.number + 1
            self._wake()

    def fail(self, problem: StoreError) -> None:
        """A look failed: those who wait for the first state are told, the others wait on."""
        self._problem = problem
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def first(self) -> RunProgress | None:
        """The state, as soon as one is known; StoreError where the look for it failed."""
        while not self.number:
            if self._problem is not None:
                raise self._problem
            await self._news.wait()
        return self.state

    async def after(self, seen: int) -> int:
        """The number of the newest state, as soon as there is one after the number ``seen``."""
        while self.number == seen:
            await self._news.wait()
        return self.number


@dataclass
class _Watched:
    feed: Feed
    polling: asyncio.Task[None]
    watchers: set[object] = field(default_factory=set)


class Live:
    """The feeds of this process; each begins with its first watcher and ends with its last."""

    def __init__(self, stores: Callable[[], Store], *, poll_s: float = POLL_S) -> None:
        self._stores = stores
        self._poll_s = poll_s
        self._watched: dict[Key, _Watched] = {}

    @property
    def watchers(self) -> int:
        """How many watch at this moment."""
        return sum(len(watched.watchers) for watched in self._watched.values())

    def join(self, watcher: object, viewer: Viewer, run_id: uuid.UUID) -> Feed:
        """The feed of the run as this viewer may see it; ``leave`` it in the end."""
        key = key_of(viewer, run_id)
        watched = self._watched.get(key)
        if watched is None:
            feed = Feed(key)
            watched = _Watched(feed, asyncio.create_task(self._poll(feed, viewer, run_id)))
            self._watched[key] = watched
        watched.watchers.add(watcher)
        return watched.feed

    async def leave(self, watcher: object, feed: Feed) -> None:
        """Watch no longer; with the last watcher the polling ends."""
        watched = self._watched[feed.key]
        watched.watchers.discard(watcher)
        if not watched.watchers:
            del self._watched[feed.key]
            watched.polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watched.polling

    async def _poll(self, feed: Feed, viewer: Viewer, run_id: uuid.UUID) -> None:
        while feed.state is None or feed.state.state == "running":
            try:
                feed.tell(await progress(self._stores(), viewer, run_id))
            except StoreError as error:
                _log.warning("The progress of the refresh run %s was not read: %s", run_id, error)
                feed.fail(error)
            if feed.number and feed.state is None:
                return
            await asyncio.sleep(self._poll_s)
