"""Queries of a view, changes in words, the chart that fits, conditions as people type them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.explore import changes, chart, controls, drafts, entry, figures, fitting, grid, marks, queries, words
from dashboard.explore.drafts import DAYS, NAMES, SUMS, Field
from dashboard.explore.figures import Look
from dashboard.explore.view import CHARTS, ExploreView, write
from dashboard.views import View
from lib.errors import QueryError
from lib.insights.breakdowns import SPLITS
from lib.insights.metrics import METRICS
from lib.insights.query import Filter, InsightQuery, Top
from lib.insights.words import write_filter
from tests.unit.dashboard.explore.answers import TODAY, answer_of, selection_of
from tests.unit.dashboard.explore.test_view import HOSTILE, drawn_views


@given(drawn_views())
def test_every_view_can_be_asked_of_one_currency_and_the_accounts_chosen(view: ExploreView) -> None:
    selection = selection_of(view)
    if len({SPLITS[name][0] for name in (*view.group_by, *(each.name for each in view.filters)) if name in SPLITS}) > 1:
        with pytest.raises(QueryError, match="Meta does not report this combination"):
            queries.rows(view, selection)
        return
    for query in (queries.rows(view, selection), queries.whole(view, selection), queries.totals(view, selection, ())):
        assert isinstance(query, InsightQuery)
        assert query.account_ids == selection.account_ids
        assert query.currency == selection.currency
        assert query.filters == view.filters
        assert query.breakdown == queries.whole(view, selection).breakdown
    assert queries.whole(view, selection).metrics == view.metrics
    assert queries.whole(view, selection).limit is None


def test_the_folded_builder_says_what_is_asked() -> None:
    view = ExploreView(group_by=("campaign", "week"), metrics=("spend", "link_clicks", "roas", "cpa"))
    assert controls.asked(view) == "Spend, link clicks and 2 more by campaign and week"
    assert controls.asked(ExploreView(group_by=(), metrics=("roas",))) == "ROAS"


def test_every_metric_is_in_the_menu_once() -> None:
    assert sorted(words.MENU) == sorted(METRICS)


@pytest.mark.parametrize(
    ("now", "then", "slug", "text", "tone"),
    [
        (110, 100, "purchases", "▲ +10.0%", "good"),
        (90, 100, "cpa", "▼ -10.0%", "good"),
        (90, 100, "spend", "▼ -10.0%", "neutral"),
        (5, None, "purchases", "▲ new", "good"),
        (5, 0, "purchases", "▲ new", "good"),
        (5, math.nan, "cpa", "-", "neutral"),
        (math.nan, 5, "cpa", "-", "neutral"),
        (pd.NA, 5, "purchases", "-", "neutral"),
    ],
)
def test_a_change_is_new_where_nothing_was_and_a_dash_where_it_is_undefined(
    now: object, then: object, slug: str, text: str, tone: str
) -> None:
    found = changes.delta(now, then, slug, {})
    assert (changes.text(found), found.tone) == (text, tone)


@pytest.mark.parametrize(("slug", "noted"), [("purchases", "purchases"), ("cpa", "cpa"), ("spend_share", "spend")])
@pytest.mark.parametrize("now", [0, 5])
def test_what_is_not_known_of_before_is_no_change_and_says_why(now: int, slug: str, noted: str) -> None:
    found = changes.delta(now, None, slug, {noted: "not fetched"})
    assert (changes.text(found), found.tone) == ("-", "neutral")
    assert found.reason == "No change to show: the comparison period has no value (not fetched)."
    assert changes.delta(now, 5, slug, {noted: "not fetched"}) == changes.delta(now, 5, slug, {})


def test_the_head_of_the_changes_says_once_why_some_are_missing() -> None:
    answer = answer_of(ExploreView(group_by=("campaign",), metrics=("reach",)), [("1", 4), ("2", 6)])
    found = [
        changes.delta(now, then, "reach", {"reach": "not fetched"}) for now, then in ((4, 2), (4, None), (6, None))
    ]
    head = grid.change(answer, "reach", found).config["help"]
    assert head.startswith("Reach against ")
    assert head.count("the comparison period has no value (not fetched).") == 1
    assert "No change" not in grid.change(answer, "reach", found[:1]).config["help"]


def test_changes_go_by_ids_not_by_places() -> None:
    view = ExploreView(group_by=("campaign",), metrics=("spend",))
    now, before = (answer_of(view, rows).data for rows in ([("1", 4.0), ("2", 6.0)], [("2", 3.0), ("9", 1.0)]))
    found = changes.of_rows(now, before, ("campaign",), ("spend",), {})["spend"]
    assert [changes.text(each) for each in found] == ["▲ new", "▲ +100.0%"]


@pytest.mark.parametrize(
    ("group_by", "metrics", "groups", "chart"),
    [
        ((), ("spend",), 1, "none"),
        (("date",), ("spend",), 28, "line"),
        (("campaign", "week"), ("spend",), 50, "line"),
        (("weekday",), ("spend",), 7, "bar"),
        (("weekday", "campaign"), ("spend",), 30, "heat"),
        (("campaign",), ("spend", "purchases"), 12, "bar"),
        (("ad",), ("spend", "purchases"), 120, "scatter"),
        (("campaign", "objective"), ("spend",), 12, "stacked"),
        (("campaign", "objective"), ("roas",), 12, "heat"),
    ],
)
def test_the_chart_that_fits(group_by: tuple[str, ...], metrics: tuple[str, ...], groups: int, chart: str) -> None:
    view = ExploreView(group_by=group_by, metrics=metrics)
    assert fitting.fitting(view, groups) == chart
    assert chart in fitting.offered(view)


@given(drawn_views(), st.sampled_from(list(CHARTS)))
def test_a_chart_that_cannot_show_the_view_is_replaced(view: ExploreView, chart: str) -> None:
    asked = dataclasses.replace(view, chart=chart)
    assert fitting.can_draw(asked, fitting.fitting(asked, 10))


@pytest.mark.parametrize(
    ("field", "operator", "typed", "chosen", "condition"),
    [
        (Field(NAMES, "campaign"), "~", "Sale, 50%", (), Filter("campaign", "~", ("Sale, 50%",))),
        (Field(NAMES, "campaign"), "=", "", ("1", "2"), Filter("campaign_id", "=", ("1", "2"))),
        (Field(NAMES, "objective"), "!=", "", ("", "OUTCOME_SALES"), Filter("objective", "!=", ("", "OUTCOME_SALES"))),
        (Field(SUMS, "spend"), ">", " 100 ", (), Filter("spend", ">", ("100",))),
        (Field(DAYS, "ctr"), "<", "1.25", (), Filter("ctr", "<", ("0.0125",))),
        (Field(SUMS, "ctr"), ">=", "2 %", (), Filter("ctr", ">=", ("0.02",))),
    ],
)
def test_what_is_typed_becomes_a_condition_and_back(
    field: Field, operator: str, typed: str, chosen: tuple[str, ...], condition: Filter
) -> None:
    found = drafts.condition(field, operator, typed, chosen)
    assert found == condition
    assert drafts.field_of(found, is_having=field.kind == SUMS) == field


@pytest.mark.parametrize(
    ("field", "operator", "typed"),
    [
        (Field(NAMES, "campaign"), "=~", "("),
        (Field(NAMES, "campaign"), "=~", "(?<=a)b"),
        (Field(NAMES, "campaign"), "~", ""),
        (Field(NAMES, "campaign"), "=", ""),
        (Field(SUMS, "spend"), ">", "a lot"),
        (Field(SUMS, "spend"), ">", "1,5"),
        (Field(SUMS, "ctr"), ">", "NaN"),
        (Field(SUMS, "ctr"), ">", "1e999999999"),
        *((Field(SUMS, "spend"), ">", text) for text in HOSTILE),
    ],
)
def test_what_is_no_condition_yet_is_a_sentence(field: Field, operator: str, typed: str) -> None:
    with pytest.raises(QueryError, match=r"\.$"):
        drafts.condition(field, operator, typed, ())


@given(drawn_views())
def test_every_condition_has_words(view: ExploreView) -> None:
    for each in (*view.filters, *view.having):
        assert words.condition(each, {}).startswith(words.field(each.name))


def test_other_of_the_period_before_is_asked_apart() -> None:
    view = ExploreView(group_by=("campaign", "date"), metrics=("spend",), top=Top("campaign", "spend", 1))
    answer = answer_of(view, [("1", "2026-11-01", 5.0), ("", "2026-11-01", 2.0)])
    kept = queries.compared(view, answer.selection, view.group_by, ("1",))
    others = queries.compared_others(view, answer.selection, view.group_by, ("1",))
    assert [write_filter(each) for each in kept.filters] == ["campaign_id=1"]
    assert others is not None
    assert ([write_filter(each) for each in others.filters], others.group_by) == (["campaign_id!=1"], ("date",))
    assert (kept.top, others.top) == (None, None)
    assert queries.compared_others(view, answer.selection, ("date",), ("1",)) is None


def test_names_in_a_chart_are_text_and_keep_what_tells_them_apart() -> None:
    view = ExploreView(group_by=("campaign", "adset"), metrics=("spend",), chart="bar")
    answer = answer_of(view, [("1", "2", 5.0)])
    answer.data["campaign_name"] = ["<b>" + "long " * 20]
    answer.data["adset_name"] = ["Women 25-44"]
    found = marks.groups(answer).assign(of="", series="")
    assert "<b>" not in found["words"][0]
    look = Look(METRICS["spend"], "EUR", "#000")
    (label,) = figures.bars(found, look, upright=False).layout.yaxis.ticktext
    assert label.startswith("&lt;b&gt;long")
    assert label.endswith(" · Women 25-44")


def test_the_largest_series_comes_first() -> None:
    view = ExploreView(group_by=("campaign", "week"), metrics=("spend",))
    rows = [(str(number), "2026-11-09", float(number)) for number in range(1, 12)]
    found = marks.along_time(answer_of(view, rows), whole=True)
    assert list(dict.fromkeys(found["of"])) == [str(number) for number in range(11, 3, -1)]
    assert not marks.is_whole(answer_of(view, rows), "line")


def test_a_day_without_rows_is_zero_only_where_it_is_known() -> None:
    view = ExploreView(group_by=("date",), metrics=("spend", "roas"), period="last_7")
    rows = [("2026-11-16", 4.0, 2.0, 8.0), ("2026-11-20", 4.0, 2.0, 8.0)]
    answer = answer_of(view, rows)
    assert marks.along_time(answer, whole=True)["value"].tolist() == [0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 4.0]
    assert marks.along_time(answer, whole=False)["value"].isna().tolist() == [False, True, True, True, False]
    ratio = answer_of(dataclasses.replace(view, metric="roas"), rows)
    assert marks.along_time(ratio, whole=True)["value"].isna().sum() == 5


@pytest.mark.parametrize("whole", [True, False])
def test_a_time_axis_has_no_step_that_cannot_have_a_number(whole: bool) -> None:
    since = dt.date(2026, 10, 1) if whole else dt.date(2004, 2, 4)
    view = ExploreView(group_by=("date", "campaign"), metrics=("spend",), since=since, until=dt.date(2100, 1, 1))
    answer = answer_of(view, [("2026-11-02", "1", 4.0), ("2026-11-22", "2", 5.0)])
    first = since if whole else dt.date(2026, 11, 2)
    last = dt.date(2026, 11, 22)  # an account east of the others has begun the day after their today
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    found = marks.along_time(answer, whole=whole)
    assert [part["place"].tolist() for _, part in found.groupby("of")] == [days, days]
    heat = dataclasses.replace(answer, view=dataclasses.replace(view, chart="heat"))
    assert chart.places_across(heat, marks.cells(heat), whole=whole) == days
    quiet = answer_of(view, [("2026-11-02", "1", 4.0)])
    assert marks.along_time(quiet, whole=whole)["place"].max() == TODAY


@pytest.mark.parametrize(
    ("time", "first", "last"), [("week", "2026-10-26", "2026-11-16"), ("month", "2026-11-01", "2026-11-01")]
)
def test_steps_of_an_axis_are_whole_weeks_and_months(time: str, first: str, last: str) -> None:
    view = ExploreView(group_by=(time,), metrics=("spend",), since=dt.date(2004, 2, 4), until=dt.date(2100, 1, 1))
    found = marks.along_time(answer_of(view, [(first, 4.0)]), whole=False)
    assert [str(found["place"].min()), str(found["place"].max())] == [first, last]


def test_the_overview_leads_into_explore_with_its_own_state() -> None:
    view = View(period="last_7", clients=("acme",), metric="ctr", sort="-cpm", name="Sale", currency="EUR", limit=10)
    found = entry.from_overview(view, ("campaign",))
    assert (found.period, found.clients, found.currency, found.limit) == ("last_7", ("acme",), "EUR", 10)
    assert (found.filters, found.order, found.drawn) == ((Filter("campaign", "~", ("Sale",)),), "-cpm", "ctr")
    assert entry.from_overview(View(sort="name"), ("campaign",)).order == "campaign"
    assert write(entry.from_overview(View(), ("date",)))["group_by"] == "date"


def test_numbers_stay_exact_on_their_way_into_words() -> None:
    assert words.percent("0.0125") == "1.25"
    assert Decimal(words.percent("0.1")) == 10
    assert [words.inside(each) for each in ("Link clicks", "ROAS", "CTR (all)")] == ["link clicks", "ROAS", "CTR (all)"]


def test_other_comes_last_in_a_chart_however_large() -> None:
    view = ExploreView(group_by=("campaign", "week"), metrics=("spend",), top=Top("campaign", "spend", 2))
    rows = [("", "2026-11-09", 900.0), ("1", "2026-11-09", 10.0), ("2", "2026-11-09", 20.0)]
    for found in (marks.along_time(answer_of(view, rows), whole=True), marks.stacks(answer_of(view, rows))):
        assert list(dict.fromkeys(found["of"])) == ["2", "1", ""]
