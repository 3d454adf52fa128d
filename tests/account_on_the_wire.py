"""An ad account that a ``Wire`` answers for: insights by GET and by report, campaigns, ads, and whatever it refuses."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fixtures_wire import Answer, Asked, ok, refusal

ACCOUNT = 77
RUN = "4242"
IDS = ("account_id", "campaign_id", "adset_id", "ad_id", "date_start", "date_stop")
Row = dict[str, Any]
RUNNING_AT_100 = {"async_status": "Job Running", "async_percent_completion": 100}
COMPLETED = {"async_status": "Job Completed", "async_percent_completion": 100}
Refuse = Callable[["Question"], Answer | None]


def place_of(asked: Asked) -> str:
    """Where a call is: get (a first page), page (a later one), post, poll, results (of a report), or its edge."""
    if asked.method == "POST":
        return "post"
    if asked.path == f"{RUN}/":
        return "poll"
    if asked.path == f"{RUN}/insights":
        return "results"
    if asked.path == f"act_{ACCOUNT}/insights":
        return "page" if "after" in asked.params else "get"
    return asked.path.rpartition("/")[2] or "node"


@dataclass(frozen=True)
class Question:
    """What a call for insights asks for."""

    since: dt.date
    until: dt.date
    level: str
    fields: tuple[str, ...]
    conditions: tuple[Mapping[str, Any], ...]
    limit: int
    breakdowns: tuple[str, ...] = ()

    @classmethod
    def of(cls, params: Mapping[str, str]) -> Question:
        """From the parameters as they came in."""
        span = json.loads(params["time_range"])
        since, until = (dt.date.fromisoformat(span[name]) for name in ("since", "until"))
        conditions = tuple(json.loads(params.get("filtering", "[]")))
        fields = tuple(params["fields"].split(","))
        segments = tuple(name for name in params.get("breakdowns", "").split(",") if name)
        return cls(since, until, params["level"], fields, conditions, int(params.get("limit", "1000")), segments)

    @property
    def days(self) -> int:
        """How many."""
        return (self.until - self.since).days + 1

    def wants(self, row: Row) -> bool:
        """Whether a row meets the conditions on ids."""
        for condition in self.conditions:
            level, _, name = condition["field"].partition(".")
            if name == "id" and (row[f"{level}_id"] in condition["value"]) != (condition["operator"] == "IN"):
                return False
        return True


@dataclass
class AccountOnTheWire:
    """An account of ``campaigns`` with ``ads`` each, every day: campaign 1 has the ads 101, 102 …

    ``refuse`` may answer in place of the rows that a question stands for. ``jobs`` are the states of each report, one a
    poll, the last one for ever; the last report's are those of every further one. Every question for rows is kept.
    """

    campaigns: int = 3
    ads: int = 4
    refuse: Refuse = lambda question: None
    jobs: tuple[tuple[Mapping[str, Any], ...], ...] = ((RUNNING_AT_100, COMPLETED),)
    unlisted: frozenset[int] = frozenset()
    questions: list[Question] = field(default_factory=list)
    posted: Question | None = None
    started: int = 0
    polled: int = 0
    in_place_of: dict[str, list[Answer]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)

    def __call__(self, asked: Asked) -> Answer:
        """The answer to a call."""
        place = place_of(asked)
        self.calls[place] += 1
        if waiting := self.in_place_of.get(place):
            answer = waiting.pop(0)
            if answer.status != 0:
                return answer
        answering = getattr(self, f"_{place}", None)
        return answering(asked) if answering else self._listed(place, asked)

    def rows(self, question: Question) -> list[Row]:
        """Every row that the question stands for."""
        if question.level == "account":
            return [self._row(question, day, 0, 0) for day in _days(question)]
        every = (
            self._row(question, day, campaign, 100 * campaign + number)
            for day in _days(question)
            for campaign in range(1, self.campaigns + 1)
            for number in range(1, self.ads + 1)
        )
        return [row for row in every if question.wants(row)]

    def _row(self, question: Question, day: dt.date, campaign: int, ad: int) -> Row:
        metrics = {"spend": f"{ad}.50", "impressions": str(ad), "reach": str(ad - 1), "clicks": "3",
                   "video_play_actions": [{"action_type": "video_view", "value": "7"}],
                   "actions": [{"action_type": "purchase", "value": "2"}]}  # fmt: skip
        ids = {"account_id": str(ACCOUNT), "campaign_id": str(campaign), "adset_id": "9", "ad_id": str(ad)}
        dates = {"date_start": day.isoformat(), "date_stop": day.isoformat()}
        segment = dict.fromkeys(question.breakdowns, "all of it")
        return ids | dates | segment | {name: value for name, value in metrics.items() if name in question.fields}

    def _get(self, asked: Asked) -> Answer:
        return self._rows_of(Question.of(asked.params), asked)

    _page = _get

    def _post(self, asked: Asked) -> Answer:
        self.posted, self.polled = Question.of(asked.params), 0
        self.started += 1
        return ok({"report_run_id": RUN})

    def _poll(self, asked: Asked) -> Answer:
        states = self.jobs[min(self.started, len(self.jobs)) - 1]
        state = states[min(self.polled, len(states) - 1)]
        self.polled += 1
        return ok({"id": RUN, **state})

    def _results(self, asked: Asked) -> Answer:
        assert self.posted is not None
        return self._rows_of(self.posted, asked)

    def _rows_of(self, question: Question, asked: Asked) -> Answer:
        self.questions.append(question)
        if (refused := self.refuse(question)) is not None:
            return refused
        return paged(self.rows(question), asked)

    def _node(self, asked: Asked) -> Answer:
        return ok({"id": asked.path.rstrip("/")})

    def _listed(self, place: str, asked: Asked) -> Answer:
        if place == "campaigns":
            numbers = [number for number in range(1, self.campaigns + 1) if number not in self.unlisted]
        elif place == "ads":
            campaign = int(asked.path.partition("/")[0])
            numbers = [100 * campaign + number for number in range(1, self.ads + 1)]
        else:
            return refusal(404, 100, message=f"Nobody asked for {asked.path} so far")
        return paged([{"id": str(number)} for number in numbers], asked)


def paged(rows: list[Row], asked: Asked) -> Answer:
    """One page of ``rows``, and a cursor while there are more."""
    start, size = int(asked.params.get("after", "0")), int(asked.params["limit"])
    more = {"next": "yes", "cursors": {"after": str(start + size)}} if start + size < len(rows) else {}
    return ok({"data": rows[start : start + size], "paging": more})


def _days(question: Question) -> list[dt.date]:
    return [question.since + dt.timedelta(days=number) for number in range(question.days)]


SOUND = Answer(status=0)
"""In ``in_place_of``: let this call be answered as it should."""
