"""Faults of jobs and of results: jobs that hang, fail or are lost, pages that repeat, too much in one call, poison."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.exceptions import FacebookRequestError

from sandbox.faults.presets import PRESETS
from tests.sandbox.conftest import Rows, Sandbox
from tests.sandbox.faulty import WEEK, Faulty

RUNNING, DONE = ("Job Running", 100), ("Job Completed", 100)


@pytest.fixture(scope="module")
def server(serve: Callable[..., Sandbox]) -> Sandbox:
    return serve("--accounts", "2", "--days", "60", "--seed", "7", "--fault-seed", "5")


@pytest.fixture
def faulty(server: Sandbox) -> Iterator[Faulty]:
    found = Faulty(server)
    yield found
    found.clear()


def test_a_job_sticks_at_100_percent(faulty: Faulty) -> None:
    faulty.ask({"kind": "job_stuck_100", "polls": 5, "times": 1})
    run_id = faulty.run()
    states = faulty.polls(run_id, 8)
    assert states[2:] == [RUNNING] * 6, "one of its own, and five more"
    early = faulty.sandbox.get(f"{run_id}/insights").json()["error"]
    assert early["code"] == 2601
    assert faulty.polls(run_id, 1) == [DONE]
    assert faulty.sandbox.get(f"{run_id}/insights").json()["data"]
    assert DONE in faulty.polls(faulty.run(), 4), "only one job was to be struck"


def test_a_spoilt_way_of_delivery_tells_nothing_that_the_job_does_not(faulty: Faulty) -> None:
    faulty.ask({"kind": "job_never"}, {"kind": "drip", "seconds": 0.0, "place": "job", "skip": 5})
    states = faulty.polls(faulty.run(), 7)
    assert set(states) == {("Job Running", 38)}


def test_a_job_may_never_end(faulty: Faulty) -> None:
    faulty.ask({"kind": "job_never", "percent": 100})
    run_id = faulty.run()
    assert set(faulty.polls(run_id, 30)) == {RUNNING}
    assert faulty.sandbox.get(f"{run_id}/insights").status_code == 400


def test_a_failed_job_tells_why_in_the_fields_of_v25(faulty: Faulty) -> None:
    faulty.ask({"kind": "job_failed", "error_code": 100, "error_subcode": 1487534, "error_message": "Too much",
                "error_user_title": "T", "error_user_msg": "M", "polls": 2})  # fmt: skip
    run_id = faulty.run()
    assert [status for status, _ in faulty.polls(run_id, 3)] == ["Job Running", "Job Running", "Job Failed"]
    state = AdReportRun(run_id, api=faulty.sandbox.sdk()).api_get()
    assert {name: state[name] for name in ("error_code", "error_subcode", "error_message", "error_user_title",
                                           "error_user_msg")} == {
        "error_code": 100, "error_subcode": 1487534, "error_message": "Too much", "error_user_title": "T",
        "error_user_msg": "M"}  # fmt: skip
    some = faulty.sandbox.get(run_id, fields="async_status,error_code").json()
    assert some == {"id": run_id, "async_status": "Job Failed", "error_code": 100}


@pytest.mark.parametrize(("kind", "status"), [("job_failed_plain", "Job Failed"), ("job_skipped", "Job Skipped")])
def test_a_job_may_end_without_a_word(faulty: Faulty, kind: str, status: str) -> None:
    faulty.ask({"kind": kind, "times": 1})
    run_id = faulty.run()
    assert [one for one, _ in faulty.polls(run_id, 2)] == ["Job Running", status]
    assert not {name for name in faulty.sandbox.get(run_id).json() if name.startswith("error")}
    assert DONE in faulty.polls(faulty.run(), 4), "the job is to be started again, and works"


@pytest.mark.parametrize("name", PRESETS)
def test_a_job_may_fail_with_every_refusal_of_the_table(faulty: Faulty, name: str) -> None:
    faulty.ask({"kind": "job_failed", "preset": name})
    run_id = faulty.run()
    faulty.polls(run_id, 1)
    state = faulty.sandbox.get(run_id).json()
    assert (state["error_code"], state.get("error_subcode")) == (PRESETS[name].code, PRESETS[name].subcode)


def test_a_poll_right_after_the_creation_may_not_find_the_job(faulty: Faulty) -> None:
    faulty.ask({"kind": "job_lost", "times": 2})
    run_id = faulty.run()
    for _ in range(2):
        with pytest.raises(FacebookRequestError) as lost:
            AdReportRun(run_id, api=faulty.sandbox.sdk()).api_get()
        assert (lost.value.api_error_code(), lost.value.api_error_subcode()) == (100, 33)
    assert DONE in faulty.polls(run_id, 4)


@pytest.mark.parametrize("name", ["transient_2601_1815107", "transient_2637"])
def test_results_may_come_later_than_the_job_says(faulty: Faulty, name: str) -> None:
    faulty.ask({"kind": "job_results_late", "preset": name, "times": 2})
    run_id = faulty.run()
    assert faulty.polls(run_id, 4)[-1] == DONE
    codes = [faulty.sandbox.get(f"{run_id}/insights").json().get("error", {}).get("code") for _ in range(3)]
    assert codes == [PRESETS[name].code, PRESETS[name].code, None]
    assert faulty.insights(after="").status_code == 200


def _paged(faulty: Faulty, path: str, most: int = 60, **params: Any) -> list[Rows]:
    """The pages that a trusting client collects."""
    pages: list[Rows] = []
    while len(pages) < most:
        page = faulty.sandbox.get(path, **params).json()
        pages.append(page["data"])
        if "next" not in page["paging"]:
            break
        params["after"] = page["paging"]["cursors"]["after"]
    return pages


REPORT: dict[str, Any] = {
    "level": "ad",
    "time_range": WEEK,
    "time_increment": "1",
    "fields": "ad_id,spend",
    "limit": "100",
}


@pytest.mark.parametrize("skip", [0, 1])
def test_a_page_may_lead_to_itself(faulty: Faulty, skip: int) -> None:
    whole = _paged(faulty, f"{faulty.account}/insights", **REPORT)
    faulty.ask({"kind": "repeat_page", "times": 2, "skip": skip})
    found = _paged(faulty, f"{faulty.account}/insights", **REPORT)
    assert found == [*whole[:skip], *[whole[skip]] * 2, *whole[skip:]]


def test_a_page_may_lead_to_itself_for_ever(faulty: Faulty) -> None:
    faulty.ask({"kind": "repeat_page", "skip": 1})
    found = _paged(faulty, f"{faulty.account}/insights", most=9, **REPORT)
    assert found[1:] == [found[1]] * 8


def test_the_next_link_repeats_too(faulty: Faulty) -> None:
    faulty.ask({"kind": "repeat_page", "times": 1})
    first = faulty.sandbox.get(f"{faulty.account}/ads", limit="5").json()
    again = faulty.sandbox.http.get(first["paging"]["next"]).json()
    assert again["data"] == first["data"]
    second = faulty.sandbox.http.get(again["paging"]["next"]).json()
    assert second["data"][0] not in first["data"]


@pytest.mark.parametrize("rows", [0, 7])
def test_a_page_may_repeat_rows_of_the_page_before(faulty: Faulty, rows: int) -> None:
    report = {**REPORT, "level": "account", "limit": "3"}
    ads = {"fields": "name", "limit": "20"}
    for path, params in ((f"{faulty.account}/ads", ads), (f"{faulty.account}/insights", {**report, "level": "ad",
                         "time_increment": "all_days", "limit": "20"})):  # fmt: skip
        whole = _paged(faulty, path, **params)
        faulty.ask({"kind": "repeat_rows", "rows": rows, "times": 1})
        found = _paged(faulty, path, **params)
        repeated = whole[0][-rows:] if rows else whole[0][1:]
        assert found == [whole[0], [*repeated, *whole[1]], *whole[2:]]
        assert faulty.struck() == [1]
        faulty.clear()


def test_results_of_a_job_repeat_as_well(faulty: Faulty) -> None:
    run_id = faulty.run(level="ad")
    faulty.polls(run_id, 4)
    whole = _paged(faulty, f"{run_id}/insights", limit="10")
    faulty.ask(
        {"kind": "repeat_rows", "times": 1, "skip": 1, "rows": 3}, {"kind": "repeat_page", "times": 1, "skip": 3}
    )
    found = _paged(faulty, f"{run_id}/insights", limit="10")
    assert len(found) == len(whole) + 1
    assert [row for page in whole for row in page] == list(
        {json.dumps(row): row for page in found for row in page}.values()
    )


def test_too_many_rows_are_refused_until_there_are_fewer(faulty: Faulty) -> None:
    count = len(faulty.insights(limit="1000").json()["data"])
    faulty.ask({"kind": "too_much_rows", "rows": count // 2, "preset": "too_much_1_reduce"})
    assert faulty.insights().json()["error"]["code"] == 1
    assert faulty.insights().status_code == 500
    assert faulty.post(f"{faulty.account}/insights", level="ad", time_increment="1").status_code == 500
    day = {"since": "2026-05-01", "until": "2026-05-01"}
    assert faulty.insights(time_range=day).status_code == 200
    one = faulty.insights(time_range=day, fields="campaign_id").json()["data"][0]["campaign_id"]
    few = [{"field": "campaign.id", "operator": "IN", "value": [one]}]
    assert faulty.insights(filtering=few).status_code == 200
    assert faulty.insights(level="account").status_code == 200


def test_too_many_fields_are_refused_until_they_are_dropped(faulty: Faulty) -> None:
    faulty.ask({"kind": "too_much_fields", "fields": ["actions", "video_p25_watched_actions"]})
    error = faulty.insights(fields="spend,actions").json()["error"]
    assert (error["code"], error["error_subcode"]) == (100, 1487534)
    assert faulty.insights(fields="spend,clicks").status_code == 200


def test_too_much_may_be_said_by_the_job(faulty: Faulty) -> None:
    faulty.ask({"kind": "too_much_rows", "rows": 2, "place": "job"})
    run_id = faulty.run()
    faulty.polls(run_id, 1)
    state = faulty.sandbox.get(run_id).json()
    assert (state["async_status"], state["error_code"], state["error_subcode"]) == ("Job Failed", 100, 1487534)
    assert faulty.insights(level="campaign").status_code == 200, "a plain read is no job"


@pytest.mark.parametrize("kind", ["campaign", "ad"])
def test_a_poisonous_object_spoils_every_result_that_holds_it(faulty: Faulty, kind: str) -> None:
    rows = faulty.insights(fields="campaign_id,ad_id").json()["data"]
    poison = rows[0][f"{kind}_id"]
    faulty.ask({"kind": f"poison_{kind}", "ids": [poison]})

    def outcome(**params: Any) -> int:
        answer = faulty.insights(**params)
        if answer.status_code != 200:
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["error_subcode"]) == (500, 1, 99)
        return answer.status_code

    assert outcome() == 500
    assert outcome(level="account") == 500
    without = [{"field": f"{kind}.id", "operator": "NOT_IN", "value": [poison]}]
    assert outcome(filtering=without) == 200
    assert outcome(level="account", filtering=without) == 200
    run_id = faulty.run()
    faulty.polls(run_id, 1)
    assert faulty.sandbox.get(run_id).json()["error_code"] == 1
    edge = f"{faulty.account}/{kind}s"
    assert faulty.sandbox.get(edge, limit="500").status_code == 500
    fine = [{"field": f"{kind}.effective_status", "operator": "IN", "value": ["DISAPPROVED"]}]
    assert faulty.sandbox.get(edge, limit="500", filtering=fine).status_code == 200


def _refused(answer: httpx.Response) -> bool:
    if answer.status_code == 200:
        return False
    error = answer.json()["error"]
    assert (error["code"], error["error_subcode"]) == (100, 2446289)
    return True


def test_a_broken_creative_spoils_what_reads_it(faulty: Faulty) -> None:
    [rule] = faulty.ask({"kind": "broken_creative", "account": faulty.account})
    [broken] = rule["ids"]
    get, account = faulty.sandbox.get, faulty.account
    assert _refused(get(broken, fields="name"))
    assert _refused(get("", ids=broken, fields="name"))
    assert _refused(get(f"{account}/adcreatives", limit="500"))
    assert _refused(get(f"{account}/ads", limit="500", fields="name,creative{id,thumbnail_url}"))
    assert not _refused(get(f"{account}/ads", limit="500", fields="name,creative{id}"))
    assert not _refused(get(f"{account}/ads", limit="500", fields="name,creative"))
    others = [one["id"] for one in get(f"{faulty.other}/adcreatives", limit="5").json()["data"]]
    assert not _refused(get("", ids=",".join(others), fields="thumbnail_url"))
    assert not _refused(faulty.insights())
