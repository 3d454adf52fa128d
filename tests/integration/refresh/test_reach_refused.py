"""Reach that Meta refuses: asked for in pieces, left out by name, told; and periods that nobody offers any more."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from lib.meta.errors import TooMuchData, Transient
from lib.refresh.reach import MOST_NAMES, NIGHTLY
from lib.store.engine import Store
from tests.clocks import FakeClock
from tests.fixtures_meta import HandMade
from tests.fixtures_sandbox import LAST_DAY, PRESENT
from tests.fixtures_wire import Answer, Asked, Wire, ok, refusal
from tests.integration.refresh.refreshing import add_account, refresh

ACCOUNT = 501
DAY = dt.timedelta(days=1)
PERIOD = (LAST_DAY - 9 * DAY, LAST_DAY)
TOO_MUCH = refusal(400, 100, 1487534, "Please reduce the amount of data")
POISON = refusal(500, 1, 99, "An unknown error occurred")
UNREADABLE = ok({"data": [{"date_start": "2026-05-01", "date_stop": "2026-05-01", "reach": "10"}]})
PERIODS = "SELECT DISTINCT level, since, until FROM period_slice"


class Periods:
    """Four campaigns, one ad set and ad each, of 10 people in every period.

    ``refused`` says what to a question of a level, campaigns and periods, by a report or not; None is an answer.
    """

    campaigns: tuple[int, ...] = (100, 200, 300, 400)

    def __init__(self, wire: Wire, hand_made: HandMade) -> None:
        self._reply, self._reports = wire.reply, list[Asked]()
        self._wire = wire
        self.refused: Callable[[str, set[int], int, bool], Answer | None] = lambda *_: None
        wire.reply = self._answer
        hand_made.add_account(ACCOUNT)
        hand_made.edges[ACCOUNT, "campaigns"] = [{"id": str(number), "name": "C"} for number in self.campaigns]

    def asked(self, level: str) -> list[Asked]:
        """The calls for periods of this level."""
        return [asked for asked in self._wire.asked if "time_ranges" in asked.params and asked.params["level"] == level]

    def _answer(self, asked: Asked) -> Answer:
        name, _, edge = asked.path.partition("/")
        if name.startswith("7000"):
            report = self._reports[int(name.removeprefix("7000"))]
            return self._rows(report, by_report=True) if edge == "insights" else self._status(report)
        if "time_ranges" not in asked.params:
            return self._reply(asked)
        if asked.method == "POST":
            self._reports.append(asked)
            return ok({"report_run_id": f"7000{len(self._reports) - 1}"})
        return self._rows(asked, by_report=False)

    def _status(self, asked: Asked) -> Answer:
        failed = self._rows(asked, by_report=True).status != 200
        return ok({"async_status": "Job Failed" if failed else "Job Completed", "async_percent_completion": 100})

    def _rows(self, asked: Asked, *, by_report: bool) -> Answer:
        level, spans = asked.params["level"], json.loads(asked.params["time_ranges"])
        campaigns = set(self.campaigns)
        for one in json.loads(asked.params.get("filtering", "[]")):
            if one["field"] == "campaign.id":
                named = set(map(int, one["value"]))
                campaigns = campaigns & named if one["operator"] == "IN" else campaigns - named
        refused = self.refused(level, campaigns, len(spans), by_report)
        ids = [ACCOUNT] if level == "account" else sorted(campaigns)
        return refused or ok({"data": [self._row(level, number, span) for span in spans for number in ids]})

    def _row(self, level: str, number: int, span: dict[str, str]) -> dict[str, str]:
        dates = {"date_start": span["since"], "date_stop": span["until"]}
        return {f"{level}_id": str(number), **dates, "spend": "1.00", "impressions": "20", "reach": "10"}


@pytest.fixture
async def periods(store: Store, wire: Wire, hand_made: HandMade) -> Periods:
    await add_account(store, ACCOUNT)
    return Periods(wire, hand_made)


async def rows(store: Store, query: str, **values: Any) -> list[tuple[Any, ...]]:
    async with store.working() as session:
        return [tuple(row) for row in await session.execute(text(query), values)]


async def fetch(store: Store, wire: Wire, kind: str = "reach", now: dt.datetime = PRESENT) -> None:
    span = PERIOD if kind == "reach" else None
    await refresh(store, wire.url, ACCOUNT, now=now, kind=kind, span=span, clock=FakeClock())


async def served(store: Store, level: str) -> tuple[list[int], list[str | None]]:
    """The objects of the level that have reach, and what is said of its periods."""
    objects = await rows(
        store,
        "SELECT DISTINCT object_id FROM period_insight WHERE level = :level AND reach = 10 ORDER BY 1",
        level=level,
    )
    reasons = await rows(
        store, "SELECT DISTINCT unavailable_reason FROM period_slice WHERE level = :level", level=level
    )
    return [number for (number,) in objects], [reason for (reason,) in reasons]


async def test_a_period_that_is_too_much_for_an_answer_comes_by_report(
    store: Store, wire: Wire, periods: Periods
) -> None:
    periods.refused = lambda level, _campaigns, _spans, by_report: TOO_MUCH if level == "ad" and not by_report else None
    await fetch(store, wire)
    assert await served(store, "ad") == ([100, 200, 300, 400], [None])
    assert [asked.method for asked in periods.asked("ad")] == ["GET", "POST"]


@pytest.mark.parametrize("answer", [TOO_MUCH, POISON], ids=["too much", "poison"])
@pytest.mark.parametrize("level", ["campaign", "adset", "ad"])
async def test_what_no_report_serves_is_put_together_from_campaigns(
    store: Store, wire: Wire, periods: Periods, level: str, answer: Answer
) -> None:
    periods.refused = lambda asked, campaigns, *_: answer if asked == level and len(campaigns) > 1 else None
    await fetch(store, wire)
    for each in ("campaign", "adset", "ad"):
        assert await served(store, each) == ([100, 200, 300, 400], [None])


@pytest.mark.parametrize("answer", [POISON, UNREADABLE], ids=["poison", "unreadable"])
@pytest.mark.parametrize("kind", ["reach", "nightly"])
async def test_a_campaign_that_fails_alone_is_left_out_by_name(
    store: Store, wire: Wire, periods: Periods, kind: str, answer: Answer
) -> None:
    periods.refused = lambda level, campaigns, *_: answer if level == "ad" and 300 in campaigns else None
    await fetch(store, wire, kind)
    assert await served(store, "ad") == ([100, 200, 400], ["Meta did not serve it for campaign 300."])
    assert await served(store, "adset") == ([100, 200, 300, 400], [None])


async def test_campaigns_that_no_list_names_are_served_and_left_out_as_such(
    store: Store, wire: Wire, hand_made: HandMade, periods: Periods
) -> None:
    del hand_made.edges[ACCOUNT, "campaigns"][3]
    periods.refused = lambda level, campaigns, *_: TOO_MUCH if level == "ad" and len(campaigns) > 1 else None
    await fetch(store, wire)
    assert await served(store, "ad") == ([100, 200, 300, 400], [None])
    periods.refused = lambda level, campaigns, *_: POISON if level == "ad" and 400 in campaigns else None
    await fetch(store, wire)
    reason = "Meta did not serve it for campaigns that no list names."
    assert await served(store, "ad") == ([100, 200, 300], [reason])


async def test_what_is_in_the_way_is_looked_for_once_for_all_periods(
    store: Store, wire: Wire, periods: Periods
) -> None:
    periods.refused = lambda level, campaigns, *_: TOO_MUCH if level == "ad" and 300 in campaigns else None
    await fetch(store, wire, "nightly")
    days = len(set(await rows(store, PERIODS + " WHERE level = 'ad'")))
    assert days == len(NIGHTLY["ad"])
    assert len(periods.asked("ad")) <= 14, "calls for the ads of all periods"


@pytest.mark.parametrize("level", ["account", "ad"])
@pytest.mark.parametrize("answer", [TOO_MUCH, POISON], ids=["too much", "poison"])
async def test_a_level_that_is_never_served_says_so_after_a_night_and_is_asked_for_again(
    store: Store, wire: Wire, periods: Periods, level: str, answer: Answer
) -> None:
    periods.refused = lambda asked, *_: answer if asked == level else None
    await fetch(store, wire, "nightly")
    objects, (reason,) = await served(store, level)
    assert objects == []
    assert (reason or "").startswith("Meta did not serve it: Meta ")
    found = await rows(store, PERIODS + " WHERE level = :level", level=level)
    assert len(found) >= len(NIGHTLY[level]) - 1, "every period says so"
    assert (await served(store, "adset"))[1] == [None], "no other level goes without"
    periods.refused = lambda *_: None
    await fetch(store, wire, "nightly")
    assert (await served(store, level))[1] == [None]


async def test_numbers_that_are_there_outlive_a_night_of_refusals(store: Store, wire: Wire, periods: Periods) -> None:
    await fetch(store, wire, "nightly")
    whole = await served(store, "ad")
    await rows(store, "UPDATE period_slice SET fetched_at = :then RETURNING 1", then=PRESENT - 20 * DAY)
    periods.refused = lambda level, *_: POISON if level == "ad" else None
    await fetch(store, wire, "nightly")
    assert await served(store, "ad") == whole == ([100, 200, 300, 400], [None])


async def test_a_run_for_a_period_says_what_was_refused(store: Store, wire: Wire, periods: Periods) -> None:
    periods.refused = lambda level, *_: TOO_MUCH if level == "ad" else None
    with pytest.raises(TooMuchData) as told:
        await fetch(store, wire)
    assert told.value.remedy
    objects, (reason,) = await served(store, "ad")
    assert (objects, reason) == ([], f"Meta did not serve it: {told.value.message}")
    assert (await served(store, "adset"))[0] == [100, 200, 300, 400]


async def test_an_api_that_is_down_is_not_asked_for_less(
    store: Store, wire: Wire, hand_made: HandMade, periods: Periods
) -> None:
    def down(level: str, *_: Any) -> Answer | None:
        if level != "ad":
            return None
        hand_made.refuse[f"act_{ACCOUNT}"] = POISON
        return POISON

    periods.refused = down
    with pytest.raises(Transient):
        await fetch(store, wire)
    assert {asked.method for asked in periods.asked("ad")} == {"GET"}
    assert not [asked for asked in periods.asked("ad") if "campaign.id" in asked.params["filtering"]]


async def test_many_campaigns_that_were_left_out_are_counted(
    store: Store, wire: Wire, hand_made: HandMade, periods: Periods
) -> None:
    sick = range(1000, 1000 + MOST_NAMES + 1)
    periods.campaigns = (100, 200, *sick)
    hand_made.edges[ACCOUNT, "campaigns"] = [{"id": str(number), "name": "C"} for number in periods.campaigns]
    periods.refused = lambda level, campaigns, *_: TOO_MUCH if level == "ad" and campaigns & set(sick) else None
    await fetch(store, wire)
    assert await served(store, "ad") == ([100, 200], [f"Meta did not serve it for {MOST_NAMES + 1} campaigns."])


async def test_periods_that_are_no_presets_any_more_go_when_they_are_old(
    store: Store, wire: Wire, periods: Periods
) -> None:
    await fetch(store, wire)
    await fetch(store, wire, "nightly")
    first = set(await rows(store, PERIODS))
    old = set(await rows(store, PERIODS + " WHERE level = 'ad' ORDER BY 2, 3"))
    await rows(
        store, "UPDATE period_slice SET fetched_at = :then WHERE level = 'ad' RETURNING 1", then=PRESENT - 35 * DAY
    )
    await fetch(store, wire, "nightly", now=PRESENT + DAY)
    second = set(await rows(store, PERIODS))
    gone = first - second
    assert gone < old, "what is no preset any more, and nothing that was fetched of late"
    assert ("ad", *PERIOD) in gone
    presets = set(await rows(store, PERIODS + " WHERE level = 'ad'"))
    assert len(presets) <= len(NIGHTLY["ad"]), "only today's presets are left of the old ones"
    kept = await rows(store, "SELECT DISTINCT level, since, until FROM period_insight")
    assert set(kept) == second, "the rows of a period go and stay with it"


async def test_a_preset_stays_however_long_ago_it_was_fetched(store: Store, wire: Wire, periods: Periods) -> None:
    await fetch(store, wire, "nightly")
    then = dt.date(PRESENT.year - 1, 1, 1), dt.date(PRESENT.year - 1, 12, 31)
    await rows(store, "UPDATE period_slice SET fetched_at = :then RETURNING 1", then=PRESENT - 300 * DAY)
    asked = len(periods.asked("campaign"))
    await fetch(store, wire, "nightly", now=PRESENT + DAY)
    assert ("campaign", *then) in await rows(store, PERIODS)
    assert len(periods.asked("campaign")) > asked
