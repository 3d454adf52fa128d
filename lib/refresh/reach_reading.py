"""Reads reach of periods, and what Meta refuses of it in smaller pieces: fewer periods, a report, fewer campaigns.

Objects are counted apart from each other, so campaigns may be asked for apart; what holds for the account may not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lib.errors import MetaError
from lib.meta import fields
from lib.meta.asking import InsightsAsk
from lib.meta.errors import JobFailed, Transient
from lib.meta.paging import Rows, gathered
from lib.meta.parse import Unreadable, micros, whole
from lib.meta.service import ENTITIES_A_PAGE, MetaService
from lib.refresh.objects import SMALL_LIST
from lib.refresh.splitting import MOST_FAILED_REPORTS, REFUSED
from lib.refresh.withheld import HOPELESS, MOST_DROPPED

_ID = {"account": "account_id", "campaign": "campaign_id", "adset": "adset_id", "ad": "ad_id"}
Dates = tuple[dt.date, dt.date]
Numbers = dict[int, dict[str, Any]]
"""By object, with the columns' names."""
Found = dict[Dates, Numbers]


@dataclass(frozen=True)
class Served:
    """One period: its numbers and the names of what Meta left out of them, or why it serves none at all."""

    objects: Numbers
    left_out: tuple[str, ...] = ()
    refusal: MetaError | None = None


@dataclass
class _Level:
    """What was in the way at one level. ``unserved`` counts the periods in a row of which nothing was served."""

    name: str
    sick: set[int] = field(default_factory=set)
    is_rest_sick: bool = False
    has_report_failed: bool = False
    unserved: int = 0
    refusal: MetaError | None = None

    @property
    def left_out(self) -> tuple[str, ...]:
        """The names of what is not asked for any more."""
        rest = ("campaigns that no list names",) if self.is_rest_sick else ()
        return (*(f"campaign {number}" for number in sorted(self.sick)), *rest)

    def is_hopeless(self, objects: Numbers) -> bool:
        """Whether it is no campaign's fault that so little is served."""
        lost = len(self.left_out)
        return lost >= MOST_DROPPED or (lost >= HOPELESS and not objects)

    def give_up(self, error: MetaError) -> None:
        """Note that nothing of a period was served; what seemed to be in the way was not."""
        self.sick.clear()
        self.is_rest_sick = False
        self.unserved += 1
        self.refusal = error


class _Hopeless(Exception):
    """Nothing helps; ``error`` is the last refusal."""

    def __init__(self, error: MetaError) -> None:
        super().__init__(error.message)
        self.error = error


class PeriodReader:
    """Periods of one account. It remembers, by level, the campaigns that are never served. It waits for the answers."""

    def __init__(self, service: MetaService, account_id: int) -> None:
        self._service = service
        self._account_id = account_id
        self._levels: dict[str, _Level] = {}
        self._campaigns: tuple[int, ...] | None = None
        self._failed_reports = 0

    def read(self, level: str, periods: Sequence[Dates]) -> dict[Dates, Served]:
        """Each of the periods, as far as Meta serves it; raises what asking for less does not help."""
        state = self._levels.setdefault(level, _Level(level))
        if state.unserved >= HOPELESS:
            return {dates: Served({}, refusal=state.refusal) for dates in periods}
        try:
            found = self._found(self._ask(state, periods))
        except REFUSED as error:
            self._check_alive(error)
            if len(periods) == 1:
                return {periods[0]: self._apart(state, periods[0], error)}
            middle = len(periods) // 2
            return self.read(level, periods[:middle]) | self.read(level, periods[middle:])
        state.unserved = 0
        return {dates: Served(found.get(dates, {}), state.left_out) for dates in periods}

    def _apart(self, state: _Level, dates: Dates, error: MetaError) -> Served:
        """One period that was refused: by report, then by campaigns."""
        try:
            objects = self._by_report(state, dates)
            if objects is None:
                objects = self._by_campaigns(state, dates, error)
        except _Hopeless as hopeless:
            state.give_up(hopeless.error)
            return Served({}, refusal=hopeless.error)
        state.unserved = 0
        return Served(objects, state.left_out)

    def _by_report(self, state: _Level, dates: Dates) -> Numbers | None:
        """None where the report was refused as well: then no other is asked for at this level."""
        if state.has_report_failed:
            return None
        try:
            return self._found(self._ask(state, [dates]), by_report=True).get(dates, {})
        except REFUSED as error:
            state.has_report_failed = True
            self._check_alive(error)
            return None

    def _by_campaigns(self, state: _Level, dates: Dates, error: MetaError) -> Numbers:
        listed = () if state.name == "account" else self._listed()
        if not listed:
            raise _Hopeless(error)
        objects: Numbers = {}
        ask = replace(self._ask(state, [dates]), without_campaigns=())
        for part in _halves(tuple(number for number in listed if number not in state.sick)):
            self._serve(state, replace(ask, campaign_ids=part), objects)
        if not state.is_rest_sick:
            self._serve(state, replace(ask, campaign_ids=None, without_campaigns=listed), objects)
        if state.left_out and not objects:
            raise _Hopeless(error)
        return objects

    def _serve(self, state: _Level, ask: InsightsAsk, objects: Numbers) -> None:
        """Put the numbers of these campaigns into ``objects``; a campaign that fails alone is left out from then on."""
        try:
            objects.update(self._found(ask).get(ask.periods[0], {}))
        except REFUSED as error:
            self._check_alive(error)
            self._failed_reports += isinstance(error, JobFailed)
            if self._failed_reports > MOST_FAILED_REPORTS:
                raise _Hopeless(error) from None
            if len(ask.campaign_ids or ()) > 1:
                for part in _halves(ask.campaign_ids or ()):
                    self._serve(state, replace(ask, campaign_ids=part), objects)
                return
            state.sick.update(ask.campaign_ids or ())
            state.is_rest_sick |= ask.campaign_ids is None
            if state.is_hopeless(objects):
                raise _Hopeless(error) from None

    def _ask(self, state: _Level, periods: Sequence[Dates]) -> InsightsAsk:
        """All of the account but for what is known to be in the way."""
        ask = InsightsAsk(
            self._account_id,
            min(since for since, _ in periods),
            max(until for _, until in periods),
            level=state.name,
            fields=fields.PERIOD_INSIGHT[state.name],
            periods=tuple(periods),
        )
        if state.is_rest_sick:
            return replace(ask, campaign_ids=tuple(one for one in self._listed() if one not in state.sick))
        return replace(ask, without_campaigns=tuple(sorted(state.sick)))

    def _found(self, ask: InsightsAsk, *, by_report: bool = False) -> Found:
        wanted = set(ask.periods)
        return gathered(
            self._service.reader(ask, by_report=by_report),
            dict,
            lambda found, rows: _take(found, rows, ask.level, wanted),
        )

    def _check_alive(self, error: MetaError) -> None:
        """Raise where asking for less would be in vain: an API that is down; what cannot be read was an answer."""
        if isinstance(error, Transient) and not isinstance(error, Unreadable):
            self._service.get_account(self._account_id)

    def _listed(self) -> tuple[int, ...]:
        """The account's campaigns as far as Meta lists them; the rest of them is asked for as such."""
        if self._campaigns is None:
            found: dict[int, None] = {}
            for size in (ENTITIES_A_PAGE, SMALL_LIST):
                try:
                    for page in self._service.get_campaign_ids(self._account_id, size):
                        found |= dict.fromkeys(page)
                except REFUSED:
                    continue
                break
            self._campaigns = tuple(found)
        return self._campaigns


def _halves(ids: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The ids in two parts; one id in one, none in none."""
    middle = len(ids) // 2
    return [part for part in (ids[:middle], ids[middle:]) if part]


def _take(found: Found, rows: Rows, level: str, wanted: set[Dates]) -> None:
    for row in rows:
        try:
            dates = dt.date.fromisoformat(row["date_start"]), dt.date.fromisoformat(row["date_stop"])
            number = int(row[_ID[level]])
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable("Meta sent reach without its object or its period.") from error
        if dates not in wanted:
            raise Unreadable(f"Meta sent reach of {dates[0]} to {dates[1]}, which was not asked for.")
        found.setdefault(dates, {})[number] = _values(row)


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "spend_micros": micros(row.get("spend")),
        "impressions": whole(row.get("impressions")),
        "reach": _counted(row.get("reach")),
        "unique_clicks": _counted(row.get("unique_clicks")),
        "unique_link_clicks": _counted(row.get("unique_inline_link_clicks")),
        **{name: _word(row.get(name)) for name in fields.RANKINGS},
    }


def _counted(value: Any) -> int | None:
    return None if value is None else whole(value)


def _word(value: Any) -> str | None:
    """A ranking in Meta's words; its UNKNOWN, for too few impressions, is none."""
    return None if value in (None, "", "UNKNOWN") else str(value).replace("\x00", "")
