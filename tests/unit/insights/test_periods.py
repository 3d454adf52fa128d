"""Presets, comparisons and currencies."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import QueryError
from lib.insights.currency import exponent, format_money
from lib.insights.periods import COMPARISONS, PRESETS, comparison, preset, previous_period, previous_year

WEDNESDAY = dt.date(2026, 4, 1)
DAYS = st.dates(dt.date(2005, 1, 1), dt.date(2050, 1, 1))


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("today", "2026-04-01", "2026-04-01"),
        ("yesterday", "2026-03-31", "2026-03-31"),
        ("last_7", "2026-03-25", "2026-03-31"),
        ("last_14", "2026-03-18", "2026-03-31"),
        ("last_28", "2026-03-04", "2026-03-31"),
        ("last_30", "2026-03-02", "2026-03-31"),
        ("last_90", "2026-01-01", "2026-03-31"),
        ("this_week", "2026-03-30", "2026-03-31"),
        ("last_week", "2026-03-23", "2026-03-29"),
        ("this_month", "2026-04-01", "2026-04-01"),
        ("last_month", "2026-03-01", "2026-03-31"),
        ("this_quarter", "2026-04-01", "2026-04-01"),
        ("last_quarter", "2026-01-01", "2026-03-31"),
        ("this_year", "2026-01-01", "2026-03-31"),
        ("last_year", "2025-01-01", "2025-12-31"),
    ],
)
def test_presets(name: str, since: str, until: str) -> None:
    assert preset(name, WEDNESDAY) == (dt.date.fromisoformat(since), dt.date.fromisoformat(until))


@given(today=DAYS, name=st.sampled_from(list(PRESETS)), against=st.sampled_from(list(COMPARISONS)))
def test_comparisons_have_the_same_weekdays_and_do_not_overlap(today: dt.date, name: str, against: str) -> None:
    since, until = preset(name, today)
    assert since <= until <= today
    compared = comparison(against, since, until)
    if compared is None:
        assert against == "none"
        return
    assert compared[1] - compared[0] == until - since
    assert compared[0].weekday() == since.weekday()
    if against == "previous_period":
        assert compared[1] < since
        assert (since - compared[1]).days <= 7


def test_comparisons() -> None:
    assert previous_period(dt.date(2026, 3, 2), dt.date(2026, 3, 31)) == (dt.date(2026, 1, 26), dt.date(2026, 2, 24))
    assert previous_period(WEDNESDAY, WEDNESDAY) == (dt.date(2026, 3, 25), dt.date(2026, 3, 25))
    assert previous_year(WEDNESDAY, WEDNESDAY) == (dt.date(2025, 4, 2), dt.date(2025, 4, 2))


def test_unknown_words_and_the_beginning_of_time() -> None:
    with pytest.raises(QueryError, match="Did you mean last_28 or last_7"):
        preset("last_8", WEDNESDAY)
    with pytest.raises(QueryError, match="no comparison"):
        comparison("previous", WEDNESDAY, WEDNESDAY)
    with pytest.raises(QueryError, match="no earlier period"):
        comparison("previous_year", dt.date.min, dt.date.min)


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("1234.5", "EUR", "€1,234.50"),
        ("1234.5", "JPY", "¥1,235"),
        ("12", "CHF", "CHF 12.00"),
        ("-3.005", "USD", "-$3.01"),
        ("-0.001", "USD", "$0.00"),
        ("0.1234", "KWD", "KWD 0.123"),
        ("12345678901234.56", "EUR", "€12,345,678,901,234.56"),
        ("5", None, "5.00"),
    ],
)
def test_money_is_written_with_its_currency(amount: str, currency: str | None, written: str) -> None:
    assert format_money(Decimal(amount), currency) == written


def test_exponents() -> None:
    codes = ("JPY", "KRW", "CLP", "VND", "EUR", "USD", "KWD", "CLF", "HUF", "jpy", "XYZ", None)
    assert [exponent(code) for code in codes] == [0, 0, 0, 0, 2, 2, 3, 4, 2, 0, 2, 2]
    assert format_money(None, "EUR") == "-"
