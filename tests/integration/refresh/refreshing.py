"""How tests refresh one account of a server without a queue: the same code that a worker runs."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress

from procrastinate.periodic import PeriodicDeferrer

from lib.meta.clock import Clock
from lib.meta.service import MetaService
from lib.refresh.account import AccountRefresh
from lib.refresh.queue.account import Pace
from lib.refresh.queue.worker import CONCURRENCY, Working
from lib.refresh.state import AccountState, Wanted
from lib.store.engine import Store
from tests.factories import add_account as put_account
from tests.factories import add_client


async def add_account(store: Store, account_id: int) -> None:
    """An account of a client of its own, as it is before Meta has answered once."""
    async with store.working() as session:
        client_id = await add_client(session, f"client-{account_id}")
        await put_account(session, account_id, client_id, currency=None, timezone_name=None)


@contextmanager
def service_of(url: str, clock: Clock | None = None) -> Iterator[MetaService]:
    """The calls of a token that the sandbox takes."""
    service = MetaService("fine", url, clock=clock)
    try:
        yield service
    finally:
        service.close()


async def refresh(
    store: Store,
    url: str,
    account_id: int,
    *,
    now: dt.datetime,
    kind: str = "asked",
    span: tuple[dt.date, dt.date] | None = None,
    breakdowns: tuple[str, ...] = (),
    windows: tuple[str, ...] = (),
    run_id: uuid.UUID | None = None,
    clock: Clock | None = None,
    ahead: dt.timedelta = dt.timedelta(),
    graph_url: str = "",
) -> AccountState:
    """Refresh the account as a run of this kind does, pauses on ``clock``; how far it came.

    ``ahead`` is how far the clock of PostgreSQL would be ahead of the worker's, ``graph_url`` where pictures may come
    from: without it none are fetched.
    """
    since, until = span or (None, None)
    wanted = Wanted(run_id or uuid.uuid4(), kind, since, until, breakdowns, windows)
    state = AccountState(account_id, f"act_{account_id}")
    with service_of(url, clock) as service, ThreadPoolExecutor(1) as executor:
        await AccountRefresh(store, service, state, wanted, executor, now, graph_url, ahead).refresh()
    return state


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    """Wait until it holds, for 20 s at most."""
    async with asyncio.timeout(20):
        while not await holds():
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await asyncio.Event().wait()


async def strike_at(store: Store, moment: dt.datetime) -> None:
    """What the clock of a worker that lives at ``moment`` puts into the queue."""
    working = Working(store, strikes=True)
    await working._connector.open_async()
    deferrer = PeriodicDeferrer(registry=working._app.periodic_registry)
    await deferrer.defer_jobs(list(deferrer.get_previous_tasks(at=moment.timestamp())))
    await working._connector.close_async()


def stop_the_clock(working: Working) -> None:
    """It takes up strokes that wait and makes none of its own, which it else would in some minutes of each hour."""
    working._app.periodic_registry.periodic_tasks.clear()


@asynccontextmanager
async def at_work(
    store: Store, pace: Pace, *, concurrency: int = CONCURRENCY, strikes: bool = False
) -> AsyncIterator[Working]:
    """A worker for so many accounts at once, until the end."""
    working = Working(store, concurrency=concurrency, strikes=strikes, pace=pace)
    stop_the_clock(working)
    task = asyncio.create_task(working.run())
    try:
        yield working
    finally:
        working.stop()
        await task
