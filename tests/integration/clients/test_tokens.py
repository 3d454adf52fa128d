"""What is said of tokens: by the sandbox, and by answers over the wire."""

from __future__ import annotations

import asyncio
import datetime as dt
from functools import partial
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from lib.access.viewer import Role
from lib.clients.facts import clients_of
from lib.clients.probe import ASKED, TokenVerdict, probe
from lib.clients.tokens import look_at, look_at_stored, put_back_token, replace_token, seal
from lib.errors import Conflict, UsageError
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.key_rotation import rotate
from lib.store.repositories import clients
from lib.store.secrets import TokenVault
from tests.fixtures_processes import KEY
from tests.fixtures_sandbox import Sandbox
from tests.fixtures_wire import Answer, Asked, Wire, ok, refusal
from tests.integration.clients.conftest import MANAGER, TOKEN, made, person, rows

SECRET = "EAAsecret0123456789abcdefghij"


@pytest.mark.parametrize("pasted", ["", "  \n", "two words", "two\nlines", "t\u00f6ken", "to\x07ken", "x" * 1001])
def test_what_cannot_be_a_token_is_refused_without_repeating_it(pasted: str) -> None:
    with pytest.raises(UsageError) as refused:
        seal(pasted)
    assert "nothing was stored" in str(refused.value).lower()
    assert not pasted.strip() or pasted.strip() not in str(refused.value)


def test_a_sealed_token_is_not_the_token() -> None:
    sealed = seal(f"  {TOKEN} ")
    assert TOKEN.encode() not in sealed
    assert TokenVault(get_settings()).open(sealed) == TOKEN


@pytest.mark.parametrize(
    ("token", "verdict", "said"),
    [
        ("expired-1", TokenVerdict.DEAD, "expired"),
        ("password-1", TokenVerdict.DEAD, "changed the password"),
        ("forbidden-1", TokenVerdict.NO_PERMISSION, "lacks the permission ads_read"),
    ],
)
async def test_a_bad_token_says_why_and_opens_nothing(
    store: Store, token: str, verdict: TokenVerdict, said: str
) -> None:
    look = await look_at(store, await person(store, MANAGER, Role.MANAGER), seal(token))
    assert (look.verdict, look.found, look.verdict.is_of_use) == (verdict, (), False)
    assert said in look.words
    assert "Create a system-user token" in look.words


def test_with_meta_down_it_says_so() -> None:
    found = probe(SECRET, "http://127.0.0.1:9")
    assert found.verdict is TokenVerdict.UNREACHED
    assert "cannot be reached" in found.words


def telling(wire: Wire, facts: Any, accounts: Answer, **nodes: Answer) -> None:
    """Answer debug_token, me/adaccounts, and each account by its id."""

    def reply(asked: Asked) -> Answer:
        if asked.path == "debug_token":
            return facts if isinstance(facts, Answer) else ok({"data": facts})
        if asked.path == "me/adaccounts":
            return accounts
        name = asked.path.strip("/")
        return nodes.get(name, refusal(400, 100, 33, f"Object with ID '{name}' does not exist"))

    wire.reply = reply


def facts(**more: Any) -> dict[str, Any]:
    return {"is_valid": True, "scopes": ["ads_read"], "expires_at": 0, **more}


def account(number: int, **more: Any) -> dict[str, Any]:
    described = {"currency": "EUR", "timezone_name": "Europe/Berlin", "account_status": 1}
    return {"account_id": str(number), "name": f"Account {number}", **described, **more}


def test_one_that_ends_soon_can_be_used(wire: Wire) -> None:
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
    telling(wire, facts(expires_at=int(ends.timestamp())), ok({"data": [account(2), account(1, name="Zed")]}))
    found = probe(SECRET, wire.url)
    assert (found.verdict, found.verdict.is_of_use) == (TokenVerdict.ENDS_SOON, True)
    assert f"{ends.day} {ends:%b %Y}" in found.words
    assert [(each.account_id, each.name, each.currency) for each in found.accounts] == [
        (2, "Account 2", "EUR"),
        (1, "Zed", "EUR"),
    ]


def test_one_that_meta_does_not_describe_is_asked_what_it_opens(wire: Wire) -> None:
    telling(wire, refusal(400, 100, None, "(#100) You must provide an app access token"), ok({"data": [account(1)]}))
    found = probe(SECRET, wire.url)
    assert (found.verdict, [each.account_id for each in found.accounts]) == (TokenVerdict.UNTOLD, [1])


def test_an_account_that_is_not_listed_is_asked_for_itself(wire: Wire) -> None:
    telling(wire, facts(), ok({"data": [account(1)]}), act_2=ok(account(2)))
    assert probe(SECRET, wire.url, [1, 2, 3]).closed == (3,)
    asked = len(wire.asked)
    many = range(100, 100 + ASKED + 5)
    assert probe(SECRET, wire.url, [1, *many]).closed == tuple(many)
    assert len(wire.asked) - asked == 2 + ASKED


def test_an_account_without_currency_is_listed_all_the_same(wire: Wire) -> None:
    telling(wire, facts(), ok({"data": [account(1, currency=None), account(2, name=None)]}))
    found = {each.account_id: (each.name, each.currency) for each in probe(SECRET, wire.url).accounts}
    assert found == {1: ("Account 1", None), 2: ("act_2", "EUR")}


@pytest.mark.parametrize(
    "accounts",
    [
        ok({"data": [{"name": "nobody"}]}),
        ok({"data": [account(1, account_id="\u0661")]}),
        ok({"data": [account(1, account_id="9" * 30)]}),
        ok({"data": "none"}),
        Answer(200, b"<html>gateway</html>"),
        refusal(500, 2, None, f"Service is down for {SECRET}"),
        refusal(400, 17, None, "User request limit reached"),
    ],
)
def test_an_answer_that_cannot_be_read_is_no_answer_and_holds_no_token(wire: Wire, accounts: Answer) -> None:
    telling(wire, facts(), accounts)
    found = probe(SECRET, wire.url)
    assert (found.verdict, found.accounts) == (TokenVerdict.UNREACHED, ())
    assert SECRET not in repr(found)


async def test_a_test_remembers_what_meta_said(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    client_id = await made(store, manager, "Acme", sandbox.ids[:1])
    for token, state in (("expired-1", "dead"), ("fine-again", "valid")):
        async with store.working() as session:
            await clients.set_token(session, client_id, partial(seal, token))
        assert (await clients_of(store, manager))[0].token_state == "unchecked"
        await look_at_stored(store, manager, client_id)
        (client,) = await clients_of(store, manager)
        assert client.token_state == state
        assert client.token_checked_at is not None


async def test_what_was_said_of_a_token_is_not_said_of_the_next(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    client_id = await made(store, manager, "Acme", sandbox.ids[:1])
    ((before,),) = await rows(store, "SELECT token_encrypted FROM credential")
    await replace_token(store, manager, client_id, await look_at(store, manager, seal("newer"), client_id))
    async with store.working() as session:
        await clients.note_credential_of(session, client_id, bytes(before), "dead")
    assert (await clients_of(store, manager))[0].token_state == "valid"


async def test_a_token_that_waited_while_keys_were_rotated_is_stored_with_the_newest(
    store: Store, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    client_id = await made(store, manager, "Acme", sandbox.ids[:1])
    look = await look_at(store, manager, seal("newer"), client_id)
    newest = Fernet.generate_key()
    monkeypatch.setenv("TOKEN_KEYS", f"{newest.decode()},{KEY}")
    get_settings.cache_clear()
    at = await replace_token(store, manager, client_id, look)
    ((sealed,),) = await rows(store, "SELECT token_encrypted FROM credential")
    assert Fernet(newest).decrypt(bytes(sealed)) == b"newer"
    assert at is not None
    await rotate(store, get_settings())
    await put_back_token(store, manager, client_id, at)
    ((sealed,),) = await rows(store, "SELECT token_encrypted FROM credential")
    assert Fernet(newest).decrypt(bytes(sealed)).decode() == TOKEN


async def test_a_replaced_token_is_put_back_for_a_while_only(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    client_id = await made(store, manager, "Acme", sandbox.ids[:1])
    at = await replace_token(store, manager, client_id, await look_at(store, manager, seal("newer"), client_id))
    assert at is not None
    with pytest.raises(Conflict, match="kept for 15 minutes, which are over"):
        await put_back_token(store, manager, client_id, at, now=at + clients.PUT_BACK_FOR)
    assert await current(store) == "newer"
    soon = at + clients.PUT_BACK_FOR - dt.timedelta(seconds=1)
    await put_back_token(store, manager, client_id, at, now=soon)
    assert await current(store) == TOKEN


@pytest.mark.parametrize("forgetting", ["a test", "a rotation"])
async def test_a_replaced_token_is_forgotten_when_its_time_is_over(
    store: Store, sandbox: Sandbox, forgetting: str
) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    client_id = await made(store, manager, "Acme", sandbox.ids[:1])
    await replace_token(store, manager, client_id, await look_at(store, manager, seal("newer"), client_id))
    kept = "SELECT previous_encrypted IS NOT NULL FROM credential"
    assert await rows(store, kept) == [(True,)]
    async with store.working() as session:
        await session.execute(text("UPDATE credential SET replaced_at = replaced_at - interval '15 minutes'"))
    if forgetting == "a test":
        await look_at_stored(store, manager, client_id)
    else:
        await rotate(store, get_settings())
    assert await rows(store, kept) == [(False,)]


async def test_a_token_that_somebody_else_stored_meanwhile_stays(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    client_id = await made(store, manager, "Acme", sandbox.ids[:1])
    look = await look_at(store, manager, seal("newer"), client_id)
    at = await replace_token(store, manager, client_id, look)
    assert at is not None
    await replace_token(store, manager, client_id, await look_at(store, manager, seal("newest"), client_id))
    with pytest.raises(Conflict, match="was changed meanwhile by somebody else"):
        await put_back_token(store, manager, client_id, at)
    assert await current(store) == "newest"
    at = await replace_token(store, manager, client_id, look)
    assert at is not None
    async with store.working() as session:
        await clients.set_token(session, client_id, partial(seal, "by-a-command"))
    with pytest.raises(Conflict, match="was changed meanwhile by somebody else"):
        await put_back_token(store, manager, client_id, at)
    assert await current(store) == "by-a-command"


async def test_of_many_who_undo_and_replace_at_once_each_sees_what_they_change(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    client_id = await made(store, manager, "Acme", sandbox.ids[:1])
    looks = [await look_at(store, manager, seal(f"newer-{number}"), client_id) for number in range(4)]
    at = await replace_token(store, manager, client_id, looks[0])
    assert at is not None
    undone, *replaced = await asyncio.gather(
        put_back_token(store, manager, client_id, at),
        *(replace_token(store, manager, client_id, look) for look in looks[1:]),
        return_exceptions=True,
    )
    assert undone is None or isinstance(undone, Conflict)
    moments = [each for each in replaced if isinstance(each, dt.datetime)]
    assert len(moments) == 3
    # Only the one that was stored last can be undone, and only once.
    again = await asyncio.gather(
        *(put_back_token(store, manager, client_id, moment) for moment in moments * 2), return_exceptions=True
    )
    assert sum(each is None for each in again) == 1
    assert all(each is None or isinstance(each, Conflict) for each in again)


async def test_a_look_at_the_stored_token_hands_out_none(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    client_id = await made(store, manager, "Acme", sandbox.ids[:1])
    assert (await look_at_stored(store, manager, client_id)).sealed == b""


async def current(store: Store) -> str:
    """The token that is stored."""
    ((sealed,),) = await rows(store, "SELECT token_encrypted FROM credential")
    return TokenVault(get_settings()).open(bytes(sealed))


async def test_another_clients_name_is_told_only_to_who_looks_after_it(store: Store, sandbox: Sandbox) -> None:
    admin, manager = await person(store, "ana@example.com", Role.ADMIN), await person(store, MANAGER, Role.MANAGER)
    client_id = await made(store, admin, "Acme", sandbox.ids[:1])
    for viewer, name in ((admin, "Acme"), (manager, "")):
        look = await look_at(store, viewer, seal(TOKEN))
        (taken,) = [each for each in look.found if each.standing == "elsewhere"]
        assert (taken.account.account_id, taken.holder) == (sandbox.ids[0], name)
        assert sandbox.ids[0] not in look.free
    assert (await look_at(store, admin, seal("another"), client_id)).closed == ()
