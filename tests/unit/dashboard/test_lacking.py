"""What is said of older days that lack, beside the button that fetches them."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard.lacking import found_words
from lib.refresh.lacking import Lacking
from lib.refresh.plan import Span

DAY = dt.date(2025, 1, 1)
ONE_DAY, A_YEAR = Span(DAY, DAY), Span(DAY, dt.date(2025, 12, 31))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            Lacking(ONE_DAY, frozenset({1}), 1),
            "1 account day of this period is missing or incomplete and older than what Refresh fetches.",
        ),
        (
            Lacking(A_YEAR, frozenset({1, 2}), 2),
            "2 account days of this period are missing or incomplete and older than what Refresh fetches;"
            " with every day between, the button fetches 730 account days.",
        ),
    ],
)
def test_the_days_that_the_button_fetches_are_counted_where_they_are_more(found: Lacking, words: str) -> None:
    assert found_words(found) == words
