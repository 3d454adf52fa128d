"""The words of conditions, orders and dates, and what a query refuses."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lib.errors import QueryError
from lib.insights.filters import Filter, Order
from lib.insights.query import InsightQuery
from lib.insights.words import parse_date, parse_filter, parse_having, parse_order

DAY = dt.date(2026, 1, 1)


@pytest.mark.parametrize(
    ("text", "name", "operator", "values"),
    [
        ("campaign~Sale", "campaign", "~", ("Sale",)),
        ("campaign ~ Summer Sale ", "campaign", "~", ("Summer Sale",)),
        ('campaign~" Sale, 50 % off "', "campaign", "~", (" Sale, 50 % off ",)),
        ("campaign!~Sale", "campaign", "!~", ("Sale",)),
        ("campaign^=Sale", "campaign", "^=", ("Sale",)),
        ("campaign=~^Sale|Deal$", "campaign", "=~", ("^Sale|Deal$",)),
        ("campaign=Sale", "campaign", "=", ("Sale",)),
        ("campaign~a=b", "campaign", "~", ("a=b",)),
        ('campaign="a,b", c ,"say ""hi"""', "campaign", "=", ("a,b", "c", 'say "hi"')),
        ('objective!=""', "objective", "!=", ("",)),
        ('campaign=5" screen', "campaign", "=", ('5" screen',)),
        ("ad_id=1, act_2", "ad_id", "=", ("1", "act_2")),
        ("spend>0", "spend", ">", ("0",)),
        ("spend >= 1.50", "spend", ">=", ("1.50",)),
        ("ctr!=.5", "ctr", "!=", (".5",)),
        ("ad~line\nbreak", "ad", "~", ("line\nbreak",)),
        ("ad~🎉", "ad", "~", ("🎉",)),
    ],
)
def test_conditions(text: str, name: str, operator: str, values: tuple[str, ...]) -> None:
    assert parse_filter(text) == Filter(name, operator, values)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The condition “” cannot be read."),
        ("spend", "cannot be read"),
        ("~Sale", "cannot be read"),
        ("campain~Sale", "There is no dimension or metric “campain”. Did you mean campaign"),
        ("campaign>5", "campaign does not take “>”."),
        ("campaign~", "needs a text"),
        ("campaign=", "The list in “campaign=” cannot be read."),
        ("campaign=a,,b", "The list in"),
        ('campaign="a', "The list in"),
        ('campaign="a"b', "The list in"),
        ("ad_id~5", "ad_id does not take “~”."),
        ("ad_id=5x", "“5x” is not an id of Meta's."),
        ("ad_id=-5", "is not an id"),
        ("ad_id=٣", "is not an id"),
        ("ad_id=9223372036854775808", "is not an id"),
        ("spend~5", "spend does not take"),
        ("spend>", "needs a number"),
        ("spend>1,000", "needs a number"),
        ("spend>1e400", "needs a number"),
        ("spend>NaN", "needs a number"),
        ("spend>1_0", "needs a number"),
        ("spend>1;--", "needs a number"),
        ("spend>" + "9" * 400, "needs a number"),
        ("ad~a\0b", "NUL character"),
        ("ad=a\0b", "NUL character"),
        ("ad~\udcff", "not valid Unicode"),
        ("ad~" + "x" * 1001, "too long"),
        ("ad=" + ",".join("x" * 10_001), "at most 10,000 values"),
    ],
)
def test_conditions_that_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_filter(text)
    assert sentence in str(refused.value)
    assert len(str(refused.value)) < 300


def test_having_takes_metrics_only() -> None:
    assert parse_having("spend>100") == Filter("spend", ">", ("100",))
    with pytest.raises(QueryError, match="Only metrics decide over groups, not campaign"):
        parse_having("campaign~Sale")


def test_orders() -> None:
    assert parse_order("-spend") == Order("spend", descending=True)
    assert parse_order(" date ") == Order("date")


@pytest.mark.parametrize("text", ["2026-02-30", "2026-1-1", "20260101", "yesterday", "", "٢٠٢٦-٠١-٠١", "0000-01-01"])
def test_dates_that_are_refused(text: str) -> None:
    with pytest.raises(QueryError):
        parse_date(text)
    assert parse_date("2026-02-28") == dt.date(2026, 2, 28)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"until": dt.date(2025, 12, 31)}, "is after the last day"),
        ({"metrics": ()}, "neither a metric nor a dimension"),
        ({"metrics": ("spent",)}, "There is no metric “spent”. Did you mean spend"),
        ({"metrics": ("spend", "spend")}, "The metric spend is named 2 times."),
        ({"group_by": ("adsets",)}, "There is no dimension “adsets”. Did you mean adset"),
        ({"group_by": ("ad", "ad")}, "The dimension ad is named 2 times."),
        ({"limit": 0}, "The limit 0"),
        ({"limit": 2**63}, "The limit"),
        ({"order": (Order("campaign"),)}, "“campaign”"),
        ({"order": (Order("currency"),), "metrics": ("clicks",)}, "“currency”"),
        ({"having": (Filter("campaign", "~", ("x",)),)}, "Only metrics decide over groups"),
        ({"having": (Filter("reach", ">", ("1",)),)}, "holds for one ad and one day only"),
        ({"having": (Filter("spend_share", ">", ("1",)),)}, "share of what is shown"),
        ({"filters": (Filter("spend_share", ">", ("1",)),)}, "share of what is shown"),
    ],
)
def test_queries_that_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(QueryError) as refused:
        InsightQuery(**{"since": DAY, "until": DAY, "metrics": ("spend",), **options})
    assert sentence in str(refused.value)


def test_a_query_is_a_cache_key() -> None:
    one, other = (InsightQuery(DAY, DAY, ("ad",), ("spend",), (parse_filter("ad~x"),)) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one.by_currency
    assert {one: 1}[other] == 1
