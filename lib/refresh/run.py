"""A refresh run is noted with a job for each of its accounts; whoever works on the queue does the rest."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import OPERATOR_ACTOR, Actor, Via
from lib.errors import UsageError
from lib.refresh.noting import note_start
from lib.refresh.plan import check_span
from lib.refresh.queue import jobs
from lib.refresh.queue.account import Pace
from lib.refresh.queue.jobs import Ask
from lib.store.engine import Store
from lib.store.models import Account
from lib.store.repositories import queue, runs

STALLED_S = Pace().stalled_s
_DAYS_CALLED: Mapping[Via, tuple[str, str]] = {"cli": ("--since", "--until"), "api": ("since", "until")}
"""How who asks by a command or a program names a run's first and last day; people on pages name neither."""


@dataclass(frozen=True)
class NotedRun:
    """A run, and the accounts that were asked for and wait in another one already, with that one."""

    run_id: uuid.UUID
    waiting_elsewhere: Mapping[int, uuid.UUID] = field(default_factory=dict)


def _unknown(missing: Iterable[int], known: Sequence[Account]) -> UsageError:
    names = ", ".join(f"act_{number}" for number in sorted(missing))
    have = ", ".join(f"act_{account.account_id}" for account in known[:10]) or "none yet"
    return UsageError(
        f"No client has the account {names}; nothing was fetched.",
        f"Known: {have}. `python -m lib client list` shows them; `client add` adds one.",
    )


async def note_run(
    store: Store,
    *,
    actor: Actor = OPERATOR_ACTOR,
    via: Via = "cli",
    account_ids: frozenset[int] | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
    kind: str = "asked",
) -> NotedRun:
    """Note a run of ``account_ids`` (``None``: all accounts) with its jobs, and who asked for it; or nothing of it all.

    ``kind`` is asked, or reach for what holds for exactly these days.
    Accounts that wait for the same already are left out; where all of them do, it is the run in which the first waits.
    Raises UsageError where the span or an account cannot be asked for.
    """
    called, now = _DAYS_CALLED.get(via, ("The first day", "The last day")), dt.datetime.now(dt.UTC)
    check_span(since, until, now, called)
    if kind == "reach" and (since is None or until is None):
        raise UsageError("Reach holds for exactly one period; nothing was fetched.", "Name its first and its last day.")
    ask = Ask(kind, since, until)
    async with store.working() as session:
        await queue.serialise(session)
        accounts = await _wanted(session, actor, account_ids)
        check_span(since, until, now, called, [account.timezone_name for account in accounts])
        ids = [account.account_id for account in accounts]
        found = await queue.waiting_asks(session, ask.by_name(ids))
        elsewhere = jobs.waiting_accounts(ask, ids, found)
        due = [account_id for account_id in ids if account_id not in elsewhere]
        if elsewhere and not due:
            return NotedRun(next(iter(elsewhere.values())), elsewhere)
        await _take_the_place(session, ask, due)
        run_id = await runs.add_run(session, due, requested_by=actor.user_id, since=since, until=until, kind=kind)
        await jobs.defer(session, run_id, ask, due)
        if not due:
            await runs.end_run(session, run_id)
        await note_start(
            session, actor, via, frozenset(due), {"run": run_id, "since": since, "until": until, **_said(kind)}
        )
        return NotedRun(run_id, elsewhere)


async def start_run(
    store: Store,
    *,
    actor: Actor = OPERATOR_ACTOR,
    via: Via = "cli",
    account_ids: frozenset[int] | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
    kind: str = "asked",
) -> uuid.UUID:
    """The same, for whom the run is enough."""
    noted = await note_run(store, actor=actor, via=via, account_ids=account_ids, since=since, until=until, kind=kind)
    return noted.run_id


def _said(kind: str) -> dict[str, str]:
    return {} if kind == "asked" else {"kind": kind}


async def _wanted(session: AsyncSession, actor: Actor, account_ids: frozenset[int] | None) -> Sequence[Account]:
    accounts = await runs.accounts_for_refresh(session, account_ids)
    missing = (account_ids or frozenset()) - {account.account_id for account in accounts}
    if missing:
        if actor != OPERATOR_ACTOR:
            raise UsageError("An account of this page is gone; nothing was fetched.", "Load the page again.")
        raise _unknown(missing, await runs.accounts_for_refresh(session, None))
    return accounts


async def _take_the_place(session: AsyncSession, ask: Ask, account_ids: Collection[int]) -> None:
    """End what was begun for the same and lies still: going on with it would leave out what it had stored by then."""
    ended: dict[uuid.UUID, list[int]] = {}
    for one in await queue.supersede(session, list(ask.by_name(account_ids)), STALLED_S):
        ended.setdefault(one.run_id, []).append(one.account_id)
    for run_id in sorted(ended):
        await runs.end_accounts(session, run_id, ended[run_id], "cancelled", runs.SUPERSEDED)
        await runs.end_run(session, run_id)
