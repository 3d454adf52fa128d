"""How many days go into a call: as many as the account's size allows, remembered, and learned from what was refused."""

from __future__ import annotations

import datetime as dt

import pytest

from lib.refresh.plan import Span
from lib.refresh.spans import (
    FIRST_DAYS,
    MOST_DAYS,
    MOST_DAYS_OF_A_REPORT,
    ROWS_OF_A_GET,
    ROWS_OF_A_REPORT,
    Call,
    Size,
    next_call,
)

TODAY = dt.date(2026, 5, 20)


def days(number: int) -> list[dt.date]:
    return [TODAY - dt.timedelta(days=age) for age in range(number)]


def span(number: int) -> Span:
    return Span(TODAY - dt.timedelta(days=number - 1), TODAY)


@pytest.mark.parametrize(
    ("due", "size", "call"),
    [
        (29, Size(), Call(span(FIRST_DAYS))),
        (29, Size(10), Call(span(29))),
        (60, Size(10), Call(span(MOST_DAYS))),
        (29, Size(500), Call(span(ROWS_OF_A_GET // 500))),
        (29, Size(500, most_days=2), Call(span(2))),
        (3, Size(4000), Call(span(1))),
        (3, Size(6000), Call(span(3), by_report=True)),
        (365, Size(500), Call(span(ROWS_OF_A_REPORT // 500), by_report=True)),
        (900, Size(60), Call(span(MOST_DAYS_OF_A_REPORT), by_report=True)),
        (1, Size(900_000), Call(span(1), by_report=True)),
    ],
)
def test_small_spans_are_plain_and_large_ones_reports(due: int, size: Size, call: Call) -> None:
    assert next_call(days(due), size) == call


def test_a_span_that_was_refused_is_not_asked_for_again_and_grows_back_slowly() -> None:
    size = Size(100).learned(span(28), [span(14), span(7), span(7)], 2800, by_report=False)
    assert size == Size(100, most_days=14)
    assert next_call(days(28), size).span == span(14)
    size = size.learned(span(14), [span(14)], 1400, by_report=False)
    assert size.most_days == 28
    assert size.learned(span(28), [span(28)], 2800, by_report=False).most_days is None


def test_a_short_call_teaches_nothing_of_longer_ones() -> None:
    assert Size(100, most_days=4).learned(span(2), [span(2)], 200, by_report=False) == Size(100, 4)


def test_one_quiet_day_does_not_make_an_account_small() -> None:
    assert Size(400).learned(span(1), [span(1)], 3, by_report=False) == Size(400)
    assert Size(400).learned(span(7), [span(7)], 21, by_report=False) == Size(3)


def test_an_account_without_delivery_is_one_row_a_day() -> None:
    assert Size().learned(span(7), [span(7)], 0, by_report=False) == Size(1)


def test_days_between_are_asked_again_only_where_they_are_few_rows() -> None:
    due = [TODAY, TODAY - dt.timedelta(days=3)]
    assert next_call(due, Size(10)).span == span(4)
    assert next_call(due, Size(300)).span == span(1)
