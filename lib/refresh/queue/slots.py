"""How many accounts a worker works on at once: one that waits for Meta for long leaves its slot to another.

A pause of Meta's may last an hour, and accounts that are paused would keep those that are not from being refreshed. So
the thread that waits hands the slot of its job on, and takes one back before it goes on. The job stays this worker's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

LONG_S = 3.0
"""Who waits for longer than this leaves the slot; to hand it on and back for less takes more than it gives."""
MOST_AWAY = 32
"""Accounts that wait beside those that are worked on. Each holds a thread and the rows that it has read of one call, so
their number is bounded; beyond it, accounts that wait keep their slots from others."""


class Slots:
    """``count`` slots, and who waits for one: new jobs on the loop that this is made on, those that come back anywhere.

    Who comes back goes before new jobs, so that what was begun ends.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken = self._coming_back = 0
        self._is_closed = False
        self._changed = threading.Condition()
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    @property
    def has_room(self) -> bool:
        """Whether a new job may begin."""
        with self._changed:
            return self._taken + self._coming_back < self._count

    async def room(self, timeout_s: float) -> bool:
        """Wait until a new job may begin, or for ``timeout_s``, or until ``close``; whether it may."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not (self.has_room or self._is_closed):
                    self._news.clear()
                    await self._news.wait()
        return self.has_room and not self._is_closed

    def close(self) -> None:
        """Let no new job begin."""
        self._is_closed = True
        self._news.set()

    def take(self) -> Slot:
        """A slot for a job that begins, which it does in any case: whoever fetched it saw room a moment ago."""
        with self._changed:
            self._taken += 1
        return Slot(self)

    def hand_on(self) -> None:
        """One slot less is taken."""
        with self._changed:
            self._taken -= 1
        self.tell()

    def wait(self, is_over: Callable[[], bool]) -> bool:
        """Wait in this thread for a slot and take it; False, and none taken, where ``is_over`` comes first."""
        with self._changed:
            self._coming_back += 1
            self._changed.wait_for(lambda: is_over() or self._taken < self._count)
            self._coming_back -= 1
            if is_taken := not is_over():
                self._taken += 1
        self.tell()
        return is_taken

    def tell(self) -> None:
        """Whoever waits looks again."""
        with self._changed:
            self._changed.notify_all()
        with suppress(RuntimeError):  # the loop is closed: nobody waits on it any more
            self._loop.call_soon_threadsafe(self._news.set)


class Slot:
    """One job's, held from ``Slots.take`` to ``give_up``, but while a thread of the job is away."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._lock = threading.Lock()
        self._is_held = True
        self._is_over = False

    @property
    def is_away(self) -> bool:
        """Whether the job waits, for Meta or to come back."""
        return not (self._is_held or self._is_over)

    def leave(self) -> None:
        """Hand the slot on for a while."""
        with self._lock:
            was_held, self._is_held = self._is_held, False
        if was_held:
            self._slots.hand_on()

    def come_back(self, stopping: threading.Event) -> None:
        """Hold a slot again, as soon as there is one; without one where the job ends or is told to stop."""
        if self._is_held or not self._slots.wait(lambda: stopping.is_set() or self._is_over):
            return
        with self._lock:
            is_over = self._is_over
            self._is_held = not is_over
        if is_over:
            self._slots.hand_on()

    def look_again(self) -> None:
        """Let a thread that waits to come back see that it was told to stop."""
        self._slots.tell()

    def give_up(self) -> None:
        """The job is over."""
        with self._lock:
            self._is_over = True
        self.leave()
        self._slots.tell()
