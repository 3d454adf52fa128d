"""Which days a refresh asks for, where "today" is another date in every time zone."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import UsageError
from lib.history import earliest
from lib.refresh.plan import Span, check_span, span_of
from lib.zones import today_in

NOW = dt.datetime(2026, 3, 1, 3, 30, tzinfo=dt.UTC)
DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2030, 12, 31))


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


ZONES = [("Europe/Berlin", "2026-03-01"), ("America/Los_Angeles", "2026-02-28"), ("Asia/Tokyo", "2026-03-01"),
         ("Pacific/Kiritimati", "2026-03-01"), ("Etc/GMT+12", "2026-02-28"), (None, "2026-03-01"),
         ("Nowhere/Else", "2026-03-01"), ("../etc/passwd", "2026-03-01"), ("America", "2026-03-01")]  # fmt: skip


@pytest.mark.parametrize(("zone", "today"), ZONES)
def test_today_is_the_accounts_own(zone: str | None, today: str) -> None:
    assert today_in(zone, NOW) == day(today)


def test_by_default_28_complete_days_and_today() -> None:
    span = span_of(day("2026-03-01"), None, None)
    assert (span.since, span.until, span.days) == (day("2026-02-01"), day("2026-03-01"), 29)


def test_both_dates_are_inclusive() -> None:
    span = span_of(day("2026-03-01"), day("2026-02-10"), day("2026-02-12"))
    assert list(span.dates()) == [day("2026-02-10"), day("2026-02-11"), day("2026-02-12")]


def test_until_alone_is_28_days() -> None:
    span = span_of(day("2026-03-01"), None, day("2026-02-10"))
    assert (span.since, span.days) == (day("2026-01-14"), 28)


def test_since_alone_goes_until_today() -> None:
    assert span_of(day("2026-03-01"), day("2026-02-20"), None) == Span(day("2026-02-20"), day("2026-03-01"))


def test_a_day_that_this_account_has_not_reached_is_left_out() -> None:
    assert span_of(day("2026-02-28"), day("2026-02-27"), day("2026-03-01")).until == day("2026-02-28")
    assert span_of(day("2026-02-28"), day("2026-03-01"), day("2026-03-01")).days == 0


MONTHS = [("2026-03-31", "2023-02-28"), ("2026-03-01", "2023-02-01"), ("2026-01-31", "2022-12-31"),
          ("2027-03-31", "2024-02-29"), ("2026-12-15", "2023-11-15")]  # fmt: skip


@pytest.mark.parametrize(("today", "first"), MONTHS)
def test_37_months_back_in_the_calendar(today: str, first: str) -> None:
    assert earliest(day(today)) == day(first)


def test_what_is_older_than_37_months_is_not_asked_for() -> None:
    today = day("2026-03-01")
    assert span_of(today, day("2023-01-25"), day("2023-02-03")) == Span(day("2023-02-01"), day("2023-02-03"))


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("2026-02-12", "2026-02-10", "after"),
        ("2026-03-03", None, "future"),
        (None, "2026-03-03", "future"),
        ("2023-01-27", "2026-02-10", "37 months"),
        (None, "2023-01-27", "37 months"),
        ("0001-01-01", None, "37 months"),
        ("9999-12-31", None, "future"),
    ],
)
def test_dates_that_nobody_can_be_asked_for(since: str | None, until: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        check_span(since and day(since), until and day(until), NOW)  # type: ignore[arg-type]
    assert "nothing was fetched" in caught.value.message
    assert caught.value.remedy


CALLED = [
    (("--since", "--until"), "--since 2026-02-12 is after --until 2026-02-10;", "--until 2026-03-03 is in"),
    (("since", "until"), "since 2026-02-12 is after until 2026-02-10;", "until 2026-03-03 is in"),
    (
        ("The first day", "The last day"),
        "The first day 2026-02-12 is after the last day 2026-02-10;",
        "The last day 2026-03-03 is in",
    ),
]


@pytest.mark.parametrize(("called", "swapped", "ahead"), CALLED, ids=[names[0] for names, *_ in CALLED])
def test_days_are_called_as_whoever_asks_knows_them(called: tuple[str, str], swapped: str, ahead: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_span(day("2026-02-12"), day("2026-02-10"), NOW, called)
    assert caught.value.message.startswith(swapped)
    with pytest.raises(UsageError) as caught:
        check_span(None, day("2026-03-03"), NOW, called)
    assert caught.value.message.startswith(ahead)


@pytest.mark.parametrize("since", ["2023-02-01", "2026-03-01"])
def test_the_first_and_the_last_day_may_be_asked_for(since: str) -> None:
    check_span(day(since), None, NOW)


MORNING = dt.datetime(2026, 5, 10, 5, tzinfo=dt.UTC)
WEST, EAST = "America/Los_Angeles", "Europe/Berlin"
OF_ZONES = [
    ("2023-04-09", [EAST], "from 2023-04-10 on"),
    ("2023-04-09", [EAST, "Asia/Tokyo"], "from 2023-04-10 on"),
    ("2023-04-08", [EAST, WEST], "from 2023-04-09 on"),
    ("2023-04-08", [EAST, None], "from 2023-04-09 on"),
    ("2023-04-08", [], "from 2023-04-09 on"),
    ("2026-05-10", [WEST], "up to today"),
    ("2026-05-11", [EAST, WEST], "up to today"),
]


@pytest.mark.parametrize(("since", "zones", "remedy"), OF_ZONES)
def test_a_first_day_that_none_of_the_accounts_could_be_asked_for(
    since: str, zones: list[str | None], remedy: str
) -> None:
    with pytest.raises(UsageError) as caught:
        check_span(day(since), None, MORNING, zones=zones)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("since", "zones"),
    [("2023-04-10", [EAST]), ("2023-04-09", [EAST, WEST]), ("2023-04-09", [EAST, None]), ("2023-04-09", []),
     ("2026-05-10", [EAST, WEST]), ("2026-05-10", [None])],
)  # fmt: skip
def test_a_first_day_that_one_of_the_accounts_could_be_asked_for(since: str, zones: list[str | None]) -> None:
    check_span(day(since), None, MORNING, zones=zones)


def test_a_last_day_that_begins_elsewhere_may_be_named() -> None:
    check_span(None, day("2026-05-10"), MORNING, zones=[WEST])


@given(DAYS, st.integers(0, 100), st.integers(1, 40))
def test_parts_hold_every_day_once_the_newest_first(since: dt.date, length: int, size: int) -> None:
    span = Span(since, since + dt.timedelta(days=length))
    parts = list(span.parts(size))
    assert [date for part in reversed(parts) for date in part.dates()] == list(span.dates())
    assert all(part.days <= size for part in parts)


@given(DAYS, st.integers(1, 100))
def test_halves_hold_every_day_once(since: dt.date, length: int) -> None:
    span = Span(since, since + dt.timedelta(days=length))
    newer, older = span.halves()
    assert [*older.dates(), *newer.dates()] == list(span.dates())
    assert newer.days
    assert older.days
