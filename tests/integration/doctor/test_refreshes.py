"""The doctor holds what Meta says of a token against what the last refresh of each account met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures_database import Database
from tests.fixtures_processes import run_here
from tests.fixtures_sandbox import LAST_DAY, Sandbox
from tests.fixtures_wire import Answer, Asked, Wire, refusal
from tests.integration.doctor.conftest import Doctor
from tests.integration.doctor.test_tokens import add, answering, described, ending

DAYS = ("--since", str(LAST_DAY), "--until", str(LAST_DAY))


@pytest.fixture(autouse=True)
def _empty(database: Database) -> None:
    """Every test here begins without clients."""


@pytest.fixture
def faulty(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, whose faults end with the test."""
    yield sandbox
    sandbox.forget_faults()


def refreshed(place: dict[str, str], *words: str) -> int:
    return run_here(place, "refresh", *DAYS, *words).code


def test_a_client_that_was_never_refreshed_is_told_and_one_that_was(
    doctor: Doctor, place: dict[str, str], database: Database, sandbox: Sandbox
) -> None:
    one, other = sandbox.ids[:2]
    add(database, "Acme", sandbox.url, [one, other])
    found = doctor()
    assert (found.code, found.states["Refreshes of Acme"]) == (0, "skipped")
    assert "None of its accounts was refreshed yet." in found.words["Refreshes of Acme"]
    assert refreshed(place, "--account", f"act_{one}") == 0
    found = doctor()
    assert (found.code, found.states["Refreshes of Acme"]) == (0, "ok")
    assert f"The last refresh of act_{one} was complete" in found.words["Refreshes of Acme"]
    assert "1 of its 2 accounts were not refreshed yet" in found.words["Refreshes of Acme"]
    assert refreshed(place) == 0
    assert "The last refresh of all 2 accounts was complete" in doctor().words["Refreshes of Acme"]


@pytest.mark.parametrize(
    ("fault", "checks", "words", "remedy"),
    [
        ({"kind": "dead_token"}, {"Token", "Accounts"}, "The token of Acme", "client token acme --token-stdin"),
        ({"kind": "forbidden_account"}, {"Accounts"}, "no access to the account", "Meta's Business settings"),
        ({"kind": "error", "code": 10, "status": 400}, {"Accounts"}, "no access to the account", "Business settings"),
        ({"kind": "error", "code": 100, "status": 400}, set(), "refused the request", "trace id"),
    ],
)
def test_what_the_last_refresh_met_outweighs_what_meta_says_of_the_token(
    doctor: Doctor,
    place: dict[str, str],
    database: Database,
    faulty: Sandbox,
    fault: dict[str, Any],
    checks: set[str],
    words: str,
    remedy: str,
) -> None:
    one, other = faulty.ids[:2]
    add(database, "Acme", faulty.url, [one, other])
    add(database, "Beta", faulty.url, faulty.ids[2:3])
    faulty.ask_faults({"account": f"act_{one}", **fault})
    assert refreshed(place) == 3
    faulty.forget_faults()
    found = doctor()
    assert (found.code, found.failed) == (1, {f"{check} of Acme" for check in {*checks, "Refreshes"}})
    told = found.words["Refreshes of Acme"]
    assert f"The last refresh of act_{one} failed" in told
    assert words in told
    assert remedy in told
    assert str(other) not in told
    for check in checks:
        assert f"act_{one}" in found.words[f"{check} of Acme"]
        assert remedy in found.words[f"{check} of Acme"]
        assert "valid" not in found.words[f"{check} of Acme"]
    assert refreshed(place) == 0
    assert (doctor().code, doctor().failed) == (0, set())


DENIED, WRONG = {"kind": "forbidden_account"}, {"kind": "error", "code": 100, "status": 400}


@pytest.mark.parametrize(
    ("fault", "kind", "is_ended"),
    [
        (WRONG, "nightly", False),
        (WRONG, "asked", False),
        (WRONG, "reach", False),
        (WRONG, "hourly", True),
        (DENIED, "nightly", True),
        ({"kind": "dead_token"}, "asked", True),
    ],
)
def test_an_hourly_refresh_proves_token_and_account_good_and_no_days_of_other_refreshes(
    doctor: Doctor,
    place: dict[str, str],
    database: Database,
    faulty: Sandbox,
    fault: dict[str, Any],
    kind: str,
    *,
    is_ended: bool,
) -> None:
    add(database, "Acme", faulty.url, faulty.ids[:1])
    faulty.ask_faults({"account": f"act_{faulty.ids[0]}", **fault})
    assert refreshed(place) == 3
    database.owner("UPDATE refresh_run SET kind = %s", [kind])
    faulty.forget_faults()
    assert refreshed(place) == 0
    database.owner("UPDATE refresh_run SET kind = 'hourly' WHERE state = 'complete'")
    assert doctor().states["Refreshes of Acme"] == ("ok" if is_ended else "failed")
    assert refreshed(place) == 0
    assert doctor().states["Refreshes of Acme"] == "ok"


@pytest.mark.parametrize("fault", [DENIED, {"kind": "dead_token"}])
def test_another_token_has_to_be_tried_before_all_is_well(
    doctor: Doctor, place: dict[str, str], database: Database, faulty: Sandbox, fault: dict[str, Any]
) -> None:
    add(database, "Acme", faulty.url, faulty.ids[:1])
    faulty.ask_faults({"account": f"act_{faulty.ids[0]}", **fault})
    assert refreshed(place) == 3
    faulty.forget_faults()
    assert run_here(place, "client", "token", "acme", "--token-stdin", stdin="finer").code == 0
    found = doctor()
    assert (found.code, found.failed) == (1, {"Refreshes of Acme"})
    assert "Another token was stored since then. Refresh again" in found.words["Refreshes of Acme"]
    assert found.words["Token of Acme"].startswith("It is valid")
    assert refreshed(place) == 0
    assert doctor().code == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refusal(400, 100, message="(#100) You must provide an app access token"), "Meta does not describe this token"),
        (refusal(400, 17, 2446079, "User request limit reached"), "limit of calls is reached"),
        (described(expires_at=ending(3.5)), "in 3 days."),
        (described(), "Meta describes it as in order"),
    ],
)
def test_a_refused_token_keeps_what_meta_said_of_it(
    doctor: Doctor, place: dict[str, str], database: Database, wire: Wire, answer: Answer, said: str
) -> None:
    add(database, "Acme", wire.url, [7])
    wire.reply = lambda _: refusal(400, 190, 463, "Session has expired")
    assert refreshed(place) == 3
    answering(wire, answer)
    found = doctor()
    assert "Token of Acme" in found.failed
    words = found.words["Token of Acme"]
    assert said in words
    assert "refused it in the last refresh of act_7" in words
    assert ("in order" in words) == (answer == described())


def test_a_refresh_of_reach_ends_no_failure_of_days_and_an_archived_client_none_at_all(
    doctor: Doctor, place: dict[str, str], database: Database, faulty: Sandbox
) -> None:
    add(database, "Acme", faulty.url, faulty.ids[:1])
    faulty.ask_faults({"kind": "forbidden_account", "account": f"act_{faulty.ids[0]}"})
    assert refreshed(place) == 3
    faulty.forget_faults()
    assert refreshed(place, "--reach") == 0
    assert "Refreshes of Acme" in doctor().failed
    database.owner("UPDATE client SET archived_at = now()")
    assert doctor().code == 0


def test_one_line_for_each_reason_names_a_few_accounts(
    doctor: Doctor, place: dict[str, str], database: Database, wire: Wire
) -> None:
    add(database, "Acme", wire.url, [7, 8, 9, 10, 11])
    answering(wire, described())
    of_token = wire.reply

    def reply(asked: Asked) -> Answer:
        if asked.path.startswith("act_11"):
            return refusal(400, 100, 33, "Object does not exist", fbtrace_id="Trace11")
        number = asked.path.removeprefix("act_").split("/")[0]
        denied = refusal(400, 200, message="Denied", fbtrace_id=f"Trace{number}")
        return denied if asked.path.startswith("act_") else of_token(asked)

    wire.reply = reply
    ended = run_here(place, "refresh", *DAYS)
    assert ended.code == 3
    assert "code 200, trace Trace7)" in ended.stderr
    assert "code 100/33, trace Trace11)" in ended.stderr
    lines = [line for line in run_here(place, "doctor").stdout.splitlines() if "Refreshes of Acme" in line]
    assert len(lines) == 2
    assert "act_7, act_8, act_9 and 1 more failed" in lines[0]
    assert "Denied" in lines[0]
    assert "(Meta's code 200, traces Trace7, Trace8, Trace9 and 1 more)" in lines[0]
    assert "act_11 failed" in lines[1]
    assert "(Meta's code 100/33, trace Trace11)" in lines[1]
