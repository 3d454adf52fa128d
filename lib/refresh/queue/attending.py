"""Watches a run to its end, and works itself where no worker lives: nothing needs a worker to be there."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from lib.errors import StoreError
from lib.refresh.progress import RunProgress, whole_progress
from lib.refresh.queue.account import Pace
from lib.refresh.queue.worker import CONCURRENCY, Working
from lib.store.engine import Store
from lib.store.repositories import queue
from lib.waiting import until_over

logger = logging.getLogger(__name__)
WATCH_S = 0.2


async def attend(
    store: Store, run_id: uuid.UUID, *, concurrency: int = CONCURRENCY, pace: Pace | None = None
) -> RunProgress:
    """The run when it has ended; where no worker lives, this process works on the queue until then.

    StoreError where what was fetched could not be stored, after the run was closed. Cancelled, it hands back what it
    worked on itself.
    """
    pace = pace or Pace()
    async with _Helping(store, concurrency, pace) as helping:
        while True:
            report = await whole_progress(store, run_id)
            if report.state != "running":
                helping.check(run_id)
                return report
            await helping.where_nobody_works()
            await helping.next_news()


class _Helping:
    """The worker that this process becomes while there is no other."""

    def __init__(self, store: Store, concurrency: int, pace: Pace) -> None:
        self._store, self._concurrency, self._pace = store, concurrency, pace
        self._working: Working | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> _Helping:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._working is not None and self._task is not None:
            self._working.stop()
            await until_over(self._task)

    async def where_nobody_works(self) -> None:
        """Begin to work where no worker lives; raise what ended ours."""
        if self._task is not None:
            if self._task.done():
                self._task.result()
            return
        async with self._store.working() as session:
            if await queue.living_workers(session, self._pace.stalled_s):
                return
        self._working = Working(self._store, concurrency=self._concurrency, pace=self._pace)
        self._task = asyncio.create_task(self._working.run())

    async def next_news(self) -> None:
        """Until a job of ours ends, or a moment."""
        ended = self._working.place.ended if self._working else asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(WATCH_S):
                await ended.wait()
        ended.clear()

    def check(self, run_id: uuid.UUID) -> None:
        """Raise what kept our worker from storing the run."""
        if self._working is not None and run_id in self._working.place.store_failures:
            raise self._working.place.store_failures[run_id]


class Attendance:
    """The runs that this process attends; each once, however often it is asked to."""

    def __init__(self) -> None:
        self._runs: set[uuid.UUID] = set()

    @asynccontextmanager
    async def _once(self, run_id: uuid.UUID) -> AsyncIterator[None]:
        self._runs.add(run_id)
        try:
            yield
        finally:
            self._runs.discard(run_id)

    async def attend(self, store: Store, run_id: uuid.UUID, *, pace: Pace | None = None) -> None:
        """See the run to its end; nothing where that is done already. What fails is in the run and in the log."""
        if run_id in self._runs:
            return
        async with self._once(run_id):
            try:
                await attend(store, run_id, pace=pace)
            except StoreError as error:
                logger.error("The refresh run %s is attended no more: %s", run_id, error)


attendance = Attendance()
"""This process's own."""
