"""What the clock asks for: every hour today and yesterday of each account, and the rest in the account's own night.

A night that was missed, because no worker lived, is made up for at the next stroke.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

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
        nights = await runs.last_nights(session, [one.account_id for one in accounts])
        nightly = _due_tonight(accounts, nights, now)
        hourly = [one.account_id for one in accounts if one.account_id not in nightly]
        noted = [
            await _note(session, Ask("nightly"), sorted(nightly)),
            await _note(session, Ask("hourly"), hourly),
        ]
    return [run_id for run_id in noted if run_id is not None]


def _due_tonight(accounts: Iterable[Account], nights: Mapping[int, dt.datetime], now: dt.datetime) -> set[int]:
    return {
        one.account_id
        for one in accounts
        if one.account_id not in nights or nights[one.account_id] < last_night(one.timezone_name, now)
    }


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
