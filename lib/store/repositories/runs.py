"""Refresh runs and how far each of their accounts is."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from lib.store.models import Account, Client, RefreshRun, RefreshRunAccount

STOPPED = "The refresh was stopped before this account was done."
STOPPED_REMEDY = "What was stored is whole. Refresh again."
SUPERSEDED = "The same was asked for again before this was done; the newer refresh fetches it."
CANCELLED = "The refresh was cancelled before this account was done."
DISCONNECTED = "The account was disconnected, or its client archived, before its refresh was done."
UNFINISHED = ("waiting", "running")
_CONNECTED = (Account.disconnected_at.is_(None), Client.archived_at.is_(None))


async def accounts_for_refresh(session: AsyncSession, account_ids: frozenset[int] | None) -> Sequence[Account]:
    """The accounts of ``account_ids`` (``None``: all) with their clients and tokens.

    Disconnected ones and those of archived clients are left out.
    """
    wanted = (
        select(Account)
        .join(Account.client)
        .options(contains_eager(Account.client).joinedload(Client.credential))
        .where(*_CONNECTED)
        .order_by(Account.account_id)
    )
    if account_ids is not None:
        wanted = wanted.where(Account.account_id.in_(account_ids))
    return (await session.scalars(wanted)).all()


async def add_run(
    session: AsyncSession,
    account_ids: Sequence[int],
    *,
    requested_by: uuid.UUID | None,
    since: dt.date | None,
    until: dt.date | None,
    kind: str = "asked",
) -> uuid.UUID:
    """A new run whose accounts wait."""
    run = RefreshRun(requested_by=requested_by, since=since, until=until, kind=kind)
    run.accounts = [RefreshRunAccount(account_id=account_id) for account_id in account_ids]
    session.add(run)
    await session.flush()
    return run.id


async def run_of(session: AsyncSession, run_id: uuid.UUID) -> RefreshRun | None:
    """The run with those of its accounts that this transaction may see."""
    found = await session.scalars(
        select(RefreshRun).options(joinedload(RefreshRun.accounts)).where(RefreshRun.id == run_id)
    )
    return found.unique().first()


async def count_runs(session: AsyncSession) -> int:
    """How many runs this transaction may see."""
    return int((await session.execute(select(func.count()).select_from(RefreshRun))).scalar_one())


async def newest_runs(session: AsyncSession, *, offset: int, limit: int) -> Sequence[RefreshRun]:
    """Runs, the newest first, each with those of its accounts that this transaction may see."""
    found = await session.scalars(
        select(RefreshRun)
        .options(selectinload(RefreshRun.accounts))
        .order_by(RefreshRun.started_at.desc(), RefreshRun.id)
        .offset(offset)
        .limit(limit)
    )
    return found.all()


async def write_account(session: AsyncSession, run_id: uuid.UUID, account_id: int, values: Mapping[str, Any]) -> None:
    """How far one account of the run is; with a state in which nothing more is to come of it, it has ended now."""
    mine = (RefreshRunAccount.run_id == run_id, RefreshRunAccount.account_id == account_id)
    ended = {} if values.get("state", "running") in UNFINISHED else {"finished_at": func.clock_timestamp()}
    await session.execute(update(RefreshRunAccount).where(*mine).values(**values, **ended))


async def beat(session: AsyncSession, run_id: uuid.UUID, account_id: int) -> str | None:
    """Somebody works on this account of the run; why that is to end, if it is: CANCELLED or DISCONNECTED."""
    theirs = select(Account).join(Account.client).where(Account.account_id == account_id, *_CONNECTED)
    asked = update(RefreshRun).where(RefreshRun.id == run_id).values(heartbeat_at=func.clock_timestamp())
    found = await session.execute(asked.returning(RefreshRun.cancel_requested_at, theirs.exists()))
    for cancelled_at, is_connected in found.tuples():
        return CANCELLED if cancelled_at else None if is_connected else DISCONNECTED
    return None


async def end_accounts(
    session: AsyncSession, run_id: uuid.UUID, account_ids: Collection[int], state: str, message: str
) -> None:
    """These accounts of a run are worked on no more; what they had stored stays."""
    mine = (RefreshRunAccount.run_id == run_id, RefreshRunAccount.account_id.in_(account_ids))
    values = {"state": state, "error_message": message, "error_remedy": STOPPED_REMEDY, "paused_until": None}
    unfinished, now = RefreshRunAccount.state.in_(UNFINISHED), func.clock_timestamp()
    await session.execute(update(RefreshRunAccount).where(*mine, unfinished).values(**values, finished_at=now))


async def request_cancel(session: AsyncSession, run_id: uuid.UUID) -> None:
    """Whoever works on the run stops at the next call."""
    mine = update(RefreshRun).where(RefreshRun.id == run_id, RefreshRun.state == "running")
    await session.execute(mine.values(cancel_requested_at=func.clock_timestamp()))


async def end_run(session: AsyncSession, run_id: uuid.UUID) -> None:
    """Close the run where none of its accounts waits or is worked on any more.

    complete: every account; partial: some; cancelled or failed: none of them.
    """
    await session.execute(select(RefreshRun.id).where(RefreshRun.id == run_id).with_for_update())
    await session.execute(_END, {"run_id": run_id})


async def forget_hourly_runs(session: AsyncSession) -> None:
    """Drop the clock's hourly runs of more than a month ago: nobody looks at them, and there are 24 a day."""
    old = RefreshRun.finished_at < func.now() - dt.timedelta(days=31)
    await session.execute(delete(RefreshRun).where(RefreshRun.kind == "hourly", old))


async def close_abandoned_runs(session: AsyncSession) -> None:
    """Accounts that wait for a job which is no longer there have failed; runs without unfinished accounts are closed.

    A run is left without them, and still open, where its last one was removed with its client.
    """
    await session.execute(_ABANDONED, {"message": STOPPED, "remedy": STOPPED_REMEDY})
    for run_id in (await session.scalars(_THROUGH)).all():
        await end_run(session, run_id)


async def nights(session: AsyncSession, account_ids: Collection[int], since: dt.datetime) -> Sequence[Row[Any]]:
    """Nightly refreshes of these accounts that were noted since then, or are not over yet.

    account_id, noted_at, state, ended_at, the error's columns, and whether somebody cancelled the run.
    """
    one, run = RefreshRunAccount, RefreshRun
    ended_at = func.coalesce(one.finished_at, run.finished_at, run.started_at).label("ended_at")
    said = (one.error_message, one.error_remedy, one.error_code, one.error_subcode, one.trace_id)
    is_cancelled = run.cancel_requested_at.is_not(None).label("is_cancelled")
    asked = (
        select(one.account_id, run.started_at.label("noted_at"), one.state, ended_at, *said, is_cancelled)
        .join(run, run.id == one.run_id)
        .where(run.kind == "nightly", one.account_id.in_(account_ids))
        .where(or_(run.started_at >= since, one.state.in_(UNFINISHED)))
    )
    return (await session.execute(asked)).all()


async def living_run(session: AsyncSession) -> uuid.UUID | None:
    """The newest run that somebody asked for and that is going on for an account that this transaction may see."""
    return (await session.execute(_LIVING)).scalars().first()


_LIVING = (
    select(RefreshRun.id)
    .where(
        RefreshRun.state == "running",
        RefreshRun.kind.in_(["asked", "reach"]),
        RefreshRun.accounts.any(RefreshRunAccount.state.in_(UNFINISHED)),
    )
    .order_by(RefreshRun.started_at.desc())
    .limit(1)
)
_ABANDONED = text(
    """
    UPDATE refresh_run_account a
    SET state = 'failed', error_message = :message, error_remedy = :remedy, finished_at = clock_timestamp()
    FROM refresh_run r
    WHERE r.id = a.run_id AND r.state = 'running' AND a.state IN ('waiting', 'running')
      AND NOT EXISTS (SELECT FROM queue.procrastinate_jobs j
                      WHERE j.args->>'run_id' = a.run_id::text AND (j.args->>'account_id')::bigint = a.account_id)
    """
)
_THROUGH = text(
    """
    SELECT r.id FROM refresh_run r
    WHERE r.state = 'running' AND NOT EXISTS (SELECT FROM refresh_run_account a
                                              WHERE a.run_id = r.id AND a.state IN ('waiting', 'running'))
    ORDER BY r.id
    """
)
_END = text(
    """
    UPDATE refresh_run r SET finished_at = clock_timestamp(), state = CASE
        WHEN s.complete = s.total THEN 'complete'
        WHEN s.cancelled > 0 AND r.cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN s.complete > 0 THEN 'partial' WHEN s.failed > 0 THEN 'failed' ELSE 'cancelled' END
    FROM (SELECT count(*) AS total, count(*) FILTER (WHERE state = 'complete') AS complete,
                 count(*) FILTER (WHERE state = 'failed') AS failed,
                 count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
                 count(*) FILTER (WHERE state IN ('waiting', 'running')) AS unfinished
          FROM refresh_run_account WHERE run_id = :run_id) s
    WHERE r.id = :run_id AND r.state = 'running' AND s.unfinished = 0
    """
)
