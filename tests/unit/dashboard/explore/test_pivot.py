"""One dimension as columns: every number in its place, gaps where there is none, totals of rows and columns."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.explore import pivot as pivots
from dashboard.explore.pivot import pivoted
from dashboard.explore.view import ExploreView
from lib.insights.query import Top
from tests.unit.dashboard.explore.answers import answer_of

MONDAYS = [dt.date(2026, 11, 2), dt.date(2026, 11, 9), dt.date(2026, 11, 16)]
VIEW = ExploreView(group_by=("campaign", "adset", "week"), metrics=("spend", "cpa"), pivot="week")
GROUPS = st.tuples(st.sampled_from("123"), st.sampled_from("45"), st.sampled_from(MONDAYS))
SPENT = st.dictionaries(GROUPS, st.tuples(st.integers(0, 10**8), st.integers(0, 50)), min_size=1, max_size=18)


@settings(deadline=None)  # pandas' first pivot of a process takes longer than any other
@given(SPENT)
def test_every_number_stands_once_in_its_place(spent: dict[tuple[str, str, dt.date], tuple[int, int]]) -> None:
    rows = [
        (*group, cents / 100, cents / 100 / bought if bought else np.nan, bought)
        for group, (cents, bought) in spent.items()
    ]
    found = pivoted(answer_of(VIEW, rows))
    assert [value.date() for value in found.values] == sorted({group[2] for group in spent})
    pairs = list(zip(found.rows["campaign_id"], found.rows["adset_id"], strict=True))
    assert set(pairs) == {group[:2] for group in spent}
    assert len(pairs) == len(set(pairs))
    for number, pair in enumerate(pairs):
        cents = [of for group, of in spent.items() if group[:2] == pair]
        assert found.rows["spend"][number] == sum(each for each, _ in cents) / 100
        for value in found.values:
            here = spent.get((*pair, value.date()))
            cell, ratio = (found.cells[slug][value][number] for slug in ("spend", "cpa"))
            assert (cell == here[0] / 100) if here else np.isnan(cell)
            assert np.isnan(ratio) if not here or not here[1] else ratio == pytest.approx(here[0] / 100 / here[1])
    of_values = [sum(each for group, (each, _) in spent.items() if group[2] == v.date()) / 100 for v in found.values]
    assert found.totals["spend"].tolist() == of_values


def test_rows_are_ordered_by_their_totals_unless_told() -> None:
    rows = [
        ("1", "4", MONDAYS[0], 5.0, np.nan, 0),
        ("1", "5", MONDAYS[0], 9.0, np.nan, 0),
        ("2", "4", MONDAYS[1], 7.0, np.nan, 0),
    ]
    assert pivoted(answer_of(VIEW, rows)).rows["spend"].tolist() == [9.0, 7.0, 5.0]
    by_name = ExploreView(group_by=VIEW.group_by, metrics=VIEW.metrics, pivot="week", order="-campaign")
    assert pivoted(answer_of(by_name, rows)).rows["campaign_id"].tolist() == ["2", "1", "1"]


def test_other_is_the_last_column_however_large() -> None:
    view = ExploreView(
        group_by=("campaign", "week"), metrics=("spend",), pivot="campaign", top=Top("campaign", "spend", 2)
    )
    rows = [("", MONDAYS[0], 900.0), ("1", MONDAYS[0], 10.0), ("2", MONDAYS[0], 20.0)]
    found = pivoted(answer_of(view, rows))
    assert (found.values, found.labels) == (("2", "1", ""), ("campaign 2", "campaign 1", "Other"))


def test_weekdays_stand_from_monday_on() -> None:
    view = ExploreView(group_by=("campaign", "weekday"), metrics=("spend",), pivot="weekday")
    rows = [("1", "Sunday", 9.0), ("1", "Monday", 1.0), ("1", "Friday", 5.0)]
    assert pivoted(answer_of(view, rows)).values == ("Monday", "Friday", "Sunday")


def test_columns_that_find_no_room_are_counted() -> None:
    view = ExploreView(group_by=("campaign", "ad"), metrics=("spend", "cpa"), pivot="ad")
    rows = [("1", str(number), 1.0, np.nan, 0) for number in range(1, 41)]
    found = pivoted(answer_of(view, rows))
    assert (len(found.values), found.left_out) == (pivots.MOST_COLUMNS // 2, 10)
    assert found.rows["spend"].tolist() == [40.0]
