"""How long one call is gone on with: tries with growing pauses, and limits that are waited out."""

from __future__ import annotations

import random

from lib.errors import MetaError
from lib.meta.clock import Clock
from lib.meta.errors import RateLimited
from lib.meta.pacing import Pacer, account_scope, app_scope

TRIES = 4
MOST_WAIT_S = 3600.0
"""For this long in all a call waits for limits to lift."""
FIRST_LIMIT_S = 60.0
LONGEST_LIMIT_S = 900.0
LONGEST_BACK_OFF_S = 60.0


class Patience:
    """Of one call, or of several that are one piece of work. Limits use up no try."""

    def __init__(
        self, clock: Clock, pacer: Pacer, app: str, account_id: int | None, *, tries: int, most_wait_s: float
    ) -> None:
        self._clock, self._pacer = clock, pacer
        self._app, self._account_id = app, account_id
        self._tries, self._most_wait_s = tries, most_wait_s
        self._failures = self._limits = 0
        self._waited_s = 0.0

    def before(self) -> None:
        """Wait until the pacer lets the call go; RateLimited where that would take longer than a call waits in all."""
        ahead = self._pacer.wait_s(self._app, self._account_id)
        if self._waited_s + ahead > self._most_wait_s:
            error = RateLimited("Meta's limit of calls was reached, and is being waited for.")
            error.wait_s = ahead
            error.come_back_in(ahead)
            raise error
        waited = self._pacer.before(self._app, self._account_id)
        self._waited_s += waited if ahead else 0.0

    def wait_out(self, error: RateLimited) -> None:
        """Pause whoever shares the limit, for as long as the headers said; without them longer each time.

        Raises ``error`` where that would be longer than a call waits in all. The wait itself is the next ``before``.
        """
        self._limits += 1
        seconds = error.wait_s or min(LONGEST_LIMIT_S, FIRST_LIMIT_S * 2 ** (self._limits - 1))
        is_apps = error.is_apps or self._account_id is None
        scope = app_scope(self._app) if is_apps else account_scope(self._account_id or 0)
        self._pacer.pause(scope, seconds, error.message)
        if self._waited_s + seconds > self._most_wait_s:
            error.come_back_in(seconds)
            raise error

    def back_off(self, error: MetaError) -> None:
        """Wait a jittered while, about twice as long each time; raises ``error`` after the last try."""
        self._failures += 1
        if self._failures >= self._tries:
            raise error
        self._clock.sleep(min(LONGEST_BACK_OFF_S, 2.0 ** (self._failures - 1)) * random.uniform(0.5, 1.0))
