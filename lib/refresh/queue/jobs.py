"""Jobs: one for each account of a run. Of each account one is worked on at a time, and of each ask one waits.

An ask is the kind of run, the account and the named days. So an hourly look waits once, however long the queue is, and
never stands in for someone who asked for other days. Whoever asks for what waits already, and was not begun, is told
of the run in which it waits. What was begun and lies still is another matter: the newer ask takes its place, because
the older one would leave out what it had stored by then.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.psycopg_connector import PsycopgConnector
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.queue_schema import driver_of
from lib.store.repositories.queue import REFRESHES

QUEUE = REFRESHES
REFRESH_ACCOUNT = "refresh_account"
PRIORITIES = {"asked": 20, "reach": 20, "hourly": 10, "nightly": 0}
"""People do not wait for the clock."""
MOST_TAKES = 20
"""A job that ends its worker so often without a stored day is given up. Fewer would do for one that always does; but
workers are ended by others too, again and again while a machine is short of memory."""


@dataclass(frozen=True)
class Ask:
    """What a run asks for of each of its accounts; days None are the kind's own."""

    kind: str = "asked"
    since: dt.date | None = None
    until: dt.date | None = None

    def of(self, account_id: int) -> str:
        """The name under which the ask of one account waits."""
        return f"{self.kind}:{account_id}:{self.since or ''}:{self.until or ''}"

    def by_name(self, account_ids: Collection[int]) -> dict[str, int]:
        """The accounts by the names of their asks."""
        return {self.of(account_id): account_id for account_id in account_ids}


async def defer(session: AsyncSession, run_id: uuid.UUID, ask: Ask, account_ids: Collection[int]) -> None:
    """Put a job for each account into the queue, in the transaction that notes the run: both are there, or neither."""
    jobs = [_job(run_id, ask, account_id) for account_id in account_ids]
    if jobs:
        manager = JobManager(PsycopgConnector())  # it sends by the connection that it is given
        await manager.batch_defer_jobs_async(jobs, connection=await driver_of(session))


def _job(run_id: uuid.UUID, ask: Ask, account_id: int) -> Job:
    name = ask.of(account_id)
    return Job(
        queue=QUEUE,
        task_name=REFRESH_ACCOUNT,
        lock=f"account:{account_id}",
        queueing_lock=name,
        priority=PRIORITIES[ask.kind],
        task_kwargs={"run_id": str(run_id), "account_id": account_id, "ask": name, "takes": 0, "stored": 0},
    )


def waiting_accounts(ask: Ask, account_ids: Collection[int], found: Mapping[str, uuid.UUID]) -> dict[int, uuid.UUID]:
    """The accounts whose ask waits already, with the run in which it does."""
    return {account_id: found[name] for name, account_id in ask.by_name(account_ids).items() if name in found}
