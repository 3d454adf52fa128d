"""A refresh run: several accounts at once, of which a sick one stops no other."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import logging
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from lib.errors import MetaError, SettingsError, StoreError, UsageError
from lib.meta.errors import TokenDead
from lib.meta.service import MetaService
from lib.refresh.account import AccountRefresh, AccountState
from lib.refresh.plan import check_span
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.models import Account
from lib.store.repositories import clients, runs
from lib.store.secrets import TokenVault

logger = logging.getLogger(__name__)

ACCOUNTS_AT_ONCE = 4
WRITE_EVERY_S = 0.5
RARELY = (200_000, 50, 100)


@dataclass
class RunReport:
    """What a run did. ``state`` is running, then complete, partial or failed."""

    run_id: uuid.UUID
    accounts: list[AccountState] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    finished: bool = False

    @property
    def state(self) -> str:
        """complete: every account; failed: none of them; partial: the rest."""
        if not self.finished:
            return "running"
        failed = [account for account in self.accounts if account.state == "failed"]
        if not failed:
            return "complete"
        return "failed" if len(failed) == len(self.accounts) else "partial"

    @property
    def exit_code(self) -> int:
        """0 where every account is complete, 3 where one or all failed."""
        return 0 if self.state == "complete" else 3

    def as_json(self) -> dict[str, Any]:
        """The object that ``refresh --json`` prints."""
        return {
            "run_id": str(self.run_id),
            "state": self.state,
            "accounts": [_account_json(one) for one in self.accounts],
        }


def _account_json(account: AccountState) -> dict[str, Any]:
    error = account.error
    return {
        "account_id": str(account.account_id),
        "state": account.state,
        "rows": account.rows,
        "slices": account.slices,
        "api_calls": account.api_calls,
        "seconds": round(account.seconds, 3),
        "error": error
        and {"code": error.code, "subcode": error.subcode, "message": error.message, "remedy": error.remedy},
    }


def _unknown(missing: Iterable[int], known: Sequence[Account]) -> UsageError:
    names = ", ".join(f"act_{number}" for number in sorted(missing))
    have = ", ".join(f"act_{account.account_id}" for account in known[:10]) or "none yet"
    return UsageError(
        f"No client has the account {names}; nothing was fetched.",
        f"Known: {have}. `python -m lib client list` shows them; `client add` adds one.",
    )


async def start_run(
    store: Store,
    *,
    requested_by: uuid.UUID | None = None,
    account_ids: frozenset[int] | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> uuid.UUID:
    """Note a run of ``account_ids`` (``None``: all accounts), to be executed.

    Raises UsageError where the span or an account cannot be asked for.
    """
    check_span(since, until, dt.datetime.now(dt.UTC))
    async with store.working() as session:
        await runs.close_killed_runs(session)
        accounts = await runs.accounts_for_refresh(session, account_ids)
        missing = (account_ids or frozenset()) - {account.account_id for account in accounts}
        if missing:
            if requested_by is not None:
                raise UsageError("An account of this page is gone; nothing was fetched.", "Load the page again.")
            raise _unknown(missing, await runs.accounts_for_refresh(session, None))
        ids = [account.account_id for account in accounts]
        return await runs.add_run(session, ids, requested_by=requested_by, since=since, until=until)


async def prepare(store: Store, run_id: uuid.UUID) -> RunReport:
    """The report of a run that is about to be executed, its accounts waiting."""
    async with store.working() as session:
        run = await runs.run_of(session, run_id)
        if run is None:
            raise UsageError(f"There is no refresh run {run_id}.")
        wanted = frozenset(account.account_id for account in run.accounts)
        accounts = await runs.accounts_for_refresh(session, wanted)
    return RunReport(run_id, [AccountState(account.account_id, account.name) for account in accounts])


async def execute_run(store: Store, run_id: uuid.UUID, report: RunReport | None = None) -> RunReport:
    """Refresh the accounts of a run, some at once. Sick ones carry their error; StoreError ends the whole run.

    ``report`` (of ``prepare``) is kept current while the run goes on.
    """
    report = report or await prepare(store, run_id)
    writer = asyncio.create_task(_keep_writing(store, report))
    executor = ThreadPoolExecutor(ACCOUNTS_AT_ONCE, thread_name_prefix="meta")
    stopping = threading.Event()
    try:
        with _rare_garbage_collection():
            await _refresh_all(store, report, executor, stopping)
        report.finished = True
    finally:
        stopping.set()
        executor.shutdown(wait=False, cancel_futures=True)
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer
        if not report.finished:
            _stop(report)
        await _write(store, report)
        async with store.working() as session:
            await runs.finish_run(session, run_id, report.state if report.finished else "failed")
    return report


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Pages of rows are hundreds of thousands of small objects without cycles: looking through them takes a quarter."""
    before = gc.get_threshold()
    if before == RARELY:
        yield  # another run of this process has set it, and puts it back
        return
    gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _refresh_all(
    store: Store, report: RunReport, executor: ThreadPoolExecutor, stopping: threading.Event
) -> None:
    async with store.working() as session:
        run = await runs.run_of(session, report.run_id)
        accounts = await runs.accounts_for_refresh(session, frozenset(one.account_id for one in report.accounts))
    if run is None:
        raise UsageError(f"There is no refresh run {report.run_id}.")
    states = {state.account_id: state for state in report.accounts}
    vault = TokenVault(get_settings())
    places = asyncio.Semaphore(ACCOUNTS_AT_ONCE)
    now = dt.datetime.now(dt.UTC)

    async def one(account: Account) -> None:
        state = states[account.account_id]
        async with places:
            started = time.monotonic()
            state.state = "running"
            try:
                service = _service(account, vault, stopping)
            except SettingsError as error:
                _fail(state, account, MetaError(error.message, error.remedy))
                return
            work = AccountRefresh(store, service, state, report.run_id, executor, now, run.since, run.until)
            try:
                await work.refresh()
                state.state = "complete"
            except MetaError as error:
                _fail(state, account, error)
            finally:
                state.api_calls, state.seconds = service.calls, time.monotonic() - started
                service.close()
            await _note_credential(store, account, state)

    try:
        async with asyncio.TaskGroup() as group:
            for account in accounts:
                group.create_task(one(account))
    except* StoreError as errors:
        failure = _first(errors)
        reason = getattr(failure.__cause__, "orig", failure.__cause__) or failure
        logger.error("the refresh run %s ended: %s", report.run_id, str(reason).partition("\n")[0])
        logger.debug("the whole of it", exc_info=failure)
    else:
        return
    raise failure


def _service(account: Account, vault: TokenVault, stopping: threading.Event) -> MetaService:
    def pause(seconds: float) -> None:
        if stopping.wait(seconds):
            raise MetaError(runs.STOPPED, runs.STOPPED_REMEDY)

    credential = account.client.credential
    if credential is None:
        raise SettingsError("The client has no token.", "Store one with `python -m lib client token`.")
    return MetaService(vault.open(credential.token_encrypted), account.client.graph_url, pause=pause)


def _fail(state: AccountState, account: Account, error: MetaError) -> None:
    if isinstance(error, TokenDead):
        error.remedy = (
            f"Create a new system-user token with ads_read for {account.client.name} and store it with"
            f" `python -m lib client token {account.client.slug} --token-stdin`. What was stored before stays."
        )
    state.state, state.error = "failed", error


def _stop(report: RunReport) -> None:
    for state in report.accounts:
        if state.state not in ("complete", "failed"):
            state.state = "failed"
            state.error = MetaError(runs.STOPPED, runs.STOPPED_REMEDY)


async def _note_credential(store: Store, account: Account, state: AccountState) -> None:
    if state.state == "complete" or isinstance(state.error, TokenDead):
        async with store.working() as session:
            await clients.note_credential(session, account.client_id, "dead" if state.error else "valid")


async def _keep_writing(store: Store, report: RunReport) -> None:
    while True:
        try:
            await _write(store, report)
        except StoreError as error:
            logger.warning("the progress of the refresh run %s was not written: %s", report.run_id, error)
        await asyncio.sleep(WRITE_EVERY_S)


async def _write(store: Store, report: RunReport) -> None:
    async with store.working() as session:
        await runs.beat(session, report.run_id)
        for account in report.accounts:
            error = account.error
            values = {
                "state": account.state,
                "days_total": account.days_total,
                "days_done": account.days_done,
                "rows": account.rows,
                "api_calls": account.api_calls,
                "seconds": account.seconds,
                "error_code": error and error.code,
                "error_subcode": error and error.subcode,
                "error_message": error and error.message,
                "error_remedy": error and error.remedy,
                "trace_id": error and error.trace_id,
            }
            await runs.write_account(session, report.run_id, account.account_id, values)


def _first(errors: BaseExceptionGroup[StoreError]) -> StoreError:
    """One of a group of failures: they all say the same of the store."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
