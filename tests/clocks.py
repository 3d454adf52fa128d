"""A clock that tests turn: nothing is waited for, and every wait is noted."""

from __future__ import annotations

import threading


class FakeClock:
    """Its ``sleep`` moves it on at once; ``slept`` are the seconds of each."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._now = 1000.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since a moment of its own."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on."""
        with self._lock:
            self.slept.append(seconds)
            self._now += seconds

    def advance(self, seconds: float) -> None:
        """Let time pass without anyone waiting."""
        with self._lock:
            self._now += seconds
