"""Points that calls cost, the pauses they lead to, and the four usage headers that tell of both.

Everything counts honestly. Nothing is blocked until a limit is set: a read costs one point, points drain away
over five minutes, and who has used them all up is shut out for a while.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import orjson

from sandbox.errors import GraphError

APP = "app"
EVERYONE = "*"
NAMES = ("x-app-usage", "x-ad-account-usage", "x-business-use-case-usage", "x-fb-ads-insights-throttle")
GARBAGE = ("{", '[7, "?"]', '{"1": {"type": null}}', "null")
_DECAY_S = 300.0
_MESSAGES = {
    4: "(#4) Application request limit reached",
    17: "User request limit reached",
    80000: "(#80000) There have been too many calls from this ad-account. Wait a bit and try again.",
}
_SUBCODES = {4: 1504022, 17: 2446079, 80000: 2446079}


@dataclass(frozen=True)
class Limit:
    """What may be used. `scale` makes its times shorter: 0.01 turns five minutes into three seconds."""

    tier: str = "standard_access"
    points: float = 9000.0
    block_s: float = 60.0
    blocks: bool = False
    code: int = 17
    scale: float = 1.0


@dataclass
class Gauge:
    """Points of the app or of one account. Until `blocked_until` every call is refused with `code`."""

    points: float = 0.0
    at: float = 0.0
    blocked_until: float = 0.0
    code: int = 17


class Usage:
    """The points of the app and of every account. `mode` empties or spoils the headers: missing, garbage."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._gauges: dict[str, Gauge] = {}
        self._limits: dict[str, Limit] = {}
        self.mode = ""

    def reset(self) -> None:
        """No limits, no pauses, whole headers."""
        self._limits.clear()
        self._gauges.clear()
        self.mode = ""

    def limit(self, who: str, limit: Limit) -> None:
        """Set what an account, APP or EVERYONE (each account) may use."""
        self._limits[who] = limit

    def block(self, who: str, seconds: float, code: int) -> GraphError:
        """Shut an account or APP out from now on for so long; the refusal that its calls get."""
        gauge = self._gauge(who)
        gauge.blocked_until, gauge.code = self._clock() + seconds, code
        return _refused(code)

    def refusal(self, accounts: Iterable[str]) -> GraphError | None:
        """The refusal where the app or one of these accounts is shut out now."""
        for who in (APP, *sorted(accounts)):
            gauge = self._gauge(who)
            if gauge.blocked_until > self._clock():
                return _refused(gauge.code)
        return None

    def headers(self, account_id: str | None, *, counts: bool = True, wait_s: float = 0.0) -> list[tuple[str, str]]:
        """Count one call and describe what is used; without an account only the app's own header.

        `wait_s` is a pause that these headers name although no gauge knows of it.
        """
        for who in (APP, account_id) if counts else ():
            if who is not None:
                self._spend(who)
        if self.mode == "missing":
            return []
        if self.mode == "garbage":
            return list(zip(NAMES, GARBAGE, strict=True))
        app = self._percent(APP)
        load = {"call_count": int(app), "total_cputime": int(app / 2), "total_time": int(app / 2)}
        found = [(NAMES[0], orjson.dumps(load).decode())]
        return found if account_id is None else [*found, *self._of(account_id, app, wait_s)]

    def _of(self, account_id: str, app: float, wait_s: float) -> list[tuple[str, str]]:
        limit, used = self._limit(account_id), self._percent(account_id)
        left = max(self._gauge(who).blocked_until - self._clock() for who in (APP, account_id))
        wait = max(0.0, left, wait_s)
        minutes = math.ceil(wait / 60) if wait >= 60 else round(wait / 60, 4)
        tier = {"ads_api_access_tier": limit.tier}
        account = {"acc_id_util_pct": used, "reset_time_duration": math.ceil(wait), **tier}
        case = {"type": "ads_insights", "call_count": int(used), "total_cputime": int(used / 2),
                "total_time": int(used / 2), "estimated_time_to_regain_access": minutes, **tier}  # fmt: skip
        insights = {"app_id_util_pct": app, "acc_id_util_pct": used, **tier}
        bodies = (account, {account_id: [case]}, insights)
        return [(name, orjson.dumps(body).decode()) for name, body in zip(NAMES[1:], bodies, strict=True)]

    def _gauge(self, who: str) -> Gauge:
        return self._gauges.setdefault(who, Gauge(at=self._clock()))

    def _limit(self, who: str) -> Limit:
        everyone = self._limits.get(EVERYONE) if who != APP else None
        return self._limits.get(who) or everyone or Limit()

    def _drained(self, who: str) -> Gauge:
        gauge, limit, now = self._gauge(who), self._limit(who), self._clock()
        gauge.points = max(0.0, gauge.points - (now - gauge.at) * limit.points / (_DECAY_S * limit.scale))
        gauge.at = now
        return gauge

    def _spend(self, who: str) -> None:
        gauge, limit = self._drained(who), self._limit(who)
        gauge.points = min(limit.points, gauge.points + 1.0)
        if limit.blocks and gauge.points >= limit.points:
            self.block(who, limit.block_s * limit.scale, 4 if who == APP else limit.code)

    def _percent(self, who: str) -> float:
        gauge = self._drained(who)
        if gauge.blocked_until > self._clock():
            return 100.0
        return min(99.0, round(100.0 * gauge.points / self._limit(who).points, 2))


def _refused(code: int) -> GraphError:
    return GraphError(_MESSAGES[code], code, subcode=_SUBCODES[code], status=403 if code == 4 else 400,
                      title="Too many calls", text="Wait a bit and try again.")  # fmt: skip
