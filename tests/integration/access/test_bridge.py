"""From script threads to the server's loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from dashboard import bridge
from lib.access.people import ensure_local_admin
from lib.errors import StoreError, StoreUnavailable, UsageError
from lib.store.engine import Store


@pytest.fixture(autouse=True)
def detached() -> Iterator[None]:
    yield
    bridge.detach()


async def refuse() -> None:
    raise UsageError("No.")


async def test_a_script_runs_coroutines_on_the_loop_and_gets_what_they_give(store: Store) -> None:
    bridge.attach(asyncio.get_running_loop(), store)
    assert bridge.store() is store
    user_id = await ensure_local_admin(store)
    assert await asyncio.to_thread(lambda: bridge.run(ensure_local_admin(bridge.store()))) == user_id
    with pytest.raises(UsageError, match="No"):
        await asyncio.to_thread(lambda: bridge.run(refuse()))


async def test_a_timeout_is_a_sentence_and_ends_the_work(store: Store) -> None:
    bridge.attach(asyncio.get_running_loop(), store)
    ended = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(StoreError, match="took too long"):
        await asyncio.to_thread(lambda: bridge.run(endless(), 0.05))
    await asyncio.wait_for(ended.wait(), 5)


async def test_the_works_own_timeout_stays_its_own(store: Store) -> None:
    bridge.attach(asyncio.get_running_loop(), store)

    async def late() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await asyncio.to_thread(lambda: bridge.run(late()))


async def test_what_is_left_running_goes_on_and_its_failure_is_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    bridge.attach(asyncio.get_running_loop(), store)
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    await asyncio.to_thread(lambda: bridge.spawn(work()))
    await asyncio.wait_for(done.wait(), 5)
    logged = threading.Event()
    handler = logging.Handler()
    handler.emit = lambda record: logged.set()  # type: ignore[method-assign]
    logging.getLogger("dashboard.bridge").addHandler(handler)
    try:
        await asyncio.to_thread(lambda: bridge.spawn(refuse()))
        assert await asyncio.to_thread(logged.wait, 5)
    finally:
        logging.getLogger("dashboard.bridge").removeHandler(handler)
    assert "A task that was left running failed." in caplog.text


async def test_without_a_store_the_database_cannot_be_reached(store: Store) -> None:
    bridge.attach(asyncio.get_running_loop(), store)
    bridge.detach()
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        bridge.store()
