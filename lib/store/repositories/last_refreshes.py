"""How the last refreshes of each account ended, and since when its client has the token that it has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import Account, Credential, RefreshRun, RefreshRunAccount


async def last_ends(session: AsyncSession, account_ids: Collection[int]) -> Sequence[Row[Any]]:
    """Of each account the newest end of each kind of refresh, complete and failed; of failures, of each code.

    account_id, kind, state (complete or failed), ended_at and the error's columns, the newest first.
    """
    one, run = RefreshRunAccount, RefreshRun
    # Of ends before they were noted for each account, the run's is known.
    at = func.coalesce(one.finished_at, run.finished_at, run.started_at).label("ended_at")
    alike = (one.account_id, run.kind, one.state, one.error_code, one.error_subcode)
    newest = (
        select(*alike, at, one.error_message, one.error_remedy, one.trace_id)
        .join(run, run.id == one.run_id)
        .where(one.account_id.in_(account_ids), one.state.in_(["complete", "failed"]))
        .distinct(*alike)
        .order_by(*alike, at.desc(), one.run_id)
        .subquery()
    )
    wanted = select(newest).order_by(newest.c.account_id, newest.c.ended_at.desc(), newest.c.kind)
    return (await session.execute(wanted)).all()


async def tokens_since(session: AsyncSession, account_ids: Collection[int]) -> dict[int, dt.datetime]:
    """When the token was stored that the account's client has now, by account; without a token it is left out."""
    asked = select(Account.account_id, Credential.created_at).join(
        Credential, Credential.client_id == Account.client_id
    )
    return dict((await session.execute(asked.where(Account.account_id.in_(account_ids)))).tuples().all())
