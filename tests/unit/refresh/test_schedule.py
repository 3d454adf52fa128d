"""Which slices are due: missing, incomplete, restated perhaps; yesterday often, day 27 rarely, once more at the end."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.refresh.plan import Span
from lib.refresh.schedule import COMPLETE_DAYS, DAY, HOUR, Stored, calls, due, is_due, nightly_span

TODAY = dt.date(2026, 5, 20)
NOW = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)


def ago(days: int) -> dt.date:
    return TODAY - days * DAY


@pytest.mark.parametrize(
    ("age", "fetched_before", "wanted"),
    [
        (0, 0.5 * HOUR, False),
        (0, HOUR, True),
        (1, 0.5 * HOUR, False),
        (1, 0.95 * HOUR, True),
        (2, 6 * HOUR, False),
        (3, 12 * HOUR, True),
        (7, 20 * HOUR, False),
        (7, DAY, True),
        (14, DAY, False),
        (14, 2 * DAY, True),
        (21, 3 * DAY, False),
        (21, 4 * DAY, True),
        (27, 4 * DAY, False),
        (27, 7 * DAY, True),
    ],
)
def test_a_slice_is_asked_for_again_the_sooner_the_younger_its_day(
    age: int, fetched_before: dt.timedelta, wanted: bool
) -> None:
    assert is_due(ago(age), NOW, Stored(NOW - fetched_before)) is wanted


def test_what_is_missing_or_was_fetched_on_its_own_day_is_due() -> None:
    assert is_due(ago(300), NOW, None)
    assert is_due(ago(1), NOW, Stored(NOW - dt.timedelta(minutes=5), account_day_ended=False))
    assert not is_due(ago(0), NOW, Stored(NOW - dt.timedelta(minutes=5), account_day_ended=False))


@pytest.mark.parametrize(("age", "after"), [(5, 12 * HOUR), (60, 7 * DAY), (300, 30 * DAY), (1100, 30 * DAY)])
def test_an_incomplete_slice_is_tried_again_the_more_rarely_the_older_it_is(age: int, after: dt.timedelta) -> None:
    assert is_due(ago(age), NOW, Stored(NOW - after, is_complete=False))
    assert not is_due(ago(age), NOW, Stored(NOW - 0.8 * after, is_complete=False))


@pytest.mark.parametrize(("age", "after"), [(5, 12 * HOUR), (60, 7 * DAY), (300, 30 * DAY)])
def test_a_slice_that_kept_what_it_had_is_tried_again_so_long_after_the_last_try(age: int, after: dt.timedelta) -> None:
    def kept(ago: dt.timedelta) -> Stored:
        return Stored(NOW - 50 * DAY, is_complete=False, account_day_ended=False, tried_at=NOW - ago)

    assert is_due(ago(age), NOW, kept(after))
    assert not is_due(ago(age), NOW, kept(0.8 * after))


def test_a_day_that_leaves_the_window_is_asked_for_once_more_and_is_final_then() -> None:
    leaves = ago(COMPLETE_DAYS + 1)
    assert is_due(leaves, NOW, Stored(NOW - 3 * DAY))
    assert is_due(leaves, NOW, Stored(NOW - 13 * HOUR)), "it was fetched on the window's last day"
    assert not is_due(leaves, NOW, Stored(NOW - 11 * HOUR)), "that was on this day"
    assert not is_due(ago(400), NOW, Stored(NOW - 300 * DAY))


def test_a_window_that_was_never_asked_for_makes_a_young_slice_due() -> None:
    stored = Stored(NOW, windows=frozenset({"7d_click"}))
    assert is_due(ago(5), NOW, stored, ("1d_click", "7d_click"))
    assert not is_due(ago(5), NOW, stored, ("7d_click",))


@given(st.integers(0, COMPLETE_DAYS), st.integers(0, 10 * 24))
def test_left_alone_every_day_becomes_final(age: int, hours: int) -> None:
    """Whatever was fetched whenever, once the window has passed one more fetch is due, and after it none."""
    fetched = NOW - hours * HOUR
    later = NOW + (COMPLETE_DAYS + 3) * DAY
    date = (fetched - age * DAY).date()
    assert is_due(date, later, Stored(fetched))
    assert not is_due(date, later + 40 * DAY, Stored(later))


def test_the_nightly_span_never_goes_back_behind_what_meta_serves() -> None:
    assert nightly_span(TODAY, []) == Span(ago(28), TODAY)
    assert nightly_span(TODAY, [ago(100)]) == Span(ago(100), TODAY)
    assert nightly_span(TODAY, [ago(3000)]) == Span(dt.date(2023, 4, 20), TODAY)
    assert nightly_span(TODAY, [ago(3000)], months=13) == Span(dt.date(2025, 4, 20), TODAY)


def test_due_days_are_the_newest_first() -> None:
    stored = {ago(1): Stored(NOW), ago(2): Stored(NOW)}
    assert due(Span(ago(3), TODAY), NOW, stored) == [ago(0), ago(3)]


@given(st.sets(st.integers(0, 90)), st.integers(1, 31), st.integers(0, 3))
def test_calls_hold_every_day_once_and_are_never_too_long(ages: set[int], most: int, bridge: int) -> None:
    dates = [ago(age) for age in ages]
    spans = calls(dates, most, bridge)
    asked = [date for span in spans for date in span.dates()]
    assert len(asked) == len(set(asked))
    assert set(dates) <= set(asked)
    assert all(1 <= span.days <= most for span in spans)
    assert spans == sorted(spans, key=lambda span: span.until, reverse=True)
    if not bridge:
        assert set(asked) == set(dates)


def test_a_day_between_is_asked_again_where_that_saves_a_call() -> None:
    assert calls([ago(0), ago(2)], 7) == [Span(ago(0), ago(0)), Span(ago(2), ago(2))]
    assert calls([ago(0), ago(2)], 7, bridge=1) == [Span(ago(2), ago(0))]
