"""A heat map's rows and columns: days in their order, everything else from the largest."""

from __future__ import annotations

import pytest

from dashboard.explore import chart, marks
from dashboard.explore.view import ExploreView
from tests.unit.dashboard.explore.answers import answer_of

SPENT = [("Friday", "1", 90.0), ("Monday", "2", 300.0), ("Wednesday", "2", 40.0), ("Sunday", "1", 500.0)]
BY_DAY = [("2026-11-03", "1", 90.0), ("2026-11-01", "2", 300.0), ("2026-11-02", "1", 500.0)]


def test_weekdays_run_from_monday_across_and_campaigns_from_the_largest_down() -> None:
    answer = answer_of(ExploreView(group_by=("weekday", "campaign"), metrics=("spend",)), SPENT)
    found = marks.cells(answer)
    assert chart.places_across(answer, found, whole=True) == ["Monday", "Wednesday", "Friday", "Sunday"]
    assert list(dict.fromkeys(found["series"])) == ["campaign 1", "campaign 2"]


@pytest.mark.parametrize(
    ("dimension", "rows", "down"),
    [
        ("weekday", SPENT, ["Monday", "Wednesday", "Friday", "Sunday"]),
        ("date", BY_DAY, ["2026-11-01", "2026-11-02", "2026-11-03"]),
    ],
)
def test_days_run_in_their_order_down(dimension: str, rows: list[tuple[str, str, float]], down: list[str]) -> None:
    view = ExploreView(group_by=(dimension, "campaign"), metrics=("spend",), pivot="campaign")
    found = marks.cells(answer_of(view, rows))
    assert list(dict.fromkeys(found["of"])) == down
