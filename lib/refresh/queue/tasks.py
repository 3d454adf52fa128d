"""What workers can do: refresh an account, and at each stroke of the clock note what is due."""

from __future__ import annotations

import datetime as dt
import logging
import uuid

from procrastinate import App, JobContext
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from lib.errors import StoreError
from lib.refresh import clockwork
from lib.refresh.queue.account import AccountJob, HandBack, Place
from lib.refresh.queue.jobs import QUEUE, REFRESH_ACCOUNT
from lib.store.repositories.queue import Hold

logger = logging.getLogger(__name__)
CLOCK_QUEUE = "clock"
HOURLY = "17 * * * *"
"""Minute 17: not when everybody else's clocks strike."""
AGAIN_S = 60
MOST_STROKES = 59
"""Of one hour's stroke; then the next one makes up for it."""


class _HandsBack(BaseRetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """A job that was handed back waits again, and so does one whose worker was torn out of it."""
        if isinstance(exception, HandBack):
            return RetryDecision(retry_in={"seconds": 1}) if exception.is_later else RetryDecision()
        return None if isinstance(exception, Exception) else RetryDecision()


class _StrikesAgain(_HandsBack):
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """A stroke that could not be stored is tried again every minute, until the next one makes up for it."""
        if isinstance(exception, StoreError):
            return RetryDecision(retry_in={"seconds": AGAIN_S}) if job.attempts < MOST_STROKES else None
        return super().get_retry_decision(exception=exception, job=job)


async def refresh_account(
    context: JobContext, *, run_id: str, account_id: int, ask: str, takes: int = 0, stored: int = 0
) -> None:
    """Refresh one account of one run; ``takes`` is how often it was taken up since it last got any further."""
    job, place = context.job, place_of(context)
    if job.id is not None and job.worker_id is not None:
        hold = Hold(job.id, job.worker_id, job.attempts)
        await AccountJob(place, hold, uuid.UUID(run_id), account_id, takes).work()


async def strike(context: JobContext, timestamp: int) -> None:
    """Note the runs that are due at ``timestamp`` (seconds since 1970)."""
    try:
        await clockwork.note_due(place_of(context).store, dt.datetime.fromtimestamp(timestamp, dt.UTC))
    except StoreError as error:
        logger.warning("What is due was not noted: %s", error)
        raise


def place_of(context: JobContext) -> Place:
    """What the jobs of this worker share."""
    place: Place = context.additional_context["place"]
    return place


def add_refreshes(app: App) -> None:
    """Let the workers of ``app`` refresh accounts."""
    app.task(name=REFRESH_ACCOUNT, pass_context=True, queue=QUEUE, retry=_HandsBack())(refresh_account)


def add_clock(app: App) -> None:
    """Let the workers of ``app`` also strike; each stroke is noted by one of all workers."""
    again = _StrikesAgain()
    made = app.task(
        name="strike", pass_context=True, queue=CLOCK_QUEUE, lock="clock", queueing_lock="clock", retry=again
    )
    app.periodic(cron=HOURLY)(made(strike))
