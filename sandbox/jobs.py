"""Asynchronous reports: a job that takes a few polls, and says 100 percent before it has completed."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from sandbox.insights.query import Plan
from sandbox.model import rand

_STEPS = (("Job Not Started", 0), ("Job Running", 38), ("Job Running", 100), ("Job Completed", 100))
_KEPT = 5000


@dataclass
class Job:
    """One report run. `polls` moves it on: time would make tests wait."""

    id: str
    plan: Plan
    created: int
    steps: tuple[tuple[str, int], ...] = _STEPS
    polls: int = 0

    @property
    def completed(self) -> bool:
        """Whether the rows may be read."""
        return self.polls >= len(self.steps)

    def poll(self, now: int) -> dict[str, Any]:
        """The run's state, and one step on."""
        status, percent = self.steps[min(self.polls, len(self.steps) - 1)]
        self.polls += 1
        found: dict[str, Any] = {
            "id": self.id, "account_id": self.plan.account.account_id, "time_ref": self.created,
            "async_status": status, "async_percent_completion": percent, "is_running": status == "Job Running",
            "date_start": min(since for since, _ in self.plan.periods).isoformat(),
            "date_stop": max(until for _, until in self.plan.periods).isoformat(),
        }  # fmt: skip
        if status == "Job Completed":
            found["time_completed"] = max(now, self.created)
        return found


class Jobs:
    """The report runs of this server, the oldest forgotten first. `polls` is how many a run takes, 1 to 4."""

    def __init__(self, seed: int, polls: int = len(_STEPS)) -> None:
        self._seed, self._count, self._steps = seed, 0, _STEPS[-polls:]
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def start(self, plan: Plan, now: int) -> Job:
        """A new run; its plan is fixed now, so that a relative preset does not move under its reader."""
        self._count += 1
        job_id = str(10**15 + (rand.key(self._seed, 0x10B) % 10**14) * 8 + self._count)
        self._jobs[job_id] = Job(job_id, plan, now, self._steps)
        while len(self._jobs) > _KEPT:
            self._jobs.popitem(last=False)
        return self._jobs[job_id]

    def get(self, job_id: str) -> Job | None:
        """The run with this id."""
        return self._jobs.get(job_id)
