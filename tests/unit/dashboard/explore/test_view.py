"""The address of an Explore view: any view there and back, odd parts named, parts that do not go together left out."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import address, views
from dashboard.explore.view import CHARTS, DEFAULT, PAGE, SHARES, ExploreView, read, settled, write
from lib.insights.filters import LIST_OPERATORS, NUMBER_WORDS, TEXT_WORDS, TEXTS
from lib.insights.metrics import METRICS
from lib.insights.query import DIMENSIONS, NAMED, Filter, Top
from tests.unit.dashboard.test_views import IDS, SLUGS, SPANS

HOSTILE = [
    "'; DROP TABLE insight; --",
    '"a","b"',
    "<script>alert(1)</script>",
    "=1+1",
    " a ",
    ",",
    '"',
    "a&b=c#d%",
    "🎯",
]
TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40),
)
NUMBERS = st.decimals(0, 10**9, allow_nan=False, places=3).map(lambda number: f"{number:f}")
DIMENSION_LISTS = st.lists(st.sampled_from(DIMENSIONS), max_size=3, unique=True).map(tuple)
METRIC_LISTS = st.lists(st.sampled_from(list(METRICS)), min_size=1, max_size=8, unique=True).map(tuple)
COUNTED = [slug for slug, metric in METRICS.items() if metric.parsed.kind != "share"]


@st.composite
def drawn_filters(draw: st.DrawFn) -> Filter:
    kind = draw(st.sampled_from(["text", "list", "id", "number"]))
    if kind == "number":
        return draw(drawn_having())
    if kind == "id":
        numbers = draw(st.lists(st.integers(1, 10**17).map(str), min_size=1, max_size=3, unique=True))
        name = draw(st.sampled_from(["campaign_id", "adset_id", "ad_id", "creative_id", "account_id"]))
        return Filter(name, draw(st.sampled_from(LIST_OPERATORS)), tuple(numbers))
    name = draw(st.sampled_from(TEXTS))
    if kind == "list":
        values = draw(st.lists(st.one_of(TEXT, st.just("")), min_size=1, max_size=3, unique=True))
        return Filter(name, draw(st.sampled_from(LIST_OPERATORS)), tuple(values))
    operators = [operator for operator in TEXT_WORDS if operator not in (*LIST_OPERATORS, "=~")]
    return Filter(name, draw(st.sampled_from(operators)), (draw(TEXT),))


@st.composite
def drawn_having(draw: st.DrawFn) -> Filter:
    slug = draw(st.sampled_from(COUNTED))
    return Filter(slug, draw(st.sampled_from(list(NUMBER_WORDS))), (draw(NUMBERS),))


@st.composite
def drawn_views(draw: st.DrawFn) -> ExploreView:
    """A view whose parts go together."""
    group_by, metrics = draw(DIMENSION_LISTS), draw(METRIC_LISTS)
    period = draw(st.sampled_from(list(views.PERIODS)))
    since, until = draw(SPANS) if period == "custom" else (None, None)
    order = draw(st.sampled_from(["", *group_by, *metrics, *(f"-{slug}" for slug in metrics)]))
    folded = [name for name in group_by if name in NAMED]
    top = Top(draw(st.sampled_from(folded)), "spend", draw(st.integers(1, 1000))) if folded else None
    view = ExploreView(
        period=period,
        since=since,
        until=until,
        compare=draw(st.sampled_from(["previous_period", "previous_year", "none"])),
        clients=draw(SLUGS),
        accounts=draw(IDS),
        currency=draw(st.sampled_from([None, "EUR"])),
        group_by=group_by,
        metrics=metrics,
        filters=draw(st.lists(drawn_filters(), max_size=4, unique=True).map(tuple)),
        having=draw(st.lists(drawn_having(), max_size=3, unique=True).map(tuple)),
        order=order,
        top=draw(st.sampled_from([None, top])),
        pivot=draw(st.sampled_from(["", *group_by])),
        share=draw(st.sampled_from(list(SHARES))),
        chart=draw(st.sampled_from(list(CHARTS))),
        metric=draw(st.sampled_from(["", *metrics])),
        limit=draw(st.sampled_from(views.PAGE_SIZES)),
        page=draw(st.integers(1, 999)),
    )
    return settled(view)[0]


def params_of(view: ExploreView) -> dict[str, list[str]]:
    """What a browser sends for the view's address."""
    return parse_qs(address.query_of(write(view)), keep_blank_values=True)


@given(drawn_views())
def test_every_view_comes_back_from_its_address(view: ExploreView) -> None:
    assert read(params_of(view)) == (view, ())


def test_the_default_view_needs_no_address() -> None:
    assert write(DEFAULT) == {}
    assert read({}) == (DEFAULT, ())


def test_no_dimension_is_an_address_too() -> None:
    view = replace(DEFAULT, group_by=())
    assert write(view)["group_by"] == "none"
    assert read(params_of(view)) == (view, ())


@given(
    st.dictionaries(
        st.sampled_from([*ExploreView.__dataclass_fields__, "client", "account", "filter"]),
        st.lists(st.one_of(st.text(), st.sampled_from(HOSTILE), st.just("campaign=~("), st.just("spend>1e9"))),
    )
)
def test_no_address_is_an_error(params: dict[str, list[str]]) -> None:
    view, odd = read(params)
    assert read(params_of(view))[0] == view
    assert all(name in PAGE.words for name in odd)


@pytest.mark.parametrize(
    ("params", "odd"),
    [
        ({"group_by": ["campaign,nothing"]}, ("group_by",)),
        ({"group_by": ["campaign,campaign"]}, ("group_by",)),
        ({"group_by": ["date,week,month,ad"]}, ("group_by",)),
        ({"metrics": ["spend,money"]}, ("metrics",)),
        ({"filter": ["campaign=~("]}, ("filter",)),
        ({"filter": ["campaign~" + "x" * 3000]}, ("filter",)),
        ({"having": ["campaign~Sale"]}, ("having",)),
        ({"having": ["spend>a lot"]}, ("having",)),
        ({"having": ["reach>1"]}, ("having",)),
        ({"order": ["-week"]}, ("order",)),
        ({"top": ["0:campaign:spend"]}, ("top",)),
        ({"top": ["5:ad:spend"]}, ("top",)),
        ({"pivot": ["week"]}, ("pivot",)),
        ({"metric": ["cpm"]}, ("metric",)),
        ({"chart": ["pie"]}, ("chart",)),
        ({"share": ["half"]}, ("share",)),
        ({"colour": ["red"]}, (views.UNKNOWN,)),
    ],
)
def test_what_cannot_be_understood_is_named_and_left_out(params: dict[str, list[str]], odd: tuple[str, ...]) -> None:
    assert read(params) == (DEFAULT, odd)
    assert all(name in PAGE.words for name in odd)


def test_one_bad_condition_leaves_the_good_ones() -> None:
    view, odd = read({"filter": ["campaign=~(", "campaign~Sale", "campaign~Sale"], "having": ["spend>100"]})
    assert (view.filters, view.having) == ((Filter("campaign", "~", ("Sale",)),), (Filter("spend", ">", ("100",)),))
    assert odd == ("filter",)


def test_cleared_keeps_the_question() -> None:
    view = ExploreView(
        period="last_7", clients=("a",), accounts=(1,), filters=(Filter("ad", "~", ("x",)),),
        having=(Filter("spend", ">", ("1",)),), group_by=("ad",), metrics=("cpm",), page=4,
    )  # fmt: skip
    assert view.cleared() == ExploreView(period="last_7", group_by=("ad",), metrics=("cpm",))


def test_the_days_of_a_view_are_relative_or_fixed() -> None:
    assert write(ExploreView(period="last_7")) == {"period": "last_7"}
    fixed = ExploreView(period="custom", since=dt.date(2026, 1, 1), until=dt.date(2026, 1, 31))
    assert write(fixed) == {"since": "2026-01-01", "until": "2026-01-31"}
