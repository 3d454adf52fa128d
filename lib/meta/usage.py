"""What the four usage headers say; any of them may be missing or unreadable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


def _decoded(headers: Mapping[str, str], name: str) -> Any:
    try:
        return orjson.loads(headers.get(name) or "{}")
    except orjson.JSONDecodeError:
        return {}


def _number(use: Any, name: str) -> float:
    try:
        return float(use.get(name) or 0)
    except (AttributeError, TypeError, ValueError):
        return 0.0


def wait_seconds(headers: Mapping[str, str]) -> float:
    """Seconds until Meta lets this account in again; 0 where no header says.

    ``x-business-use-case-usage`` counts in minutes, ``x-ad-account-usage`` in seconds.
    """
    waits = [0.0, _number(_decoded(headers, "x-ad-account-usage"), "reset_time_duration")]
    cases = _decoded(headers, "x-business-use-case-usage")
    for uses in cases.values() if isinstance(cases, dict) else ():
        if isinstance(uses, list):
            waits.extend(60.0 * _number(use, "estimated_time_to_regain_access") for use in uses)
    return max(waits)
