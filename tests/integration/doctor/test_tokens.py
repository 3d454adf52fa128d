"""What the doctor says of clients' tokens and accounts, by the sandbox and by answers over the wire."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.fixtures_database import Database
from tests.fixtures_processes import KEY, run_here
from tests.fixtures_sandbox import Sandbox
from tests.fixtures_wire import Answer, Asked, Wire, ok, refusal
from tests.integration.doctor.conftest import Doctor

ADD = """WITH made AS (INSERT INTO client (slug, name, graph_url, is_sample)
             VALUES (lower(%s), %s, %s, %s) RETURNING id),
         token AS (INSERT INTO credential (client_id, token_encrypted) SELECT id, %s FROM made)
         INSERT INTO account (account_id, client_id, name) SELECT unnest(%s::bigint[]), id, 'x' FROM made"""


def add(
    database: Database, name: str, url: str, accounts: list[int], credential: str = "fine", *, is_sample: bool = False
) -> None:
    """A client whose token is sealed with the test's key."""
    sealed = Fernet(KEY).encrypt(credential.encode())
    database.owner(ADD, [name, name, url, is_sample, sealed, accounts])


@pytest.fixture(autouse=True)
def _empty(database: Database) -> None:
    """Every test here begins without clients."""


def test_a_good_token_opens_its_accounts(doctor: Doctor, database: Database, sandbox: Sandbox) -> None:
    add(database, "Acme", sandbox.url, sandbox.ids[:2])
    add(database, "Beta", sandbox.url, sandbox.ids[2:3])
    found = doctor()
    assert found.code == 0
    assert not found.failed
    assert found.words["Token of Acme"] == "It is valid, may read (ads_read) and does not expire."
    assert found.words["Accounts of Acme"] == "It opens all 2 accounts."
    assert found.words["Accounts of Beta"] == "It opens its account."
    assert found.states["Clock"] == "ok"
    assert "Meta" in found.words["Clock"]


@pytest.mark.parametrize(
    ("token", "reason"),
    [("expired-1", "expired"), ("password-1", "changed the password"), ("removed-1", "the app was removed")],
)
def test_a_dead_token_is_named_with_its_remedy(
    doctor: Doctor, database: Database, sandbox: Sandbox, token: str, reason: str
) -> None:
    add(database, "Acme", sandbox.url, sandbox.ids[:1], token)
    add(database, "Beta", sandbox.url, sandbox.ids[1:2])
    found = doctor()
    assert (found.code, found.failed) == (1, {"Token of Acme"})
    assert reason in found.words["Token of Acme"]
    assert "client token acme --token-stdin" in found.words["Token of Acme"]
    assert found.states["Accounts of Acme"] == "skipped"
    assert found.states["Token of Beta"] == "ok"


def test_a_token_without_the_permission_is_named(doctor: Doctor, database: Database, sandbox: Sandbox) -> None:
    add(database, "Acme", sandbox.url, sandbox.ids[:1], "forbidden-1")
    found = doctor()
    assert (found.code, found.failed) == (1, {"Token of Acme", "Accounts of Acme"})
    assert "ads_read; it was granted public_profile" in found.words["Token of Acme"]
    assert f"act_{sandbox.ids[0]}" in found.words["Accounts of Acme"]


def test_accounts_that_stay_closed_are_named_and_few_are_asked(
    doctor: Doctor, database: Database, sandbox: Sandbox
) -> None:
    add(database, "Acme", sandbox.url, [sandbox.ids[0], *range(900, 905)])
    found = doctor()
    assert (found.code, found.failed) == (1, {"Accounts of Acme"})
    assert "act_900, act_901, act_902 and 2 more" in found.words["Accounts of Acme"]
    assert str(sandbox.ids[0]) not in found.words["Accounts of Acme"]
    assert "Business settings" in found.words["Accounts of Acme"]


def described(**data: Any) -> Answer:
    return ok({"data": {"is_valid": True, "scopes": ["ads_read"], "expires_at": 0, **data}})


def answering(wire: Wire, answer: Answer) -> None:
    """The token is described so; the account 7 is open."""

    def reply(asked: Asked) -> Answer:
        return answer if asked.path == "debug_token" else ok({"data": [{"account_id": "7"}]})

    wire.reply = reply


def ending(days: float) -> int:
    return int((dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).timestamp())


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (described(expires_at=ending(3.5)), "warning", "in 3 days. Create a new system-user token"),
        (described(data_access_expires_at=ending(0.2)), "warning", "It expires on "),
        (described(expires_at=ending(60), scopes=["ads_management"]), "ok", "and expires on"),
        (described(is_valid=False, error={"message": "It was revoked."}), "failed", "invalid: It was revoked."),
        (described(scopes="ads_read"), "failed", "granted nothing"),
        (ok({"data": {}}), "failed", "cannot be read"),
        (ok({"data": [1]}), "failed", "cannot be read"),
        (Answer(502, b"<html>bad gateway</html>"), "failed", "status 502"),
        (refusal(400, 100, message="(#100) You must provide an app access token"), "warning", "does not describe"),
        (refusal(400, 17, 2446079, "User request limit reached"), "warning", "ask again later"),
    ],
)
def test_what_meta_says_of_a_token(
    doctor: Doctor, database: Database, wire: Wire, answer: Answer, state: str, words: str
) -> None:
    add(database, "Acme", wire.url, [7])
    answering(wire, answer)
    found = doctor()
    assert found.states["Token of Acme"] == state, found.words
    assert words in found.words["Token of Acme"]
    assert found.code == (1 if state == "failed" else 0)
    assert wire.asked[0].params["input_token"] == "fine"


def test_meta_out_of_reach_fails_and_a_sandbox_that_rests_does_not(doctor: Doctor, database: Database) -> None:
    add(database, "Acme", "http://127.0.0.1:9", [7])
    add(database, "Sample", "http://127.0.0.1:9", [8], is_sample=True)
    found = doctor()
    assert (found.code, found.failed) == (1, {"Token of Acme"})
    assert "cannot be reached" in found.words["Token of Acme"]
    assert found.states["Token of Sample"] == found.states["Accounts of Sample"] == "skipped"
    assert "make run" in found.words["Token of Sample"]


def test_a_client_without_a_token_is_named(doctor: Doctor, database: Database) -> None:
    add(database, "Acme", "http://127.0.0.1:9", [7])
    database.owner("DELETE FROM credential")
    found = doctor()
    assert found.failed == {"Token of Acme"}
    assert "No token is stored." in found.words["Token of Acme"]


@pytest.mark.parametrize(("ahead_s", "state"), [(3600, "failed"), (-20, "warning"), (1, "ok")])
def test_a_clock_that_goes_wrong_is_told(
    doctor: Doctor, database: Database, wire: Wire, ahead_s: float, state: str
) -> None:
    add(database, "Acme", wire.url, [7])
    answering(wire, described())
    wire.clock_ahead_s = ahead_s
    found = doctor()
    assert found.states["Clock"] == state
    if state != "ok":
        assert ("behind Meta's" if ahead_s > 0 else "ahead of Meta's") in found.words["Clock"]
        assert "NTP" in found.words["Clock"]
    assert found.code == (1 if state == "failed" else 0)


SECRET = "EAAsecret0token0that0nobody0may0ever0read"
PASSWORD = "the-password-of-the-database"


def test_no_secret_is_printed_however_it_fails(
    place: dict[str, str], database: Database, sandbox: Sandbox, wire: Wire
) -> None:
    add(database, "Dead", sandbox.url, sandbox.ids[:1], f"expired-{SECRET}")
    add(database, "Odd", wire.url, [7], SECRET)
    add(database, "Lost", "http://127.0.0.1:9", [8], SECRET)
    answering(wire, described(is_valid=False, error={"message": f"The token {SECRET} of input_token={SECRET}"}))
    place["LOG_LEVEL"] = "DEBUG"
    place["AUTH_CLIENT_SECRET"] = PASSWORD
    written = run_here(place, "doctor")
    place["DATABASE_URL"] = f"postgresql://ads:{PASSWORD}@127.0.0.1:9/ads"
    down = run_here(place, "doctor")
    assert (written.code, down.code) == (1, 1)
    for text in (written.stdout, written.stderr, down.stdout, down.stderr):
        for secret in (SECRET, PASSWORD, KEY):
            assert secret not in text
