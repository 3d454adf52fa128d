"""What a job writes of its account into the run: on top of what it came to before the job was taken up."""

from __future__ import annotations

import datetime as dt
from typing import Any

from lib.refresh.state import AccountState
from lib.store.models import RefreshRunAccount

_ADDED = tuple(
    column.key
    for column in (
        RefreshRunAccount.days_done,
        RefreshRunAccount.slices_done,
        RefreshRunAccount.slices_incomplete,
        RefreshRunAccount.rows,
        RefreshRunAccount.api_calls,
        RefreshRunAccount.seconds,
    )
)
"""What goes on from where the job was when it was taken up."""


def so_far(account: RefreshRunAccount) -> dict[str, Any]:
    """What it came to before: zeros where nobody took it up before."""
    return {name: getattr(account, name) for name in _ADDED}


def values(
    state: AccountState, before: dict[str, Any], seconds: float, pause_s: float, reason: str | None
) -> dict[str, Any]:
    """The columns of the run's account; ``seconds`` since the job began, ``pause_s`` until Meta lets it in again."""
    error = state.error
    counted = {name: before[name] + getattr(state, name) for name in _ADDED if name != "seconds"}
    return {
        **counted,
        "paused_until": dt.datetime.now(dt.UTC) + dt.timedelta(seconds=pause_s) if pause_s else None,
        "pause_reason": reason if pause_s else None,
        "state": state.state,
        "days_total": before["days_done"] + state.days_total,
        "slices_total": before["slices_done"] + state.slices_total,
        "seconds": before["seconds"] + seconds,
        "quota_left": state.quota_left,
        "error_code": error and error.code,
        "error_subcode": error and error.subcode,
        "error_message": error and error.message,
        "error_remedy": error and error.remedy,
        "trace_id": error and error.trace_id,
    }
