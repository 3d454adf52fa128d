"""Takes jobs until it is told to stop: as many at once as it was given, and those of workers that are gone as well."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker

from lib.errors import StoreError, StoreUnavailable
from lib.refresh.queue.account import Pace, Place
from lib.refresh.queue.connecting import AWAY_S, PatientManager, connector_of
from lib.refresh.queue.jobs import QUEUE
from lib.refresh.queue.pauses import SharedPacer
from lib.refresh.queue.slots import MOST_AWAY, Slots
from lib.refresh.queue.tasks import CLOCK_QUEUE, add_clock, add_refreshes
from lib.store.engine import Store
from lib.store.repositories import queue, runs
from lib.waiting import until_over

logger = logging.getLogger(__name__)
CONCURRENCY = 4


class Working:
    """A worker on this process's loop and store, for ``concurrency`` accounts at once and those that wait for Meta.

    ``strikes``: whether it also keeps the clock, as those do that are there to stay.
    """

    def __init__(
        self, store: Store, *, concurrency: int = CONCURRENCY, strikes: bool = False, pace: Pace | None = None
    ) -> None:
        self.place = Place(store, SharedPacer(store), pace or Pace(), Slots(concurrency))
        self._store, self._pace, self._concurrency = store, self.place.pace, concurrency
        self._connector = connector_of(store.url)
        self._app = App(connector=self._connector, periodic_defaults={"max_delay": 60})
        add_refreshes(self._app)
        self._manager = PatientManager(store, self._connector, self.place.slots)
        self._app.job_manager = self._manager
        self._queues = [QUEUE, CLOCK_QUEUE] if strikes else [QUEUE]
        if strikes:
            add_clock(self._app)
        self._worker: Worker | None = None
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Work until ``stop``, or until cancelled: then work in flight ends within seconds and is handed back.

        StoreUnavailable where the database cannot be reached at the start.
        """
        try:
            await self._connector.open_async()
        except (ConnectorException, TimeoutError, OSError) as error:
            raise StoreUnavailable("The database cannot be reached.") from error
        looking = asyncio.create_task(self._look_around())
        try:
            while not self.place.is_stopping:
                await self._work()
        finally:
            self.stop()
            await until_over(looking)
            await self._connector.close_async()
            looking.result()

    def stop(self) -> None:
        """Take no more jobs, and end those in flight."""
        self._manager.is_ending = True
        self._over.set()
        self.place.stop()
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]  # procrastinate's

    async def _work(self) -> None:
        """One of procrastinate's workers to its end; where it ended for lack of a database, another one follows."""
        self._worker = Worker(
            self._app,
            queues=self._queues,
            name=None,
            concurrency=self._concurrency + MOST_AWAY,
            fetch_job_polling_interval=self._pace.poll_s,
            shutdown_graceful_timeout=2 * self._pace.grace_s,
            additional_context={"place": self.place},
            install_signal_handlers=False,
            update_heartbeat_interval=self._pace.heartbeat_s,
            stalled_worker_timeout=self._pace.stalled_s,
        )
        running = asyncio.create_task(self._worker.run())  # type: ignore[no-untyped-call]  # procrastinate's
        await asyncio.sleep(0)  # it begins by forgetting that it was told to stop
        if self.place.is_stopping:
            self._worker.stop()  # type: ignore[no-untyped-call]  # procrastinate's
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            self.stop()
            await until_over(running)
            raise
        except (ConnectorException, StoreError) as error:
            logger.warning("The worker begins again: %s", error.__cause__ or error)
            await asyncio.sleep(AWAY_S)

    async def _look_around(self) -> None:
        """Take up what workers that are gone have left, close runs that nobody is going to end, hear of pauses."""
        while not self._over.is_set():
            try:
                async with self._store.working() as session:
                    await self._manager.beat(session)  # one that stalled and wakes up is not gone
                    working = [job.hold.job_id for job in self.place.jobs]
                    taken = await queue.take_up_stalled(session, self._pace.stalled_s, working)
                    await runs.close_abandoned_runs(session)
                if taken:
                    logger.warning("%s jobs of a worker that is gone wait again.", taken)
                await self.place.pacer.take_in()
            except StoreError as error:
                logger.warning("The worker could not look around: %s", error)
            with suppress(TimeoutError):  # no statement is cut off: its connection would be lost with it
                async with asyncio.timeout(self._pace.look_s):
                    await self._over.wait()
