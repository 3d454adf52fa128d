"""The numbers: three ways to one total, hidden objects, views of an event, restatement and determinism."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.conftest import Rows, Sandbox

SINCE, UNTIL = "2026-04-22", "2026-05-19"
DAYS = {"since": SINCE, "until": UNTIL}
EVERY_STATUS = [
    "ACTIVE", "PAUSED", "ARCHIVED", "DELETED", "CAMPAIGN_PAUSED", "ADSET_PAUSED", "DISAPPROVED", "WITH_ISSUES",
    "PENDING_REVIEW",
]  # fmt: skip
EVERYTHING = [{"field": "ad.effective_status", "operator": "IN", "value": EVERY_STATUS}]
FIELDS = (
    "ad_id,spend,impressions,clicks,inline_link_clicks,inline_post_engagement,actions,action_values,outbound_clicks,"
    "video_play_actions,video_thruplay_watched_actions,video_15_sec_watched_actions,video_p25_watched_actions,"
    "video_p50_watched_actions,video_p75_watched_actions,video_p100_watched_actions"
)
SCALARS = {
    "impressions": "impressions", "clicks": "clicks", "inline_link_clicks": "link_clicks",
    "inline_post_engagement": "engagements",
}  # fmt: skip
LISTS = {
    "outbound_clicks": "outbound_clicks", "video_play_actions": "video_plays",
    "video_thruplay_watched_actions": "thruplays", "video_15_sec_watched_actions": "video_15s_plays",
    "video_p25_watched_actions": "video_p25", "video_p50_watched_actions": "video_p50",
    "video_p75_watched_actions": "video_p75", "video_p100_watched_actions": "video_p100",
}  # fmt: skip
PIXEL = "offsite_conversion.fb_pixel_"
VIEWS = {
    "purchases": ("omni_purchase", "purchase", f"{PIXEL}purchase", "onsite_web_purchase"),
    "leads": ("omni_lead", "lead", f"{PIXEL}lead", "onsite_web_lead"),
    "add_to_cart": ("omni_add_to_cart", "add_to_cart", f"{PIXEL}add_to_cart", "onsite_web_add_to_cart"),
    "content_views": ("omni_view_content", "view_content", f"{PIXEL}view_content", "onsite_web_view_content"),
    "checkouts": ("omni_initiated_checkout", "initiate_checkout", f"{PIXEL}initiate_checkout",
                  "onsite_web_initiate_checkout"),
    "landing_page_views": ("omni_landing_page_view", "landing_page_view"),
    "app_installs": ("omni_app_install", "mobile_app_install"),
    "conversations": ("onsite_conversion.messaging_conversation_started_7d",),
    "video_3s_plays": ("video_view",),
}  # fmt: skip


def _by_type(row: dict[str, Any], name: str) -> dict[str, Decimal]:
    return {entry["action_type"]: Decimal(entry["value"]) for entry in row.get(name, [])}


def _first(found: dict[str, Decimal], views: tuple[str, ...]) -> Decimal:
    return next((found[view] for view in views if view in found), Decimal(0))


def _sums(rows: Rows) -> dict[str, Decimal]:
    """Sum rows as a careful reader does: one view of each event and row."""
    total: Counter[str] = Counter()
    for row in rows:
        total["spend"] += Decimal(row.get("spend", 0))  # type: ignore[assignment]
        for field, slug in SCALARS.items():
            total[slug] += int(row.get(field, 0))
        for field, slug in LISTS.items():
            total[slug] += int(sum(_by_type(row, field).values()))
        counts = _by_type(row, "actions")
        for slug, views in VIEWS.items():
            total[slug] += int(_first(counts, views))
        total["revenue"] += _first(_by_type(row, "action_values"), VIEWS["purchases"])  # type: ignore[assignment]
    return {slug: Decimal(value) for slug, value in total.items()}


def _truth(sandbox: Sandbox, account: str) -> dict[str, Decimal]:
    totals = sandbox.truth(account, SINCE, UNTIL)["totals"]
    return {slug: Decimal(value) for slug, value in totals.items()}


@pytest.mark.parametrize("number", range(4))
def test_ads_account_and_truth_give_the_same_totals_to_the_cent(sandbox: Sandbox, number: int) -> None:
    account = sandbox.accounts()[number]["id"]
    common = {"time_range": DAYS, "time_increment": "1", "fields": FIELDS, "limit": "1000"}
    ads = _sums(sandbox.rows(f"{account}/insights", level="ad", filtering=EVERYTHING, **common))
    whole = _sums(sandbox.rows(f"{account}/insights", level="account", **common))
    truth = _truth(sandbox, account)
    assert ads == truth
    assert whole == truth
    assert truth["spend"] > 0
    assert all(truth[slug] > 0 for slug in VIEWS), "every event happens in every account"


def test_each_day_of_the_truth_is_the_accounts_own_day(sandbox: Sandbox, account: str) -> None:
    rows = sandbox.rows(f"{account}/insights", time_range=DAYS, time_increment="1", fields="spend,impressions")
    days = sandbox.truth(account, SINCE, UNTIL)["days"]
    assert [row["date_start"] for row in rows] == [day["date"] for day in days]
    assert [(row["spend"], int(row["impressions"])) for row in rows] == [(d["spend"], d["impressions"]) for d in days]


@pytest.mark.parametrize("level", ["campaign", "adset", "ad"])
def test_gone_objects_come_back_only_when_their_status_is_named(sandbox: Sandbox, account: str, level: str) -> None:
    year = {"since": "2025-08-01", "until": UNTIL}
    common = {"level": level, "time_range": year, "fields": f"{level}_id,spend", "limit": "2000"}
    seen = sandbox.rows(f"{account}/insights", **common)
    named = [{"field": f"{level}.effective_status", "operator": "IN", "value": EVERY_STATUS}]
    everything = sandbox.rows(f"{account}/insights", filtering=named, **common)
    gone_filter = [{"field": f"{level}.effective_status", "operator": "IN", "value": ["ARCHIVED", "DELETED"]}]
    gone = sandbox.rows(f"{account}/insights", filtering=gone_filter, **common)
    ids = [{row[f"{level}_id"] for row in rows} for rows in (seen, gone, everything)]
    assert ids[0]
    assert ids[1]
    assert ids[0] | ids[1] == ids[2]
    assert not ids[0] & ids[1]
    truth = Decimal(sandbox.truth(account, year["since"], UNTIL)["totals"]["spend"])
    assert sum(Decimal(row["spend"]) for row in everything) == truth
    assert sum(Decimal(row["spend"]) for row in seen) < truth


def test_ads_that_are_gone_spent_money_within_the_last_28_days(sandbox: Sandbox) -> None:
    for one in sandbox.accounts():
        seen = sandbox.rows(f"{one['id']}/insights", level="ad", time_range=DAYS, fields="spend", limit="500")
        assert sum(Decimal(row["spend"]) for row in seen) < _truth(sandbox, one["id"])["spend"]


def test_views_of_one_event_differ_nest_and_sometimes_lack_the_widest(sandbox: Sandbox, account: str) -> None:
    rows = sandbox.rows(f"{account}/insights", level="ad", time_range=DAYS, time_increment="1", fields="actions",
                        limit="1000")  # fmt: skip
    views = VIEWS["purchases"]
    present: Counter[tuple[str, ...]] = Counter()
    orders: set[tuple[str, ...]] = set()
    differing = 0
    for row in rows:
        found = _by_type(row, "actions")
        shown = [found[view] for view in views[:3] if view in found]
        assert shown == sorted(shown, reverse=True), "a wider view never counts less"
        differing += len(set(shown)) > 1
        present[tuple(view for view in views if view in found)] += 1
        orders.add(tuple(kind for kind in found if kind in views))
    firsts = {names[0] for names in present if names}
    assert firsts == set(views), "each view is the widest one of some row"
    assert differing > 20
    assert {order[0] for order in orders if len(order) > 2} >= set(views[:3]), "the order says nothing"
    summed = sum(sum((found.get(v, Decimal(0)) for v in views), Decimal(0)) for found in
                 (_by_type(row, "actions") for row in rows))  # fmt: skip
    assert summed > sum(_first(_by_type(row, "actions"), views) for row in rows), "adding views up counts twice"


def test_zeros_are_absent_and_scalars_are_strings(sandbox: Sandbox, account: str) -> None:
    rows = sandbox.rows(f"{account}/insights", level="ad", time_range=DAYS, time_increment="1", limit="1000",
                        fields=FIELDS + ",reach,ctr,cpm,frequency,purchase_roas,ad_name,quality_ranking")  # fmt: skip
    assert any("actions" not in row or "action_values" not in row for row in rows)
    for row in rows:
        assert {"date_start", "date_stop"} <= set(row)
        for name, value in row.items():
            assert isinstance(value, (str, list)), name
            assert value not in ("0", "0.00", "0.000000", "", []), name
            if isinstance(value, list):
                assert all(entry["value"] not in ("0", "0.00") for entry in value), name


def test_reach_does_not_add_up_and_frequency_belongs_to_it(sandbox: Sandbox, account: str) -> None:
    daily = sandbox.rows(f"{account}/insights", time_range=DAYS, time_increment="1", fields="reach,impressions")
    [whole] = sandbox.rows(f"{account}/insights", time_range=DAYS, fields="reach,impressions,frequency")
    reaches = [int(row["reach"]) for row in daily]
    assert max(reaches) <= int(whole["reach"]) < sum(reaches)
    assert sum(int(row["impressions"]) for row in daily) == int(whole["impressions"])
    assert abs(float(whole["frequency"]) - int(whole["impressions"]) / int(whole["reach"])) < 1e-5


def test_ads_that_were_seen_often_enough_are_ranked_in_metas_words(sandbox: Sandbox, account: str) -> None:
    names = ("quality_ranking", "engagement_rate_ranking", "conversion_rate_ranking")
    asked = {"time_range": DAYS, "fields": f"ad_id,impressions,{','.join(names)}", "limit": "500"}
    rows = sandbox.rows(f"{account}/insights", level="ad", time_increment="1", **asked)
    ranked = [row for row in rows if int(row["impressions"]) >= 500]
    assert 0 < len(ranked) < len(rows)
    assert all(row[name] == "UNKNOWN" for row in rows if row not in ranked for name in names)
    below = {f"BELOW_AVERAGE_{share}" for share in (10, 20, 35)}
    whole = sandbox.rows(f"{account}/insights", level="ad", **asked)
    assert {row[name] for row in whole for name in names} - {"UNKNOWN"} == {"AVERAGE", "ABOVE_AVERAGE", *below}
    of_ads = {row["ad_id"]: [row[name] for name in names] for row in whole}
    assert all([row[name] for name in names] == of_ads[row["ad_id"]] for row in ranked)
    assert not set(names) & set(sandbox.rows(f"{account}/insights", level="adset", **asked)[0])


def test_money_has_the_decimals_of_its_currency(sandbox: Sandbox) -> None:
    currencies = {one["currency"]: one["id"] for one in sandbox.accounts()}
    assert {"EUR", "USD", "JPY"} <= set(currencies)
    for currency, decimals in (("JPY", 0), ("EUR", 2)):
        rows = sandbox.rows(f"{currencies[currency]}/insights", level="campaign", time_range=DAYS,
                            fields="spend,action_values")  # fmt: skip
        amounts = [row["spend"] for row in rows]
        amounts += [entry["value"] for row in rows for entry in row.get("action_values", [])]
        assert amounts
        assert {len(amount.partition(".")[2]) for amount in amounts} == {decimals}


@pytest.mark.parametrize("breakdowns", [["age", "gender"], ["country"], ["publisher_platform"], ["device_platform"]])
def test_segments_of_a_breakdown_add_up_to_the_account(sandbox: Sandbox, account: str, breakdowns: list[str]) -> None:
    rows = sandbox.rows(f"{account}/insights", time_range=DAYS, fields=FIELDS, breakdowns=breakdowns, limit="200")
    assert all(set(breakdowns) <= set(row) for row in rows)
    assert len({tuple(row[name] for name in breakdowns) for row in rows}) == len(rows) > 1
    assert _sums(rows) == _truth(sandbox, account)


def test_attribution_windows_come_only_when_asked_and_do_not_add_up(sandbox: Sandbox, account: str) -> None:
    common = {"time_range": DAYS, "level": "campaign", "fields": "actions"}
    plain = sandbox.rows(f"{account}/insights", **common)
    assert all(set(entry) == {"action_type", "value"} for row in plain for entry in row["actions"])
    windows = ["7d_click", "1d_view", "1d_click", "7d_view"]
    asked = sandbox.rows(f"{account}/insights", action_attribution_windows=windows, **common)
    entries = [entry for row in asked for entry in row["actions"]]
    assert all({"7d_click", "1d_view", "1d_click"} < set(entry) for entry in entries)
    assert not any("7d_view" in entry for entry in entries), "Meta returns no data for it any more, and no error"
    assert all(int(e["1d_click"]) <= int(e["7d_click"]) <= int(e["value"]) for e in entries)
    assert any(int(e["7d_click"]) + int(e["1d_view"]) != int(e["value"]) for e in entries)


def test_conversions_of_a_recent_day_grow_and_spend_does_not(serve: Callable[..., Sandbox], sandbox: Sandbox) -> None:
    account = sandbox.accounts()[0]["id"]
    looks = [sandbox] + [serve(now=f"2026-{day}T15:30:00+00:00") for day in ("05-27", "06-16", "08-01")]
    days = [look.truth(account, "2026-05-19", "2026-05-19")["totals"] for look in looks]
    assert len({(day["spend"], day["impressions"], day["clicks"], day["landing_page_views"]) for day in days}) == 1
    purchases = [day["purchases"] for day in days]
    revenue = [Decimal(day["revenue"]) for day in days]
    assert purchases[0] < purchases[1] < purchases[2] == purchases[3]
    assert revenue[0] < revenue[1] < revenue[2] == revenue[3]
    carts = [day["add_to_cart"] for day in days]
    assert carts[0] < carts[1] < carts[2] == carts[3]


def test_today_grows_with_the_clock_and_tomorrow_has_no_rows(serve: Callable[..., Sandbox], sandbox: Sandbox) -> None:
    account = sandbox.accounts()[0]["id"]
    later = serve(now="2026-05-20T20:30:00+00:00")
    today = {"since": "2026-05-20", "until": "2026-05-20"}
    spent = [Decimal(s.rows(f"{account}/insights", time_range=today, fields="spend")[0]["spend"])
             for s in (sandbox, later, serve(now="2026-06-16T15:30:00+00:00"))]  # fmt: skip
    assert 0 < spent[0] < spent[1] < spent[2]
    tomorrow = {"since": "2026-05-21", "until": "2026-05-21"}
    assert sandbox.get(f"{account}/insights", time_range=tomorrow, fields="spend").json() == {"data": []}


def test_the_day_begins_in_the_accounts_own_zone(sandbox: Sandbox) -> None:
    spent = {}
    for one in sandbox.accounts():
        for day in ("2026-05-20", "2026-05-21"):
            totals = sandbox.truth(one["id"], day, day)["totals"]
            spent[one["timezone_name"], day[-2:]] = Decimal(totals["spend"])
    assert spent["Europe/Berlin", "21"] == 0
    assert spent["Asia/Tokyo", "21"] > 0, "half past midnight in Tokyo is still yesterday in Berlin"
    assert spent["Asia/Tokyo", "20"] > 20 * spent["Asia/Tokyo", "21"]


def test_a_past_day_is_the_same_in_every_process(serve: Callable[..., Sandbox], sandbox: Sandbox) -> None:
    other = serve("--accounts", "2", "--days", "120", now="2026-06-03T02:00:00+00:00")
    assert [one["id"] for one in other.accounts()] == [one["id"] for one in sandbox.accounts()[:2]]
    matured = {"since": "2026-03-20", "until": "2026-04-10"}
    common = {"level": "ad", "time_range": matured, "time_increment": "1", "filtering": EVERYTHING, "limit": "2000",
              "fields": FIELDS + ",ad_name,campaign_id,campaign_name,adset_id,reach,cpm,objective"}  # fmt: skip
    for one in other.accounts():
        assert other.rows(f"{one['id']}/insights", **common) == sandbox.rows(f"{one['id']}/insights", **common)


def test_another_seed_is_another_world(serve: Callable[..., Sandbox], sandbox: Sandbox) -> None:
    other = serve("--seed", "8", "--accounts", "1").accounts()[0]["id"]
    assert other not in {one["id"] for one in sandbox.accounts()}


def test_no_rows_before_the_window(serve: Callable[..., Sandbox]) -> None:
    short = serve("--accounts", "2", "--days", "120", now="2026-06-03T02:00:00+00:00")
    account = short.accounts()[0]["id"]
    rows = short.rows(f"{account}/insights", time_range={"since": "2026-01-01", "until": "2026-06-02"}, limit="500",
                      time_increment="1", fields="spend")  # fmt: skip
    assert rows[0]["date_start"] == "2026-02-04", "120 days end on the account's today, the 3rd of June"
    assert rows[-1]["date_start"] == "2026-06-02"


def test_the_accounts_look_like_accounts(sandbox: Sandbox) -> None:
    month = {"since": "2026-03-01", "until": "2026-03-31"}
    rates = {"EUR": 1.0, "USD": 1.1, "JPY": 160.0, "GBP": 0.86}
    for one in sandbox.accounts():
        found = sandbox.truth(one["id"], month["since"], month["until"])["totals"]
        spend = float(found["spend"])
        assert 1 < float(found["revenue"]) / spend < 5
        assert 0.7 < 100 * found["clicks"] / found["impressions"] < 2.5
        assert 4 < 1000 * spend / found["impressions"] / rates[one["currency"]] < 15
        assert 10 < found["purchases"] / 31 < 200
        daily = sandbox.rows(f"{one['id']}/insights", level="ad", time_range=month, time_increment="1", fields="ad_id",
                             filtering=EVERYTHING, limit="3000")  # fmt: skip
        assert 50 < len(daily) / 31 < 95
