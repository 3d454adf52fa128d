"""Every refusal that is known, over the wire: what it means, whether it is tried again, and what one reads."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lib.errors import MetaError
from lib.meta import errors
from lib.meta.patience import FIRST_LIMIT_S, MOST_WAIT_S, TRIES
from lib.meta.service import MetaService
from tests.clocks import FakeClock
from tests.fixtures_wire import Answer, Wire, ok, refusal

TOKEN = "EAAsecret0secret0secret0secret0"
REDUCE = "Please reduce the amount of data you're asking for, then retry your request"


@dataclass
class Patient:
    """A service whose pauses are noted instead of waited for."""

    service: MetaService
    clock: FakeClock

    @property
    def pauses(self) -> list[float]:
        """The seconds of each."""
        return self.clock.slept

    def error(self) -> MetaError:
        """What asking for an account ends with."""
        with pytest.raises(MetaError) as caught:
            self.service.get_account(1)
        return caught.value


@pytest.fixture
def patience_s() -> float:
    """How long an answer may take; short where one is never to come."""
    return 60


@pytest.fixture
def patient(wire: Wire, patience_s: float) -> Iterator[Patient]:
    clock = FakeClock()
    service = MetaService(TOKEN, wire.url, clock=clock, timeout_s=(5, patience_s), answer_s=patience_s)
    yield Patient(service, clock)
    service.close()


KINDS: list[tuple[str, type[MetaError], Answer]] = [
    ("too much, 100/1487534", errors.TooMuchData, refusal(400, 100, 1487534)),
    ("too much, 100/1504018", errors.TooMuchData, refusal(400, 100, 1504018)),
    ("too much, 2/1504038", errors.TooMuchData, refusal(400, 2, 1504038, is_transient=True)),
    ("too much, -3/1504045", errors.TooMuchData, refusal(400, -3, 1504045)),
    ("too much, 500 and code 1", errors.TooMuchData, refusal(500, 1, message=REDUCE)),
    ("too much, whatever the status", errors.TooMuchData, refusal(503, 100, 1487534, is_transient=True)),
    ("too much, said beside words for the user", errors.TooMuchData,
     refusal(500, 1, message=REDUCE, error_user_msg="Something went wrong.")),
    ("token expired", errors.TokenDead, refusal(400, 190, 463)),
    ("password changed", errors.TokenDead, refusal(400, 190, 460)),
    ("app removed", errors.TokenDead, refusal(400, 190, 458)),
    ("token dead, no reason", errors.TokenDead, refusal(401, 190)),
    ("token dead, whatever the status", errors.TokenDead, refusal(500, 190, is_transient=True)),
    ("the session's key is no good", errors.TokenDead, refusal(400, 102)),
    ("10", errors.NoAccess, refusal(403, 10)),
    ("10, whatever the status", errors.NoAccess, refusal(500, 10)),
    ("200", errors.NoAccess, refusal(403, 200, message="(#200) Requires ads_read permission")),
    ("272", errors.NoAccess, refusal(400, 272)),
    ("100/33", errors.NoAccess, refusal(400, 100, 33)),
    ("missing permissions", errors.NoAccess, refusal(400, 100, message="(#100) Missing permissions")),
    ("missing permissions beside words for the user", errors.NoAccess,
     refusal(400, 100, message="(#100) Missing permissions", error_user_msg="You cannot do this.")),
    ("unknown alias", errors.NoAccess, refusal(404, 803, message="(#803) Some aliases do not exist: 17")),
    ("wrong, 2/1504041", errors.WrongRequest, refusal(400, 2, 1504041)),
    ("wrong, 2/1504042", errors.WrongRequest, refusal(400, 2, 1504042)),
    ("wrong, 100/3191001", errors.WrongRequest, refusal(400, 100, 3191001)),
    ("wrong, whatever the status", errors.WrongRequest, refusal(500, 100, 3191001, is_transient=True)),
    ("wrong, other 100", errors.WrongRequest, refusal(400, 100, message="(#100) Tried accessing nonexisting field")),
    ("wrong, 100 with a subcode of the app's limit", errors.WrongRequest, refusal(400, 100, 1504022)),
    ("wrong, 100 with the other subcode of it", errors.WrongRequest, refusal(400, 100, 1504039)),
    ("1 with a subcode of its own", errors.WrongRequest, refusal(400, 1, 2853001, is_transient=False)),
    ("broken creative, 100/2446289", errors.BrokenObject, refusal(400, 100, 2446289, is_transient=False)),
    ("broken creative, 100/2446211", errors.BrokenObject, refusal(400, 100, 2446211)),
]  # fmt: skip
ONLY_ONCE = [pytest.param(kind, answer, id=name) for name, kind, answer in KINDS]


@pytest.mark.parametrize(("kind", "answer"), ONLY_ONCE)
def test_a_refusal_that_would_come_again_is_asked_for_once(
    wire: Wire, patient: Patient, kind: type[MetaError], answer: Answer
) -> None:
    wire.answers(answer)
    assert type(patient.error()) is kind
    assert len(wire.asked) == 1
    assert patient.service.calls == 1
    assert patient.pauses == []


TRANSIENT: list[tuple[str, type[MetaError], Answer]] = [
    ("1/99", errors.Transient, refusal(500, 1, 99)),
    ("1 without a subcode", errors.Transient, refusal(500, 1, message="An unknown error occurred")),
    ("2 is_transient", errors.Transient, refusal(400, 2, is_transient=True)),
    ("-2/2490547", errors.Transient, refusal(400, -2, 2490547)),
    ("2/1504043", errors.Transient, refusal(400, 2, 1504043)),
    ("2/1504044", errors.Transient, refusal(400, 2, 1504044)),
    ("2601/1815107", errors.Transient, refusal(400, 2601, 1815107, is_transient=True)),
    ("2637", errors.Transient, refusal(400, 2637)),
    ("104, a connection that was reset", errors.Transient, refusal(500, 104, is_transient=True)),
    ("104 without a word", errors.Transient, refusal(400, 104)),
    ("102 is_transient", errors.Transient, refusal(400, 102, is_transient=True)),
    ("102 of a server in trouble", errors.Transient, refusal(500, 102)),
    ("1 with a subcode of its own, of a server in trouble", errors.Transient, refusal(500, 1, 1357046)),
    ("503 and code 0", errors.Transient, refusal(503, 0)),
    ("503 and code -1", errors.Transient, refusal(503, -1)),
    ("100 of a server in trouble", errors.Transient, refusal(500, 100, message="Service unavailable")),
    ("502 with HTML", errors.Unreachable, Answer(502, b"<html><body>Bad Gateway: error</body></html>")),
    ("500 without an error", errors.Unreachable, Answer(500, b'{"oops": 1}')),
    ("200 with HTML", errors.Unreachable, Answer(200, b"<html>Please sign in to the hotel's network</html>")),
    ("the word alone", errors.Unreachable, Answer(400, b'"error"')),
    ("the word in a sentence", errors.Unreachable, Answer(200, b"an error occurred")),
    ("error is text", errors.Unreachable, Answer(200, b'{"error": "no"}')),
    ("half a body", errors.Unreachable, Answer(200, b'{"id": "act', missing=40)),
    ("half a JSON", errors.Unreachable, Answer(200, b'{"id": "act')),
    ("nothing", errors.Unreachable, Answer(200, b"")),
    ("a list", errors.Unreachable, Answer(200, b"[]")),
]
ENDLESS = [
    pytest.param(Answer(silent=True), id="silence"),
    pytest.param(Answer(200, b'{"name": "Never to be read whole"}', drip_s=0.1), id="a drip"),
]
TRIED_AGAIN = [pytest.param(kind, answer, id=name) for name, kind, answer in TRANSIENT]


@pytest.mark.parametrize(("kind", "answer"), TRIED_AGAIN)
def test_what_may_pass_is_tried_again_with_growing_pauses(
    wire: Wire, patient: Patient, kind: type[MetaError], answer: Answer
) -> None:
    wire.answers(answer)
    error = patient.error()
    assert type(error) is kind
    assert error.remedy
    assert len(wire.asked) == TRIES == patient.service.calls
    assert len(patient.pauses) == TRIES - 1
    for number, pause in enumerate(patient.pauses):
        assert 2**number / 2 <= pause <= 2**number, "each pause is jittered and about twice the last"


@pytest.mark.parametrize(("kind", "answer"), TRIED_AGAIN)
def test_what_passed_leaves_no_trace(wire: Wire, patient: Patient, kind: type[MetaError], answer: Answer) -> None:
    wire.answers(answer, ok({"name": "Back again"}))
    assert patient.service.get_account(1) == {"name": "Back again"}
    assert len(wire.asked) == 2


@pytest.mark.parametrize("patience_s", [0.4])
@pytest.mark.parametrize("answer", ENDLESS)
def test_what_never_ends_is_tried_again_and_ends(wire: Wire, patient: Patient, answer: Answer) -> None:
    wire.answers(answer)
    error = patient.error()
    assert type(error) is errors.Unreachable
    assert "in time" in error.message
    assert len(wire.asked) == TRIES
    assert len(patient.pauses) == TRIES - 1


RESET = {"x-ad-account-usage": '{"acc_id_util_pct": 100, "reset_time_duration": 37}'}
LIMITS = [
    *(refusal(400, *code, headers=RESET) for code in [(4, 1504022), (4, 1504039), (17, 2446079), (32,), (341,),
                                                      (613, 1487742), (80000, 2446079), (80003,), (80004, 2446079)]),
    refusal(503, 341, is_transient=True, headers=RESET),
    refusal(429, headers=RESET),
    refusal(429, 2, is_transient=True, headers=RESET),
    Answer(429, b"<html>Too Many Requests</html>", RESET),
    Answer(429, b"", RESET),
]  # fmt: skip


@pytest.mark.parametrize("limit", LIMITS, ids=lambda one: f"{one.status} {one.body.decode()[-70:]}")
def test_a_limit_is_waited_for_as_long_as_the_headers_say(wire: Wire, patient: Patient, limit: Answer) -> None:
    wire.answers(limit, ok({"name": "Back"}))
    assert patient.service.get_account(1) == {"name": "Back"}
    assert patient.pauses == [37]


@pytest.mark.parametrize(("code", "is_apps"), [(4, True), (341, True), (17, False), (80004, False)])
def test_a_limit_of_the_app_is_told_from_an_accounts(wire: Wire, code: int, is_apps: bool) -> None:
    wire.answers(refusal(400, code, headers=RESET))
    service = MetaService(TOKEN, wire.url, clock=FakeClock(), tries=1, most_wait_s=0)
    with pytest.raises(errors.RateLimited) as caught:
        service.get_account(1)
    service.close()
    assert caught.value.is_apps == is_apps


def test_the_longest_wait_of_all_headers_counts_and_minutes_are_minutes(wire: Wire, patient: Patient) -> None:
    headers = {
        "x-ad-account-usage": '{"reset_time_duration": 5}',
        "x-business-use-case-usage": '{"1": [{"estimated_time_to_regain_access": 1},'
        ' {"estimated_time_to_regain_access": 2}]}',
    }
    wire.answers(refusal(400, 80000, 2446079, headers=headers), ok({}))
    patient.service.get_account(1)
    assert patient.pauses == [120]


def test_a_wait_that_is_too_long_ends_the_account_and_says_when_to_come_back(wire: Wire, patient: Patient) -> None:
    headers = {"x-business-use-case-usage": '{"1": [{"estimated_time_to_regain_access": 67}]}'}
    wire.answers(refusal(400, 80000, 2446079, headers=headers))
    error = patient.error()
    assert type(error) is errors.RateLimited
    assert (len(wire.asked), patient.pauses) == (1, [])
    assert "67 min" in error.remedy


BAD_HEADERS = ["", "not json", "[]", "7", '{"reset_time_duration": "soon"}', '{"1": [7]}', '{"1": "x"}',
               '{"1": [{"estimated_time_to_regain_access": "x"}]}', '{"reset_time_duration": [1]}']  # fmt: skip


@pytest.mark.parametrize("name", ["x-ad-account-usage", "x-business-use-case-usage"])
@pytest.mark.parametrize("value", BAD_HEADERS)
def test_a_header_that_cannot_be_read_is_as_good_as_none(wire: Wire, patient: Patient, name: str, value: str) -> None:
    wire.answers(refusal(400, 17, 2446079, headers={name: value}), ok({}))
    patient.service.get_account(1)
    assert patient.pauses == [FIRST_LIMIT_S]


def test_a_limit_that_never_lifts_is_waited_for_longer_each_time_and_ends(wire: Wire, patient: Patient) -> None:
    wire.answers(refusal(400, 17, 2446079))
    error = patient.error()
    assert type(error) is errors.RateLimited
    assert "Refresh again in 15 min." in error.remedy
    assert patient.pauses == [60, 120, 240, 480, 900, 900, 900]
    assert sum(patient.pauses) <= MOST_WAIT_S < sum(patient.pauses) + 900


def test_limits_use_up_no_try(wire: Wire, patient: Patient) -> None:
    limit = refusal(400, 17, headers={"x-ad-account-usage": '{"reset_time_duration": 30}'})
    fail = refusal(500, 1, 99)
    wire.answers(limit, fail, limit, fail, limit, fail, limit, ok({"name": "Back"}))
    assert patient.service.get_account(1) == {"name": "Back"}
    assert patient.pauses[::2] == [30, 30, 30, 30]
    assert len(patient.pauses) == 4 + TRIES - 1


def test_who_waits_for_nothing_is_told_at_once(wire: Wire) -> None:
    wire.answers(refusal(400, 17, headers={"x-ad-account-usage": '{"reset_time_duration": 240}'}))
    clock = FakeClock()
    service = MetaService(TOKEN, wire.url, clock=clock, tries=1, most_wait_s=0)
    with pytest.raises(errors.RateLimited, match="4 min"):
        service.get_account(1)
    service.close()
    assert (len(wire.asked), clock.slept) == (1, [])


DEAD = [(463, "expired"), (460, "password"), (458, "removed"), (467, "invalid"), (459, "log in"), (464, "confirmed")]


@pytest.mark.parametrize(("subcode", "reason"), DEAD)
def test_a_dead_token_says_why_and_what_to_do(wire: Wire, patient: Patient, subcode: int, reason: str) -> None:
    wire.answers(refusal(400, 190, subcode, "Error validating access token", fbtrace_id="Atrace"))
    error = patient.error()
    assert reason in error.message
    assert "token" in error.remedy
    assert (error.code, error.subcode, error.trace_id) == (190, subcode, "Atrace")


EXPIRED = [
    ("Session has expired on Tuesday, 03-Feb-26 09:00:00 PST. The current time is Monday, 23-Feb-26.", "2026-02-03"),
    ("Error validating access token: Session has expired on Sunday, 01-Nov-2026 23:59:59 PDT.", "2026-11-01"),
    ("The session has expired on Tuesday, 3 Feb 2026 09:00:00", "2026-02-03"),
    ("The token expired on Tuesday, February 3, 2026.", "2026-02-03"),
    ("The token expired on 2026-02-03.", "2026-02-03"),
    ("The token expired on Tuesday, 99-Feb-26.", None),
    ("The token expired.", None),
]


@pytest.mark.parametrize(("said", "day"), EXPIRED)
def test_the_day_on_which_a_token_expired_is_kept(wire: Wire, patient: Patient, said: str, day: str | None) -> None:
    wire.answers(refusal(400, 190, 463, said))
    error = patient.error()
    assert isinstance(error, errors.TokenDead)
    assert (error.expired_on and error.expired_on.isoformat()) == day
    assert (day or "expired") in error.message


PERMISSIONS = [
    ("(#200) Ad account owner has NOT grant ads_management or ads_read permission", ("ads_management", "ads_read")),
    ("(#200) Requires business_management permission to manage the object.", ("business_management",)),
    ("(#100) Missing permissions", ()),
]


@pytest.mark.parametrize(("said", "named"), PERMISSIONS)
def test_the_permissions_that_meta_names_are_kept_and_said(
    wire: Wire, patient: Patient, said: str, named: tuple[str, ...]
) -> None:
    wire.answers(refusal(403, 200, message=said))
    error = patient.error()
    assert isinstance(error, errors.NoAccess)
    assert error.permissions == named
    assert all(name in error.remedy for name in (*named, "ads_read"))


def test_missing_access_names_the_permission_and_every_kind_a_remedy(wire: Wire, patient: Patient) -> None:
    wire.answers(refusal(403, 200, message="(#200) Requires business_management permission"))
    error = patient.error()
    assert "business_management" in error.message
    assert "ads_read" in error.remedy


@pytest.mark.parametrize(
    "odd",
    [{"message": "A\0B"}, {"code": 2**40, "message": "big"}, {"code": "x"}, {"fbtrace_id": 17, "code": 10}, {}],
    ids=["NUL", "code beyond int", "code no number", "trace no text", "empty"],
)
def test_an_odd_error_can_be_stored(wire: Wire, patient: Patient, odd: dict[str, Any]) -> None:
    wire.answers(Answer(400, refusal(400, **odd).body))
    error = patient.error()
    assert "\0" not in error.message
    assert error.code is None or abs(error.code) < 2**31
    assert error.trace_id is None or isinstance(error.trace_id, str)


@pytest.mark.parametrize("code", [float("inf"), float("-inf"), float("nan"), [1], {}])
def test_a_code_that_is_no_number_is_none(code: object) -> None:
    error = errors.error_of(400, {"error": {"code": code, "error_subcode": code, "message": "odd"}})
    assert (type(error), error.code, error.subcode) == (errors.WrongRequest, None, None)


SAY_THE_TOKEN: list[Callable[[], Answer]] = [
    lambda: refusal(400, 190, 463, f"Error validating access token {TOKEN}"),
    lambda: refusal(400, 100, message=f"Unknown path ?access_token={TOKEN}&fields=id", error_user_msg=f"See {TOKEN}"),
    lambda: refusal(400, 190, None, f"Malformed access token {TOKEN}"),
    lambda: Answer(silent=True),
    lambda: Answer(502, f"<a href='?access_token={TOKEN}'>".encode()),
]


@pytest.mark.parametrize("patience_s", [0.5])
@pytest.mark.parametrize("answer", SAY_THE_TOKEN)
def test_no_error_holds_the_token(wire: Wire, patient: Patient, answer: Callable[[], Answer]) -> None:
    wire.answers(answer())
    error = patient.error()
    assert TOKEN not in f"{error} {error!r} {error.args} {error.message} {error.remedy}"
    assert all(one.params["access_token"] == TOKEN for one in wire.asked), "Meta did get it"


def test_nobody_there_is_one_sentence_without_the_address(wire: Wire) -> None:
    clock = FakeClock()
    service = MetaService(TOKEN, "http://127.0.0.1:9", clock=clock)
    with pytest.raises(errors.Unreachable, match="cannot be reached") as caught:
        service.get_account(1)
    service.close()
    assert TOKEN not in str(caught.value)
    assert "Nothing was lost" in caught.value.remedy
    assert len(clock.slept) == TRIES - 1


PACKED = gzip.compress(b'{"name": "' + b"long " * 100_000 + b'"}')


def test_a_packed_answer_is_unpacked(wire: Wire, patient: Patient) -> None:
    wire.answers(Answer(200, PACKED, {"content-encoding": "gzip"}))
    assert len(patient.service.get_account(1)["name"]) == 500_000


HALF_PACKED = [Answer(200, PACKED[:-20], {"content-encoding": "gzip"}, missing=20),
               Answer(200, PACKED[:-20], {"content-encoding": "gzip"}),
               Answer(200, b"not packed at all", {"content-encoding": "gzip"})]  # fmt: skip


@pytest.mark.parametrize("answer", HALF_PACKED, ids=["cut", "short", "not packed"])
def test_half_of_a_packed_answer_is_transient(wire: Wire, patient: Patient, answer: Answer) -> None:
    wire.answers(answer, ok({"name": "Back again"}))
    assert patient.service.get_account(1) == {"name": "Back again"}
    assert len(wire.asked) == 2
