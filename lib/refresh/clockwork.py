"""What the clock asks for: every hour today and yesterday of each account, and the rest in the account's own night.

A night that was missed, because no worker lived, is made up for at the next stroke; one that failed of what passes is
asked for again the same night.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from lib.refresh.failure import failure_of
from lib.refresh.noting import is_worth_asking
from lib.refresh.queue import jobs
from lib.refresh.queue.jobs import Ask
from lib.store.engine import Store
from lib.store.models import Account
from lib.store.repositories import pauses, queue, runs
from lib.zones import zone_of

logger = logging.getLogger(__name__)
NIGHT_HOUR = 3
"""By the account's own clock: yesterday is whole, and most of its conversions are told."""
AGAIN_AFTER = tuple(dt.timedelta(hours=hours) for hours in (0.5, 1, 2, 4))
"""How long after its first, second, third and each further failure a night is asked for again. Most outages of Meta's
are over within the hour; one that lasts all day is met a few times, and each time costs little: what was stored by then
is not due any more."""


async def note_due(store: Store, now: dt.datetime) -> list[uuid.UUID]:
    """Note the runs that are due at ``now``: a nightly one, an hourly one, both or none.

    Left out are accounts that the same is waiting or being done for, and those whose token Meta called dead, until
    another one is stored.
    """
    async with store.working() as session:
        await queue.serialise(session)
        await pauses.forget_over(session)
        await runs.forget_hourly_runs(session)
        accounts = [one for one in await runs.accounts_for_refresh(session, None) if is_worth_asking(one)]
        nightly = await _due_tonight(session, accounts, now)
        hourly = [one.account_id for one in accounts if one.account_id not in nightly]
        noted = [
            await _note(session, Ask("nightly"), sorted(nightly)),
            await _note(session, Ask("hourly"), hourly),
        ]
    return [run_id for run_id in noted if run_id is not None]


async def _due_tonight(session: AsyncSession, accounts: Collection[Account], now: dt.datetime) -> set[int]:
    began = {one.account_id: last_night(one.timezone_name, now) for one in accounts}
    tried: dict[int, list[Row[Any]]] = {account_id: [] for account_id in began}
    for one in await runs.nights(session, began, min(began.values(), default=now)):
        if one.noted_at >= began[one.account_id] or one.state in runs.UNFINISHED:
            tried[one.account_id].append(one)
    return {account_id for account_id, nights in tried.items() if _is_due(nights, now)}


def _is_due(nights: Sequence[Row[Any]], now: dt.datetime) -> bool:
    """Whether a night is to be asked for of which this was tried."""
    if any(_is_done(one) for one in nights):
        return False
    failures = [one.ended_at for one in nights if one.state == "failed"]
    return not failures or now >= max(failures) + AGAIN_AFTER[min(len(failures), len(AGAIN_AFTER)) - 1]


def _is_done(one: Row[Any]) -> bool:
    """Whether a nightly refresh stands for its night: it went well, is not over, or going on would be in vain.

    One that ended because the account was disconnected does not: the account is back.
    """
    if one.state == "cancelled":
        return bool(one.is_cancelled)
    said = (one.error_message, one.error_remedy, one.error_code, one.error_subcode, one.trace_id)
    return one.state != "failed" or not failure_of(*said).is_passing


def last_night(timezone_name: str | None, now: dt.datetime) -> dt.datetime:
    """The last time that it was NIGHT_HOUR where the account is."""
    local = now.astimezone(zone_of(timezone_name))
    night = local.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return night if night <= local else night - dt.timedelta(days=1)


async def _note(session: AsyncSession, ask: Ask, account_ids: list[int]) -> uuid.UUID | None:
    names = ask.by_name(account_ids)
    busy = await queue.unfinished_asks(session, names)
    due = [account_id for name, account_id in names.items() if name not in busy]
    if not due:
        return None
    run_id = await runs.add_run(session, due, requested_by=None, since=None, until=None, kind=ask.kind)
    await jobs.defer(session, run_id, ask, due)
    logger.info("the clock asked for %s accounts (%s)", len(due), ask.kind)
    return run_id
