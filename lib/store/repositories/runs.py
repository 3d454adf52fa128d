"""Refresh runs and how far each of their accounts is."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from lib.store.models import Account, Client, RefreshRun, RefreshRunAccount

SILENCE = dt.timedelta(seconds=60)
"""A run that has not written for so long was killed."""
STOPPED = "The refresh was stopped before this account was done."
STOPPED_REMEDY = "What was stored is whole. Refresh again."


async def accounts_for_refresh(session: AsyncSession, account_ids: frozenset[int] | None) -> Sequence[Account]:
    """The accounts of ``account_ids`` (``None``: all) with their clients and tokens."""
    wanted = (
        select(Account).options(joinedload(Account.client).joinedload(Client.credential)).order_by(Account.account_id)
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
) -> uuid.UUID:
    """A new run whose accounts wait."""
    run = RefreshRun(requested_by=requested_by, since=since, until=until)
    run.accounts = [RefreshRunAccount(account_id=account_id) for account_id in account_ids]
    session.add(run)
    await session.flush()
    return run.id


async def run_of(session: AsyncSession, run_id: uuid.UUID) -> RefreshRun | None:
    """The run with those of its accounts that this transaction may see."""
    found = await session.scalars(
        select(RefreshRun).options(selectinload(RefreshRun.accounts)).where(RefreshRun.id == run_id)
    )
    return found.first()


async def write_account(session: AsyncSession, run_id: uuid.UUID, account_id: int, values: Mapping[str, Any]) -> None:
    """How far one account of the run is."""
    mine = (RefreshRunAccount.run_id == run_id, RefreshRunAccount.account_id == account_id)
    await session.execute(update(RefreshRunAccount).where(*mine).values(**values))


async def beat(session: AsyncSession, run_id: uuid.UUID) -> None:
    """The run is alive."""
    await session.execute(update(RefreshRun).where(RefreshRun.id == run_id).values(heartbeat_at=func.clock_timestamp()))


async def finish_run(session: AsyncSession, run_id: uuid.UUID, state: str) -> None:
    """The run ended as ``state``."""
    await session.execute(
        update(RefreshRun).where(RefreshRun.id == run_id).values(state=state, finished_at=func.clock_timestamp())
    )


async def close_killed_runs(session: AsyncSession) -> None:
    """Runs whose process was killed: what they had stored stays, the rest of them failed."""
    silent = RefreshRun.heartbeat_at < func.now() - SILENCE
    ended = await session.scalars(
        update(RefreshRun)
        .where(RefreshRun.state == "running", silent)
        .values(state="failed", finished_at=func.now())
        .returning(RefreshRun.id)
    )
    await session.execute(
        update(RefreshRunAccount)
        .where(RefreshRunAccount.run_id.in_(ended.all()), RefreshRunAccount.state.in_(["waiting", "running"]))
        .values(
            state="failed",
            error_message=STOPPED,
            error_remedy=STOPPED_REMEDY,
        )
    )


async def living_run(session: AsyncSession) -> uuid.UUID | None:
    """The newest run that is going on, of those that this transaction may see."""
    alive = (RefreshRun.state == "running", RefreshRun.heartbeat_at >= func.now() - SILENCE)
    found = await session.scalars(select(RefreshRun.id).where(*alive).order_by(RefreshRun.started_at.desc()).limit(1))
    return found.first()
