"""From Streamlit's script threads to the server's own loop, where the one engine of this process lives."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from lib.access.viewer import Viewer
from lib.errors import AppError, StoreError, StoreUnavailable
from lib.insights import asking
from lib.insights.engine import Engine, PostgresEngine
from lib.insights.mirror import Mirror
from lib.store.engine import Store

T = TypeVar("T")
TIMEOUT_S = 90.0
_UNREACHABLE = "The database cannot be reached."
_log = logging.getLogger(__name__)


class _Bridge:
    loop: asyncio.AbstractEventLoop | None = None
    store: Store | None = None
    mirror: Mirror | None = None
    running: set[concurrent.futures.Future[Any]]


_bridge = _Bridge()
_bridge.running = set()


def attach(loop: asyncio.AbstractEventLoop, store: Store, mirror: Mirror | None = None) -> None:
    """Hand over the server's loop, the store that was made on it, and the mirror of that where there is one."""
    _bridge.loop, _bridge.store, _bridge.mirror = loop, store, mirror


def detach() -> None:
    """Take them back and cancel what still runs; pages say from now on that the database cannot be reached."""
    _bridge.store = _bridge.mirror = None
    for future in tuple(_bridge.running):
        future.cancel()


def store() -> Store:
    """The store of this process; StoreUnavailable while it is not open."""
    if _bridge.store is None:
        raise StoreUnavailable(_UNREACHABLE)
    return _bridge.store


def mirror() -> Mirror | None:
    """The mirror of this process, whether it stands or not; None where there is none."""
    return _bridge.mirror


def engine() -> Engine:
    """What answers questions in this process now: the mirror while it stands, else Postgres."""
    found = store()
    return (_bridge.mirror and _bridge.mirror.engine()) or PostgresEngine(found)


async def version(viewer: Viewer) -> str:
    """The engine of now and the version of its data, as far as it is this viewer's; await it on the loop."""
    found = engine()
    return version_words(found.name, await found.version(viewer), time.time())


def version_words(engine_name: str, number: int, at: float) -> str:
    """What answers of this engine are held under at this time, in seconds since 1970.

    PostgreSQL's number does not rise with a new name, nor with a slice whose smaller version became visible late; the
    mirror's does. So what PostgreSQL answered holds for the minute.
    """
    return f"{engine_name} {number}" + (f" {int(at // 60)}" if engine_name == PostgresEngine.name else "")


def ask(work: Callable[[Engine], Coroutine[Any, Any, T]], timeout_s: float = TIMEOUT_S) -> T:
    """What ``work`` gives with the engine of now, and with Postgres where the mirror fails under it."""
    return run(asking.ask(engine, work), timeout_s)


def take_in() -> None:
    """Wait until the mirror, where one answers, holds what PostgreSQL holds now."""
    if _bridge.mirror is None or _bridge.mirror.engine() is None:
        return
    try:
        run(_bridge.mirror.catch_up())
    except AppError as error:
        _log.warning("The mirror did not take in what was refreshed: %s", error)


def _submit(coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    loop = _bridge.loop
    if loop is None or loop.is_closed():
        coroutine.close()
        # The loop comes with the store, once that is open.
        raise StoreUnavailable("The server is not running." if loop else _UNREACHABLE)
    return asyncio.run_coroutine_threadsafe(coroutine, loop)


def run(coroutine: Coroutine[Any, Any, T], timeout_s: float = TIMEOUT_S) -> T:
    """Run ``coroutine`` on the server's loop and wait for its answer; call it from a script, never on the loop.

    StoreError after ``timeout_s``; what the coroutine raises is raised here.
    """
    future = _submit(coroutine)
    try:
        return future.result(timeout_s)
    except concurrent.futures.TimeoutError as error:
        if future.done():
            raise
        future.cancel()
        raise StoreError("The answer took too long and was given up.", "Nothing was changed. Try again.") from error


def spawn(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Leave ``coroutine`` running on the server's loop; a failure goes to the log."""
    future = _submit(coroutine)
    _bridge.running.add(future)
    future.add_done_callback(_ended)


def _ended(future: concurrent.futures.Future[Any]) -> None:
    _bridge.running.discard(future)
    if future.cancelled():
        return
    error = future.exception()
    if error is not None:
        _log.error("A task that was left running failed.", exc_info=error)
