"""How far a refresh run is, from its rows in the store: for pages, terminals and the API alike."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import select

from lib.access.viewer import Viewer
from lib.store.engine import Store
from lib.store.models import Account
from lib.store.repositories import runs


@dataclass(frozen=True)
class AccountProgress:
    """One account of a run; the error and its remedy where it failed."""

    account_id: int
    name: str
    state: str
    days_total: int
    days_done: int
    rows: int
    api_calls: int
    error_message: str | None
    error_remedy: str | None


@dataclass(frozen=True)
class RunProgress:
    """A run as far as the viewer's accounts go. ``state`` is running, complete, partial or failed."""

    run_id: uuid.UUID
    state: str
    accounts: tuple[AccountProgress, ...]
    started_at: dt.datetime
    finished_at: dt.datetime | None

    @property
    def days_total(self) -> int:
        """Account-days planned; an account that has not begun yet counts as much as the longest one that has."""
        longest = max((account.days_total for account in self.accounts), default=0)
        return sum(account.days_total or longest for account in self.accounts if account.state != "failed") + sum(
            account.days_done for account in self.accounts if account.state == "failed"
        )

    @property
    def days_done(self) -> int:
        """Account-days stored."""
        return sum(account.days_done for account in self.accounts)

    @property
    def rows(self) -> int:
        """Ad-days stored."""
        return sum(account.rows for account in self.accounts)

    @property
    def fraction(self) -> float:
        """0 to 1; 1 only when the run has ended."""
        if self.state != "running":
            return 1.0
        return min(0.99, self.days_done / self.days_total) if self.days_total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the pace so far; ``None`` before the first day and after the last."""
        if self.state != "running" or not self.days_done:
            return None
        passed = (dt.datetime.now(dt.UTC) - self.started_at).total_seconds()
        return passed * (1 - self.fraction) / max(self.fraction, 0.01)


async def progress(store: Store, viewer: Viewer, run_id: uuid.UUID) -> RunProgress | None:
    """The run, with those of its accounts that the viewer may see; ``None`` where that is none."""
    async with store.viewing(viewer) as session:
        run = await runs.run_of(session, run_id)
        if run is None or not run.accounts:
            return None
        names = dict((await session.execute(select(Account.account_id, Account.name))).tuples().all())
    accounts = tuple(
        AccountProgress(
            one.account_id,
            names.get(one.account_id, f"act_{one.account_id}"),
            one.state,
            one.days_total,
            one.days_done,
            one.rows,
            one.api_calls,
            one.error_message,
            one.error_remedy,
        )
        for one in run.accounts
    )
    return RunProgress(run.id, run.state, accounts, run.started_at, run.finished_at)


async def running(store: Store, viewer: Viewer) -> uuid.UUID | None:
    """The newest run that is going on and that holds an account of the viewer's."""
    async with store.viewing(viewer) as session:
        return await runs.living_run(session)
