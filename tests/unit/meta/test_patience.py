"""How long one call waits for limits: as long as Meta keeps it out, however late whoever waits is let go on."""

from __future__ import annotations

import pytest

from lib.meta.errors import RateLimited
from lib.meta.pacing import Pacer
from lib.meta.patience import Patience
from tests.clocks import FakeClock

SLOT_S = 3000.0


class LateClock(FakeClock):
    """Lets a sleeper go on much later than it asked for, as one whose place is taken meanwhile."""

    def sleep(self, seconds: float) -> None:
        """Move on, and further."""
        super().sleep(seconds)
        self.advance(SLOT_S)


def limited(seconds: float) -> RateLimited:
    error = RateLimited("Too many calls.")
    error.wait_s = seconds
    return error


def test_only_what_limits_take_counts_as_waiting_for_them() -> None:
    clock = LateClock()
    patience = Patience(clock, Pacer(clock), "app", 1, tries=1, most_wait_s=100)
    for _ in range(2):
        patience.wait_out(limited(40))
        patience.before()
    assert clock.slept == pytest.approx([40, 40])
    with pytest.raises(RateLimited):
        patience.wait_out(limited(40))
