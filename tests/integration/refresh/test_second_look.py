"""A slice whose ads do not add up to Meta's own number is fetched once more, and once only for the same difference."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Container
from decimal import Decimal

import pytest
from sqlalchemy import text

from lib.store.engine import Store
from lib.store.repositories import slices
from tests.fixtures_meta import HandMade
from tests.fixtures_sandbox import LAST_DAY, PRESENT
from tests.fixtures_wire import Answer, Asked, Wire, ok, refusal
from tests.integration.refresh.refreshing import add_account, refresh

ACCOUNT = 501
SPAN = (LAST_DAY - dt.timedelta(days=1), LAST_DAY)


class WithheldAds:
    """Two ads a day of 1.00; the account's own number of the last day has ``withheld`` more.

    Of the calls for the account's own numbers those whose places are among the ``refused`` are too much for Meta.
    """

    def __init__(self, wire: Wire, hand_made: HandMade) -> None:
        self._reply = wire.reply
        self._wire = wire
        self.withheld = Decimal(0)
        self.yardsticks = 0
        self.refused: Container[int] = ()
        wire.reply = self._answer
        hand_made.add_account(ACCOUNT)
        for date in SPAN:
            for ad in (1, 2):
                hand_made.add_row(ACCOUNT, date, ad)

    def _answer(self, asked: Asked) -> Answer:
        answer = self._reply(asked)
        if asked.params.get("level") != "account" or "time_range" not in asked.params:
            return answer
        self.yardsticks += 1
        if self.yardsticks in self.refused:
            return refusal(400, 100, 1487534)
        body = json.loads(answer.body)
        for row in body["data"]:
            if row["date_start"] == LAST_DAY.isoformat():
                row["spend"] = str(Decimal(row["spend"]) + self.withheld)
        return ok(body)

    def asked(self, level: str) -> list[str]:
        """The spans of the calls of this level since the last look."""
        found = [
            asked.params["time_range"] for asked in self._wire.asked
            if asked.params.get("level") == level and "time_range" in asked.params
        ]  # fmt: skip
        self._wire.asked.clear()
        return found


@pytest.fixture
async def ads(store: Store, wire: Wire, hand_made: HandMade) -> WithheldAds:
    await add_account(store, ACCOUNT)
    return WithheldAds(wire, hand_made)


async def run(store: Store, hand_made: HandMade) -> None:
    await refresh(store, hand_made.url, ACCOUNT, now=PRESENT, span=SPAN)


async def noted(store: Store) -> list[tuple[dt.date, dict[str, int] | None]]:
    async with store.working() as session:
        found = await session.execute(text("SELECT date, looked_twice_for FROM slice ORDER BY 1"))
        return [(date, difference) for date, difference in found]


async def test_days_that_add_up_are_fetched_once(store: Store, hand_made: HandMade, ads: WithheldAds) -> None:
    await run(store, hand_made)
    assert len(ads.asked("ad")) == 1
    assert await noted(store) == [(date, None) for date in SPAN]


async def test_a_difference_is_looked_at_twice_and_then_kept(
    store: Store, hand_made: HandMade, ads: WithheldAds
) -> None:
    ads.withheld = Decimal("0.25")
    await run(store, hand_made)
    first, second = ads.asked("ad")
    assert json.loads(second) == {"since": LAST_DAY.isoformat(), "until": LAST_DAY.isoformat()} != json.loads(first)
    assert await noted(store) == [(SPAN[0], None), (LAST_DAY, {"spend_micros": -250_000})]
    await run(store, hand_made)
    assert len(ads.asked("ad")) == 1, "the same difference is not looked at again"
    assert await noted(store) == [(SPAN[0], None), (LAST_DAY, {"spend_micros": -250_000})]


async def test_another_difference_is_looked_at_again_and_one_that_is_over_is_forgotten(
    store: Store, hand_made: HandMade, ads: WithheldAds
) -> None:
    ads.withheld = Decimal("0.25")
    await run(store, hand_made)
    ads.withheld = Decimal("0.50")
    ads.asked("ad")
    await run(store, hand_made)
    assert len(ads.asked("ad")) == 2
    assert (await noted(store))[1] == (LAST_DAY, {"spend_micros": -500_000})
    ads.withheld = Decimal(0)
    await run(store, hand_made)
    assert await noted(store) == [(date, None) for date in SPAN]


async def test_a_yardstick_that_the_second_look_lost_leaves_the_first_one(
    store: Store, hand_made: HandMade, ads: WithheldAds
) -> None:
    ads.withheld, ads.refused = Decimal("0.25"), {2}
    await run(store, hand_made)
    assert len(ads.asked("ad")) == 2
    assert await noted(store) == [(SPAN[0], None), (LAST_DAY, {"spend_micros": -250_000})]
    async with store.working() as session:
        kept = await session.execute(text("SELECT DISTINCT is_complete, incomplete_reason FROM slice"))
        assert kept.all() == [(True, None)]


async def test_what_was_looked_at_twice_is_remembered_while_the_yardstick_is_away(
    store: Store, hand_made: HandMade, ads: WithheldAds
) -> None:
    ads.withheld = Decimal("0.25")
    await run(store, hand_made)
    ads.refused = range(100)
    await run(store, hand_made)
    assert (await noted(store))[1] == (LAST_DAY, {"spend_micros": -250_000})
    ads.refused = ()
    ads.asked("ad")
    await run(store, hand_made)
    assert len(ads.asked("ad")) == 1, "the same difference is not looked at again"


async def test_a_number_without_a_yardstick_is_no_difference_and_no_match(
    store: Store, hand_made: HandMade, ads: WithheldAds
) -> None:
    ads.withheld = Decimal("0.25")
    await run(store, hand_made)
    async with store.working() as session:
        await session.execute(text("UPDATE slice SET meta_spend_micros = NULL, meta_clicks = 7"))
        found = await slices.differences(session, ACCOUNT, SPAN)
        assert [difference for difference, _ in found.values()] == [{"clicks": -7}] * 2
        await session.execute(text("UPDATE slice SET meta_clicks = 0"))
        assert await slices.differences(session, ACCOUNT, SPAN) == {}
        await slices.forget_second_looks(session, ACCOUNT, SPAN)
    assert (await noted(store))[1] == (LAST_DAY, {"spend_micros": -250_000}), "nobody knows that it is over"
