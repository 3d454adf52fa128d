"""Paces the calls of a process: nobody calls while Meta keeps an account or an app out, and few call near a limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lib.meta.clock import Clock
from lib.meta.usage import blocked_seconds, uses

CALM_PERCENT = 75.0
"""Up to here calls follow each other without a pause."""
FIRST_GAP_S = 0.1
DOUBLES_EVERY_PERCENT = 2.5
LONGEST_GAP_S = 60.0
FORGOTTEN_AFTER_S = 300.0
"""The longest that Meta takes to forget a score: what a header said before that says nothing any more."""
SAME_PAUSE_S = 1.0
CLOCK_ERROR_S = 1e-6

OnPause = Callable[[str, float, str], None]


def app_scope(app: str) -> str:
    """The name under which a pause of all accounts of an app is kept."""
    return f"app:{app}"


def account_scope(account_id: int) -> str:
    """The name under which a pause of one account is kept."""
    return f"account:{account_id}"


def gap_s(percent: float) -> float:
    """Seconds between two calls at ``percent`` of a limit.

    It grows from a tenth of a second to a minute, so that any limit, of 60 points or of 9000, is met by a pace that
    drains as fast as it fills before the limit is reached.
    """
    if percent < CALM_PERCENT:
        return 0.0
    return float(min(LONGEST_GAP_S, FIRST_GAP_S * 2.0 ** ((percent - CALM_PERCENT) / DOUBLES_EVERY_PERCENT)))


@dataclass(frozen=True)
class _Heard:
    percent: float
    holds_until: float


@dataclass
class _Scope:
    paused_until: float = 0.0
    last_call: float | None = None
    heard: dict[str, _Heard] = field(default_factory=dict)

    def percent(self, now: float) -> float | None:
        return max((one.percent for one in self.heard.values() if now < one.holds_until), default=None)

    def opens_at(self, now: float) -> float:
        last = self.last_call
        gaps = [] if last is None else [min(last + gap_s(one.percent), one.holds_until) for one in self.heard.values()]
        return max(now, self.paused_until, *gaps)


class Pacer:
    """What is known of every limit; for any number of threads and services of one process.

    ``on_pause`` is told the scope, the seconds and the reason of each pause that is longer than what was known.
    """

    def __init__(self, clock: Clock, on_pause: OnPause = lambda scope, seconds, reason: None) -> None:
        self._clock = clock
        self._on_pause = on_pause
        self._scopes: dict[str, _Scope] = {}
        self._lock = threading.Lock()

    def before(self, app: str, account_id: int | None) -> float:
        """Wait until the app and the account may be called, and keep the place that this call takes.

        Hands back for how many seconds it had to wait; a clock may let a sleeper go on later than that.
        """
        waited = 0.0
        while True:
            with self._lock:
                now = self._clock.now()
                scopes = [self._scope(name) for name in _names(app, account_id)]
                wait = max(scope.opens_at(now) for scope in scopes) - now
                if wait <= CLOCK_ERROR_S:
                    for scope in scopes:
                        scope.last_call = now
                    return waited
            self._clock.sleep(wait)
            waited += wait

    def wait_s(self, app: str, account_id: int | None) -> float:
        """Seconds for which the app or the account is still paused."""
        with self._lock:
            now = self._clock.now()
            return max(0.0, *(self._scope(name).paused_until - now for name in _names(app, account_id)))

    def heard(self, app: str, account_id: int | None, headers: Mapping[str, str]) -> None:
        """Take note of the usage headers of an answer; what is missing changes nothing."""
        with self._lock:
            now = self._clock.now()
            for use in uses(headers):
                said = _Heard(use.percent, now + min(FORGOTTEN_AFTER_S, use.resets_in_s or FORGOTTEN_AFTER_S))
                if use.is_apps:
                    self._scope(app_scope(app)).heard[use.header] = said
                elif account_id is not None:
                    self._scope(account_scope(account_id)).heard[use.header] = said
        blocked = blocked_seconds(headers)
        if blocked and account_id is not None:
            self.pause(account_scope(account_id), blocked, "Meta says that the account's calls are used up.")

    def pause(self, scope: str, seconds: float, reason: str) -> None:
        """Let nobody call ``scope`` for ``seconds``; a shorter pause never shortens a longer one."""
        with self._lock:
            until = self._clock.now() + seconds
            known = self._scope(scope)
            is_news = until > known.paused_until + SAME_PAUSE_S
            if seconds > 0 and until > known.paused_until - SAME_PAUSE_S:
                known.heard.clear()  # what was used up before it says nothing of the time after it
            known.paused_until = max(known.paused_until, until)
        if is_news:
            self._on_pause(scope, seconds, reason)

    def quota_left(self, app: str, account_id: int | None) -> float | None:
        """Percent of the tightest limit that is left, 0 to 100; 0 in a pause, None where nothing was heard of late."""
        with self._lock:
            now = self._clock.now()
            scopes = [self._scope(name) for name in _names(app, account_id)]
            percents = [100.0 if now < scope.paused_until else scope.percent(now) for scope in scopes]
        known = [percent for percent in percents if percent is not None]
        return max(0.0, 100.0 - max(known)) if known else None

    def _scope(self, name: str) -> _Scope:
        return self._scopes.setdefault(name, _Scope())


def _names(app: str, account_id: int | None) -> list[str]:
    return [app_scope(app), *([] if account_id is None else [account_scope(account_id)])]
