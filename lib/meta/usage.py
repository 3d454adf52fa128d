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


def wait_seconds(headers: Mapping[str, str]) -> float:
    """Seconds until Meta lets this account in again; 0 where no header says.

    ``x-business-use-case-usage`` counts in minutes, ``x-ad-account-usage`` in seconds.
    """
    waits = [0.0]
    account = _decoded(headers, "x-ad-account-usage")
    if isinstance(account, dict):
        waits.append(float(account.get("reset_time_duration") or 0))
    cases = _decoded(headers, "x-business-use-case-usage")
    for uses in cases.values() if isinstance(cases, dict) else ():
        if isinstance(uses, list):
            waits.extend(60.0 * float(use.get("estimated_time_to_regain_access") or 0) for use in uses)
    return max(waits)
