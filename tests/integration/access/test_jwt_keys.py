"""The keys of an issuer: fetched once for many, asked for again rarely, and what happens when nobody answers."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Callable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from api.main import create_api
from lib.access.bearer import BearerTokens, InvalidToken
from lib.access.issuers import Issuer
from lib.access.people import put_person
from lib.access.signing_keys import FRESH_S, KEPT_S, PAUSE_S, KeysUnavailable, SigningKeys
from lib.access.viewer import Role
from lib.settings import Settings
from lib.store.engine import Store
from tests.fixtures_wire import Answer, Wire, ok
from tests.issuing import AUDIENCE, LocalIssuer, ec_key, public_jwk, rs256, rsa_key, token_of
from tests.serving import arrives, serving


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(wire: Wire) -> LocalIssuer:
    return LocalIssuer(wire)


@pytest.fixture
def tokens(issuer: LocalIssuer, clock: Clock) -> BearerTokens:
    return BearerTokens([Issuer(issuer=issuer.address, audience=AUDIENCE)], clock=clock)


async def is_good(tokens: BearerTokens, token: str) -> bool:
    try:
        await tokens.verify(token)
    except InvalidToken:
        return False
    return True


async def test_many_at_once_ask_for_the_keys_once(issuer: LocalIssuer, tokens: BearerTokens) -> None:
    good = await asyncio.gather(*(is_good(tokens, issuer.token(sub=str(number))) for number in range(50)))
    assert good == [True] * 50
    assert issuer.asked == [".well-known/openid-configuration", "keys"]


async def test_a_new_key_is_found_and_the_old_one_forgotten(
    issuer: LocalIssuer, tokens: BearerTokens, clock: Clock
) -> None:
    before = issuer.token()
    assert await is_good(tokens, before)
    issuer.rotate("k2", 2)
    clock.now += PAUSE_S
    assert await is_good(tokens, issuer.token())
    assert not await is_good(tokens, before)
    assert issuer.looks == 2


async def test_a_withdrawn_key_is_good_for_minutes_and_no_longer(
    issuer: LocalIssuer, tokens: BearerTokens, clock: Clock
) -> None:
    stolen = issuer.token(exp=4_000_000_000)
    assert await is_good(tokens, stolen)
    issuer.rotate("k2", 2)
    clock.now += FRESH_S - 1
    assert await is_good(tokens, stolen)
    clock.now += 1
    assert not await is_good(tokens, stolen)


async def test_made_up_key_ids_make_no_storm(issuer: LocalIssuer, tokens: BearerTokens, clock: Clock) -> None:
    assert await is_good(tokens, issuer.token())
    for _ in range(4):
        forged = [issuer.token({"kid": f"made up {number}"}) for number in range(50)]
        assert not any(await asyncio.gather(*(is_good(tokens, token) for token in forged)))
        clock.now += PAUSE_S / 2
    assert issuer.looks == 2
    assert await is_good(tokens, issuer.token())


async def test_tokens_that_are_refused_for_other_reasons_ask_for_nothing(
    issuer: LocalIssuer, tokens: BearerTokens
) -> None:
    for token in ("a.b.c", issuer.token(iss="https://evil.test/"), issuer.token({"alg": "none"}), "x" * 9000):
        assert not await is_good(tokens, token)
    assert issuer.asked == []


async def test_an_issuer_that_does_not_answer_is_asked_rarely(
    issuer: LocalIssuer, tokens: BearerTokens, clock: Clock
) -> None:
    issuer.broken = Answer(500)
    for _ in range(10):
        with pytest.raises(KeysUnavailable):
            await tokens.verify(issuer.token())
    assert len(issuer.asked) == 1
    issuer.broken = None
    clock.now += PAUSE_S
    assert await is_good(tokens, issuer.token())


async def test_known_keys_hold_for_a_while_without_the_issuer(
    issuer: LocalIssuer, tokens: BearerTokens, clock: Clock
) -> None:
    assert await is_good(tokens, issuer.token())
    issuer.broken = Answer(503)
    clock.now += KEPT_S
    assert await is_good(tokens, issuer.token())
    clock.now += 1
    with pytest.raises(KeysUnavailable):
        await tokens.verify(issuer.token())


async def test_nobody_waits_for_a_look_that_is_for_others(
    issuer: LocalIssuer, wire: Wire, tokens: BearerTokens, clock: Clock
) -> None:
    assert await is_good(tokens, issuer.token())
    issuer.broken, asked = Answer(silent=True), len(issuer.asked)
    clock.now += FRESH_S
    waiting = asyncio.create_task(is_good(tokens, issuer.token()))
    await arrives(lambda: len(issuer.asked) > asked, "the issuer is asked")
    assert await asyncio.wait_for(is_good(tokens, issuer.token()), 1)
    assert not waiting.done()
    wire.stopped.set()
    assert await waiting


Spoil = Callable[[LocalIssuer], Answer]
ILL: dict[str, Spoil] = {
    "no JSON": lambda i: Answer(200, b"<html>"),
    "a list": lambda i: ok([]),
    "another issuer": lambda i: ok({"issuer": "https://evil.test/", "jwks_uri": f"{i.address}/keys"}),
    "no address of keys": lambda i: ok({"issuer": i.name}),
    "keys by http from elsewhere": lambda i: ok({"issuer": i.name, "jwks_uri": "http://keys.test/keys"}),
    "keys in a file": lambda i: ok({"issuer": i.name, "jwks_uri": "file:///etc/passwd"}),
    "an address that is none": lambda i: ok({"issuer": i.name, "jwks_uri": "http://[::1"}),
    "a redirect": lambda i: Answer(302, b"", {"location": f"{i.address}/keys"}),
    "too much": lambda i: Answer(200, b" " * 300_000),
    "too much once it is unpacked": lambda i: Answer(200, gzip.compress(b" " * 300_000), {"content-encoding": "gzip"}),
    "a thousand brackets": lambda i: Answer(200, b"[" * 100_000),
    "half of it": lambda i: Answer(200, b"{}", missing=5),
}


@pytest.mark.parametrize("kind", ILL)
async def test_an_issuer_that_answers_nonsense_does_not_answer(
    issuer: LocalIssuer, tokens: BearerTokens, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.broken = ILL[kind](issuer)
    with pytest.raises(KeysUnavailable, match="does not answer"):
        await tokens.verify(issuer.token())
    assert "were not fetched" in caplog.text


async def test_keys_that_cannot_be_used_are_left_out(issuer: LocalIssuer, clock: Clock) -> None:
    key = rsa_key()
    private = {**public_jwk(key, "private"), "d": "AQAB"}
    issuer.jwks = [
        "a word", {}, {"kid": 1}, {"kty": "RSA", "kid": "k"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "RS256"},
        public_jwk(key, "enc") | {"use": "enc"}, public_jwk(key, "other", alg="RS512"), private,
        public_jwk(ec_key(), "ec"), public_jwk(key, "k1"), public_jwk(rsa_key(3), "k1"),
    ]  # type: ignore[list-item]  # fmt: skip
    keys = SigningKeys(Issuer(issuer=issuer.name, audience=AUDIENCE), clock=clock)
    for kid in ("k", "oct", "enc", "other", "private", "ec", "1"):
        assert await keys.find(kid, "RS256") is None, kid
    found = await keys.find("k1", "RS256")
    assert found is not None
    assert found[0].key.public_numbers() == key.public_key().public_numbers()


async def test_a_short_key_signs_nothing(issuer: LocalIssuer, tokens: BearerTokens) -> None:
    weak = rsa_key(9, bits=1024)
    issuer.jwks = [public_jwk(weak, "k1")]
    assert not await is_good(tokens, token_of(issuer.header(), issuer.claims(), rs256(weak)))


async def test_keys_at_a_configured_address_need_no_discovery(issuer: LocalIssuer, clock: Clock) -> None:
    chosen = Issuer(issuer=issuer.name, audience=AUDIENCE, jwks_url=f"{issuer.address}/keys")
    tokens = BearerTokens([chosen], clock=clock)
    assert await is_good(tokens, issuer.token())
    assert not await is_good(tokens, issuer.token(iss=issuer.address))
    assert issuer.asked == ["keys"]


async def test_without_a_discovery_document_the_keys_have_their_usual_place(wire: Wire, clock: Clock) -> None:
    issuer = LocalIssuer(wire)
    rest = wire.reply

    def reply(asked: object) -> Answer:
        path = asked.path  # type: ignore[attr-defined]
        if path.endswith("/.well-known/jwks.json"):
            return ok({"keys": issuer.jwks})
        return Answer(404) if "openid" in path else rest(asked)  # type: ignore[arg-type]

    wire.reply = reply
    tokens = BearerTokens([Issuer(issuer=issuer.name, audience=AUDIENCE)], clock=clock)
    assert await is_good(tokens, issuer.token())
    assert not await is_good(tokens, issuer.token(iss=issuer.address))


async def test_over_http_a_silent_issuer_is_a_sentence(
    store: Store, issuer: LocalIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await put_person(store, "ana@example.com", Role.ADMIN)
    chosen = Settings(_env_file=None, jwt_issuers=[{"issuer": issuer.name, "audience": AUDIENCE}])
    issuer.broken = Answer(500)
    app = Starlette(routes=[Mount("/api/v1", create_api(lambda: store, settings=chosen))])
    async with serving(app) as served, httpx.AsyncClient(base_url=served.url, trust_env=False) as http:
        for _ in range(5):
            token = issuer.token()
            answer = await http.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 503
            assert answer.json()["error"]["message"].startswith("The sign-in service that made this token does not")
            assert answer.headers["retry-after"]
            assert token not in caplog.text
    assert len(issuer.asked) == 1


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({}, ["read"]),
        ({"scope": "openid profile email"}, ["read"]),
        ({"scope": "openid write"}, ["read", "write"]),
        ({"permissions": ["write"]}, ["read", "write"]),
        ({"permissions": ["write:else"], "scope": "rewrite"}, ["read"]),
        ({"permissions": "write", "scope": ["write"]}, ["read"]),
    ],
)
async def test_a_token_writes_only_where_it_says_so(
    issuer: LocalIssuer, tokens: BearerTokens, claims: dict[str, object], scopes: list[str]
) -> None:
    assert sorted((await tokens.verify(issuer.token(**claims))).scopes) == scopes
