"""What a click opens, the trail it leaves, and the way back."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.explore import opening
from dashboard.explore.opening import Step
from dashboard.explore.view import ExploreView, read
from lib.insights.query import DIMENSIONS, Filter, Top
from tests.unit.dashboard.explore.answers import selection_of
from tests.unit.dashboard.explore.test_view import drawn_views, params_of

VIEW = ExploreView(group_by=("campaign", "week"), metrics=("spend", "roas"), pivot="week", page=3)


def opened(view: ExploreView, dimension: str, value: str) -> ExploreView:
    return opening.opened(view, selection_of(view), dimension, value)


def test_down_to_an_ad_and_back_by_the_trail() -> None:
    campaign = opened(VIEW, "campaign", "7")
    assert (campaign.group_by, campaign.pivot, campaign.page) == (("adset", "week"), "week", 1)
    adset = opened(campaign, "adset", "8")
    ad = opened(adset, "ad", "9")
    assert ad.group_by == ("week",)
    assert ad.filters == tuple(
        Filter(name, "=", (of,)) for name, of in (("campaign_id", "7"), ("adset_id", "8"), ("ad_id", "9"))
    )
    steps = opening.trail(ad)
    assert steps == (Step("campaign", "7"), Step("adset", "8"), Step("ad", "9"))
    assert opening.back_to(adset, steps[0]) == campaign
    assert opening.back_to(campaign, None) == replace(VIEW, page=1)


def test_a_client_and_an_account_are_the_filters_of_the_page() -> None:
    of_client = opened(ExploreView(group_by=("client",)), "client", "acme")
    assert (of_client.clients, of_client.group_by) == (("acme",), ("account",))
    of_account = opened(of_client, "account", "11")
    assert (of_account.accounts, of_account.group_by) == ((11,), ("campaign",))
    assert opening.trail(of_account) == ()
    assert [step.level for step in opening.trail(opened(of_account, "campaign", "7"))] == [
        "client",
        "account",
        "campaign",
    ]


@pytest.mark.parametrize(
    ("dimension", "first", "last", "into"),
    [
        ("week", "2026-11-09", "2026-11-15", "date"),
        ("week", "2026-11-16", "2026-11-20", "date"),
        ("month", "2026-10-01", "2026-10-31", "week"),
        ("quarter", "2026-10-01", "2026-11-20", "month"),
    ],
)
def test_days_open_into_shorter_ones_within_the_period(dimension: str, first: str, last: str, into: str) -> None:
    view = ExploreView(period="custom", since=dt.date(2026, 9, 1), until=dt.date(2026, 11, 20), group_by=(dimension,))
    found = opened(view, dimension, first)
    assert (str(found.since), str(found.until), found.group_by) == (first, last, (into,))


@pytest.mark.parametrize("day", ["1999-01-01", "2098-01-01"])
def test_a_day_outside_the_period_opens_nothing(day: str) -> None:
    view = ExploreView(group_by=("date",))
    assert opening.clicked(view, selection_of(view), "date", day) == view


def test_words_filter_and_make_way() -> None:
    found = opened(ExploreView(group_by=("objective", "account")), "objective", "OUTCOME_SALES")
    assert (found.filters, found.group_by) == ((Filter("objective", "=", ("OUTCOME_SALES",)),), ("account",))


def test_what_does_not_go_with_the_narrower_grouping_is_left_out() -> None:
    view = replace(VIEW, top=Top("campaign", "spend", 3), order="-campaign")
    found = opened(view, "campaign", "7")
    assert (found.top, found.order) == (None, "")


@given(
    drawn_views(), st.sampled_from(DIMENSIONS), st.one_of(st.text(max_size=20), st.sampled_from(["7", "2026-11-09"]))
)
def test_nothing_that_a_browser_sends_is_an_error(view: ExploreView, dimension: str, value: str) -> None:
    found = opening.clicked(view, selection_of(view), dimension, value)
    assert read(params_of(found)) == (found, ())


def test_other_and_the_nameless_do_not_open() -> None:
    assert not opening.can_open("campaign", "7", is_other=True)
    assert not opening.can_open("creative", "", is_other=False)
    assert not opening.can_open("weekday", "Monday", is_other=False)
    assert opening.can_open("objective", "", is_other=False)
