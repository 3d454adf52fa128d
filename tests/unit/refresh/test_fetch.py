"""Too much is asked for in smaller pieces, over the wire; every row arrives once and none that was not asked for."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from lib.errors import MetaError
from lib.meta.errors import TooMuchData, Unreachable
from lib.meta.service import MetaService
from lib.refresh.fetch import SMALLEST_PAGE, Fetcher
from lib.refresh.plan import Span
from tests.fixtures_wire import Answer, Asked, Wire, ok, refusal

ACCOUNT = 77
ADS = 60
FIRST = dt.date(2026, 5, 1)
WEEK = Span(FIRST, FIRST + dt.timedelta(days=6))


def row(date: dt.date, ad: int, **more: Any) -> dict[str, Any]:
    ids = {"account_id": str(ACCOUNT), "campaign_id": "1", "adset_id": "2", "ad_id": str(ad)}
    return {**ids, "date_start": date.isoformat(), "date_stop": date.isoformat(), "spend": f"{ad}.50", **more}


class Account:
    """An account of 60 ads a day that refuses calls of more than ``days`` days or ``limit`` rows a page."""

    def __init__(self, days: int = 100, limit: int = 5000, code: tuple[int, int | None] = (100, 1487534)) -> None:
        self.days, self.limit, self.code = days, limit, code

    def __call__(self, asked: Asked) -> Answer:
        span = json.loads(asked.params["time_range"])
        since, until = (dt.date.fromisoformat(span[name]) for name in ("since", "until"))
        size = int(asked.params["limit"])
        if (until - since).days + 1 > self.days or size > self.limit:
            return refusal(500, *self.code, message="Please reduce the amount of data you're asking for")
        every = [row(date, ad) for date in Span(since, until).dates() for ad in range(1, ADS + 1)]
        if asked.params["level"] == "account":
            every = [row(date, 0) for date in Span(since, until).dates()]
        start = int(asked.params.get("after", "0"))
        more = {"next": "yes", "cursors": {"after": str(start + size)}} if start + size < len(every) else {}
        return ok({"data": every[start : start + size], "paging": more})


@pytest.fixture
def fetcher(wire: Wire) -> Iterator[Fetcher]:
    service = MetaService("t", wire.url, pause=lambda seconds: None)
    yield Fetcher(service, ACCOUNT)
    service.close()


def keys(fetcher: Fetcher, span: Span) -> list[tuple[dt.date, int]]:
    """The day and the ad of every row, as often as it came."""
    return [(date, ad) for part in fetcher.fetch(span) for date, ads in part.days.items() for ad in ads]


ALL = sorted((date, ad) for date in WEEK.dates() for ad in range(1, ADS + 1))


@pytest.mark.parametrize("code", [(100, 1487534), (100, 1504018), (2, 1504038), (-3, 1504045), (1, None)])
def test_a_span_that_is_too_much_is_split_by_date(wire: Wire, fetcher: Fetcher, code: tuple[int, int | None]) -> None:
    wire.reply = Account(days=2, code=code)
    assert sorted(keys(fetcher, WEEK)) == ALL
    spans = [asked.params["time_range"] for asked in wire.asked if "after" not in asked.params]
    assert len(spans) == len(set(spans)), "the same call is never repeated"


def test_a_day_that_is_too_much_comes_in_smaller_pages(wire: Wire, fetcher: Fetcher) -> None:
    wire.reply = Account(days=1, limit=SMALLEST_PAGE)
    assert sorted(keys(fetcher, WEEK)) == ALL


def test_a_refusal_in_the_middle_of_the_pages_keeps_no_half(wire: Wire, fetcher: Fetcher) -> None:
    whole = Account()

    def refuse_second_pages(asked: Asked) -> Answer:
        span = json.loads(asked.params["time_range"])
        if span["since"] != span["until"] and asked.params.get("after"):
            return refusal(400, 100, 1487534)
        return whole(Asked(asked.path, asked.params | {"limit": "50"}))

    wire.reply = refuse_second_pages
    assert sorted(keys(fetcher, WEEK)) == ALL


def test_what_is_too_much_in_every_size_is_an_error_in_the_end(wire: Wire, fetcher: Fetcher) -> None:
    wire.reply = Account(days=0)
    with pytest.raises(TooMuchData):
        fetcher.fetch(WEEK)
    assert len(wire.asked) < 12


def test_totals_are_split_as_well(wire: Wire, fetcher: Fetcher) -> None:
    wire.reply = Account(days=3)
    assert sorted(fetcher.fetch_totals(WEEK)) == list(WEEK.dates())


ODD_ROWS: list[tuple[str, Any]] = [
    ("the day before", row(FIRST - dt.timedelta(days=1), 1)),
    ("the day after", row(WEEK.until + dt.timedelta(days=1), 1)),
    ("another account", row(FIRST, 1, account_id="78")),
    ("several days", row(FIRST, 1, date_stop=WEEK.until.isoformat())),
    ("no day", {"account_id": str(ACCOUNT), "ad_id": "1"}),
    ("null", None),
    ("a word", "row"),
    ("a wrong number", row(FIRST, 1, spend="much")),
]


@pytest.mark.parametrize("odd", [odd for _, odd in ODD_ROWS], ids=[name for name, _ in ODD_ROWS])
@pytest.mark.parametrize("level", ["ad", "account"])
def test_rows_that_were_not_asked_for_are_refused(wire: Wire, fetcher: Fetcher, level: str, odd: Any) -> None:
    wire.reply = lambda asked: ok({"data": [odd]})
    fetch: Any = fetcher.fetch if level == "ad" else fetcher.fetch_totals
    with pytest.raises(MetaError) as caught:
        fetch(WEEK)
    assert isinstance(caught.value, Unreachable)


def test_an_ad_that_comes_twice_counts_once(wire: Wire, fetcher: Fetcher) -> None:
    wire.answers(ok({"data": [row(FIRST, 1), row(FIRST, 1, spend="9.00")]}))
    assert keys(fetcher, WEEK) == [(FIRST, 1)]


def test_days_without_rows_are_no_error(wire: Wire, fetcher: Fetcher) -> None:
    wire.answers(ok({"data": []}))
    assert keys(fetcher, WEEK) == []
    assert fetcher.fetch_totals(WEEK) == {}
