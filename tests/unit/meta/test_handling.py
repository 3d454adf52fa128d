"""Every row of Meta's table of errors, in every place where it can come: calls made, pauses taken, rows handed on."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lib.errors import MetaError
from lib.meta import errors
from lib.meta.asking import InsightsAsk
from lib.meta.paging import gathered
from lib.meta.parse import Unreadable
from lib.meta.patience import FIRST_LIMIT_S, TRIES
from lib.meta.reports import APPEARS_WITHIN_S, DEADLINE_S, LONGEST_POLL_S
from lib.meta.service import MetaService
from tests.account_on_the_wire import ACCOUNT, COMPLETED, RUNNING_AT_100, SOUND, AccountOnTheWire
from tests.clocks import FakeClock
from tests.fixtures_wire import Answer, Wire, ok, refusal

DAY = dt.date(2026, 5, 1)
ASK = InsightsAsk(ACCOUNT, DAY, DAY, page_size=5)
ROWS = [101, 102, 103, 104, 201, 202, 203, 204, 301, 302, 303, 304]
REDUCE = "Please reduce the amount of data you're asking for, then retry your request"

Error = tuple[int, int, int | None, dict[str, Any]]
TABLE: dict[str, list[Error]] = {
    "too much": [
        (400, 100, 1487534, {}), (400, 100, 1504018, {}), (400, 2, 1504038, {"is_transient": True}),
        (400, -3, 1504045, {}), (500, 1, None, {"message": REDUCE}),
    ],
    "rate": [
        (400, 4, 1504022, {}), (400, 4, 1504039, {}), (400, 17, 2446079, {}), (403, 32, None, {}),
        (400, 613, 1487742, {}), (400, 80000, 2446079, {}), (400, 80003, None, {}), (403, 80004, None, {}),
    ],
    "transient": [
        (500, 1, 99, {}), (400, 2, None, {"is_transient": True}), (400, -2, 2490547, {}), (400, 2, 1504043, {}),
        (400, 2, 1504044, {}), (400, 2601, 1815107, {}), (400, 2637, None, {}),
    ],
    "dead": [(400, 190, 463, {}), (400, 190, 460, {}), (401, 190, 458, {}), (400, 190, None, {})],
    "denied": [
        (403, 10, None, {}), (403, 200, None, {}), (400, 272, None, {}), (400, 100, 33, {}),
        (400, 100, None, {"message": "(#100) Missing permissions"}),
    ],
    "wrong": [(400, 2, 1504041, {}), (400, 2, 1504042, {}), (400, 100, 3191001, {}), (400, 100, None, {})],
    "broken": [(400, 100, 2446289, {}), (400, 100, 2446211, {})],
}  # fmt: skip
KINDS: dict[str, type[MetaError]] = {
    "too much": errors.TooMuchData,
    "rate": errors.RateLimited,
    "transient": errors.Transient,
    "dead": errors.TokenDead,
    "denied": errors.NoAccess,
    "wrong": errors.WrongRequest,
    "broken": errors.BrokenObject,
}
PLACES = ["get", "page", "post", "poll", "results"]
CALLS = {
    "get": {"get": 1, "page": 2},
    "page": {"get": 1, "page": 2},
    "post": {"post": 1, "poll": 2, "results": 3},
    "poll": {"post": 1, "poll": 2, "results": 3},
    "results": {"post": 1, "poll": 2, "results": 3},
}
"""What a reading without any error takes, three pages of rows, and of a report two polls."""
POLLS = [1.0, 1.5]
WITHOUT_ERROR = {"get": [], "page": [], "post": POLLS, "poll": POLLS, "results": POLLS}
NOT_CODES: list[tuple[str, Answer]] = [
    ("HTML 502", Answer(502, b"<html>Bad Gateway</html>")),
    ("HTML 500", Answer(500, b"<html>error</html>")),
    ("no error object", Answer(500, b'{"oops": 1}')),
    ("the word alone", Answer(200, b"an error occurred")),
    ("nothing", Answer(200, b"")),
    ("cut short", Answer(200, b'{"data": [], "id": "4242"', missing=40)),
]
ENDLESS = [
    ("hangs", Answer(silent=True)),
    ("drips", Answer(200, b'{"data": [], "report_run_id": "4242"}' + b" " * 100, drip_s=0.2)),
]


def cases(group: str) -> list[Any]:
    """The errors of a group in every place."""
    said = [pytest.param(place, error, id=f"{error[1]}/{error[2]} on {place}")
            for error in TABLE[group] for place in PLACES]  # fmt: skip
    special = ("poll", "results")
    return [one for one in said if not (one.values[1][1:3] == (100, 33) and one.values[0] in special)]


def answer_of(error: Error, **headers: str) -> Answer:
    status, code, subcode, more = error
    return refusal(status, code, subcode, fbtrace_id="Atrace", headers=headers, **more)


@dataclass
class Reading:
    """One reading of the account, by plain GETs or by a report as the place of the error demands."""

    account: AccountOnTheWire
    clock: FakeClock
    service: MetaService

    def put(self, place: str, *answers: Answer) -> None:
        """Let these come in place of the first answers there: of a report's second page for ``results``."""
        before = [SOUND] if place == "results" else []
        self.account.in_place_of[place] = [*before, *answers]

    def rows(self, place: str) -> list[int]:
        """The ads, as often as they come."""
        by_report = place in ("post", "poll", "results")
        found: list[dict[str, Any]] = gathered(
            self.service.reader(ASK, by_report=by_report), list, lambda made, rows: made.extend(rows)
        )
        return [int(row["ad_id"]) for row in found]

    def pauses_beside(self, place: str) -> list[float]:
        """The pauses without those that any report takes."""
        slept = list(self.clock.slept)
        for pause in WITHOUT_ERROR[place]:
            slept.remove(pause)
        return slept


@pytest.fixture
def patience_s() -> float:
    """How long an answer may take; short where one is never to come."""
    return 60


@pytest.fixture
def reading(wire: Wire, patience_s: float) -> Iterator[Reading]:
    account, clock = AccountOnTheWire(), FakeClock()
    wire.reply = account
    service = MetaService("t", wire.url, clock=clock, timeout_s=(5, patience_s), answer_s=patience_s)
    yield Reading(account, clock, service)
    service.close()


@pytest.mark.parametrize("place", PLACES)
def test_without_an_error(reading: Reading, place: str) -> None:
    assert reading.rows(place) == ROWS
    assert (dict(reading.account.calls), reading.clock.slept) == (CALLS[place], WITHOUT_ERROR[place])


@pytest.mark.parametrize(("place", "error"), cases("transient"))
def test_what_is_transient_costs_one_pause_and_one_more_call(reading: Reading, place: str, error: Error) -> None:
    reading.put(place, answer_of(error))
    assert reading.rows(place) == ROWS
    assert dict(reading.account.calls) == CALLS[place] | {place: CALLS[place][place] + 1}
    (pause,) = reading.pauses_beside(place)
    assert 0.5 <= pause <= 1


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("answer", [pytest.param(answer, id=name) for name, answer in NOT_CODES])
def test_what_is_no_answer_of_the_apis_is_transient_too(reading: Reading, place: str, answer: Answer) -> None:
    reading.put(place, answer)
    assert reading.rows(place) == ROWS
    assert dict(reading.account.calls) == CALLS[place] | {place: CALLS[place][place] + 1}
    assert len(reading.pauses_beside(place)) == 1


@pytest.mark.parametrize("patience_s", [0.8])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("answer", [pytest.param(answer, id=name) for name, answer in ENDLESS])
def test_what_never_ends_is_transient_after_its_time(reading: Reading, place: str, answer: Answer) -> None:
    reading.put(place, answer)
    assert reading.rows(place) == ROWS
    assert dict(reading.account.calls) == CALLS[place] | {place: CALLS[place][place] + 1}
    assert len(reading.pauses_beside(place)) == 1


@pytest.mark.parametrize(("place", "error"), [one for one in cases("transient") if one.values[0] != "poll"])
def test_what_stays_transient_is_tried_so_often_with_growing_pauses(reading: Reading, place: str, error: Error) -> None:
    reading.put(place, *[answer_of(error)] * 9)
    with pytest.raises(errors.Transient) as caught:
        reading.rows(place)
    assert (caught.value.code, caught.value.subcode, caught.value.trace_id) == (*error[1:3], "Atrace")
    assert reading.account.calls[place] == TRIES + (place == "results")
    pauses = [pause for pause in reading.clock.slept if pause not in POLLS]
    assert all(2**number / 2 <= pause <= 2**number for number, pause in enumerate(pauses))
    assert len(pauses) == TRIES - 1


@pytest.mark.parametrize("group", ["too much", "dead", "denied", "wrong", "broken"])
def test_what_would_come_again_is_asked_for_once(wire: Wire, group: str) -> None:
    for one in cases(group):
        place, error = one.values
        account, clock = AccountOnTheWire(), FakeClock()
        wire.reply = account
        reading = Reading(account, clock, MetaService("t", wire.url, clock=clock))
        reading.put(place, *[answer_of(error)] * 9)
        with pytest.raises(KINDS[group]) as caught:
            reading.rows(place)
        reading.service.close()
        assert type(caught.value) is KINDS[group], one.id
        assert (caught.value.code, caught.value.subcode, caught.value.trace_id) == (*error[1:3], "Atrace"), one.id
        assert account.calls[place] == 1 + (place == "results"), one.id
        assert sum(clock.slept) <= sum(POLLS), one.id


RESET = {"x-ad-account-usage": json.dumps({"acc_id_util_pct": 100, "reset_time_duration": 37})}


@pytest.mark.parametrize(("headers", "pause"), [(RESET, 37), ({}, FIRST_LIMIT_S)], ids=["headers", "none"])
@pytest.mark.parametrize(("place", "error"), cases("rate"))
def test_a_limit_is_waited_for_and_the_same_call_goes_on(
    reading: Reading, place: str, error: Error, headers: dict[str, str], pause: float
) -> None:
    reading.put(place, answer_of(error, **headers))
    assert reading.rows(place) == ROWS
    assert dict(reading.account.calls) == CALLS[place] | {place: CALLS[place][place] + 1}
    assert reading.pauses_beside(place) == pytest.approx([pause])


@pytest.mark.parametrize("place", PLACES)
def test_a_limit_that_stays_ends_with_when_to_come_back(reading: Reading, place: str) -> None:
    reading.put(place, *[answer_of((400, 17, 2446079, {}))] * 99)
    with pytest.raises(errors.RateLimited) as caught:
        reading.rows(place)
    assert "Refresh again in 15 min" in caught.value.remedy
    assert sum(reading.clock.slept) <= 3600 + sum(POLLS)


def in_job(error: Error) -> dict[str, Any]:
    """A failed report that says its error, as v25 and later do."""
    _, code, subcode, more = error
    return {"async_status": "Job Failed", "async_percent_completion": 100, "error_code": code,
            "error_subcode": subcode, "error_message": more.get("message", "It failed."),
            **{name: value for name, value in more.items() if name != "message"}}  # fmt: skip


def job_errors(*groups: str) -> list[Any]:
    return [pytest.param(group, error, id=f"{error[1]}/{error[2]}") for group in groups for error in TABLE[group]]


@pytest.mark.parametrize(("group", "error"), job_errors("too much", "dead", "denied", "wrong", "broken"))
def test_a_report_that_failed_for_good_is_not_started_again(reading: Reading, group: str, error: Error) -> None:
    reading.account.jobs = ((RUNNING_AT_100, in_job(error)),)
    with pytest.raises(KINDS[group]) as caught:
        reading.rows("poll")
    assert type(caught.value) is KINDS[group]
    assert (caught.value.code, caught.value.subcode) == error[1:3]
    assert dict(reading.account.calls) == {"post": 1, "poll": 2}


@pytest.mark.parametrize("error", [one.values[1] for one in job_errors("rate")])
def test_a_report_that_met_a_limit_is_started_again_after_a_pause(reading: Reading, error: Error) -> None:
    reading.account.jobs = ((in_job(error),), (in_job(error),), (in_job(error),), (COMPLETED,))
    assert reading.rows("poll") == ROWS
    assert dict(reading.account.calls) == {"post": 4, "poll": 4, "results": 3}
    assert reading.clock.slept == [1.0, 60, 1.0, 120, 1.0, 240, 1.0]


FAILED: list[Any] = [
    *(pytest.param(in_job(error), id=f"{error[1]}/{error[2]}") for error in TABLE["transient"]),
    pytest.param({"async_status": "Job Failed", "async_percent_completion": 0}, id="failed without a reason"),
    pytest.param({"async_status": "Job Failed", "error_code": 0}, id="failed with error 0"),
    pytest.param({"async_status": "Job Skipped", "async_percent_completion": 0}, id="skipped"),
    pytest.param({"async_status": "Job Running", "async_percent_completion": 100}, id="never ends"),
    pytest.param({"async_percent_completion": 100}, id="says nothing"),
]


@pytest.mark.parametrize("state", FAILED)
def test_a_report_that_came_to_nothing_is_started_once_more(reading: Reading, state: dict[str, Any]) -> None:
    reading.account.jobs = ((state,), (RUNNING_AT_100, COMPLETED))
    assert reading.rows("poll") == ROWS
    assert reading.account.calls["post"] == 2


@pytest.mark.parametrize("state", FAILED)
def test_a_report_that_came_to_nothing_twice_is_too_much(reading: Reading, state: dict[str, Any]) -> None:
    reading.account.jobs = ((state,),)
    with pytest.raises(errors.JobFailed, match="twice") as caught:
        reading.rows("poll")
    assert isinstance(caught.value, errors.TooMuchData), "so it is split"
    assert caught.value.code == (state.get("error_code") or None)
    assert reading.account.calls["post"] == 2
    assert sum(reading.clock.slept) < 2 * DEADLINE_S + 2 * LONGEST_POLL_S


def test_polls_become_rarer_and_do_not_end_before_the_report(reading: Reading) -> None:
    reading.account.jobs = ((RUNNING_AT_100,) * 12 + (COMPLETED,),)
    assert reading.rows("poll") == ROWS
    assert reading.clock.slept[:4] == [1.0, 1.5, 2.25, 3.375]
    assert reading.clock.slept[-1] == LONGEST_POLL_S
    assert reading.account.calls["poll"] == 13


NOT_THERE = refusal(400, 100, 33, "Unsupported get request. Object with ID '4242' does not exist")


def test_a_report_that_is_not_there_yet_is_waited_for(reading: Reading) -> None:
    reading.put("poll", NOT_THERE, NOT_THERE, NOT_THERE)
    assert reading.rows("poll") == ROWS
    assert dict(reading.account.calls) == {"post": 1, "poll": 5, "results": 3}


def test_a_report_that_never_appears_is_started_once_more_and_then_too_much(reading: Reading) -> None:
    reading.put("poll", *[NOT_THERE] * 99)
    with pytest.raises(errors.JobFailed):
        reading.rows("poll")
    assert reading.account.calls["post"] == 2
    assert sum(reading.clock.slept) < 2 * (APPEARS_WITHIN_S + LONGEST_POLL_S) + 2


def test_a_report_that_was_there_and_is_gone_is_started_once_more(reading: Reading) -> None:
    reading.put("poll", SOUND, NOT_THERE)
    assert reading.rows("poll") == ROWS
    assert dict(reading.account.calls) == {"post": 2, "poll": 4, "results": 3}


def test_results_that_are_gone_are_asked_for_with_a_second_report_and_nothing_counts_twice(reading: Reading) -> None:
    reading.put("results", NOT_THERE)
    assert reading.rows("poll") == ROWS
    assert dict(reading.account.calls) == {"post": 2, "poll": 4, "results": 5}


def test_results_that_are_gone_twice_are_too_much(reading: Reading) -> None:
    reading.put("results", *[NOT_THERE] * 9)
    with pytest.raises(errors.JobFailed):
        reading.rows("poll")
    assert reading.account.calls["post"] == 2


def test_results_that_repeat_are_read_again_from_the_same_report(reading: Reading) -> None:
    first = {"data": [{"ad_id": "1"}], "paging": {"next": "yes", "cursors": {"after": "5"}}}
    reading.put("results", ok(first))
    assert reading.rows("poll") == ROWS
    assert dict(reading.account.calls) == {"post": 1, "poll": 2, "results": 2 + 3}


def test_a_report_without_its_id_is_an_answer_that_cannot_be_read(reading: Reading) -> None:
    reading.put("post", ok({"success": True}))
    with pytest.raises(Unreadable):
        reading.rows("post")


def test_a_report_is_asked_for_in_the_body_and_its_pages_by_their_size(wire: Wire, reading: Reading) -> None:
    reading.rows("post")
    posted, first = wire.asked[0], wire.asked[3]
    assert posted.method == "POST"
    assert "limit" not in posted.params
    assert posted.params["use_unified_attribution_setting"] == "true"
    assert (first.path, first.params["limit"]) == ("4242/insights", "5")
