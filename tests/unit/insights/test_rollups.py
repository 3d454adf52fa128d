"""Which questions may be answered from the sums that the mirror keeps."""

from __future__ import annotations

import datetime as dt

import pytest

from lib.insights.filters import Filter
from lib.insights.mirror.rollups import stand_ins
from lib.insights.picking import Picked, PickedAccount
from lib.insights.query import InsightQuery
from lib.insights.sql import compile_query

DAY = dt.date(2026, 1, 1)
PICKED = Picked(
    tuple(PickedAccount(n, 1, str(n), money, "acme", "Acme", False) for n, money in ((1, "EUR"), (2, "JPY")))
)
ACCOUNT, CAMPAIGN, NONE = {"insight": "insight_by_account"}, {"insight": "insight_by_campaign"}, {}


def read_instead(
    *group_by: str, metrics: tuple[str, ...] = ("spend",), filters: tuple[Filter, ...] = (), picked: Picked = PICKED
) -> object:
    query = InsightQuery(DAY, DAY, group_by, metrics, filters)
    return stand_ins(compile_query(query, picked).told_apart_by)


@pytest.mark.parametrize("group_by", [(), ("date",), ("quarter", "weekday"), ("client",), ("account", "week")])
def test_sums_of_accounts(group_by: tuple[str, ...]) -> None:
    assert read_instead(*group_by, metrics=("spend", "roas", "ctr")) == ACCOUNT


@pytest.mark.parametrize("group_by", [("campaign",), ("objective", "date"), ("client", "campaign", "month")])
def test_sums_of_campaigns(group_by: tuple[str, ...]) -> None:
    assert read_instead(*group_by) == CAMPAIGN


@pytest.mark.parametrize("group_by", [("adset",), ("ad", "date"), ("goal",), ("status",), ("creative",)])
def test_what_is_finer_is_asked_of_the_ad_days(group_by: tuple[str, ...]) -> None:
    assert read_instead(*group_by) == NONE


def test_a_condition_on_one_ad_day_is_asked_of_the_ad_days() -> None:
    assert read_instead("date", filters=(Filter("spend", ">", ("5",)),)) == NONE
    assert read_instead("date", filters=(Filter("ad_id", "=", ("5",)),)) == NONE
    assert read_instead("date", filters=(Filter("campaign_id", "=", ("5",)),)) == CAMPAIGN
    assert read_instead("date", filters=(Filter("account_id", "=", ("5",)),)) == ACCOUNT
    objects = Picked(PICKED.accounts, (("campaign", frozenset({1})),))
    assert read_instead("date", filters=(Filter("campaign", "~", ("x",)),), picked=objects) == CAMPAIGN
    objects = Picked(PICKED.accounts, (("ad", frozenset({1})),))
    assert read_instead("date", filters=(Filter("ad", "~", ("x",)),), picked=objects) == NONE


@pytest.mark.parametrize("metric", ["reach", "results"])
def test_what_is_no_sum_of_a_campaign_is_asked_of_the_ad_days(metric: str) -> None:
    assert read_instead("date", "campaign", metrics=(metric,)) == NONE


def test_any_other_statement_is_asked_of_the_ad_days() -> None:
    assert stand_ins(None) == NONE
