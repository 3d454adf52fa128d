"""Charts and pivots of more groups than the Explore page takes: each number that is drawn is the store's."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from typing import Any

import pandas as pd
import pytest
import pytest_asyncio
import streamlit as st
from sqlalchemy import text

from dashboard import bridge, frames
from dashboard.explore import asking, charted, marks
from dashboard.explore.asking import Answer
from dashboard.explore.queries import MOST_ROWS
from dashboard.explore.view import ExploreView
from lib.insights.filters import Filter
from lib.insights.query import Top
from lib.store.engine import Store
from tests import factories
from tests.unit.dashboard.explore.answers import selection_of

ADS, CAMPAIGNS = range(1, 651), 20
DAYS = [dt.date(2026, 8, 23) + dt.timedelta(days=number) for number in range(90)]
LATE = 1
"""An ad that is the largest by what it spends on the last day, and among the smallest until then."""
RARE = 650
"""One of the largest ads, without a row on the even days."""
LARGEST = {1, *range(644, 651)}
Ask = Callable[..., Any]


def spent(ad: int, day: dt.date) -> float:
    """What the ad spent, 0 where it has no row."""
    number = DAYS.index(day) + 1
    if ad == RARE and number % 2 == 0:
        return 0
    return 90_000 if ad == LATE and day == DAYS[-1] else ad * (3 if ad == RARE else 1) + number


@pytest_asyncio.fixture
async def ask(store: Store) -> AsyncIterator[Ask]:
    """Asks a view of an account with more ad-days than the page takes groups."""

    async def asked(**parts: Any) -> Answer:
        view = ExploreView(**{"metrics": ("spend",), "since": DAYS[0], "until": DAYS[-1], **parts})
        viewer = factories.viewer_of([11])
        return await asyncio.to_thread(
            lambda: asking.ask(view, selection_of(view), frames.reader(viewer), is_comparable=False)
        )

    async with store.working() as session:
        await factories.add_account(session, 11, await factories.add_client(session, "acme"))
        for campaign in range(1, CAMPAIGNS + 1):
            await factories.add_campaign(session, 11, campaign)
        rows = text(
            "INSERT INTO insight (account_id, date, ad_id, adset_id, campaign_id, spend_micros, reach)"
            " SELECT 11, :first + n - 1, ad, ad, 1 + ad % :campaigns,"
            " 1000000::bigint * CASE WHEN ad = :late AND n = 90 THEN 90000 WHEN ad = :rare THEN 3 * ad + n"
            " ELSE ad + n END, 7"
            " FROM generate_series(1, 650) AS ad, generate_series(1, 90) AS n WHERE NOT (ad = :rare AND n % 2 = 0)"
        )
        await session.execute(rows, {"first": DAYS[0], "campaigns": CAMPAIGNS, "late": LATE, "rare": RARE})
    bridge.attach(asyncio.get_running_loop(), store)
    st.cache_resource.clear()
    yield asked
    bridge.detach()
    st.cache_resource.clear()


async def drawn(answer: Answer, chart: str, make: Callable[[Answer], pd.DataFrame]) -> pd.DataFrame:
    """The marks of a chart."""
    found = await asyncio.to_thread(lambda: charted.charted(answer, chart))
    assert found is not None
    return make(found)


def lines(answer: Answer) -> pd.DataFrame:
    return marks.along_time(answer, whole=True)


@pytest.mark.parametrize(
    "parts",
    [
        {"group_by": ("date", "ad")},
        {"group_by": ("ad", "date"), "order": "-spend"},
        {"group_by": ("date", "campaign", "ad")},
        {"group_by": ("date", "ad"), "top": Top("ad", "spend", 640)},
        {"group_by": ("ad", "date"), "pivot": "date", "metrics": ("spend", "roas")},
    ],
)
async def test_lines_are_of_the_largest_groups_of_the_whole_period(ask: Ask, parts: dict[str, Any]) -> None:
    answer = await ask(**parts)
    assert answer.is_cut
    found = await drawn(answer, "line", lines)
    ids = found["of"].map(lambda each: int(each.split("\x1f")[-1]))
    assert set(ids) == LARGEST
    assert len(found) == len(LARGEST) * len(DAYS)
    assert found["value"].tolist() == [spent(ad, day) for ad, day in zip(ids, found["place"], strict=True)]


async def test_stacked_bars_add_up_to_all_that_was_spent(ask: Ask) -> None:
    found = await drawn(await ask(group_by=("date", "ad")), "stacked", marks.stacks)
    named = found[found["of"] != ""]
    assert {int(each) for each in named["of"]} == LARGEST
    assert named["value"].tolist() == [spent(int(ad), day) for ad, day in zip(named["of"], named["place"], strict=True)]
    assert found.groupby("place")["value"].sum().to_dict() == {day: sum(spent(ad, day) for ad in ADS) for day in DAYS}


async def test_the_cells_of_a_heat_map_are_of_the_largest_groups(ask: Ask) -> None:
    found = await drawn(await ask(group_by=("ad", "date"), order="ad"), "heat", marks.cells)
    assert {int(each) for each in found["of"]} == {1, *range(622, 651)}
    assert found["value"].tolist() == [spent(int(ad), day) for ad, day in zip(found["of"], found["place"], strict=True)]
    assert found[found["of"] == str(RARE)]["place"].tolist() == DAYS[::2]


@pytest.mark.parametrize(
    ("parts", "chart"),
    [
        ({"group_by": ("date", "ad"), "having": (Filter("spend", "<", ("1000",)),)}, "line"),
        ({"group_by": ("date", "ad"), "metrics": ("reach",)}, "line"),
        ({"group_by": ("date", "adset", "ad")}, "stacked"),
    ],
)
async def test_there_is_no_chart_where_no_question_of_few_groups_can_answer(
    ask: Ask, parts: dict[str, Any], chart: str
) -> None:
    answer = await ask(**parts)
    assert answer.is_cut
    assert await asyncio.to_thread(lambda: charted.charted(answer, chart)) is None
    assert charted.charted(answer, "bar") is answer


async def test_totals_by_a_dimension_are_bounded_like_the_rows(ask: Ask) -> None:
    answer = await ask(group_by=("date", "ad"))
    found = await asyncio.to_thread(lambda: answer.totals(("date", "ad")))
    assert len(found) == MOST_ROWS + 1
