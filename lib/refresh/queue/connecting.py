"""Procrastinate on the store's own database, patient with a database that is away for a moment.

Its worker ends where a statement fails. Ours lives on: it says so in the log, looks again a little later, and what it
could not write meanwhile is written then.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Iterable
from typing import Any

from procrastinate import exceptions
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.psycopg_connector import PsycopgConnector
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncSession

from lib.errors import StoreError
from lib.refresh.queue.slots import Slots
from lib.store.engine import WORKER_ROLE, Store, libpq_url
from lib.store.presence import Presence
from lib.store.queue_schema import SEARCH_PATH
from lib.store.repositories import queue
from lib.store.repositories.queue import Hold

logger = logging.getLogger(__name__)
AWAY_S = 1.0
ROOM_S = 10.0
"""After so long without room for a job, procrastinate gets to see whether its worker is to end."""
CONNECTIONS = 1
"""Jobs are taken one after the other; whatever else a worker asks goes by the store."""


def connector_of(url: URL) -> PsycopgConnector:
    """Connections as the worker's role that find the queue's tables; what ``url`` says of options stays."""
    said = url.query.get("options", "")
    path = SEARCH_PATH.replace(" ", "")
    options = f"{said if isinstance(said, str) else ' '.join(said)} -c role={WORKER_ROLE} -c search_path={path}"
    return PsycopgConnector(
        conninfo=libpq_url(url),
        kwargs={"options": options.strip()},
        min_size=CONNECTIONS,
        max_size=CONNECTIONS,
        timeout=10,
    )


class PatientManager(JobManager):
    """What a worker asks of the queue."""

    def __init__(self, store: Store, connector: PsycopgConnector, slots: Slots) -> None:
        super().__init__(connector)
        self._store, self._slots = store, slots
        self._presence: Presence | None = None
        self._worker_id: int | None = None
        self.is_ending = False

    async def register_worker(self) -> int:
        """A new worker's number, once its presence is known."""
        worker_id = await super().register_worker()
        self._presence = Presence(self._store.url, worker_id)
        await self._presence.hold()
        self._worker_id = worker_id
        return worker_id

    async def beat(self, session: AsyncSession) -> None:
        """The worker lives, as far as it has begun and does not end."""
        if self._worker_id is not None:
            await queue.beat(session, self._worker_id)

    async def unregister_worker(self, worker_id: int) -> None:
        """The worker is gone."""
        self._worker_id = None
        if self._presence is not None:
            await self._presence.leave()
        try:
            await super().unregister_worker(worker_id)
        except exceptions.ConnectorException as error:
            logger.warning("The worker could not say that it ends: %s", _reason(error))

    async def update_heartbeat(self, worker_id: int) -> None:
        """The worker lives."""
        try:
            async with self._store.working() as session:
                await queue.beat(session, worker_id)
            if self._presence is not None:
                await self._presence.hold()
        except StoreError as error:
            logger.warning("The worker could not say that it lives: %s", error)

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """The next job, once there is room for one; None where there is none, or another worker was quicker.

        None also where the database is away.
        """
        if not await self._slots.room(ROOM_S):
            return None
        try:
            return await super().fetch_job(queues, worker_id)
        except exceptions.UniqueViolation:
            return None
        except exceptions.ConnectorException as error:
            logger.warning("No job could be taken: %s", _reason(error))
            await asyncio.sleep(AWAY_S)
            return None

    async def listen_for_jobs(self, **asked: Any) -> None:
        """Hear of new jobs, for ever; workers also look by themselves."""
        while True:
            try:
                await super().listen_for_jobs(**asked)
            except exceptions.ConnectorException as error:
                logger.info("New jobs are not heard of: %s", _reason(error))
            await asyncio.sleep(AWAY_S)

    async def list_jobs_to_abort_async(self, queue: str | None = None) -> Iterable[int]:
        """None: runs are cancelled by their own rows."""
        return []

    async def defer_periodic_job(self, job: Job, periodic_id: str, defer_timestamp: int) -> int | None:
        """What the clock asks for, once for all workers; at the next stroke where the database is away."""
        try:
            return await super().defer_periodic_job(job, periodic_id, defer_timestamp)
        except exceptions.ConnectorException as error:
            logger.warning("What the clock asks for was not noted: %s", _reason(error))
            return None

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """The job has ended, unless it was taken up meanwhile."""
        await self._settle(job, None)

    async def retry_job(
        self,
        job: Job,
        retry_at: dt.datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """The job waits again, unless it was taken up meanwhile."""
        wait = retry_at - dt.datetime.now(dt.UTC) if retry_at else dt.timedelta()
        await self._settle(job, max(0.0, wait.total_seconds()))

    async def _settle(self, job: Job, delay_s: float | None) -> None:
        """As soon as the database is there; a worker that ends leaves it to those who take up what it had."""
        if job.id is None or job.worker_id is None:
            return
        hold = Hold(job.id, job.worker_id, job.attempts)
        while True:
            try:
                async with self._store.working() as session:
                    if delay_s is None:
                        await queue.end_job(session, hold)
                    else:
                        await queue.hand_back(session, hold, delay_s)
            except StoreError as error:
                logger.warning("The end of the job %s was not noted: %s", job.id, error)
            else:
                return
            if self.is_ending:
                return
            await asyncio.sleep(AWAY_S)


def _reason(error: exceptions.ConnectorException) -> str:
    """What PostgreSQL said, in one line."""
    return str(error.__cause__ or error).strip().partition("\n")[0]
