"""Usage headers, as Meta sends them with every answer. The sandbox counts honestly and never blocks."""

from __future__ import annotations

import time
from collections import defaultdict

import orjson

_TIER = "standard_access"
_POINTS = 9000
_DECAY_S = 300.0


class Usage:
    """Points spent by the app and by each account; they drain away over five minutes."""

    def __init__(self) -> None:
        self._points: dict[str, float] = defaultdict(float)
        self._seen: dict[str, float] = {}

    def _spend(self, who: str) -> float:
        now = time.monotonic()
        idle = now - self._seen.get(who, now)
        self._points[who] = max(0.0, self._points[who] - idle * _POINTS / _DECAY_S) + 1.0
        self._seen[who] = now
        return min(99.0, round(100.0 * self._points[who] / _POINTS, 2))

    def headers(self, account_id: str | None) -> list[tuple[str, str]]:
        """Count one call and describe what is used; without an account only the app's own header."""
        app = self._spend("app")
        load = {"call_count": int(app), "total_cputime": int(app / 2), "total_time": int(app / 2)}
        found = [("x-app-usage", orjson.dumps(load).decode())]
        if account_id is None:
            return found
        account = self._spend(account_id)
        return [
            *found,
            ("x-ad-account-usage", orjson.dumps({"acc_id_util_pct": account, "reset_time_duration": 0,
                                                 "ads_api_access_tier": _TIER}).decode()),
            ("x-business-use-case-usage", orjson.dumps({account_id: [{
                "type": "ads_insights", "call_count": int(account), "total_cputime": int(account / 2),
                "total_time": int(account / 2), "estimated_time_to_regain_access": 0,
                "ads_api_access_tier": _TIER}]}).decode()),
            ("x-fb-ads-insights-throttle", orjson.dumps({"app_id_util_pct": app, "acc_id_util_pct": account,
                                                         "ads_api_access_tier": _TIER}).decode()),
        ]  # fmt: skip
