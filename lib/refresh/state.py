"""What a run wants of one account, and how far it is."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from lib.errors import MetaError


@dataclass(frozen=True)
class Wanted:
    """What a run of ``kind`` (as RefreshRun has it) fetches of an account: days None are the kind's own choice.

    ``breakdowns`` and ``windows`` are the client's choice.
    """

    run_id: uuid.UUID
    kind: str = "asked"
    since: dt.date | None = None
    until: dt.date | None = None
    breakdowns: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()


@dataclass
class AccountState:
    """How far one account is; the runner writes it to the store as it changes.

    A slice is a day in one breakdown set; ``days_`` count those of the plain one. ``slices`` counts what was stored,
    ``rows`` the ad-days and those of breakdowns, or the objects of a period of reach. ``quota_left`` is what is left of
    Meta's tightest limit in percent.
    """

    account_id: int
    name: str
    state: str = "waiting"
    days_total: int = 0
    days_done: int = 0
    slices_total: int = 0
    slices_done: int = 0
    slices_incomplete: int = 0
    rows: int = 0
    slices: int = 0
    api_calls: int = 0
    seconds: float = 0.0
    fetched_rows: int = 0
    quota_left: int | None = None
    error: MetaError | None = None
