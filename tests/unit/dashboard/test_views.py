"""The address of a view: only differences, there and back, and odd parameters named."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import views
from dashboard.views import DEFAULT, View
from lib.insights.metrics import METRICS

DATES = st.dates(views.FIRST_DAY, dt.date(2099, 12, 31))
SPANS = st.tuples(DATES, DATES).map(sorted)
SLUGS = st.lists(st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True), max_size=3, unique=True).map(tuple)
IDS = st.lists(st.integers(1, 10**17), max_size=3, unique=True).map(tuple)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)


def as_params(view: View) -> dict[str, list[str]]:
    return {name: value if isinstance(value, list) else [value] for name, value in views.write(view).items()}


@st.composite
def drawn_views(draw: st.DrawFn) -> View:
    period = draw(st.sampled_from(list(views.PERIODS)))
    since, until = draw(SPANS) if period == "custom" else (None, None)
    sign = draw(st.sampled_from(["", "-"]))
    return View(
        period=period,
        since=since,
        until=until,
        compare=draw(st.sampled_from(list(views.COMPARISONS))),
        clients=draw(SLUGS),
        accounts=draw(IDS),
        currency=draw(st.sampled_from([None, "EUR", "JPY"])),
        metric=draw(st.sampled_from(list(METRICS))),
        sort=sign + draw(st.sampled_from(["name", *METRICS])),
        name=draw(NAMES),
        limit=draw(st.sampled_from(views.PAGE_SIZES)),
        page=draw(st.integers(1, 999)),
    )


@given(drawn_views())
def test_every_view_comes_back_from_its_address(view: View) -> None:
    assert views.read(as_params(view)) == (view, ())


def test_the_default_view_needs_no_address() -> None:
    assert views.write(DEFAULT) == {}
    assert views.read({}) == (DEFAULT, ())


@given(st.dictionaries(st.sampled_from([*View.__dataclass_fields__, "client", "account"]), st.lists(st.text())))
def test_no_address_is_an_error(params: dict[str, list[str]]) -> None:
    view, odd = views.read(params)
    assert isinstance(view, View)
    assert all(isinstance(name, str) for name in odd)


@pytest.mark.parametrize(
    ("params", "odd"),
    [
        ({"period": ["last_8"]}, ("period",)),
        ({"period": ["last_7", "last_14"]}, ("period",)),
        ({"since": ["2026-01-31"]}, ("since", "until")),
        ({"since": ["2026-02-01"], "until": ["2026-01-01"]}, ("since", "until")),
        ({"since": ["2026-02-30"], "until": ["2026-03-01"]}, ("since", "since", "until")),
        ({"client": ["A b"]}, ("client",)),
        ({"account": ["act_x"]}, ("account",)),
        ({"currency": ["euro"]}, ("currency",)),
        ({"sort": ["--spend"]}, ("sort",)),
        ({"limit": ["26"]}, ("limit",)),
        ({"page": ["0"]}, ("page",)),
        ({"name": ["x" * 201]}, ("name",)),
    ],
)
def test_what_cannot_be_understood_is_named_and_left_out(params: dict[str, list[str]], odd: tuple[str, ...]) -> None:
    assert views.read(params) == (DEFAULT, odd)


def test_dates_make_a_period_of_their_own() -> None:
    view, odd = views.read({"since": ["2026-01-01"], "until": ["2026-01-31"], "period": ["last_7"]})
    assert (view.period, view.since, view.until, odd) == ("custom", dt.date(2026, 1, 1), dt.date(2026, 1, 31), ())
    assert views.write(view) == {"since": "2026-01-01", "until": "2026-01-31"}
