"""Changes on the Explore page: each group is set against itself, a share against a share of the same whole."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pandas as pd
import pytest
import pytest_asyncio
import streamlit as st

from dashboard import bridge, frames
from dashboard.explore import asking, changes, words
from dashboard.explore.asking import Answer
from dashboard.explore.view import ExploreView
from dashboard.formats import Delta
from lib.insights.filters import Filter
from lib.insights.query import Top
from lib.store.engine import Store
from tests import factories
from tests.unit.dashboard.explore.answers import selection_of

NOW, BEFORE = dt.date(2026, 11, 10), dt.date(2026, 10, 13)
A, B, C = 1, 2, 3
Amounts = Mapping[int, int]
Ask = Callable[..., Any]


@pytest_asyncio.fixture
async def ask(store: Store) -> AsyncIterator[Ask]:
    """Asks a view of an account whose campaigns spent ``now`` and ``before``; purchase value is twice that."""

    async def asked(now: Amounts, before: Amounts, *, described: tuple[int, ...] = (A, B, C), **parts: Any) -> Answer:
        await fill(store, now, before, described)
        view = ExploreView(**parts)
        viewer = factories.viewer_of([11])
        bridge.attach(asyncio.get_running_loop(), store)
        return await asyncio.to_thread(
            lambda: asking.ask(view, selection_of(view), frames.reader(viewer), is_comparable=True)
        )

    st.cache_resource.clear()
    yield asked
    bridge.detach()
    st.cache_resource.clear()


async def fill(store: Store, now: Amounts, before: Amounts, described: tuple[int, ...]) -> None:
    async with store.working() as session:
        await factories.add_account(session, 11, await factories.add_client(session, "acme"))
        for campaign in described:
            await factories.add_campaign(session, 11, campaign)
        rows = [
            factories.insight_row(11, day, campaign, campaign_id=campaign, spend=spend, revenue=2 * spend)
            for day, amounts in ((NOW, now), (BEFORE, before))
            for campaign, spend in amounts.items()
        ]
        await factories.add_insights(session, rows)


async def before_of(answer: Answer, by: tuple[str, ...], slug: str) -> dict[str, float]:
    """The metric of each group in the period before, by its id."""
    found = await asyncio.to_thread(lambda: answer.before(by))
    assert found is not None
    return dict(zip(found[words.id_column_of(by[0])], found[slug].astype(float), strict=True))


def now_of(answer: Answer, name: str, slug: str) -> dict[str, float]:
    data: pd.DataFrame = answer.data
    return dict(zip(data[words.id_column_of(name)], data[slug].astype(float), strict=True))


@pytest.mark.parametrize("slug", ["spend_share", "revenue_share"])
async def test_shares_of_equal_periods_are_equal_under_a_top(ask: Ask, slug: str) -> None:
    amounts = {A: 60, B: 29, C: 1}
    answer = await ask(amounts, amounts, metrics=(slug,), top=Top("campaign", "spend", 1))
    assert now_of(answer, "campaign", slug) == {"1": 0.666667, "": 0.333333}
    assert await before_of(answer, ("campaign",), slug) == {"1": 0.666667, "": 0.333333}
    total = await asyncio.to_thread(lambda: answer.total_before)
    assert total[slug].astype(float).tolist() == [1.0]


async def test_a_share_under_a_condition_on_sums_is_of_the_groups_that_are_shown_in_both_periods(ask: Ask) -> None:
    amounts = {A: 60, B: 30, C: 10}
    having = (Filter("spend", "<", ("50",)),)
    answer = await ask(amounts, amounts, metrics=("spend", "spend_share"), having=having)
    assert now_of(answer, "campaign", "spend_share") == {"2": 0.75, "3": 0.25}
    assert await before_of(answer, ("campaign",), "spend_share") == {"2": 0.75, "3": 0.25}


async def test_a_group_of_the_top_that_is_hidden_is_no_part_of_other_before(ask: Ask) -> None:
    amounts = {A: 60, B: 30, C: 10}
    parts = {"top": Top("campaign", "spend", 2), "having": (Filter("spend", "<", ("50",)),)}
    answer = await ask(amounts, amounts, metrics=("spend",), **parts)
    assert now_of(answer, "campaign", "spend") == {"2": 30, "": 10}
    assert await before_of(answer, ("campaign",), "spend") == {"2": 30, "": 10}
    total = await asyncio.to_thread(lambda: answer.total_before)
    assert total["spend"].tolist() == [40]


async def test_a_word_that_is_empty_stays_apart_where_the_top_keeps_it(ask: Ask) -> None:
    parts = {"group_by": ("objective",), "top": Top("objective", "spend", 1)}
    answer = await ask({A: 60, B: 40}, {A: 50, B: 70}, described=(B,), metrics=("spend",), **parts)
    assert now_of(answer, "objective", "spend") == {"": 60, "Other": 40}
    assert await before_of(answer, ("objective",), "spend") == {"": 50, "Other": 70}


async def test_rows_of_a_pivot_are_set_against_the_cells_that_are_shown(ask: Ask) -> None:
    parts = {"group_by": ("campaign", "objective"), "pivot": "objective", "having": (Filter("spend", "<", ("50",)),)}
    answer = await ask({A: 60, B: 30, C: 10}, {A: 1, B: 20, C: 20}, metrics=("spend", "spend_share"), **parts)
    assert await before_of(answer, ("campaign",), "spend") == {"2": 20, "3": 20}
    assert await before_of(answer, ("objective",), "spend") == {"OUTCOME_SALES": 40}
    assert await before_of(answer, ("campaign",), "spend_share") == {"2": 0.5, "3": 0.5}


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"group_by": ("date", "campaign")},
        {"group_by": ("campaign", "objective"), "pivot": "objective"},
        {"having": (Filter("spend", ">", ("1",)),)},
        {"group_by": ("campaign", "month")},
    ],
)
async def test_what_a_view_needs_is_asked_by_one_trip(ask: Ask, store: Store, parts: dict[str, Any]) -> None:
    amounts = {A: 60, B: 30}
    answer = await ask(amounts, amounts, metrics=("spend", "roas"), **parts)
    before = store.statements
    await asyncio.to_thread(lambda: answer.total)
    if await asyncio.to_thread(lambda: answer.before(answer.view.rows)) is not None:
        await asyncio.to_thread(lambda: answer.total_before)
    assert store.statements == before


CLICKED = "not fetched for 1 day after a click on each of these days"


async def attribute(store: Store, *days: dt.date, purchases: Mapping[int, int]) -> None:
    """Fetch both days, and those of ``days`` with the window, each of which credits ``purchases`` to the campaigns."""
    window = {"attribution_window": "1d_click", "revenue_micros": 0}
    async with store.working() as session:
        for day in (NOW, BEFORE):
            windows = ["1d_click"] if day in days else []
            await factories.add_slice(session, 11, day, attribution_windows=windows)
        rows = [
            {"account_id": 11, "date": day, "ad_id": ad, "purchases": count, **window}
            for day in days
            for ad, count in purchases.items()
        ]
        await factories.add_attributions(session, rows)


async def changes_of(answer: Answer) -> dict[str, list[Delta]]:
    """The changes of the view's metrics: of the total, then of each row in the order of its id."""
    shown = answer.data.sort_values(words.id_column_of(answer.view.rows[0]))
    return await asyncio.to_thread(lambda: changes.of_answer(answer, shown))


def said(found: list[Delta]) -> list[str]:
    return [changes.text(each) for each in found]


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"having": (Filter("spend", ">", ("1",)),)},
        {"group_by": ("campaign", "objective"), "pivot": "objective", "having": (Filter("spend", ">", ("1",)),)},
        {"top": Top("campaign", "spend", 5)},
    ],
)
async def test_what_was_never_fetched_before_is_neither_new_nor_unchanged(
    ask: Ask, store: Store, parts: dict[str, Any]
) -> None:
    answer = await ask(
        {A: 60, B: 30}, {A: 60, B: 30}, metrics=("spend", "purchases", "roas"), attribution="1d_click", **parts
    )
    await attribute(store, NOW, purchases={A: 3})
    st.cache_resource.clear()
    answer = await again(answer)
    found = await changes_of(answer)
    assert said(found["purchases"]) == said(found["roas"]) == ["-", "-", "-"]
    assert all(CLICKED in each.reason for slug in ("purchases", "roas") for each in found[slug])
    assert said(found["spend"]) == ["0.0%"] * 3


async def test_what_a_top_folds_is_unknown_where_any_of_it_was(ask: Ask, store: Store) -> None:
    parts = {"metrics": ("purchases",), "attribution": "1d_click", "top": Top("campaign", "spend", 1)}
    answer = await ask({A: 60, B: 30}, {A: 60, B: 30}, **parts)
    await attribute(store, NOW, purchases={A: 3, B: 1})
    st.cache_resource.clear()
    found = await changes_of(await again(answer))
    assert said(found["purchases"]) == ["-", "-", "-"]
    assert all(CLICKED in each.reason for each in found["purchases"])


async def test_a_group_that_was_not_there_is_new_where_the_period_before_is_known(ask: Ask, store: Store) -> None:
    answer = await ask({A: 60, B: 30}, {A: 60}, metrics=("purchases",), attribution="1d_click")
    await attribute(store, NOW, BEFORE, purchases={A: 3})
    async with store.working() as session:
        credited = {"account_id": 11, "date": NOW, "ad_id": B, "attribution_window": "1d_click"}
        await factories.add_attributions(session, [{**credited, "purchases": 1, "revenue_micros": 0}])
    st.cache_resource.clear()
    found = await changes_of(await again(answer))
    assert said(found["purchases"]) == ["▲ +33.3%", "0.0%", "▲ new"]


async def test_nothing_at_all_before_is_known(ask: Ask, store: Store) -> None:
    answer = await ask({A: 60}, {}, metrics=("purchases",), attribution="1d_click")
    await attribute(store, NOW, BEFORE, purchases={A: 3})
    st.cache_resource.clear()
    assert said((await changes_of(await again(answer)))["purchases"]) == ["▲ new", "▲ new"]


async def test_reach_that_was_not_fetched_before_says_so(ask: Ask, store: Store) -> None:
    answer = await ask({A: 60, B: 30}, {A: 60}, metrics=("reach", "frequency"))
    span = (answer.selection.since, answer.selection.until)
    async with store.working() as session:
        rows = [{"object_id": campaign, "reach": 10, "impressions": 20} for campaign in (A, B)]
        await factories.add_period(session, 11, "campaign", *span, rows)
    st.cache_resource.clear()
    found = await changes_of(await again(answer))
    for slug in ("reach", "frequency"):
        assert said(found[slug]) == ["-", "-", "-"]
        assert "not fetched for this period yet" in found[slug][1].reason


async def test_a_segment_of_which_meta_reported_nothing_before_is_no_new_one(ask: Ask, store: Store) -> None:
    answer = await ask({A: 60, B: 30}, {A: 60, B: 30}, group_by=("region",), metrics=("spend", "purchases"))
    async with store.working() as session:
        for day, counts in ((NOW, (3, 0)), (BEFORE, (None, None))):
            await factories.add_breakdowns(
                session,
                [
                    factories.breakdown_row(
                        "region", name, **factories.insight_row(11, day, A, spend=5, purchases=count)
                    )
                    for name, count in zip(("Bavaria", "Hesse"), counts, strict=True)
                ],
            )
    st.cache_resource.clear()
    answer = await again(answer)
    found = await changes_of(answer)
    assert said(found["purchases"]) == ["-", "-", "-"]
    rule = answer.notes_before(("region",))["purchases"]
    assert rule
    assert all(rule in each.reason for each in found["purchases"])
    assert said(found["spend"]) == ["0.0%"] * 3


async def again(answer: Answer) -> Answer:
    """The same question once more."""
    view = answer.view
    return await asyncio.to_thread(
        lambda: asking.ask(view, selection_of(view), frames.reader(factories.viewer_of([11])), is_comparable=True)
    )
