"""The time that pauses are measured and waited by."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Whose ``sleep`` may raise, where whoever waits is told to stop."""

    def now(self) -> float:
        """Seconds of a clock that never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``."""
        ...


class SystemClock:
    """The machine's own."""

    def now(self) -> float:
        """Seconds since the machine came up."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; nothing ends it early."""
        time.sleep(seconds)
