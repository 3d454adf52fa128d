"""What stands under an answer whose reach was not fetched, where the page does not offer to fetch it."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard.reaching import MOST_PERIODS, instead_of_button

DAY = dt.date(2026, 3, 1)


@pytest.mark.parametrize("count", [0, 1, MOST_PERIODS])
def test_as_many_periods_as_are_offered_need_no_words(count: int) -> None:
    assert instead_of_button([(DAY, DAY + dt.timedelta(number)) for number in range(count)]) == ""


def test_more_periods_than_are_offered_say_how_to_ask() -> None:
    by_day = [(day, day) for day in (DAY + dt.timedelta(number) for number in range(28))]
    assert instead_of_button(by_day) == (
        "Reach of 28 periods is not fetched yet. Meta is asked for each on its own: ask for at most 12 periods"
        " to fetch them from here, as by week in place of by day."
    )
