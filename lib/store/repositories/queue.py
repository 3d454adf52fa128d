"""The jobs of refreshes in the queue's own tables: what procrastinate has no statement for, in our transactions.

A job that waits and was never begun has its ask as ``queueing_lock``, so that no second one waits for the same. One
that was handed back or taken up has none: the same may have been asked for again meanwhile. Jobs that ended are gone.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.presence import MOST, WORKERS
from lib.store.queue_schema import SEARCH_PATH

REFRESHES = "refresh"
"""The queue whose jobs have accounts."""

_LIVES = f"""
    w.last_heartbeat > clock_timestamp() - make_interval(secs => :stalled_s)
    AND EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {WORKERS}::oid
                AND l.objid = (w.id % {MOST})::oid
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""  # noqa: S608 (our own numbers)
_STALLED = f"""
    j.status = 'doing' AND NOT EXISTS (SELECT FROM queue.procrastinate_workers w WHERE w.id = j.worker_id AND {_LIVES})
"""
_HERE = text("SELECT set_config('search_path', :path, true)")
_ONE_BY_ONE = text(f"SELECT pg_advisory_xact_lock({WORKERS}, 0)")
_LIVING = text(f"SELECT count(*) FROM queue.procrastinate_workers w WHERE {_LIVES}")  # noqa: S608 (as above)
_WAITING = text(
    "SELECT queueing_lock, args->>'run_id' FROM queue.procrastinate_jobs"
    " WHERE status = 'todo' AND queueing_lock = ANY(:asks)"
)
_UNFINISHED = text("SELECT args->>'ask' FROM queue.procrastinate_jobs WHERE args->>'ask' = ANY(:asks)")
_SUPERSEDE = text(
    f"""
    DELETE FROM queue.procrastinate_jobs j
    WHERE j.args->>'ask' = ANY(:asks) AND ((j.status = 'todo' AND j.queueing_lock IS NULL) OR ({_STALLED}))
    RETURNING (args->>'run_id')::uuid, (args->>'account_id')::bigint
    """  # noqa: S608 (as above)
)
_CANCEL = text(
    f"""
    DELETE FROM queue.procrastinate_jobs j WHERE j.args->>'run_id' = :run_id AND (j.status = 'todo' OR ({_STALLED}))
    RETURNING (args->>'account_id')::bigint
    """  # noqa: S608 (as above)
)
_TAKE_UP = text(
    f"""
    WITH stalled AS (
        SELECT j.id, (SELECT count(*) FROM slice s WHERE s.account_id = (j.args->>'account_id')::bigint
                      AND s.run_id = (j.args->>'run_id')::uuid) AS stored
        FROM queue.procrastinate_jobs j
        WHERE {_STALLED} AND NOT j.id = ANY(CAST(:working AS bigint[])) FOR UPDATE OF j SKIP LOCKED
    )
    UPDATE queue.procrastinate_jobs j
    SET status = 'todo', worker_id = NULL, queueing_lock = NULL, abort_requested = false, attempts = attempts + 1,
        args = CASE WHEN j.queue_name <> '{REFRESHES}' THEN j.args ELSE j.args || jsonb_build_object(
            'stored', s.stored,
            'takes', CASE WHEN s.stored > coalesce((j.args->>'stored')::bigint, 0) THEN 1
                     ELSE coalesce((j.args->>'takes')::int, 0) + 1 END) END
    FROM stalled s WHERE j.id = s.id
    RETURNING j.queue_name
    """  # noqa: S608 (as above)
)
_TELL = text(
    "SELECT pg_notify('procrastinate_queue_v1#' || CAST(:queue_name AS text),"
    " json_build_object('type', 'job_inserted', 'job_id', 0)::text)"
)
_MINE = "id = :job_id AND status = 'doing' AND worker_id = :worker_id AND attempts = :attempts"
_IS_MINE = text(f"SELECT EXISTS (SELECT FROM queue.procrastinate_jobs WHERE {_MINE})")  # noqa: S608 (as above)
_END = text(f"DELETE FROM queue.procrastinate_jobs WHERE {_MINE} RETURNING queue_name")  # noqa: S608 (as above)
_HAND_BACK = text(
    f"""
    UPDATE queue.procrastinate_jobs
    SET status = 'todo', worker_id = NULL, queueing_lock = NULL, abort_requested = false, attempts = attempts + 1,
        scheduled_at = CASE WHEN :delay_s > 0 THEN clock_timestamp() + make_interval(secs => :delay_s) END
    WHERE {_MINE} RETURNING queue_name
    """  # noqa: S608 (as above)
)
_BEAT = text(
    "INSERT INTO queue.procrastinate_workers (id, last_heartbeat) OVERRIDING SYSTEM VALUE"
    " VALUES (:worker_id, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET last_heartbeat = clock_timestamp()"
)


@dataclass(frozen=True)
class Hold:
    """A job as a worker took it. ``attempts`` tells this time from others, also where it is the same worker's again."""

    job_id: int
    worker_id: int
    attempts: int


@dataclass(frozen=True)
class JobOf:
    """Whose job it was."""

    run_id: uuid.UUID
    account_id: int


async def serialise(session: AsyncSession) -> None:
    """Runs are noted one after the other, until this transaction ends: none is noted twice by two who look at once."""
    await session.execute(_ONE_BY_ONE)


async def living_workers(session: AsyncSession, stalled_s: float) -> int:
    """How many workers live: they hold their lock, and their heartbeat is younger than ``stalled_s``."""
    return int((await session.execute(_LIVING, {"stalled_s": stalled_s})).scalar_one())


async def waiting_asks(session: AsyncSession, asks: Collection[str]) -> dict[str, uuid.UUID]:
    """Of these asks, those for which a job waits that was not begun yet, with its run."""
    found = await session.execute(_WAITING, {"asks": list(asks)})
    return {ask: uuid.UUID(run_id) for ask, run_id in found.tuples()}


async def unfinished_asks(session: AsyncSession, asks: Collection[str]) -> frozenset[str]:
    """Of these asks, those that have a job, waiting or at work."""
    return frozenset(await session.scalars(_UNFINISHED, {"asks": list(asks)}))


async def supersede(session: AsyncSession, asks: Collection[str], stalled_s: float) -> list[JobOf]:
    """Remove the jobs of these asks that were begun and that nobody works on now; whose they were."""
    await session.execute(_HERE, {"path": SEARCH_PATH})
    found = await session.execute(_SUPERSEDE, {"asks": list(asks), "stalled_s": stalled_s})
    return [JobOf(run_id, account_id) for run_id, account_id in found.tuples()]


async def cancel_waiting(session: AsyncSession, run_id: uuid.UUID, stalled_s: float) -> list[int]:
    """Remove the jobs of a run that nobody works on now; their accounts."""
    await session.execute(_HERE, {"path": SEARCH_PATH})
    return list(await session.scalars(_CANCEL, {"run_id": str(run_id), "stalled_s": stalled_s}))


async def take_up_stalled(session: AsyncSession, stalled_s: float, working: Collection[int] = ()) -> int:
    """Let the jobs of workers that are gone wait again, but for those in ``working``; how many.

    The ``takes`` of a refresh counts from its last progress on.
    """
    await session.execute(_HERE, {"path": SEARCH_PATH})
    return await _told(session, await session.scalars(_TAKE_UP, {"stalled_s": stalled_s, "working": list(working)}))


async def is_mine(session: AsyncSession, hold: Hold) -> bool:
    """Whether the job is still held, and was not taken up meanwhile."""
    return bool((await session.execute(_IS_MINE, asdict(hold))).scalar_one())


async def end_job(session: AsyncSession, hold: Hold) -> None:
    """The job is done; nothing where it was taken up meanwhile."""
    await session.execute(_HERE, {"path": SEARCH_PATH})
    await _told(session, await session.scalars(_END, asdict(hold)))


async def hand_back(session: AsyncSession, hold: Hold, delay_s: float = 0.0) -> None:
    """Let the job wait for whoever takes it next; nothing where it was taken up meanwhile."""
    await session.execute(_HERE, {"path": SEARCH_PATH})
    await _told(session, await session.scalars(_HAND_BACK, asdict(hold) | {"delay_s": delay_s}))


async def _told(session: AsyncSession, queue_names: Iterable[str]) -> int:
    """Workers look again now: what waited for the lock of such a job, or the job itself, is free."""
    found = list(queue_names)
    for name in set(found):
        await session.execute(_TELL, {"queue_name": name})
    return len(found)


async def beat(session: AsyncSession, worker_id: int) -> None:
    """The worker lives, though others may have given it up meanwhile."""
    await session.execute(_BEAT, {"worker_id": worker_id})
