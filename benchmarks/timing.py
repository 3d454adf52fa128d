"""How often a thing is measured: until the median is steady or the time that is granted runs out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.report import ms

BUDGET_S = 12.0
LOOPS = 3_000_000


@dataclass(frozen=True)
class Taken:
    """Seconds of each round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        return f"{ms(self.median)} ({len(self.seconds)})"


async def timed(work: Callable[[], Awaitable[object]], *, least: int = 3, most: int = 21) -> Taken:
    """``least`` to ``most`` rounds, fewer where they would take more than ``BUDGET_S``; ``work`` is warm already."""
    seconds: list[float] = []
    ends = time.perf_counter() + BUDGET_S
    while len(seconds) < least or (len(seconds) < most and time.perf_counter() < ends):
        started = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - started)
    return Taken(tuple(seconds))


def loop_ms() -> float:
    """Milliseconds of a fixed loop of Python: how fast this machine is now, to set runs beside each other."""
    started = time.perf_counter()
    sum(number * number for number in range(LOOPS))
    return 1000 * (time.perf_counter() - started)
