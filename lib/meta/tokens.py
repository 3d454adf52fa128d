"""What Meta says of a token: the answer of ``debug_token``.

Source: https://developers.facebook.com/docs/graph-api/reference/debug_token
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib.logs import redact
from lib.meta.parse import Unreadable

READING = frozenset({"ads_read", "ads_management"})
"""Either of these permissions opens the numbers."""


@dataclass(frozen=True)
class TokenFacts:
    """``ends_at`` is None for a token that never ends; ``reason`` says why one is not valid, where Meta tells.

    ``app_id`` is the app that it was made by; '' where Meta did not say.
    """

    is_valid: bool
    scopes: frozenset[str]
    ends_at: dt.datetime | None = None
    reason: str = ""
    app_id: str = ""

    @property
    def may_read(self) -> bool:
        """Whether it was granted what reading the numbers takes."""
        return bool(self.scopes & READING)


def facts_of(body: Mapping[str, Any]) -> TokenFacts:
    """The facts of an answer; Unreadable where it has another shape."""
    data = body.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("is_valid"), bool):
        raise Unreadable("Meta described the token in a way that cannot be read.")
    scopes, error = data.get("scopes"), data.get("error")
    ends = [moment for name in ("expires_at", "data_access_expires_at") if (moment := _moment(data.get(name)))]
    return TokenFacts(
        is_valid=data["is_valid"],
        scopes=frozenset(map(str, scopes if isinstance(scopes, list) else ())),
        ends_at=min(ends, default=None),
        reason=redact(str(error.get("message", ""))) if isinstance(error, dict) else "",
        app_id=str(data.get("app_id") or ""),
    )


def _moment(value: Any) -> dt.datetime | None:
    """Seconds since 1970; 0 is never, and so is what no calendar holds."""
    try:
        return dt.datetime.fromtimestamp(int(value), dt.UTC) if value else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None
