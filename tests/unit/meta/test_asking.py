"""A question for insights, exactly as it goes over the wire."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from lib.meta import fields
from lib.meta.asking import MOST_IDS, InsightsAsk
from lib.meta.service import MetaService
from tests.clocks import FakeClock
from tests.fixtures_wire import Wire, ok

SINCE, UNTIL = dt.date(2026, 5, 1), dt.date(2026, 5, 3)
ALL_ADS = {"field": "ad.effective_status", "operator": "IN", "value": list(fields.AD_STATUSES)}


def asked_of(wire: Wire, ask: InsightsAsk) -> dict[str, Any]:
    """The parameters that came in."""
    wire.answers(ok({"data": []}))
    service = MetaService("t", wire.url, clock=FakeClock())
    list(service.get_insights(ask))
    service.close()
    (asked,) = wire.asked
    assert (asked.method, asked.path) == ("GET", f"act_{ask.account_id}/insights")
    return {name: value for name, value in asked.params.items() if name != "access_token"}


def test_ads_of_every_status_are_asked_for_day_by_day_in_the_accounts_own_attribution(wire: Wire) -> None:
    asked = asked_of(wire, InsightsAsk(1, SINCE, UNTIL))
    assert json.loads(asked.pop("time_range")) == {"since": "2026-05-01", "until": "2026-05-03"}
    assert json.loads(asked.pop("filtering")) == [ALL_ADS]
    assert asked == {
        "level": "ad",
        "time_increment": "1",
        "fields": ",".join(fields.AD_INSIGHT),
        "use_unified_attribution_setting": "true",
        "limit": "1000",
    }
    assert {"ARCHIVED", "DELETED", "ACTIVE", "PAUSED"} <= set(ALL_ADS["value"])


def test_the_account_is_asked_for_without_a_filter(wire: Wire) -> None:
    asked = asked_of(wire, InsightsAsk(1, SINCE, UNTIL, level="account", fields=fields.ACCOUNT_INSIGHT))
    assert "filtering" not in asked


@pytest.mark.parametrize("level", ["campaign", "adset", "ad"])
def test_each_level_names_its_own_statuses(wire: Wire, level: str) -> None:
    (condition,) = json.loads(asked_of(wire, InsightsAsk(1, SINCE, UNTIL, level=level))["filtering"])
    assert condition["field"] == f"{level}.effective_status"
    assert {"ARCHIVED", "DELETED"} <= set(condition["value"])


def test_one_row_for_the_whole_period(wire: Wire) -> None:
    ask = InsightsAsk(1, SINCE, UNTIL, level="campaign", fields=fields.PERIOD_INSIGHT["campaign"], daily=False)
    asked = asked_of(wire, ask)
    assert asked["time_increment"] == "all_days"
    assert {"reach", "frequency", "campaign_id"} <= set(asked["fields"].split(","))
    assert not set(fields.RANKINGS) & set(asked["fields"].split(","))


def test_rankings_are_asked_for_at_the_ads_own_level_only() -> None:
    with_rankings = [level for level, names in fields.PERIOD_INSIGHT.items() if set(fields.RANKINGS) <= set(names)]
    assert with_rankings == ["ad"]


def test_breakdowns_and_windows_are_parameters_of_their_own(wire: Wire) -> None:
    ask = InsightsAsk(1, SINCE, UNTIL, breakdowns=("age", "gender"), windows=("1d_click", "1d_view"))
    asked = asked_of(wire, ask)
    assert asked["breakdowns"] == "age,gender"
    assert json.loads(asked["action_attribution_windows"]) == ["1d_click", "1d_view"]
    assert asked["use_unified_attribution_setting"] == "true"
    assert not {"age", "gender"} & set(asked["fields"].split(",")), "a breakdown among the fields is refused"


NARROWED: list[tuple[dict[str, Any], tuple[str, str, list[str]]]] = [
    ({"campaign_ids": (90071992547409935, 2)}, ("campaign.id", "IN", ["90071992547409935", "2"])),
    ({"without_campaigns": (3,)}, ("campaign.id", "NOT_IN", ["3"])),
    ({"ad_ids": (4,)}, ("ad.id", "IN", ["4"])),
    ({"without_ads": (5, 6)}, ("ad.id", "NOT_IN", ["5", "6"])),
    ({"campaign_ids": ()}, ("campaign.id", "IN", [])),
]


@pytest.mark.parametrize(("narrowed", "condition"), NARROWED)
def test_objects_are_named_beside_the_statuses(
    wire: Wire, narrowed: dict[str, Any], condition: tuple[str, str, list[str]]
) -> None:
    filtering = json.loads(asked_of(wire, InsightsAsk(1, SINCE, UNTIL, **narrowed))["filtering"])
    name, operator, value = condition
    assert filtering == [ALL_ADS, {"field": name, "operator": operator, "value": value}]


def test_more_objects_than_an_address_holds_are_asked_for_by_post() -> None:
    many = tuple(range(MOST_IDS + 1))
    assert not InsightsAsk(1, SINCE, UNTIL, campaign_ids=many[1:]).is_long
    assert InsightsAsk(1, SINCE, UNTIL, campaign_ids=many).is_long
    assert InsightsAsk(1, SINCE, UNTIL, without_ads=many).is_long


@pytest.mark.parametrize("one", fields.BREAKDOWNS.values(), ids=list(fields.BREAKDOWNS))
def test_no_breakdown_is_among_the_fields(one: fields.BreakdownSet) -> None:
    assert not set(one.columns) & set(fields.BREAKDOWN_INSIGHT)
    assert one.history_months in (13, 37)
    assert one.label


def test_hours_are_asked_for_one_day_at_a_time_and_for_thirteen_months() -> None:
    assert (fields.BREAKDOWNS["hour"].most_days, fields.BREAKDOWNS["hour"].history_months) == (1, 13)
    silent = [slug for slug, one in fields.BREAKDOWNS.items() if not one.off_meta_reported]
    assert silent == ["region", "hour"]
