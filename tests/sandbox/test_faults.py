"""Faults that answer a call: refusals by name and at each place, bodies that are none, and which calls they strike."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.exceptions import FacebookBadObjectError, FacebookRequestError

from sandbox.faults.presets import PRESETS
from tests.sandbox.conftest import NOW, ROOT, Sandbox
from tests.sandbox.faulty import WEEK, Faulty

PLACES = ("post", "job", "page", "get")


@pytest.fixture(scope="module")
def server(serve: Callable[..., Sandbox]) -> Sandbox:
    return serve("--accounts", "2", "--days", "60", "--seed", "7", "--fault-seed", "3")


@pytest.fixture
def faulty(server: Sandbox) -> Iterator[Faulty]:
    found = Faulty(server)
    yield found
    found.clear()


def _at(faulty: Faulty, place: str) -> Callable[[], httpx.Response]:
    """The call that is made at a place, ready to be sent again and again."""
    if place == "post":
        return lambda: faulty.post(f"{faulty.account}/insights", level="ad")
    if place == "get":
        return faulty.insights
    if place == "job":
        run_id = faulty.run()
        return lambda: faulty.sandbox.get(run_id)
    after = faulty.insights().json()["paging"]["cursors"]["after"]
    return lambda: faulty.insights(after=after)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", PRESETS)
def test_every_refusal_of_the_table_can_be_asked_for_at_every_place(faulty: Faulty, name: str, place: str) -> None:
    call = _at(faulty, place)
    faulty.ask({"kind": "error", "preset": name, "place": place, "times": 1})
    answer = call()
    error, meant = answer.json()["error"], PRESETS[name]
    assert (answer.status_code, error["code"]) == (meant.status, meant.code)
    assert error.get("error_subcode") == meant.subcode
    assert error["message"] == meant.message
    assert error.get("is_transient") == meant.is_transient
    assert len(error["fbtrace_id"]) == 22
    assert "x-business-use-case-usage" in answer.headers
    assert call().status_code == 200
    assert faulty.struck() == [1]


def test_the_table_has_every_group() -> None:
    groups = {preset.group for preset in PRESETS.values()}
    assert groups == {"too_much", "rate", "transient", "dead", "denied", "wrong", "broken"}


def test_a_refusal_may_be_described_in_full(faulty: Faulty) -> None:
    faulty.ask({"kind": "error", "status": 503, "code": -3, "subcode": 7, "message": "Nope", "is_transient": True,
                "error_user_title": "T", "error_user_msg": "M", "wait_s": 90})  # fmt: skip
    answer = faulty.insights()
    error = answer.json()["error"]
    assert answer.status_code == 503
    assert {name: error[name] for name in ("code", "error_subcode", "message", "is_transient", "error_user_title",
                                           "error_user_msg")} == {
        "code": -3, "error_subcode": 7, "message": "Nope", "is_transient": True, "error_user_title": "T",
        "error_user_msg": "M"}  # fmt: skip
    assert json.loads(answer.headers["x-ad-account-usage"])["reset_time_duration"] == 90
    case = json.loads(answer.headers["x-business-use-case-usage"])[faulty.account[4:]][0]
    assert case["estimated_time_to_regain_access"] == 2


def test_the_sdk_knows_a_refusal_by_its_codes(faulty: Faulty) -> None:
    faulty.ask({"kind": "error", "preset": "rate_17", "place": "get", "account": None, "times": None, "subcode": None})
    with pytest.raises(FacebookRequestError) as refused:
        list(AdAccount(faulty.account, api=faulty.sandbox.sdk()).get_insights(fields=["spend"]))
    assert (refused.value.api_error_code(), refused.value.api_error_subcode()) == (17, 2446079)


@pytest.mark.parametrize(
    ("kind", "status", "media", "body"),
    [
        ("html_502", 502, "text/html", "<html>"),
        ("html_500", 500, "text/html", "<!DOCTYPE html>"),
        ("no_error_object", 500, "application/json", '{"status"'),
        ("word_error", 200, "text/plain", "Sorry, there was an error"),
        ("empty", 200, "application/json", ""),
    ],
)
@pytest.mark.parametrize("place", PLACES)
def test_bodies_that_are_no_answer(faulty: Faulty, place: str, kind: str, status: int, media: str, body: str) -> None:
    call = _at(faulty, place)
    faulty.ask({"kind": kind, "place": place, "times": 1})
    answer = call()
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(media)
    assert answer.text.startswith(body)
    assert bool(answer.text) == bool(body)
    assert call().status_code == 200


def test_the_sdk_takes_a_gateways_page_for_a_success(faulty: Faulty) -> None:
    """What makes these worth a fault: the failure surfaces later, and as something else."""
    faulty.ask({"kind": "html_502", "place": "get"})
    with pytest.raises(FacebookBadObjectError):
        list(AdAccount(faulty.account, api=faulty.sandbox.sdk()).get_insights(fields=["spend"]))


@pytest.mark.parametrize("place", PLACES)
def test_a_cut_body_is_shorter_than_was_promised(faulty: Faulty, place: str) -> None:
    call = _at(faulty, place)
    faulty.ask({"kind": "cut", "place": place, "times": 1})
    with pytest.raises(httpx.RemoteProtocolError, match=r"received [1-9]"):
        call()
    assert call().status_code == 200


@pytest.mark.parametrize("place", PLACES)
def test_a_hanging_answer_never_comes(faulty: Faulty, place: str) -> None:
    call = _at(faulty, place)
    faulty.ask({"kind": "hang", "place": place, "times": 1})
    faulty.sandbox.http.timeout = httpx.Timeout(0.3)
    try:
        with pytest.raises(httpx.ReadTimeout):
            call()
    finally:
        faulty.sandbox.http.timeout = httpx.Timeout(20)
    assert call().status_code == 200, "others are answered meanwhile"


def test_a_hang_may_end_by_itself_without_an_answer(faulty: Faulty) -> None:
    faulty.ask({"kind": "hang", "seconds": 0.1})
    with pytest.raises(httpx.RemoteProtocolError):
        faulty.insights()


def test_a_hang_ends_when_the_server_stops() -> None:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--now", NOW, "--accounts", "1"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().split(" at ")[1].split()[0]
    with httpx.Client(trust_env=False) as http:
        http.post(f"{url}/__sandbox/faults", json=[{"kind": "hang"}])
        with pytest.raises(httpx.ReadTimeout):
            http.get(f"{url}/v26.0/me", params={"access_token": "good"}, timeout=0.2)
        with httpx.Client(trust_env=False) as left, left.stream("GET", f"{url}/__sandbox/health"):
            process.terminate()
        _, said = process.communicate(timeout=10)
    assert process.returncode == 0
    assert said == ""


def test_a_body_may_drip(faulty: Faulty) -> None:
    faulty.ask({"kind": "drip", "seconds": 0.01, "edge": "node"})
    with faulty.sandbox.http.stream(
        "GET", f"{faulty.sandbox.url}/v26.0/{faulty.account}", params={"access_token": "good", "fields": "currency"}
    ) as answer:
        parts = list(answer.iter_raw())
    assert json.loads(b"".join(parts))["currency"] == "EUR"
    assert len(parts) > 10


def test_rules_choose_their_calls(faulty: Faulty) -> None:
    faulty.ask({"kind": "error", "preset": "wrong_100", "account": faulty.account, "edge": "insights", "level": "ad",
                "breakdowns": ["age", "gender"]})  # fmt: skip
    assert faulty.insights(breakdowns=["gender", "age"]).status_code == 400
    assert faulty.insights().status_code == 200
    assert faulty.insights(breakdowns=["country"]).status_code == 200
    assert faulty.insights(breakdowns=["age", "gender"], level="account").status_code == 200
    assert faulty.sandbox.get(f"{faulty.other}/insights", level="ad", breakdowns="age,gender").status_code == 200
    assert faulty.sandbox.get(f"{faulty.account}/ads").status_code == 200
    assert faulty.struck() == [1]
    faulty.ask({"kind": "error", "preset": "wrong_100", "edge": "ads"}, {"kind": "empty", "breakdowns": [],
                                                                        "level": "ad"})  # fmt: skip
    assert faulty.sandbox.get(f"{faulty.other}/ads").status_code == 400
    assert faulty.sandbox.get(f"{faulty.other}/adsets").status_code == 200
    assert faulty.insights().text == ""
    assert faulty.insights(breakdowns=["country"]).text


def test_rules_let_calls_through_strike_a_few_times_and_count(faulty: Faulty) -> None:
    faulty.ask({"kind": "html_502", "skip": 2, "times": 2})
    assert [faulty.insights().status_code for _ in range(6)] == [200, 200, 502, 502, 200, 200]
    [rule] = faulty.told()["rules"]
    assert (rule["seen"], rule["struck"]) == (6, 2)
    assert faulty.told()["calls"] == {"get": 6}


def test_a_rate_is_a_share_and_the_same_each_time(faulty: Faulty) -> None:
    def once() -> list[int]:
        faulty.ask({"kind": "html_502", "rate": 0.3})
        found = [faulty.sandbox.get(faulty.account).status_code for _ in range(60)]
        faulty.clear()
        return found

    first = once()
    assert 5 < first.count(502) < 35
    assert once() == first


def test_the_first_rule_that_strikes_answers(faulty: Faulty) -> None:
    faulty.ask({"kind": "html_502", "times": 1}, {"kind": "empty"})
    assert faulty.insights().status_code == 502
    assert faulty.insights().text == ""
    assert faulty.struck() == [1, 1]


def test_a_dead_token_and_a_forbidden_account_stay_so_and_stop_no_other(faulty: Faulty) -> None:
    run_id = faulty.run()
    faulty.ask({"kind": "dead_token", "account": faulty.account}, {"kind": "forbidden_account",
                                                                  "account": faulty.other})  # fmt: skip
    for path in (faulty.account, f"{faulty.account}/ads", run_id):
        error = faulty.sandbox.get(path).json()["error"]
        assert (error["code"], error["error_subcode"]) == (190, 463)
    assert faulty.sandbox.get(faulty.other).json()["error"]["code"] == 200
    assert faulty.sandbox.get("me/adaccounts").status_code == 200


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"kind": "error"}, "JSON list"),
        ([{"kind": "thunder"}], "whose kind is one of"),
        ([{"kind": "hang", "colour": 1}], "does not know: colour"),
        ([{"kind": "error"}], "a preset or a code"),
        ([{"kind": "error", "preset": "rate_5"}], "preset of error must be one of"),
        ([{"kind": "hang", "seconds": "long"}], "seconds of hang must be of type float"),
        ([{"kind": "empty", "place": "moon"}], "place of empty must be one of"),
        ([{"kind": "empty", "account": "act_1"}], "no account act_1"),
        ([{"kind": "empty", "times": -1}], "times of empty must be a whole number"),
        ([{"kind": "empty", "rate": 2}], "rate of empty must be from 0 to 1"),
        ([{"kind": "empty", "breakdowns": "age"}], "breakdowns of empty must be a list"),
        ([{"kind": "withdrawn", "since": "May"}], "not a date"),
        ([{"kind": "deleted_ads", "status": "GONE"}], "status of deleted_ads must be one of"),
        ([{"kind": "throttle", "code": 3}], "code of throttle"),
    ],
)
def test_rules_that_make_no_sense_are_refused_in_a_sentence(faulty: Faulty, rules: Any, says: str) -> None:
    answer = faulty.sandbox.http.post(f"{faulty.sandbox.url}/__sandbox/faults", json=rules)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]
    assert faulty.told()["rules"] == []


def test_calls_in_a_batch_fail_on_their_own_or_never_come_back(faulty: Faulty) -> None:
    calls = [{"method": "GET", "relative_url": f"{one}?fields=name"} for one in (faulty.account, faulty.other)]
    batch = json.dumps([*calls, calls[0]])
    faulty.ask({"kind": "null", "times": 1}, {"kind": "error", "preset": "transient_2", "account": faulty.other})
    assert faulty.sandbox.get(faulty.account).status_code == 200, "null is for batches"
    first, second, third = faulty.post("", batch=batch).json()
    assert first is None
    assert json.loads(second["body"])["error"]["code"] == 2
    assert third["code"] == 200
    faulty.ask({"kind": "html_502", "place": "batch", "times": 1})
    assert faulty.post("", batch=batch).status_code == 502
    assert [one["code"] for one in faulty.post("", batch=batch).json()] == [200, 500, 200]


def test_without_rules_nothing_is_read_of_a_call(faulty: Faulty) -> None:
    assert faulty.insights(time_range=WEEK).status_code == 200
    assert faulty.told() == {"rules": [], "calls": {}}
