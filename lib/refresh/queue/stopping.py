"""Threads that wait for Meta, and how they are told to stop: at the next call, or in the middle of a pause.

Every pause of theirs is slept by ``StoppableClock``; in a long one the slot of their job is another's.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from enum import Enum
from typing import Any, ParamSpec, TypeVar

from lib.errors import AppError
from lib.refresh.queue.slots import LONG_S, Slot
from lib.store.repositories import runs

P = ParamSpec("P")
T = TypeVar("T")
_thread = threading.local()


class Stopped(AppError):
    """The work of this thread is to end here. No kind of Meta's refusals: nobody takes it for one and goes on."""


class Why(Enum):
    """Why a job is to end before its account is done."""

    CANCELLED = runs.CANCELLED
    DISCONNECTED = runs.DISCONNECTED
    WORKER_STOPS = "worker stops"
    TAKEN_UP = "taken up meanwhile"


class StoppableClock:
    """The machine's clock; a sleep ends with Stopped where the thread's work is told to stop."""

    def now(self) -> float:
        """Seconds since the machine came up."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, unless told to stop; after a long wait also for a slot."""
        stopping: threading.Event | None = getattr(_thread, "stopping", None)
        if stopping is None:
            time.sleep(seconds)
            return
        slot: Slot = _thread.slot
        if seconds > LONG_S:
            slot.leave()
        if not stopping.wait(seconds):
            slot.come_back(stopping)
        check()


def check() -> None:
    """Stopped where this thread's work is told to stop."""
    stopping: threading.Event | None = getattr(_thread, "stopping", None)
    if stopping is not None and stopping.is_set():
        raise Stopped("The refresh was stopped.")


class Threads(Executor):
    """A few threads of the job that has ``slot``. A process may end while they still wait for an answer of Meta's."""

    def __init__(self, count: int, stopping: threading.Event, slot: Slot) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._count = count
        for number in range(count):
            threading.Thread(target=self._serve, args=(stopping, slot), name=f"meta-{number}", daemon=True).start()

    def _serve(self, stopping: threading.Event, slot: Slot) -> None:
        _thread.stopping, _thread.slot = stopping, slot
        while (work := self._work.get()) is not None:
            work()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have one of the threads do it."""
        future: Future[T] = Future()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                _settle(future, fn, args, kwargs)

        self._work.put(work)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end when they are through with what they do; nobody waits for them."""
        for _ in range(self._count):
            self._work.put(None)


def _settle(future: Future[T], fn: Callable[..., T], args: Any, kwargs: Any) -> None:
    try:
        result = fn(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 (whoever waits for the future raises it)
        future.set_exception(error)
    else:
        future.set_result(result)
