"""One job: an account of a run is refreshed, its progress written as it goes, and its end noted once."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lib.errors import MetaError, SettingsError, StoreError, StoreUnavailable
from lib.meta.service import MetaService
from lib.refresh.account import AccountRefresh
from lib.refresh.noting import learn_token_facts, note_credential
from lib.refresh.queue import written
from lib.refresh.queue.collecting import rare_garbage_collection
from lib.refresh.queue.jobs import MOST_TAKES
from lib.refresh.queue.pauses import SharedPacer
from lib.refresh.queue.slots import Slot, Slots
from lib.refresh.queue.stopping import Stopped, Threads, Why
from lib.refresh.remedies import defect, explained, given_up
from lib.refresh.state import AccountState, Wanted
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.looking import server_facts
from lib.store.models import Account
from lib.store.repositories import queue, runs
from lib.store.repositories.queue import Hold
from lib.store.secrets import TokenVault

logger = logging.getLogger(__name__)
THREADS = 1
"""One account asks one thing of Meta at a time."""


@dataclass(frozen=True)
class Pace:
    """How often a worker says that it lives, looks around, and writes; and how long it lets work end by itself."""

    heartbeat_s: float = 5.0
    stalled_s: float = 20.0
    look_s: float = 3.0
    poll_s: float = 1.0
    write_s: float = 0.5
    grace_s: float = 3.0


class HandBack(Exception):
    """The job is for another worker, or for this one later."""

    def __init__(self, *, is_later: bool = False) -> None:
        super().__init__("The job was handed back.")
        self.is_later = is_later


@dataclass
class Place:
    """What the jobs of one worker share. ``ended`` is set whenever one of them ends."""

    store: Store
    pacer: SharedPacer
    pace: Pace = field(default_factory=Pace)
    slots: Slots = field(default_factory=lambda: Slots(1))
    is_stopping: bool = False
    jobs: set[AccountJob] = field(default_factory=set)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    store_failures: dict[uuid.UUID, StoreError] = field(default_factory=dict)

    def stop(self) -> None:
        """Tell every job to end within a few seconds and to be handed back."""
        self.is_stopping = True
        self.slots.close()
        for job in tuple(self.jobs):
            job.stop(Why.WORKER_STOPS)


@dataclass(eq=False)
class AccountJob:
    """The refresh of one account of one run by whoever has ``hold`` of the job."""

    place: Place
    hold: Hold
    run_id: uuid.UUID
    account_id: int
    takes: int = 0
    _why: Why | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _slot: Slot = field(init=False)
    _refreshing: asyncio.Task[None] | None = None
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _before: dict[str, Any] = field(default_factory=dict)
    _app: str = ""
    _began: float = field(default_factory=time.monotonic)

    async def work(self) -> None:
        """Refresh the account; HandBack where it is for another time."""
        if self.place.is_stopping:
            raise HandBack
        others = [one for one in self.place.jobs if one.account_id == self.account_id]
        self._slot = self.place.slots.take()
        self.place.jobs.add(self)
        try:
            await self._wait_for(others)
            await self._work()
        except StoreUnavailable as error:
            logger.warning("act_%s is refreshed later: %s", self.account_id, error)
            raise HandBack(is_later=True) from error
        finally:
            self._slot.give_up()
            self.place.jobs.discard(self)
            self._over.set()
            self.place.ended.set()

    async def _wait_for(self, others: Iterable[AccountJob]) -> None:
        """Let work on the same account end that this worker lost while it stalled."""
        for one in others:
            one.stop(Why.TAKEN_UP)
            await one._over.wait()
        if self._why is Why.WORKER_STOPS:
            raise HandBack

    def stop(self, why: Why) -> None:
        """End at the next call of Meta's, and after a few seconds wherever it is."""
        if self._why is None:
            self._why = why
            self._stopping.set()
            self._slot.look_again()
            if self._refreshing is not None:
                asyncio.get_running_loop().call_later(self.place.pace.grace_s, self._refreshing.cancel)

    async def _work(self) -> None:
        found = await self._begin()
        if found is None:
            return
        account, wanted = found
        state = AccountState(self.account_id, account.name, state="running")
        if self.takes > MOST_TAKES:
            await self._end(account, state, given_up(MOST_TAKES))
            return
        try:
            service = self._service(account)
        except SettingsError as error:
            await self._end(account, state, MetaError(error.message, error.remedy))
            return
        threads = Threads(THREADS, self._stopping, self._slot)
        try:
            ahead = dt.timedelta(seconds=(await server_facts(self.place.store)).clock_ahead_s)
            with rare_garbage_collection():
                graph_url, now = account.client.graph_url, _now() + ahead
                work = AccountRefresh(self.place.store, service, state, wanted, threads, now, graph_url, ahead)
                await self._refresh(account, work)
        finally:
            self._stopping.set()
            threads.shutdown()
            service.close()

    async def _begin(self) -> tuple[Account, Wanted] | None:
        """The account and what is wanted of it; None where there is nothing left to do."""
        async with self.place.store.working() as session:
            run = await runs.run_of(session, self.run_id)
            mine = next((one for one in run.accounts if one.account_id == self.account_id), None) if run else None
            if run is None or mine is None or mine.state not in runs.UNFINISHED:
                await runs.end_run(session, self.run_id)
                return None
            accounts = await runs.accounts_for_refresh(session, frozenset({self.account_id}))
            gone = None if accounts else runs.DISCONNECTED
            ended = runs.CANCELLED if run.cancel_requested_at else gone
            if ended:
                await runs.end_accounts(session, self.run_id, [self.account_id], "cancelled", ended)
                await runs.end_run(session, self.run_id)
                return None
            await runs.write_account(session, self.run_id, self.account_id, {"state": "running"})
        self._before = written.so_far(mine)
        client = accounts[0].client
        chosen = tuple(client.breakdowns), tuple(client.attribution_windows)
        return accounts[0], Wanted(self.run_id, run.kind, run.since, run.until, *chosen)

    def _service(self, account: Account) -> MetaService:
        credential = account.client.credential
        if credential is None:
            raise SettingsError(
                f"{account.client.name} has no token.", "Paste one under Clients, or use `python -m lib client token`."
            )
        self._app = credential.app_id or f"credential:{account.client_id}"
        token = TokenVault(get_settings()).open(credential.token_encrypted)
        pacer = self.place.pacer
        return MetaService(token, account.client.graph_url, clock=pacer.clock, pacer=pacer, app=self._app)

    async def _refresh(self, account: Account, work: AccountRefresh) -> None:
        refreshing = self._refreshing = asyncio.create_task(self._fetch(account, work))
        try:
            while not refreshing.done():
                pace = self.place.pace
                await asyncio.wait({refreshing}, timeout=pace.look_s if self._slot.is_away else pace.write_s)
                if not refreshing.done():
                    await self._write(work.state)
        except asyncio.CancelledError:
            self.stop(Why.WORKER_STOPS)
            refreshing.cancel()
            await asyncio.wait({refreshing})
            raise HandBack from None
        await self._conclude(account, work.state, refreshing)

    async def _fetch(self, account: Account, work: AccountRefresh) -> None:
        await self.place.pacer.take_in()
        await learn_token_facts(self.place.store, account, work)
        await work.refresh()

    async def _conclude(self, account: Account, state: AccountState, refreshing: asyncio.Task[None]) -> None:
        try:
            refreshing.result()
        except (Stopped, asyncio.CancelledError, MetaError) as error:
            if self._why is Why.WORKER_STOPS:
                raise HandBack from error
            if self._why in (Why.CANCELLED, Why.DISCONNECTED):
                ended = MetaError(self._why.value, runs.STOPPED_REMEDY)
                await self._end(account, state, ended, ended="cancelled")
            elif isinstance(error, MetaError):
                await self._end(account, state, explained(error, account))
        except StoreUnavailable:
            raise
        except StoreError as error:
            self.place.store_failures[self.run_id] = error
            _log_refusal(self.account_id, error)
            await self._end(account, state, MetaError(error.message, error.remedy))
        except Exception:  # a defect may raise anything, and must not look like a worker that was stopped
            logger.exception("act_%s: an unexpected fault of this program ended the refresh", self.account_id)
            await self._end(account, state, defect())
        else:
            await self._end(account, state, None)

    async def _write(self, state: AccountState) -> None:
        """Say how far the account is; hear whether that is to end, or whether the job was taken up meanwhile."""
        try:
            async with self.place.store.working() as session:
                if not await queue.is_mine(session, self.hold):
                    self.stop(Why.TAKEN_UP)
                    return
                await runs.write_account(session, self.run_id, self.account_id, self._values(state))
                why = await runs.beat(session, self.run_id, self.account_id)
            if why:
                self.stop(Why(why))
        except StoreError as error:
            logger.warning("The progress of act_%s was not written: %s", self.account_id, error)

    async def _end(
        self, account: Account, state: AccountState, error: MetaError | None, *, ended: str = "failed"
    ) -> None:
        """Note the end of the account, and of the run where it was the last one; once, by whose job it is."""
        state.state, state.error = (ended if error else "complete"), error
        async with self.place.store.working() as session:
            if not await queue.is_mine(session, self.hold):
                return
            await runs.write_account(session, self.run_id, self.account_id, self._values(state))
            await runs.end_run(session, self.run_id)
        await note_credential(self.place.store, account, state)

    def _values(self, state: AccountState) -> dict[str, Any]:
        pacer = self.place.pacer
        pause_s = pacer.wait_s(self._app, self.account_id) if state.state == "running" else 0.0
        reason = pacer.reason(self._app, self.account_id)
        return written.values(state, self._before, time.monotonic() - self._began, pause_s, reason)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _log_refusal(account_id: int, error: StoreError) -> None:
    reason = getattr(error.__cause__, "orig", error.__cause__) or error
    logger.error("act_%s could not be stored: %s", account_id, str(reason).partition("\n")[0])
    logger.debug("the whole of it", exc_info=error)
