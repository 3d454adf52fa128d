"""The wire: the unchanged SDK, nodes and edges, paging, jobs, batches, errors, tokens and the command line."""

from __future__ import annotations

import json
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.campaign import Campaign
from facebook_business.adobjects.user import User
from facebook_business.exceptions import FacebookRequestError

from tests.sandbox.conftest import ROOT, Sandbox

WEEK = {"since": "2026-05-01", "until": "2026-05-07"}
GONE = {"ARCHIVED", "DELETED"}


@pytest.mark.filterwarnings(
    "ignore:ads does not allow field creative"
)  # the SDK warns of nested fields, and sends them
def test_the_sdk_reads_accounts_campaigns_ads_and_insights(sandbox: Sandbox, account: str) -> None:
    api = sandbox.sdk()
    mine = list(User("me", api=api).get_ad_accounts(fields=["name", "currency", "timezone_name"]))
    assert [one["id"] for one in mine] == [one["id"] for one in sandbox.accounts()]
    node = AdAccount(account, api=api).api_get(fields=["name", "currency", "account_status", "amount_spent"])
    assert node["currency"] == "EUR"
    assert node["account_status"] == 1
    campaigns = list(AdAccount(account, api=api).get_campaigns(fields=["name", "objective", "effective_status"]))
    assert len(campaigns) > 5
    ads = list(AdAccount(account, api=api).get_ads(fields=["name", "creative{id,thumbnail_url}", "adset_id"]))
    assert len(ads) > 100, "the cursor goes on past the first page"
    assert len({ad["id"] for ad in ads}) == len(ads)
    assert all(int(ad["id"]) > 2**53 for ad in ads)
    rows = list(AdAccount(account, api=api).get_insights(
        fields=["ad_id", "spend"], params={"level": "ad", "time_range": WEEK, "time_increment": 1}))  # fmt: skip
    assert len(rows) > 300
    assert {row["date_start"] for row in rows} == {f"2026-05-0{day}" for day in range(1, 8)}


def test_the_sdk_waits_for_a_job_that_says_100_percent_too_early(sandbox: Sandbox, account: str) -> None:
    api = sandbox.sdk()
    params = {"level": "campaign", "time_range": WEEK}
    run = AdAccount(account, api=api).get_insights_async(fields=["campaign_id", "spend"], params=params)
    with pytest.raises(FacebookRequestError) as early:
        list(AdReportRun(run["report_run_id"], api=api).get_insights())
    assert early.value.api_error_code() == 2601
    assert early.value.api_transient_error()
    seen = []
    for _ in range(6):
        state = AdReportRun(run["report_run_id"], api=api).api_get()
        seen.append((state["async_status"], state["async_percent_completion"]))
    assert seen[0] == ("Job Not Started", 0)
    assert ("Job Running", 100) in seen
    assert seen[-1] == ("Job Completed", 100)
    assert (state["date_start"], state["date_stop"]) == ("2026-05-01", "2026-05-07")
    assert state["account_id"] == account[4:]
    assert state["time_completed"] >= state["time_ref"]
    rows = list(AdReportRun(run["report_run_id"], api=api).get_insights(params={"limit": 2}))
    direct = list(AdAccount(account, api=api).get_insights(fields=["campaign_id", "spend"], params=params))
    assert [dict(row) for row in rows] == [dict(row) for row in direct]


def test_the_sdk_runs_a_batch_whose_calls_fail_on_their_own(sandbox: Sandbox, account: str) -> None:
    api = sandbox.sdk()
    answered: list[Any] = []
    failed: list[Any] = []
    batch = api.new_batch()
    for target in (account, account, "act_1"):
        AdAccount(target, api=api).get_campaigns(fields=["name"], params={"limit": 2}, batch=batch,
                                                 success=answered.append, failure=failed.append)  # fmt: skip
    batch.execute()
    assert [len(one.json()["data"]) for one in answered] == [2, 2]
    assert [(one.status(), one.error().api_error_code(), one.error().api_error_subcode()) for one in failed] == [
        (400, 100, 33)
    ]


def test_a_batch_holds_at_most_50_calls(sandbox: Sandbox, account: str) -> None:
    def post(count: int) -> httpx.Response:
        calls = json.dumps([{"method": "GET", "relative_url": f"{account}?fields=name"}] * count)
        return sandbox.http.post(f"{sandbox.url}/v26.0/", data={"access_token": "good", "batch": calls})

    answers = post(50).json()
    assert [one["code"] for one in answers] == [200] * 50
    assert {"name", "value"} == set(answers[0]["headers"][0])
    assert json.loads(answers[0]["body"])["name"]
    assert post(51).status_code == 400
    assert post(51).json()["error"]["code"] == 100


def test_pages_hold_25_rows_and_next_is_there_only_while_there_is_more(sandbox: Sandbox, account: str) -> None:
    params: dict[str, Any] = {"level": "ad", "time_range": WEEK, "time_increment": "1", "fields": "ad_id,spend"}
    whole = sandbox.get(f"{account}/insights", limit="5000", **params).json()
    assert "next" not in whole["paging"]
    first = sandbox.get(f"{account}/insights", **params).json()
    assert first["data"] == whole["data"][:25]
    assert "access_token=good" in first["paging"]["next"]
    pages, page = [first], first
    while "next" in page["paging"]:
        page = sandbox.http.get(page["paging"]["next"]).json()
        pages.append(page)
    assert [row for one in pages for row in one["data"]] == whole["data"]
    assert all(len(one["data"]) == 25 for one in pages[:-1])
    exact = sandbox.get(f"{account}/insights", limit=str(len(whole["data"])), **params).json()
    assert "next" not in exact["paging"], "a full last page is still the last"


def test_edges_page_without_loss(sandbox: Sandbox, account: str) -> None:
    everything = sandbox.rows(f"{account}/ads", fields="name", limit="1000")
    assert sandbox.rows(f"{account}/ads", fields="name", limit="7") == everything


@pytest.mark.parametrize("edge", ["campaigns", "adsets", "ads"])
def test_edges_leave_out_what_is_gone_unless_it_is_named(sandbox: Sandbox, account: str, edge: str) -> None:
    level = edge[:-1]
    shown = sandbox.rows(f"{account}/{edge}", fields="effective_status", limit="500")
    assert not {one["effective_status"] for one in shown} & GONE
    named = [
        sandbox.rows(f"{account}/{edge}", fields="effective_status", limit="500", **asked)
        for asked in (
            {"effective_status": sorted(GONE)},
            {"filtering": [{"field": "effective_status", "operator": "IN", "value": sorted(GONE)}]},
            {"filtering": [{"field": f"{level}.effective_status", "operator": "IN", "value": sorted(GONE)}]},
        )
    ]
    assert named[0]
    assert {one["effective_status"] for one in named[0]} <= GONE
    assert named[0] == named[1] == named[2]


def test_effective_status_follows_the_parents(sandbox: Sandbox) -> None:
    seen: set[str] = set()
    for one in sandbox.accounts():
        statuses = ["ACTIVE", "PAUSED", "CAMPAIGN_PAUSED", "ADSET_PAUSED", "ARCHIVED", "DELETED"]
        ads = sandbox.rows(f"{one['id']}/ads", effective_status=statuses, limit="2000",
                           fields="status,effective_status,campaign{effective_status},adset{status}")  # fmt: skip
        for ad in ads:
            seen.add(ad["effective_status"])
            if ad["campaign"]["effective_status"] == "DELETED":
                assert ad["effective_status"] == "DELETED"
            if ad["effective_status"] == "CAMPAIGN_PAUSED":
                assert (ad["status"], ad["campaign"]["effective_status"]) == ("ACTIVE", "PAUSED")
            if ad["effective_status"] == "ADSET_PAUSED":
                assert (ad["status"], ad["adset"]["status"]) == ("ACTIVE", "PAUSED")
    assert seen == set(statuses)


def test_nodes_answer_with_the_asked_fields_or_only_their_id(sandbox: Sandbox, account: str) -> None:
    ad = sandbox.get(f"{account}/ads", limit="1", fields="creative,campaign_id,adset_id").json()["data"][0]
    assert sandbox.get(ad["id"]).json() == {"id": ad["id"]}
    assert sandbox.get(f"{ad['id']}/", fields="adset_id").json()["adset_id"] == ad["adset_id"]
    creative = sandbox.get(ad["creative"]["id"], fields="name,thumbnail_url,title,body,object_type").json()
    assert set(creative) == {"id", "name", "thumbnail_url", "title", "body", "object_type"}
    several = sandbox.get("", ids=f"{ad['campaign_id']},{ad['adset_id']}", fields="name").json()
    assert set(several) == {ad["campaign_id"], ad["adset_id"]}
    below = sandbox.rows(f"{ad['campaign_id']}/ads", fields="campaign_id", limit="100")
    assert {one["campaign_id"] for one in below} == {ad["campaign_id"]}
    rows = sandbox.get(f"{ad['campaign_id']}/insights", fields="campaign_id,spend", date_preset="maximum").json()[
        "data"
    ]
    assert [row["campaign_id"] for row in rows] == [ad["campaign_id"]]


def test_a_thumbnail_is_a_picture(sandbox: Sandbox, account: str) -> None:
    creative = sandbox.get(f"{account}/adcreatives", limit="1", fields="thumbnail_url").json()["data"][0]
    answer = sandbox.http.get(creative["thumbnail_url"])
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", answer.content[16:24]) == (128, 128)


def test_budgets_come_in_minor_units_of_the_currency(sandbox: Sandbox) -> None:
    japanese = next(one["id"] for one in sandbox.accounts() if one["currency"] == "JPY")
    for target, low, high in ((japanese, 5_000, 200_000), (sandbox.accounts()[0]["id"], 5_000, 100_000)):
        campaigns = sandbox.rows(f"{target}/campaigns", fields="daily_budget", limit="100")
        budgets = [int(one["daily_budget"]) for one in campaigns if "daily_budget" in one]
        assert budgets
        assert all(low < budget < high for budget in budgets)


def test_names_hold_what_breaks_exports(sandbox: Sandbox, account: str) -> None:
    names = [one["name"] for one in sandbox.rows(f"{account}/ads", fields="name", limit="1000")]
    assert {"=", "+", "-", "@", "<"} <= {name[0] for name in names}
    for pattern in ("\n", "\t", '"', "'", ";", ",", "[\u0590-\u05ff]", "[\u0600-\u06ff]", "\U0001f525", ".{200}"):
        assert any(re.search(pattern, name) for name in names), pattern


@pytest.mark.parametrize(
    ("filtering", "keeps"),
    [
        ({"field": "spend", "operator": "GREATER_THAN", "value": 300}, lambda row: float(row["spend"]) > 300),
        ({"field": "spend", "operator": "LESS_THAN", "value": 300}, lambda row: float(row["spend"]) < 300),
        ({"field": "impressions", "operator": "GREATER_THAN", "value": "50000"},
         lambda row: int(row["impressions"]) > 50000),
        ({"field": "campaign.name", "operator": "CONTAIN", "value": "retargeting"},
         lambda row: "Retargeting" in row["campaign_name"]),
        ({"field": "objective", "operator": "IN", "value": ["OUTCOME_SALES"]},
         lambda row: row["objective"] == "OUTCOME_SALES"),
    ],
)  # fmt: skip
def test_filters_keep_what_they_say(
    sandbox: Sandbox, account: str, filtering: dict[str, Any], keeps: Callable[[dict[str, str]], bool]
) -> None:
    common = {"level": "ad", "time_range": WEEK, "fields": "ad_id,spend,impressions,campaign_name,objective",
              "limit": "500"}  # fmt: skip
    everything = sandbox.rows(f"{account}/insights", **common)
    kept = sandbox.rows(f"{account}/insights", filtering=[filtering], **common)
    assert kept == [row for row in everything if keeps(row)]
    assert 0 < len(kept) < len(everything)


def test_a_report_splits_by_campaign_ids_without_loss(sandbox: Sandbox, account: str) -> None:
    common = {"level": "account", "time_range": WEEK, "fields": "impressions"}
    ids = [one["id"] for one in sandbox.rows(f"{account}/campaigns", limit="200",
                                             effective_status=["ACTIVE", "PAUSED", "ARCHIVED", "DELETED"])]  # fmt: skip
    parts = 0
    for half in (ids[::2], ids[1::2]):
        asked = [{"field": "campaign.id", "operator": "IN", "value": half}]
        rows = sandbox.rows(f"{account}/insights", filtering=asked, **common)
        parts += sum(int(row["impressions"]) for row in rows)
    [whole] = sandbox.rows(f"{account}/insights", **common)
    assert parts == int(whole["impressions"])


def test_increments_ranges_and_sort(sandbox: Sandbox, account: str) -> None:
    def dates(**params: Any) -> list[tuple[str, str]]:
        rows = sandbox.rows(f"{account}/insights", fields="spend", **params)
        return [(row["date_start"], row["date_stop"]) for row in rows]

    assert dates(time_range=WEEK) == [("2026-05-01", "2026-05-07")]
    assert dates(time_range=WEEK, time_increment="3") == [
        ("2026-05-01", "2026-05-03"), ("2026-05-04", "2026-05-06"), ("2026-05-07", "2026-05-07"),
    ]  # fmt: skip
    assert dates(date_preset="last_month") == [("2026-04-01", "2026-04-30")]
    assert dates(date_preset="last_7d") == [("2026-05-13", "2026-05-19")]
    assert dates(time_range={"since": "2026-03-15", "until": "2026-05-02"}, time_increment="monthly") == [
        ("2026-03-15", "2026-03-31"), ("2026-04-01", "2026-04-30"), ("2026-05-01", "2026-05-02"),
    ]  # fmt: skip
    ranges = [WEEK, {"since": "2026-04-24", "until": "2026-04-30"}]
    assert dates(time_ranges=ranges) == [("2026-05-01", "2026-05-07"), ("2026-04-24", "2026-04-30")]
    rows = sandbox.rows(f"{account}/insights", level="ad", time_range=WEEK, fields="spend", sort="spend_descending")
    spends = [float(row["spend"]) for row in rows]
    assert spends == sorted(spends, reverse=True)


@pytest.mark.parametrize(
    ("params", "code", "says"),
    [
        ({"fields": "spend,colour"}, 100, "colour is not valid for fields param"),
        ({"fields": "spend,age"}, 100, "age is not valid for fields param"),
        ({"time_range": {"since": "2026-05-07", "until": "2026-05-01"}}, 100, "start date"),
        ({"time_range": {"since": "2026-05-01", "until": "May 7"}}, 100, "time_range[until]"),
        ({"time_range": {"since": "2026-05-01"}}, 100, "since and until"),
        ({"time_range": "{"}, 100, "time_range"),
        ({"time_range": {"since": "2023-03-01", "until": "2023-03-02"}}, 3018, "37 months"),
        ({"date_preset": "last_fortnight"}, 100, "date_preset"),
        ({"time_increment": "0"}, 100, "time_increment"),
        ({"level": "galaxy"}, 100, "level must be one of"),
        ({"breakdowns": ["planet"]}, 100, "breakdowns[0]"),
        ({"breakdowns": ["age", "country"]}, 100, "age, country"),
        ({"filtering": [{"field": "spend", "operator": "LIKE", "value": 1}]}, 100, "operator"),
        ({"filtering": [{"field": "ad.colour", "operator": "IN", "value": ["x"]}]}, 100, "ad.colour"),
        ({"action_attribution_windows": ["9d_click"]}, 100, "action_attribution_windows[0]"),
        ({"filtering": [{"field": "ad.name", "operator": "EQUAL", "value": []}]}, 100, "must not be empty"),
        ({"time_range": {"since": "2026-W10-1", "until": "2026-05-01"}}, 100, "time_range[since]"),
        ({"fields": "spend,line\nbreak"}, 100, "line"),
        ({"limit": "many"}, 100, "limit"),
        ({"after": "nonsense!"}, 100, "cursor"),
    ],
)  # fmt: skip
def test_bad_parameters_are_refused(
    sandbox: Sandbox, account: str, params: dict[str, Any], code: int, says: str
) -> None:
    answer = sandbox.get(f"{account}/insights", **params)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == code
    assert says in error["message"]
    assert len(error["fbtrace_id"]) == 22


def test_unknown_objects_fields_and_paths(sandbox: Sandbox, account: str) -> None:
    for target in ("act_999", "120200000000000000", "nobody"):
        error = sandbox.get(target, fields="name").json()["error"]
        assert (error["code"], error["error_subcode"]) == (100, 33)
        assert target in error["message"]
    assert "nonexisting field (colour)" in sandbox.get(account, fields="colour").json()["error"]["message"]
    assert sandbox.get("", ids=f"{account},act_999").json()["error"]["code"] == 803
    for path in (f"{account}/unicorns", f"{account}/ads/more"):
        answer = sandbox.get(path)
        assert answer.status_code == 400
        assert "Unknown path components" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("token", "status", "code", "subcode"),
    [
        ("", 400, 104, None),
        ("expired-1", 400, 190, 463),
        ("password-1", 400, 190, 460),
        ("removed-1", 400, 190, 458),
        ("forbidden-1", 403, 200, None),
    ],
)
def test_tokens_that_fail(
    sandbox: Sandbox, account: str, token: str, status: int, code: int, subcode: int | None
) -> None:
    for path in (account, f"{account}/insights", f"{account}/ads"):
        answer = sandbox.get(path, token=token)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error.get("error_subcode")) == (status, code, subcode)


def test_debug_token_and_a_token_without_grants(sandbox: Sandbox) -> None:
    good = sandbox.get("debug_token", input_token="good").json()["data"]
    assert good["is_valid"]
    assert "ads_read" in good["scopes"]
    assert {"app_id", "type", "expires_at", "user_id", "granular_scopes"} <= set(good)
    assert not sandbox.get("debug_token", input_token="expired-1").json()["data"]["is_valid"]
    bare = sandbox.get("debug_token", token="forbidden-1", input_token="forbidden-1").json()["data"]
    assert bare["is_valid"]
    assert "ads_read" not in bare["scopes"]
    assert sandbox.get("me/adaccounts", token="forbidden-1").json() == {"data": []}


def test_usage_headers_come_with_every_answer(sandbox: Sandbox, account: str) -> None:
    for answer in (sandbox.get(account), sandbox.get(f"{account}/insights", level="galaxy")):
        headers = answer.headers
        assert headers["facebook-api-version"] == "v26.0"
        assert {"call_count", "total_time", "total_cputime"} == set(json.loads(headers["x-app-usage"]))
        assert "reset_time_duration" in json.loads(headers["x-ad-account-usage"])
        assert "acc_id_util_pct" in json.loads(headers["x-fb-ads-insights-throttle"])
        [case] = json.loads(headers["x-business-use-case-usage"])[account[4:]]
        assert case["type"] == "ads_insights"
        assert "estimated_time_to_regain_access" in case


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)


def test_a_busy_port_is_told_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = _run("--port", port)
    assert ended.returncode == 1
    assert re.fullmatch(rf"The sandbox cannot listen on 127\.0\.0\.1 port {port}: .+\n", ended.stderr)


@pytest.mark.parametrize("arguments", [(), ("--port", "70000"), ("--port", "0", "--now", "soon")])
def test_bad_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    ended = _run(*arguments)
    assert ended.returncode == 2
    assert "usage:" in ended.stderr


def test_tokens_are_never_written_down(tmp_path_factory: pytest.TempPathFactory) -> None:
    log = tmp_path_factory.mktemp("sandbox") / "log"
    with log.open("w") as sink:
        process = subprocess.Popen([sys.executable, "-m", "sandbox", "--port", "0", "--accounts", "1"], cwd=ROOT,
                                   stdout=subprocess.PIPE, stderr=sink, text=True)  # fmt: skip
        assert process.stdout is not None
        url = process.stdout.readline().split(" at ")[1].split()[0]
        with httpx.Client(trust_env=False) as client:
            for path in ("me", "act_1/insights", "nothing/at/all", "?batch=[]"):
                client.get(f"{url}/v26.0/{path}", params={"access_token": "s3cret-token"})
        process.terminate()
        rest, _ = process.communicate(timeout=10)
    assert "s3cret" not in log.read_text() + rest


def test_what_is_imported_is_only_what_is_allowed() -> None:
    """The sandbox stands alone: it is served where nothing of the project is installed."""
    code = "import sys, sandbox.app, sandbox.__main__; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    command = [sys.executable, "-c", code]
    names = set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    assert not names & {"lib", "api", "dashboard", "pages", "pandas", "facebook_business", "sqlalchemy", "fastapi"}


def test_campaigns_of_the_sdk_keep_their_ids_as_text(sandbox: Sandbox, account: str) -> None:
    campaign = next(iter(AdAccount(account, api=sandbox.sdk()).get_campaigns(fields=["name"])))
    assert isinstance(campaign, Campaign)
    ad = next(iter(campaign.get_ads(fields=["campaign_id"])))
    assert isinstance(ad, Ad)
    assert ad["campaign_id"] == campaign["id"]
    assert re.fullmatch(r"\d{18}", campaign["id"])
