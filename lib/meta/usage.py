"""What the four usage headers say; any of them may be missing or unreadable.

Source: https://developers.facebook.com/docs/graph-api/overview/rate-limiting
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

APP_USE = "x-app-usage"
ACCOUNT_USE = "x-ad-account-usage"
CASES = "x-business-use-case-usage"
INSIGHTS_USE = "x-fb-ads-insights-throttle"
_PARTS = ("call_count", "total_time", "total_cputime")


@dataclass(frozen=True)
class Use:
    """How much of one limit is used up, in percent. ``is_apps`` tells a limit of the whole app from an account's.

    ``resets_in_s`` is when it is back at nothing; None where that is not said.
    """

    header: str
    is_apps: bool
    percent: float
    resets_in_s: float | None = None


def _decoded(headers: Mapping[str, str], name: str) -> Any:
    try:
        return orjson.loads(headers.get(name) or "{}")
    except orjson.JSONDecodeError:
        return {}


def _number(use: Any, name: str) -> float | None:
    """A number that is not negative; None where there is none."""
    try:
        number = float(use[name])
    except (LookupError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _cases(headers: Mapping[str, str]) -> Iterator[Any]:
    cases = _decoded(headers, CASES)
    for uses in cases.values() if isinstance(cases, dict) else ():
        yield from uses if isinstance(uses, list) else ()


def uses(headers: Mapping[str, str]) -> Iterator[Use]:
    """Every limit that the headers tell of."""
    app, account, insights = (_decoded(headers, name) for name in (APP_USE, ACCOUNT_USE, INSIGHTS_USE))
    said: list[tuple[str, bool, list[float | None]]] = [
        (APP_USE, True, [_number(app, part) for part in _PARTS]),
        (ACCOUNT_USE, False, [_number(account, "acc_id_util_pct")]),
        (INSIGHTS_USE, True, [_number(insights, "app_id_util_pct")]),
        (INSIGHTS_USE, False, [_number(insights, "acc_id_util_pct")]),
        (CASES, False, [_number(use, part) for use in _cases(headers) for part in _PARTS]),
    ]
    resets = _number(account, "reset_time_duration") or None
    for header, is_apps, percents in said:
        known = [percent for percent in percents if percent is not None]
        if known:
            yield Use(header, is_apps, max(known), resets if header == ACCOUNT_USE else None)


def blocked_seconds(headers: Mapping[str, str]) -> float:
    """Seconds for which Meta says that it lets this account in no more; 0 where it does not say so."""
    waits = [_number(use, "estimated_time_to_regain_access") or 0.0 for use in _cases(headers)]
    return 60.0 * max(waits, default=0.0)


def wait_seconds(headers: Mapping[str, str]) -> float:
    """Seconds until Meta lets a caller in again that it has just refused; 0 where no header says.

    ``x-business-use-case-usage`` counts in minutes, ``x-ad-account-usage`` in seconds; the latter tells on every answer
    when the score is back at nothing, so it is a wait for whoever was refused only.
    """
    reset = _number(_decoded(headers, ACCOUNT_USE), "reset_time_duration") or 0.0
    return max(reset, blocked_seconds(headers))
