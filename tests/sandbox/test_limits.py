"""What Meta leaves out, merges and has given up: people, hours, areas, old windows; and attribution settings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import Sandbox
from tests.sandbox.test_numbers import DAYS, EVERYTHING

PEOPLE = ("reach", "frequency", "cpp", "unique_clicks", "unique_ctr", "cost_per_unique_click",
          "unique_inline_link_clicks", "cost_per_unique_inline_link_click")  # fmt: skip
HOURLY = "hourly_stats_aggregated_by_advertiser_time_zone"
FIELDS = ",".join(("spend", "impressions", "actions", *PEOPLE))


@pytest.fixture(scope="module")
def old(serve: Callable[..., Sandbox]) -> Sandbox:
    """A server whose data goes back further than people are counted by breakdown."""
    return serve("--accounts", "2", "--days", "500")


def _account(sandbox: Sandbox, currency: str) -> str:
    return next(one["id"] for one in sandbox.accounts() if one["currency"] == currency)


def _one_day(sandbox: Sandbox, day: str, **params: Any) -> list[dict[str, Any]]:
    asked = {"time_range": {"since": day, "until": day}, "fields": FIELDS, **params}
    return sandbox.rows(f"{_account(sandbox, 'EUR')}/insights", **asked)


@pytest.mark.parametrize("breakdowns", [["age"], ["impression_device"], ["country"]])
def test_people_are_left_out_of_breakdowns_older_than_13_months(old: Sandbox, breakdowns: list[str]) -> None:
    recent, ancient = _one_day(old, "2025-04-21", breakdowns=breakdowns), _one_day(
        old, "2025-04-19", breakdowns=breakdowns)  # fmt: skip
    assert set(PEOPLE) <= set(recent[0])
    assert ancient
    assert not any(set(PEOPLE) & set(row) for row in ancient), "without an error"
    assert all("impressions" in row for row in ancient)
    across = {"since": "2025-04-19", "until": "2025-05-19"}
    assert not any("reach" in row for row in _one_day(old, "", time_range=across, breakdowns=breakdowns))
    assert "reach" in _one_day(old, "2025-04-19")[0], "without a breakdown it stays"


def test_people_are_counted_once(old: Sandbox) -> None:
    [row] = _one_day(old, "2026-05-10")
    assert int(row["unique_inline_link_clicks"]) <= int(row["unique_clicks"]) <= int(row["reach"])
    assert float(row["unique_ctr"]) == pytest.approx(100 * int(row["unique_clicks"]) / int(row["reach"]), abs=1e-5)


def test_hours_know_no_people_and_are_kept_for_13_months(old: Sandbox) -> None:
    rows = _one_day(old, "2026-05-10", breakdowns=[HOURLY])
    assert len({row[HOURLY] for row in rows}) == len(rows) > 15
    assert not any(set(PEOPLE) & set(row) for row in rows)
    assert _one_day(old, "2025-04-20", breakdowns=[HOURLY])
    assert _one_day(old, "2025-04-19", breakdowns=[HOURLY]) == []


def test_hours_of_several_days_are_merged(old: Sandbox) -> None:
    range_ = {"since": "2026-05-09", "until": "2026-05-10"}
    merged = _one_day(old, "", time_range=range_, breakdowns=[HOURLY])
    assert {(row["date_start"], row["date_stop"]) for row in merged} == {("2026-05-09", "2026-05-10")}
    summed: dict[str, int] = defaultdict(int)
    for day in ("2026-05-09", "2026-05-10"):
        for row in _one_day(old, day, breakdowns=[HOURLY]):
            summed[row[HOURLY]] += int(row["impressions"])
    assert {row[HOURLY]: int(row["impressions"]) for row in merged} == summed


def test_impression_devices(old: Sandbox) -> None:
    rows = _one_day(old, "2026-05-10", breakdowns=["impression_device"])
    assert {row["impression_device"] for row in rows} == {"iphone", "ipad", "android_smartphone", "desktop", "other"}
    [whole] = _one_day(old, "2026-05-10")
    assert sum(int(row["impressions"]) for row in rows) == int(whole["impressions"])
    both = _one_day(old, "2026-05-10", breakdowns=["publisher_platform", "impression_device"])
    assert len(both) > len(rows)


def test_dma_was_replaced_by_comscore_markets(serve: Callable[..., Sandbox], old: Sandbox) -> None:
    later = serve("--accounts", "2", "--days", "60", now="2026-06-23T15:30:00+00:00")
    day = {"since": "2026-05-10", "until": "2026-05-10"}
    american = f"{_account(old, 'USD')}/insights"
    before = old.rows(american, time_range=day, fields="impressions,actions", breakdowns=["dma"])
    assert len(before) == 5
    refused = later.get(american, time_range=day, breakdowns=["dma"])
    assert refused.status_code == 400
    assert "comscore_market" in refused.json()["error"]["message"]
    assert "dma" not in refused.json()["error"]["message"]
    after = later.rows(american, time_range=day, fields="impressions,actions", breakdowns=["comscore_market"])
    assert [row["impressions"] for row in after] == [row["impressions"] for row in before]
    kinds = {entry["action_type"] for row in after for entry in row["actions"]}
    assert "link_click" in kinds
    assert not any("purchase" in kind for kind in kinds), "not reported by area, which is not 0"
    german = later.rows(f"{_account(later, 'EUR')}/insights", time_range=day, breakdowns=["comscore_market"])
    assert [row["comscore_market"] for row in german] == ["Unknown"]


@pytest.mark.parametrize("breakdowns", [["region"], [HOURLY]])
def test_regions_and_hours_do_not_report_what_happens_off_meta(old: Sandbox, breakdowns: list[str]) -> None:
    kinds = {entry["action_type"] for row in _one_day(old, "2026-05-10", breakdowns=breakdowns)
             for entry in row.get("actions", [])}  # fmt: skip
    assert "link_click" in kinds
    assert not any("purchase" in kind or "add_to_cart" in kind for kind in kinds)


@pytest.mark.parametrize("window", ["7d_view", "28d_view"])
def test_old_view_windows_give_nothing_and_no_error(old: Sandbox, window: str) -> None:
    rows = _one_day(old, "2026-05-10", level="ad", action_attribution_windows=[window, "1d_click"])
    entries = [entry for row in rows for entry in row.get("actions", [])]
    assert entries
    assert all("1d_click" in entry and window not in entry for entry in entries)


def test_an_attribution_setting_belongs_to_an_ad_set(sandbox: Sandbox, account: str) -> None:
    common = {"time_range": DAYS, "limit": "2000"}
    ads = sandbox.rows(f"{account}/insights", level="ad", fields="adset_id,campaign_id,attribution_setting",
                       filtering=EVERYTHING, **common)  # fmt: skip
    by_adset, by_campaign = defaultdict(set), defaultdict(set)
    for row in ads:
        by_adset[row["adset_id"]].add(row["attribution_setting"])
        by_campaign[row["campaign_id"]].add(row["attribution_setting"])
    assert all(len(settings) == 1 for settings in by_adset.values())
    assert {"7d_click_1d_view", "7d_click"} <= set.union(*by_adset.values())
    adset = next(iter(by_adset))
    spec = sandbox.get(adset, fields="attribution_spec").json()["attribution_spec"]
    assert (
        "_".join(f"{one['window_days']}d_{one['event_type'].split('_')[0].lower()}" for one in spec) in by_adset[adset]
    )
    campaigns = sandbox.rows(
        f"{account}/insights", level="campaign", fields="campaign_id,attribution_setting", **common
    )
    for row in campaigns:
        if len(by_campaign[row["campaign_id"]]) > 1:
            assert row["attribution_setting"] == "mixed"
    assert {row["attribution_setting"] for row in campaigns} >= {"mixed"}
    [whole] = sandbox.rows(f"{account}/insights", fields="attribution_setting", **common)
    assert whole["attribution_setting"] == "mixed"
