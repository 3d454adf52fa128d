"""From Streamlit's script threads to the server's own loop, where the one engine of this process lives."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from lib.errors import StoreError, StoreUnavailable
from lib.store.engine import Store

T = TypeVar("T")
TIMEOUT_S = 90.0
_log = logging.getLogger(__name__)


class _Bridge:
    loop: asyncio.AbstractEventLoop | None = None
    store: Store | None = None
    running: set[concurrent.futures.Future[Any]]


_bridge = _Bridge()
_bridge.running = set()


def attach(loop: asyncio.AbstractEventLoop, store: Store) -> None:
    """Hand over the server's loop and the store that was made on it."""
    _bridge.loop, _bridge.store = loop, store


def detach() -> None:
    """Take both back and cancel what still runs; pages say from now on that the database cannot be reached."""
    _bridge.store = None
    for future in tuple(_bridge.running):
        future.cancel()


def store() -> Store:
    """The store of this process; StoreUnavailable while it is not open."""
    if _bridge.store is None:
        raise StoreUnavailable("The database cannot be reached.")
    return _bridge.store


def _submit(coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    loop = _bridge.loop
    if loop is None or loop.is_closed():
        coroutine.close()
        raise StoreUnavailable("The server is not running.")
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
