"""What Meta refuses of one day, one breakdown set or one call stops nothing else, and is told in the end."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from lib.errors import MetaError
from lib.meta.errors import WrongRequest
from lib.store.engine import Store
from tests.account_on_the_wire import Question
from tests.clocks import FakeClock
from tests.fixtures_meta import HandMade
from tests.fixtures_sandbox import LAST_DAY, PRESENT
from tests.fixtures_wire import Answer, Asked, Wire, ok, refusal
from tests.integration.refresh.refreshing import add_account, refresh

ACCOUNT = 501
DAYS = [LAST_DAY - dt.timedelta(days=age) for age in range(6)]
BAD = DAYS[2]
POISON = refusal(500, 1, 99, "An unknown error occurred")
SEGMENTS = {
    "hourly_stats_aggregated_by_advertiser_time_zone": "01:00:00 - 01:59:59",
    "country": "DE",
    "region": "North",
    "device_platform": "desktop",
}
Refuse = Callable[[Asked], Answer | None]


def covers(asked: Asked, date: dt.date) -> bool:
    span = json.loads(asked.params["time_range"])
    return bool(span["since"] <= date.isoformat() <= span["until"])


class Api:
    """The hand-made account with an ad on each day, in every breakdown; ``refuse`` answers in its place."""

    def __init__(self, wire: Wire, hand_made: HandMade) -> None:
        self.url = hand_made.url
        self.refuse: Refuse = lambda asked: None
        self.insights: list[Asked] = []
        self._reply = wire.reply
        wire.reply = self._answer
        hand_made.add_account(ACCOUNT)
        for date in DAYS:
            hand_made.add_row(ACCOUNT, date, 1)

    def _answer(self, asked: Asked) -> Answer:
        if "time_range" not in asked.params:
            return self._reply(asked)
        self.insights.append(asked)
        refused, question = self.refuse(asked), Question.of(asked.params)
        if refused:
            return refused
        found = [row for row in json.loads(self._reply(asked).body)["data"] if question.wants(row)]
        return ok({"data": [{**row, **{name: SEGMENTS[name] for name in question.breakdowns}} for row in found]})


@pytest.fixture
async def api(store: Store, wire: Wire, hand_made: HandMade) -> Api:
    await add_account(store, ACCOUNT)
    return Api(wire, hand_made)


async def rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    async with store.working() as session:
        return [tuple(row) for row in await session.execute(text(query))]


async def run(store: Store, api: Api, *breakdowns: str) -> None:
    span = (DAYS[-1], DAYS[0])
    await refresh(store, api.url, ACCOUNT, now=PRESENT, span=span, breakdowns=breakdowns, clock=FakeClock())


async def test_a_bad_day_that_is_a_call_of_its_own_costs_no_other_day_and_no_other_set(store: Store, api: Api) -> None:
    api.refuse = lambda asked: POISON if "hourly" in asked.params.get("breakdowns", "") and covers(asked, BAD) else None
    with pytest.raises(MetaError):
        await run(store, api, "hour", "country")
    stored = dict(await rows(store, "SELECT breakdown, array_agg(date ORDER BY date DESC) FROM slice GROUP BY 1"))
    assert stored == {"": DAYS, "hour": [day for day in DAYS if day != BAD], "country": DAYS}
    assert await rows(store, "SELECT name FROM ad") == [("Ad 1",)]


async def test_a_bad_day_of_a_large_account_costs_no_older_day(store: Store, api: Api) -> None:
    await rows(
        store,
        "INSERT INTO learned_span (account_id, breakdown, rows_a_day, most_days, learned_at)"
        f" VALUES ({ACCOUNT}, '', 4000, 1, now()) RETURNING 1",
    )
    api.refuse = lambda asked: POISON if asked.params["level"] == "ad" and covers(asked, BAD) else None
    with pytest.raises(MetaError):
        await run(store, api)
    assert await rows(store, "SELECT date FROM slice ORDER BY 1 DESC") == [(day,) for day in DAYS if day != BAD]


async def test_a_row_that_cannot_be_read_leaves_its_day_incomplete_and_no_other(
    store: Store, api: Api, wire: Wire, hand_made: HandMade
) -> None:
    del hand_made.add_row(ACCOUNT, BAD, 2)["adset_id"]
    hand_made.edges[ACCOUNT, "campaigns"] = [{"id": "100", "name": "One"}, {"id": "200", "name": "Two"}]
    reply = wire.reply
    wire.reply = lambda asked: ok({"data": [{"id": asked.path[0]}]}) if asked.path.endswith("00/ads") else reply(asked)
    await run(store, api, "country")
    found = await rows(store, "SELECT date, is_complete, incomplete_reason, rows, meta_spend_micros FROM slice"
                              " WHERE breakdown = '' ORDER BY date DESC")  # fmt: skip
    reason = "Meta did not serve: campaign 200 (unreadable)"
    expected = [(day, True, None, 1, 1_000_000) for day in DAYS]
    expected[2] = (BAD, False, reason, 1, 2_000_000)
    assert found == expected
    sets = await rows(store, "SELECT breakdown, incomplete_reason FROM slice WHERE NOT is_complete ORDER BY 1")
    assert sets == [("", reason), ("country", reason)]


async def test_a_set_that_meta_calls_wrong_stops_no_other(store: Store, api: Api) -> None:
    api.refuse = lambda asked: refusal(400, 100) if asked.params.get("breakdowns") == "country" else None
    with pytest.raises(WrongRequest):
        await run(store, api, "country", "region", "device")
    stored = dict(await rows(store, "SELECT breakdown, count(*) FROM slice GROUP BY 1"))
    assert stored == {"": 6, "region": 6, "device": 6}
    assert len([asked for asked in api.insights if asked.params.get("breakdowns") == "country"]) <= 3
    assert await rows(store, "SELECT name FROM ad") == [("Ad 1",)]


async def test_a_broken_creative_on_the_yardstick_costs_no_ad_day(store: Store, api: Api) -> None:
    api.refuse = lambda asked: refusal(400, 100, 2446289) if asked.params["level"] == "account" else None
    await run(store, api)
    found = await rows(store, "SELECT DISTINCT rows, is_complete, meta_spend_micros, incomplete_reason FROM slice")
    assert found == [(1, False, None, "Meta did not serve: Meta's own number of the account")]


async def test_a_yardstick_that_meta_calls_wrong_costs_no_ad_day_and_is_told(store: Store, api: Api) -> None:
    api.refuse = lambda asked: refusal(400, 100) if asked.params["level"] == "account" else None
    with pytest.raises(WrongRequest):
        await run(store, api, "country")
    found = await rows(store, "SELECT breakdown, rows, is_complete, incomplete_reason FROM slice GROUP BY 1, 2, 3, 4")
    assert sorted(found) == [
        ("", 1, False, "Meta did not serve: Meta's own number of the account"),
        ("country", 1, True, None),
    ]
    assert await rows(store, "SELECT name FROM ad") == [("Ad 1",)]


async def test_a_yardstick_whose_server_is_in_trouble_costs_no_ad_day(store: Store, api: Api) -> None:
    api.refuse = lambda asked: refusal(503, 0) if asked.params["level"] == "account" else None
    await run(store, api)
    found = await rows(store, "SELECT DISTINCT rows, is_complete, meta_spend_micros FROM slice")
    assert found == [(1, False, None)]


async def test_a_second_look_at_a_yardstick_that_meta_calls_wrong_leaves_the_first_one(store: Store, api: Api) -> None:
    looks: list[Asked] = []

    def refuse(asked: Asked) -> Answer | None:
        if asked.params["level"] != "account":
            return None
        looks.append(asked)
        found = json.loads(api._reply(asked).body)["data"]
        return refusal(400, 100) if len(looks) > 1 else ok({"data": [{**row, "spend": "9.00"} for row in found]})

    api.refuse = refuse
    await run(store, api)
    assert len(looks) > 1
    assert await rows(store, "SELECT DISTINCT is_complete, meta_spend_micros FROM slice") == [(True, 9_000_000)]


async def test_a_yardstick_that_was_not_served_is_asked_for_at_once_where_its_days_are_named(
    store: Store, api: Api
) -> None:
    api.refuse = lambda asked: refusal(400, 100, 2446289) if asked.params["level"] == "account" else None
    await run(store, api)
    known = "SELECT DISTINCT is_complete, meta_spend_micros FROM slice"
    assert await rows(store, known) == [(False, None)]
    api.refuse = lambda asked: None
    await run(store, api)
    assert await rows(store, known) == [(True, 1_000_000)]


async def test_a_second_look_that_was_refused_is_not_taken_for_one(store: Store, api: Api, hand_made: HandMade) -> None:
    looks: list[Asked] = []

    def refuse(asked: Asked) -> Answer | None:
        if asked.params["level"] == "account":
            answer = api._reply(asked)
            found = json.loads(answer.body)["data"]
            return ok({"data": [{**row, "spend": "9.00"} for row in found]})
        looks.append(asked)
        return refusal(400, 100, 1487534) if len(looks) > 1 else None

    api.refuse = refuse
    await run(store, api)
    assert len(looks) > 1
    assert await rows(store, "SELECT DISTINCT looked_twice_for FROM slice") == [(None,)]


async def test_a_token_that_dies_in_mid_run_leaves_no_object_without_a_name(store: Store, api: Api) -> None:
    api.refuse = lambda asked: refusal(400, 190, 463) if asked.params.get("breakdowns") else None
    with pytest.raises(MetaError):
        await run(store, api, "country")
    assert await rows(store, "SELECT name FROM campaign") == [("Campaign 1",)]
    assert await rows(store, "SELECT count(*) FROM slice") == [(6,)]


async def test_what_one_set_went_without_is_tried_first_in_the_next(store: Store, api: Api) -> None:
    too_much = refusal(400, 100, 1487534)
    api.refuse = lambda asked: too_much if "actions" in asked.params["fields"].split(",") else None
    day = (DAYS[0], DAYS[0])
    await refresh(store, api.url, ACCOUNT, now=PRESENT, span=day, breakdowns=("country", "device"), clock=FakeClock())
    sets = Counter(asked.params.get("breakdowns", "") for asked in api.insights if asked.params["level"] == "ad")
    of_device = len(["the whole", "without the field", "the field alone"])
    assert sets["country"] == sets["device_platform"] == of_device < sets[""]
    found = await rows(store, "SELECT breakdown, incomplete_reason FROM slice WHERE breakdown <> '' ORDER BY 1")
    assert found == [(name, "Meta did not serve: actions") for name in ("country", "device")]
