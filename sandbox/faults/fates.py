"""What becomes of a job that a rule struck when it was created."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from sandbox.faults.presets import PRESETS
from sandbox.faults.rules import Rule
from sandbox.jobs import Job

_KEPT = 5000
_ERROR_FIELDS = ("error_code", "error_subcode", "error_message", "error_user_title", "error_user_msg")


@dataclass
class Fate:
    """One job's fate. `polls` is how long it takes, `error` what v25 tells of the failure."""

    kind: str
    polls: int
    percent: int
    error: dict[str, Any]
    seen: int = 0

    @property
    def fails(self) -> bool:
        """Whether the job ends without results."""
        return self.kind in ("job_failed", "job_failed_plain", "job_skipped")

    def holds(self, job: Job) -> bool:
        """Whether the results may not be read."""
        return self.kind != "job_stuck_100" or not job.completed or self.seen <= self.polls

    def tell(self, job: Job, state: dict[str, Any], asked: set[str]) -> dict[str, Any]:
        """The answer of one poll, made from what a healthy job would say."""
        said = self._said(job)
        if said is None:
            return state
        known = {"async_status": said[0], "async_percent_completion": said[1], "is_running": said[0] == "Job Running",
                 **(self.error if said[0] == "Job Failed" else {})}  # fmt: skip
        found = {name: value for name, value in state.items() if name != "time_completed"}
        return found | {name: value for name, value in known.items() if not asked or name in asked}

    def _said(self, job: Job) -> tuple[str, int] | None:
        """Status and percent, or None where the job speaks for itself."""
        self.seen += 0 if self.kind == "job_stuck_100" and not job.completed else 1
        if self.kind == "job_stuck_100":
            return ("Job Running", 100) if job.completed and self.seen <= self.polls else None
        if self.kind == "job_never" or self.seen <= self.polls:
            return "Job Running", self.percent
        return ("Job Skipped" if self.kind == "job_skipped" else "Job Failed"), self.percent


def of(rule: Rule) -> Fate:
    """The fate that a rule describes."""
    error: dict[str, Any] = {}
    if rule.kind == "job_failed":
        error = _preset(rule.more["preset"]) or {name: rule.more[name] for name in _ERROR_FIELDS}
    return Fate(rule.kind, rule.more.get("polls", 0), rule.more.get("percent", 38), error)


def failed(preset: str) -> Fate:
    """A job that fails with one of the named refusals."""
    return Fate("job_failed", 1, 38, _preset(preset))


def _preset(name: str) -> dict[str, Any]:
    if not name:
        return {}
    one = PRESETS[name]
    told = {"error_code": one.code, "error_subcode": one.subcode, "error_message": one.message,
            "error_user_title": "Report failed", "error_user_msg": one.message}  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


class Fates:
    """The fates of jobs, the oldest forgotten first."""

    def __init__(self) -> None:
        self._fates: OrderedDict[str, Fate] = OrderedDict()

    def get(self, job: Job | None) -> Fate | None:
        """The fate of a job, None for one that simply works."""
        return self._fates.get(job.id) if job else None

    def put(self, run_id: str, fate: Fate) -> None:
        """Remember a job's fate."""
        self._fates[run_id] = fate
        while len(self._fates) > _KEPT:
            self._fates.popitem(last=False)

    def clear(self) -> None:
        """Let every job do as it would."""
        self._fates.clear()
