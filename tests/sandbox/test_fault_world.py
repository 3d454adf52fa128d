"""Faults that hold from now on: the truth follows what is withdrawn, restated, deleted; limits block, and say so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandbox.usage import APP, EVERYONE, NAMES, Limit, Usage
from tests.sandbox.conftest import Sandbox
from tests.sandbox.faulty import WEEK, Faulty
from tests.sandbox.test_numbers import EVERYTHING

RECENT = {"since": "2026-05-10", "until": "2026-05-19"}


@pytest.fixture(scope="module")
def server(serve: Callable[..., Sandbox]) -> Sandbox:
    return serve("--accounts", "2", "--days", "90", "--seed", "7", "--fault-seed", "9")


@pytest.fixture
def faulty(server: Sandbox) -> Iterator[Faulty]:
    found = Faulty(server)
    yield found
    found.clear()


def _rows(faulty: Faulty, **params: Any) -> list[dict[str, Any]]:
    asked = {"level": "ad", "time_range": WEEK, "time_increment": "1", "fields": "ad_id,spend,actions",
             "filtering": EVERYTHING, "limit": "2000"}  # fmt: skip
    return faulty.sandbox.rows(f"{faulty.account}/insights", **{**asked, **params})


def _spend(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(row["spend"]) for row in rows), Decimal(0))


def _truth(faulty: Faulty, days: dict[str, str]) -> dict[str, Any]:
    return faulty.sandbox.truth(faulty.account, days["since"], days["until"])


def _keys(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(row["date_start"], row["ad_id"]) for row in rows}


def test_a_share_of_the_rows_is_withdrawn_and_the_truth_follows(faulty: Faulty) -> None:
    before = _rows(faulty)
    faulty.ask({"kind": "withdrawn", "share": 0.2, "account": faulty.account, "since": "2026-05-03"})
    after = _rows(faulty)
    assert _keys(after) < _keys(before)
    gone = _keys(before) - _keys(after)
    assert 0.05 * len(before) < len(gone) < 0.35 * len(before)
    assert min(day for day, _ in gone) >= "2026-05-03"
    truth = _truth(faulty, WEEK)
    assert Decimal(truth["totals"]["spend"]) == _spend(after) == _spend(_rows(faulty, level="account"))
    assert truth["ad_days"] == len(after)
    faulty.clear()
    assert _rows(faulty) == before


def test_the_rows_of_named_ads_are_withdrawn(faulty: Faulty) -> None:
    before = _rows(faulty)
    ads = sorted({row["ad_id"] for row in before})[:3]
    faulty.ask({"kind": "withdrawn", "ids": ads})
    assert {row["ad_id"] for row in before} - {row["ad_id"] for row in _rows(faulty)} == set(ads)
    assert _truth(faulty, WEEK)["ad_days"] == sum(row["ad_id"] not in ads for row in before)


def test_conversions_are_restated_late_and_the_truth_follows(faulty: Faulty) -> None:
    old = {"since": "2026-04-01", "until": "2026-04-10"}
    before, long_ago = _truth(faulty, RECENT)["totals"], _truth(faulty, old)
    faulty.ask({"kind": "restated", "factor": 1.5})
    after = _truth(faulty, RECENT)["totals"]
    assert 1.4 * before["purchases"] < after["purchases"] < 1.6 * before["purchases"]
    assert Decimal(after["revenue"]) > Decimal("1.4") * Decimal(before["revenue"])
    assert {name: after[name] for name in ("spend", "impressions", "clicks")} == {
        name: before[name] for name in ("spend", "impressions", "clicks")}  # fmt: skip
    assert _truth(faulty, old) == long_ago, "older than 28 days"
    [whole] = _rows(faulty, level="account", time_range=RECENT, time_increment="all_days", filtering=[])
    assert {e["action_type"]: int(e["value"]) for e in whole["actions"]}["omni_purchase"] == after["purchases"]


def test_ads_are_deleted_and_their_spend_stays_on_the_account(faulty: Faulty) -> None:
    shown, everything = _rows(faulty, filtering=[]), _rows(faulty)
    truth = _truth(faulty, WEEK)
    victim = shown[0]["ad_id"]
    faulty.ask({"kind": "deleted_ads", "ids": [victim], "status": "ARCHIVED"}, {"kind": "deleted_ads", "share": 0.3})
    left = _rows(faulty, filtering=[])
    assert victim not in {row["ad_id"] for row in left}
    assert len(left) < 0.9 * len(shown)
    assert _rows(faulty) == everything
    after = _truth(faulty, WEEK)
    assert after["totals"] == truth["totals"]
    for rows, told in ((shown, truth["shown"]), (left, after["shown"])):
        assert (len(rows), str(_spend(rows))) == (told["ad_days"], told["spend"])
    assert faulty.sandbox.get(victim, fields="effective_status").json()["effective_status"] == "ARCHIVED"
    gone = faulty.sandbox.rows(f"{faulty.account}/ads", effective_status=["DELETED"], limit="500")
    assert len(gone) > 20


def _usage(answer: httpx.Response, account: str) -> dict[str, Any]:
    headers = {name: json.loads(answer.headers[name]) for name in NAMES}
    [case] = headers["x-business-use-case-usage"][account[4:]]
    return {"app": headers["x-app-usage"]["call_count"], "account": headers["x-ad-account-usage"]["acc_id_util_pct"],
            "seconds": headers["x-ad-account-usage"]["reset_time_duration"], "cases": case["call_count"],
            "minutes": case["estimated_time_to_regain_access"], "tier": case["ads_api_access_tier"],
            "insights": headers["x-fb-ads-insights-throttle"]["acc_id_util_pct"]}  # fmt: skip


@pytest.mark.parametrize("code", [17, 80000])
def test_the_limited_tier_blocks_after_its_points_and_lets_in_when_it_said(faulty: Faulty, code: int) -> None:
    faulty.ask({"kind": "throttle", "time_scale": 0.005, "account": faulty.account, "points": 20, "code": code})
    seen, answer = [], faulty.sandbox.get(faulty.account)
    while answer.status_code == 200:
        seen.append(_usage(answer, faulty.account))
        answer = faulty.sandbox.get(faulty.account)
    error, use = answer.json()["error"], _usage(answer, faulty.account)
    assert (error["code"], error["error_subcode"]) == (code, 2446079)
    assert [one["account"] for one in seen] == sorted(one["account"] for one in seen)
    assert seen[0]["account"] < 15
    minutes = seen[-1]["minutes"]
    assert minutes == pytest.approx(0.025, abs=0.005)
    assert seen[-1] == {"app": seen[-1]["app"], "account": 100.0, "seconds": 2, "cases": 100, "insights": 100.0,
                        "minutes": minutes, "tier": "development_access"}  # fmt: skip
    assert use["account"] == 100.0
    assert 0 < use["minutes"] <= 0.025
    assert faulty.sandbox.get(faulty.other).status_code == 200, "one account's limit is its own"
    blocked_at = time.monotonic()
    while faulty.sandbox.get(faulty.account).status_code != 200:
        assert time.monotonic() - blocked_at < 5
    assert 0.2 < time.monotonic() - blocked_at <= use["minutes"] * 60 + 0.5


def test_the_apps_limit_blocks_every_account(faulty: Faulty) -> None:
    faulty.ask({"kind": "throttle", "time_scale": 0.01, "app": True, "points": 10})
    answers = [faulty.sandbox.get(faulty.account) for _ in range(15)]
    assert answers[-1].status_code == 403
    for account in (faulty.account, faulty.other):
        error = faulty.sandbox.get(account).json()["error"]
        assert (error["code"], error["error_subcode"]) == (4, 1504022)
    assert _usage(answers[-1], faulty.account)["app"] == 100
    batch = faulty.post("", batch=json.dumps([{"method": "GET", "relative_url": faulty.account}]))
    assert batch.json()["error"]["code"] == 4


def test_tiers_are_metas_and_points_drain() -> None:
    now = [1000.0]
    usage = Usage(clock=lambda: now[0])
    usage.limit(EVERYONE, Limit("development_access", 60, 300, blocks=True))
    usage.limit("7", Limit("standard_access", 9000, 60, blocks=True))
    for _ in range(60):
        assert usage.refusal(["1"]) is None
        usage.headers("1")
    refused = usage.refusal(["1"])
    assert refused is not None
    assert refused.error["code"] == 17
    told = dict(usage.headers("1", counts=False))
    assert json.loads(told["x-ad-account-usage"])["reset_time_duration"] == 300
    assert json.loads(told["x-business-use-case-usage"])["1"][0]["estimated_time_to_regain_access"] == 5
    now[0] += 299
    assert usage.refusal(["1"]) is not None
    now[0] += 2
    assert usage.refusal(["1"]) is None
    assert json.loads(dict(usage.headers("1", counts=False))["x-ad-account-usage"])["acc_id_util_pct"] == 0
    for _ in range(9000):
        usage.headers("7")
    assert usage.refusal(["7"]) is not None
    now[0] += 61
    assert usage.refusal(["7"]) is None
    used = json.loads(dict(usage.headers("7", counts=False))["x-ad-account-usage"])["acc_id_util_pct"]
    assert used == pytest.approx(100 * (1 - 61 / 300), abs=0.5), "the block is over before the points are gone"
    assert usage.refusal([APP]) is None


def test_headers_may_be_missing_or_garbage(faulty: Faulty) -> None:
    faulty.ask({"kind": "headers", "headers": "missing"})
    assert not set(NAMES) & set(faulty.insights().headers)
    faulty.ask({"kind": "headers", "headers": "garbage"})
    answer = faulty.insights()
    assert answer.status_code == 200
    assert set(NAMES) <= set(answer.headers)
    faulty.clear()
    faulty.ask({"kind": "throttle", "points": 2, "headers": "missing", "time_scale": 0.001},
               {"kind": "error", "preset": "rate_17", "headers": "garbage", "account": faulty.other})  # fmt: skip
    answers = [faulty.sandbox.get(faulty.account) for _ in range(4)]
    assert 400 in [one.status_code for one in answers]
    assert not set(NAMES) & set(answers[-1].headers)
    assert faulty.sandbox.get(faulty.other).headers["x-app-usage"] == "{"
