"""How far a refresh run is, from its rows in the store: for pages, terminals and the API alike."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.viewer import Viewer
from lib.errors import UsageError
from lib.refresh.failure import Failure, failure_of
from lib.refresh.queue.account import Pace
from lib.store.engine import Store
from lib.store.models import Account, RefreshRun, RefreshRunAccount
from lib.store.repositories import queue, runs

FRESH = dt.timedelta(seconds=5)
"""Whoever works on a run writes more often than this."""


@dataclass(frozen=True)
class AccountProgress:
    """One account of a run. ``state`` is waiting, running, complete, failed or cancelled.

    A slice is a day in one breakdown set; ``days_`` count those of the plain one. ``quota_left`` is percent of Meta's
    tightest limit; while Meta keeps the account out, ``paused_until`` and ``pause_reason`` say how long and why.
    """

    account_id: int
    name: str
    state: str
    days_total: int
    days_done: int
    rows: int
    api_calls: int
    error_message: str | None = None
    error_remedy: str | None = None
    slices_total: int = 0
    slices_done: int = 0
    slices_incomplete: int = 0
    seconds: float = 0.0
    quota_left: int | None = None
    paused_until: dt.datetime | None = None
    pause_reason: str | None = None
    error_code: int | None = None
    error_subcode: int | None = None
    trace_id: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is going to come."""
        return self.state not in runs.UNFINISHED

    @property
    def failure(self) -> Failure | None:
        """Why it failed; None where it did not."""
        if self.state != "failed":
            return None
        codes = (self.error_code, self.error_subcode, self.trace_id)
        return failure_of(self.error_message, self.error_remedy, *codes)

    @property
    def units(self) -> tuple[int, int]:
        """Done and planned: slices, or days where slices were not counted."""
        return (self.slices_done, self.slices_total) if self.slices_total else (self.days_done, self.days_total)

    def wait_s(self, now: dt.datetime) -> float:
        """Seconds for which Meta keeps the account out; 0 where it does not, or nothing more is to come."""
        if self.has_ended or self.paused_until is None:
            return 0.0
        return max(0.0, (self.paused_until - now).total_seconds())


@dataclass(frozen=True)
class RunProgress:
    """A run as far as the viewer's accounts go. ``state`` is running, complete, partial, failed or cancelled.

    For a viewer it is that of their own accounts, and so are ``finished_at`` (None while one of them goes on; where no
    end was noted of them, the run's for who sees all of it, else None) and ``is_cancelled``, which is false where their
    accounts had ended before. ``kind`` is asked, hourly, nightly or reach. ``since`` and ``until`` are the days that
    were asked for; None for the kind's own. ``has_worker`` is false while the run goes on and nobody lives who could
    work on it.
    """

    run_id: uuid.UUID
    state: str
    accounts: tuple[AccountProgress, ...]
    started_at: dt.datetime
    finished_at: dt.datetime | None
    since: dt.date | None = None
    until: dt.date | None = None
    kind: str = "asked"
    is_cancelled: bool = False
    has_worker: bool = True

    @property
    def days_total(self) -> int:
        """Account-days of the plan, also where the run ended early.

        An account whose days were not counted, as it has not begun or never did, has as many as the longest one.
        """
        return sum(_planned([(account, account.days_total) for account in self.accounts]))

    @property
    def days_done(self) -> int:
        """Account-days stored."""
        return sum(account.days_done for account in self.accounts)

    @property
    def slices_total(self) -> int:
        """Slices of the plan, counted like the days."""
        return sum(_planned([(account, account.units[1]) for account in self.accounts]))

    @property
    def slices_done(self) -> int:
        """Slices stored."""
        return sum(account.units[0] for account in self.accounts)

    @property
    def slices_incomplete(self) -> int:
        """Slices stored of which Meta did not serve everything."""
        return sum(account.slices_incomplete for account in self.accounts)

    @property
    def rows(self) -> int:
        """Rows stored: ad-days, and those of breakdowns; of reach, the objects."""
        return sum(account.rows for account in self.accounts)

    @property
    def fraction(self) -> float:
        """What is stored of the plan, 0 to 1; 1 only when every account is complete."""
        if self.state == "complete":
            return 1.0
        return min(0.99, self.slices_done / self.slices_total) if self.slices_total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the pace so far, and no less than Meta keeps an account out.

        ``None`` before the first slice and after the last.
        """
        if self.state != "running" or not self.slices_done:
            return None
        now = dt.datetime.now(dt.UTC)
        planned = _planned([(account, account.units[1]) for account in self.accounts])
        to_come = sum(
            max(0, total - account.units[0])
            for account, total in zip(self.accounts, planned, strict=True)
            if not account.has_ended
        )
        paced = (now - self.started_at).total_seconds() * to_come / self.slices_done
        return max([paced, *(account.wait_s(now) for account in self.accounts)])


def _planned(counted: Sequence[tuple[AccountProgress, int]]) -> list[int]:
    longest = max((count for _, count in counted), default=0)
    return [count or (0 if account.state == "complete" else longest) for account, count in counted]


async def progress(store: Store, viewer: Viewer, run_id: uuid.UUID) -> RunProgress | None:
    """The run, with those of its accounts that the viewer may see; ``None`` where that is none."""
    async with store.viewing(viewer) as session:
        run = await runs.run_of(session, run_id)
        if run is None or not run.accounts:
            return None
        names = await _account_names(session)
    seen = _seen(run, names, is_all=run.id in await _seen_in_all(store, [run]))
    return replace(seen, has_worker=await _has_worker(store, run)) if seen.state == "running" else seen


async def whole_progress(store: Store, run_id: uuid.UUID) -> RunProgress:
    """The run with all of its accounts, for whoever runs commands on the server. UsageError where there is none."""
    async with store.working() as session:
        run = await runs.run_of(session, run_id)
        if run is None:
            raise UsageError(f"There is no refresh run {run_id}.")
        names = await _account_names(session, [one.account_id for one in run.accounts])
    return _seen(run, names, whole=True)


async def history(store: Store, viewer: Viewer, *, offset: int, limit: int) -> tuple[list[RunProgress], int]:
    """Runs that hold an account of the viewer's, the newest first, and how many there are of them in all."""
    async with store.viewing(viewer) as session:
        found = await runs.newest_runs(session, offset=offset, limit=limit)
        names, total = await _account_names(session), await runs.count_runs(session)
    in_all = await _seen_in_all(store, found)
    return [_seen(run, names, is_all=run.id in in_all) for run in found], total


async def _seen_in_all(store: Store, found: Sequence[RefreshRun]) -> frozenset[uuid.UUID]:
    """Those of the runs that are there with all of their accounts, where an end is not known but for that."""
    wanted = [run for run in found if run.finished_at and any(one.finished_at is None for one in run.accounts)]
    if not wanted:
        return frozenset()
    run_id = RefreshRunAccount.run_id
    counted = select(run_id, func.count()).where(run_id.in_([run.id for run in wanted])).group_by(run_id)
    async with store.working(timeout_s=30) as session:
        totals = dict((await session.execute(counted)).tuples().all())
    return frozenset(run.id for run in wanted if totals.get(run.id) == len(run.accounts))


async def _account_names(session: AsyncSession, account_ids: list[int] | None = None) -> dict[int, str]:
    asked = select(Account.account_id, Account.name)
    if account_ids is not None:
        asked = asked.where(Account.account_id.in_(account_ids))
    return dict((await session.execute(asked)).tuples().all())


async def _has_worker(store: Store, run: RefreshRun) -> bool:
    """Whether anybody could work on the run; the queue is asked where nobody has written of late."""
    if run.heartbeat_at > dt.datetime.now(dt.UTC) - FRESH:
        return True
    async with store.working() as session:
        return await queue.living_workers(session, Pace().stalled_s) > 0


def _state_of(run: RefreshRun) -> str:
    """How the accounts that are there stand, by the rule by which the store closes a whole run."""
    states = [one.state for one in run.accounts]
    if not states or any(state in runs.UNFINISHED for state in states):
        return run.state
    if set(states) == {"complete"}:
        return "complete"
    if "cancelled" in states and run.cancel_requested_at is not None:
        return "cancelled"
    return next((said for state, said in _MIXED.items() if state in states), "cancelled")


_MIXED = {"complete": "partial", "failed": "failed"}


def _finished_at(run: RefreshRun, *, is_all: bool) -> dt.datetime | None:
    """When the last of the accounts that are there ended; None where one goes on, or its end was not noted.

    Where they are all of the run's, its own end tells the latter.
    """
    ends = [one.finished_at for one in run.accounts]
    if None in ends:
        return run.finished_at if is_all else None
    return max((end for end in ends if end is not None), default=None)


def _is_cancelled(run: RefreshRun) -> bool:
    """Whether that was asked for before the accounts that are there had ended."""
    touched = any(one.state in (*runs.UNFINISHED, "cancelled") for one in run.accounts)
    return touched and run.cancel_requested_at is not None


def _seen(run: RefreshRun, names: Mapping[int, str], *, whole: bool = False, is_all: bool = False) -> RunProgress:
    """The run as far as its accounts go that were read, be they ``is_all`` there are, or as a ``whole``."""
    return RunProgress(
        run.id,
        run.state if whole else _state_of(run),
        tuple(_account(one, names.get(one.account_id, f"act_{one.account_id}")) for one in run.accounts),
        run.started_at,
        run.finished_at if whole else _finished_at(run, is_all=is_all),
        run.since,
        run.until,
        run.kind,
        run.cancel_requested_at is not None if whole else _is_cancelled(run),
    )


_SAME = (
    *("account_id", "state", "days_total", "days_done", "rows", "api_calls", "error_message", "error_remedy"),
    *("slices_total", "slices_done", "slices_incomplete", "seconds", "quota_left", "paused_until", "pause_reason"),
    *("error_code", "error_subcode", "trace_id"),
)


def _account(one: RefreshRunAccount, name: str) -> AccountProgress:
    return AccountProgress(name=name, **{column: getattr(one, column) for column in _SAME})


async def running(store: Store, viewer: Viewer) -> uuid.UUID | None:
    """The newest run that somebody asked for, that is going on, and that holds an account of the viewer's."""
    async with store.viewing(viewer) as session:
        return await runs.living_run(session)
