"""The token that is looked at, in a person's session: the client's own, or a pasted one, sealed and not for long."""

from __future__ import annotations

import datetime as dt
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from lib.clients.tokens import TokenLook

LASTS = dt.timedelta(minutes=15)
"""A pasted token that is not stored by then is forgotten."""
_BENCH = "clients:bench"


@dataclass(frozen=True)
class Bench:
    """What is being looked at: a token that was pasted (``sealed``), else the client's own."""

    client_id: int
    at: dt.datetime
    name: str = ""
    sealed: bytes = field(default=b"", repr=False)
    look: TokenLook | None = None

    def is_over(self, now: dt.datetime) -> bool:
        """Whether a pasted token has lain here too long."""
        return bool(self.sealed) and now - self.at >= LASTS


def lay(session: MutableMapping[Any, Any], bench: Bench | None) -> None:
    """Put this in the place of what lies there; ``None`` takes that away."""
    session.pop(_BENCH, None)
    if bench is not None:
        session[_BENCH] = bench


def lying(session: MutableMapping[Any, Any]) -> Bench | None:
    """What lies there, over or not."""
    found: Bench | None = session.get(_BENCH)
    return found


def usable(session: MutableMapping[Any, Any], now: dt.datetime) -> Bench | None:
    """What lies there; a pasted token whose time is over is taken away and not given."""
    found = lying(session)
    if found is None or not found.is_over(now):
        return found
    lay(session, None)
    return None
