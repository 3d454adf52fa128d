"""Forged and ill tokens over HTTP: each is refused, in the same words, and no cookie helps it."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.routing import Mount

from api.main import create_api
from lib.access import sessions
from lib.access.bearer import BearerTokens, InvalidToken
from lib.access.people import put_person
from lib.access.viewer import Role
from lib.settings import Settings
from lib.store.engine import Store
from tests.fixtures_wire import Wire
from tests.issuing import AUDIENCE, LocalIssuer, ec_key, es256, part, public_jwk, rs256, rsa_key, token_of
from tests.serving import serving

EMAIL, CLIENT_ID = "ana@example.com", "the dashboard's client id"
NOW = int(time.time())
DAY = 86_400


@dataclass(frozen=True)
class World:
    """Two issuers, the API and a person who may come in; ``cookie`` is her session."""

    first: LocalIssuer
    second: LocalIssuer
    http: httpx.AsyncClient
    cookie: str

    async def ask(self, *authorization: str, **cookies: str) -> httpx.Response:
        """GET /api/v1/me with these headers and cookies."""
        headers = [(b"authorization", value.encode("latin-1")) for value in authorization]
        headers += [(b"cookie", f"{name}={value}".encode()) for name, value in cookies.items()]
        return await self.http.get("/api/v1/me", headers=headers)


def chosen(first: LocalIssuer, second: LocalIssuer) -> Settings:
    """AUTH_ISSUER without its slash, as people write it; the second issuer signs by ES256 too."""
    return Settings(
        _env_file=None,
        auth_issuer=first.address,
        auth_client_id=CLIENT_ID,
        auth_client_secret="secret",
        auth_cookie_secret="c" * 40,
        auth_audience=AUDIENCE,
        jwt_issuers=[{"issuer": second.name, "audience": AUDIENCE, "algorithms": ["ES256", "RS256"]}],
    )


@pytest.fixture
async def world(store: Store, wire: Wire) -> AsyncIterator[World]:
    first, second = LocalIssuer(wire, "first"), LocalIssuer(wire, "second")
    second.key = rsa_key(7)
    second.jwks = [public_jwk(second.key, "k1", alg="RS256"), public_jwk(ec_key(), "e1", alg="ES256")]
    person = await put_person(store, EMAIL, Role.ANALYST)
    cookie = await sessions.create_session(store, person.user_id, "local")
    api = create_api(lambda: store, settings=chosen(first, second))
    async with (
        serving(Starlette(routes=[Mount("/api/v1", api)])) as served,
        httpx.AsyncClient(base_url=served.url, trust_env=False) as http,
    ):
        yield World(first, second, http, cookie)


def pem(issuer: LocalIssuer) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return issuer.key.public_key().public_bytes(serialization.Encoding.PEM, form)


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda message: hmac.new(secret, message, hashlib.sha256).digest()


def another_text(token: str, place: int) -> str:
    """The token with other claims and its old signature, or the other way round."""
    parts = token.split(".")
    parts[place] = parts[place][:10] + ("A" if parts[place][10] != "A" else "B") + parts[place][11:]
    return ".".join(parts)


def without_signature(token: str) -> str:
    return token.rpartition(".")[0] + "."


EVIL = rsa_key(66)
EVIL_JWK = public_jwk(EVIL, "k1", alg="RS256")
Forge = Callable[[World], str]
FORGED: dict[str, Forge] = {
    "alg none": lambda w: token_of({"alg": "none", "kid": "k1"}, w.first.claims(), lambda m: b""),
    "alg none with a signature": lambda w: w.first.token({"alg": "none"}),
    "alg None in other letters": lambda w: w.first.token({"alg": "nOnE"}),
    "no alg": lambda w: w.first.token({"alg": None}),
    "alg is a list": lambda w: w.first.token({"alg": ["RS256"]}),
    "HS256 with the public key as its secret": lambda w: token_of(
        w.first.header(alg="HS256"), w.first.claims(), hs256(pem(w.first))
    ),
    "HS256 with an empty secret": lambda w: token_of(w.first.header(alg="HS256"), w.first.claims(), hs256(b"")),
    "another key under the same id": lambda w: token_of(w.first.header(), w.first.claims(), rs256(EVIL)),
    "an unknown key id": lambda w: token_of(w.first.header(kid="k2"), w.first.claims(), rs256(EVIL)),
    "no key id": lambda w: w.first.token({"kid": None}),
    "a key id of another kind": lambda w: w.first.token({"kid": 1}),
    "a key id that is a path": lambda w: w.first.token({"kid": "../../dev/null"}),
    "another audience": lambda w: w.first.token(aud="https://other.test/api"),
    "an audience that begins as ours": lambda w: w.first.token(aud=AUDIENCE + "/more"),
    "a list of other audiences": lambda w: w.first.token(aud=["https://other.test/api", "x"]),
    "no audience": lambda w: w.first.token(aud=None),
    "an audience of another kind": lambda w: w.first.token(aud={AUDIENCE: True}),
    "an ID token, whose audience is the client": lambda w: w.first.token(aud=CLIENT_ID, nonce="n"),
    "another issuer": lambda w: w.first.token(iss="https://evil.test/"),
    "no issuer": lambda w: w.first.token(iss=None),
    "an issuer of another kind": lambda w: w.first.token(iss=[w.first.name]),
    "the issuer without its slash": lambda w: w.first.token(iss=w.first.address),
    "the issuer with two slashes": lambda w: w.first.token(iss=w.first.name + "/"),
    "the issuer in capitals": lambda w: w.first.token(iss=w.first.name.upper()),
    "the first issuer by the second one's key": lambda w: token_of(
        w.first.header(), w.first.claims(), rs256(w.second.key)
    ),
    "the second issuer by the first one's key": lambda w: token_of(
        w.second.header(), w.second.claims(), rs256(w.first.key)
    ),
    "expired": lambda w: w.first.token(exp=NOW - DAY),
    "expired a minute ago": lambda w: w.first.token(exp=int(time.time()) - 60),
    "no expiry": lambda w: w.first.token(exp=None),
    "an expiry that is text": lambda w: w.first.token(exp=str(NOW + DAY)),
    "an expiry that is true": lambda w: w.first.token(exp=True),
    "an endless expiry": lambda w: w.first.token(exp=float("inf")),
    "an expiry that is no number": lambda w: w.first.token(exp=float("nan")),
    "not valid yet": lambda w: w.first.token(nbf=NOW + DAY),
    "a beginning that is text": lambda w: w.first.token(nbf="0"),
    "issued in the future": lambda w: w.first.token(iat=NOW + DAY, exp=NOW + 2 * DAY),
    "no time of issue": lambda w: w.first.token(iat=None),
    "no subject": lambda w: w.first.token(sub=None),
    "an empty subject": lambda w: w.first.token(sub=""),
    "a subject of another kind": lambda w: w.first.token(sub=5),
    "tampered claims": lambda w: another_text(w.first.token(), 1),
    "a tampered header": lambda w: another_text(w.first.token(), 0),
    "a tampered signature": lambda w: another_text(w.first.token(), 2),
    "an empty signature": lambda w: without_signature(w.first.token()),
    "half a signature": lambda w: w.first.token()[:-100],
    "another token's signature": lambda w: (
        without_signature(w.first.token(sub="else")) + w.first.token().rpartition(".")[2]
    ),
    "five parts, as an encrypted token has": lambda w: w.first.token() + "." + part(b"tag") + "." + part(b"more"),
    "two parts": lambda w: w.first.token().rpartition(".")[0],
    "padding": lambda w: w.first.token() + "==",
    "a line's worth of space inside": lambda w: w.first.token().replace(".", " . "),
    "RS512 where RS256 is pinned": lambda w: w.first.token({"alg": "RS512"}),
    "PS256 where RS256 is pinned": lambda w: w.first.token({"alg": "PS256"}),
    "ES256 with the id of a key for RS256": lambda w: es256(w.second.claims(), "k1", ec_key()),
    "RS256 with the id of a key for ES256": lambda w: token_of(
        w.second.header(kid="e1"), w.second.claims(), rs256(w.second.key)
    ),
    "ES256 with a signature of nothing but zeros": lambda w: token_of(
        {"alg": "ES256", "kid": "e1"}, w.second.claims(), lambda m: bytes(64)
    ),
    "ES256 at the issuer that signs by RS256": lambda w: es256(w.first.claims(), "k1", ec_key()),
    "jku that leads to other keys": lambda w: token_of(
        w.first.header(jku=f"{w.second.address}/keys"), w.first.claims(), rs256(w.second.key)
    ),
    "x5u that leads to other keys": lambda w: token_of(
        w.first.header(x5u=f"{w.second.address}/keys"), w.first.claims(), rs256(w.second.key)
    ),
    "its own key in jwk": lambda w: token_of(w.first.header(jwk=EVIL_JWK), w.first.claims(), rs256(EVIL)),
    "its own certificate in x5c": lambda w: token_of(w.first.header(x5c=["MIIB"]), w.first.claims(), rs256(EVIL)),
    "a critical extension": lambda w: w.first.token({"crit": ["exp"], "exp": NOW + DAY}),
    "claims that are not encoded": lambda w: w.first.token({"b64": False, "crit": ["b64"]}),
    "a logout token": lambda w: w.first.token({"typ": "logout+jwt"}),
    "a type of another kind": lambda w: w.first.token({"typ": 1}),
    "a header that is a list": lambda w: token_of(b"[]", w.first.claims(), rs256(w.first.key)),
    "claims that are a list": lambda w: token_of(w.first.header(), b"[]", rs256(w.first.key)),
    "claims that are no JSON": lambda w: token_of(w.first.header(), b"{", rs256(w.first.key)),
    "a header of a thousand brackets": lambda w: token_of(b"[" * 3000, w.first.claims(), rs256(w.first.key)),
    "claims of a thousand brackets": lambda w: token_of(w.first.header(), b'{"a":' * 900, rs256(w.first.key)),
    "a number of five thousand digits": lambda w: token_of(
        w.first.header(), b'{"exp":' + b"9" * 5000 + b"}", rs256(w.first.key)
    ),
    "too long": lambda w: w.first.token(more="x" * 8000),
    "a word": lambda w: "sesame",
    "a session's token": lambda w: w.cookie,
    "letters of another alphabet": lambda w: "eyJ\xfc.eyJ\xfc.\xfc",
}
CHALLENGE = 'Bearer error="invalid_token"'
SENTENCE = "The bearer token is not accepted. Get a new one and try again."
REFUSAL = {"error": {"code": "unauthorized", "message": SENTENCE, "details": None}}


async def test_every_forged_token_is_refused_in_the_same_words_whatever_comes_with_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(FORGED) >= 60
    caplog.set_level(logging.DEBUG)
    let_in, told = {}, []
    for kind, forge in FORGED.items():
        token = forge(world)
        caplog.clear()
        for cookies in ({}, {"ads_session": world.cookie}):
            answer = await world.ask(f"Bearer {token}", **cookies)
            challenge = answer.headers.get("www-authenticate")
            if (answer.status_code, answer.json(), challenge) != (401, REFUSAL, CHALLENGE):
                let_in[kind] = answer.text
        said = caplog.text
        assert said.count("A bearer token was refused") == 2, kind
        told += [kind for piece in token.split(".") if len(piece) > 20 and piece in said]
        assert (await world.ask(f"Bearer {world.first.token()}")).status_code == 200
    assert let_in == {}
    assert told == []


HEADERS = (
    ("Bearer {good}", "Bearer {good}"),
    ("Bearer {good}", "Basic YTpi"),
    ("Basic YTpi", "Bearer {good}"),
    ("Basic YTpi",),
    ("{good}",),
    ("Bearer",),
    ("Token {good}",),
    ("Bearer {good}, Bearer {good}",),
    ("Bearer {good} {good}",),
    ("Bearer={good}",),
    ("",),
)


async def test_headers_of_other_shapes_are_refused(world: World) -> None:
    good = world.first.token()
    for words in HEADERS:
        answer = await world.ask(*(one.format(good=good) for one in words), ads_session=world.cookie)
        assert (answer.status_code, answer.json()) == (401, REFUSAL), words


async def test_a_token_in_the_address_is_nobodys(world: World) -> None:
    for name in ("access_token", "token", "authorization"):
        answer = await world.http.get("/api/v1/me", params={name: world.first.token()})
        assert answer.status_code == 401


async def test_the_scheme_is_read_in_any_letters(world: World) -> None:
    for scheme in ("Bearer", "bearer", "BEARER", "bEaReR", "Bearer "):
        answer = await world.ask(f"{scheme} {world.first.token()}")
        assert (answer.status_code, answer.json()["data"]["email"]) == (200, EMAIL), scheme


GOOD: dict[str, Forge] = {
    "of the first issuer": lambda w: w.first.token(),
    "of the second issuer": lambda w: token_of(w.second.header(), w.second.claims(), rs256(w.second.key)),
    "of the second issuer by ES256": lambda w: es256(w.second.claims(), "e1", ec_key()),
    "for several audiences, ours among them": lambda w: w.first.token(aud=["https://other.test", AUDIENCE]),
    "of the type of access tokens": lambda w: w.first.token({"typ": "at+jwt"}),
    "without a type": lambda w: w.first.token({"typ": None}),
    "valid for long": lambda w: w.first.token(nbf=NOW - DAY, iat=NOW - DAY),
    "with parts of seconds": lambda w: w.first.token(iat=time.time(), exp=time.time() + 60.5),
    "from a clock that is some seconds off": lambda w: w.first.token(iat=int(time.time()) + 10),
    "of an address in other letters": lambda w: w.first.token(email="ANA@Example.com"),
    "with attackers' addresses that nobody follows": lambda w: w.first.token({"jku": "http://127.0.0.1:9/"}),
}


async def test_a_good_token_is_its_person(world: World) -> None:
    for kind, make in GOOD.items():
        answer = await world.ask(f"Bearer {make(world)}")
        assert answer.status_code == 200, kind
        assert answer.json()["data"]["email"] == EMAIL


NOBODY: dict[str, Forge] = {
    "an unverified address": lambda w: w.first.token(email_verified=False),
    "an address that is verified in words": lambda w: w.first.token(email_verified="true"),
    "an address of which nobody says so": lambda w: w.first.token(email_verified=None),
    "no address, as a machine's token": lambda w: w.first.token(sub="id@clients", email=None),
    "an address of another kind": lambda w: w.first.token(email=[EMAIL]),
    "an unknown person": lambda w: w.first.token(email="bob@example.com"),
    "a person who was put out": lambda w: w.first.token(email="gone@example.com"),
    "an address with a zero byte": lambda w: w.first.token(email="ana@example.com\x00"),
    "an address that is a pattern": lambda w: w.first.token(email="%@example.com"),
    "an endless address": lambda w: w.first.token(email="a" * 2000 + "@example.com"),
}


async def test_a_good_token_of_nobody_is_told_whom_to_ask(store: Store, world: World) -> None:
    await put_person(store, "gone@example.com", Role.ADMIN)
    async with store.working() as session:
        await session.execute(text("UPDATE app_user SET is_active = false WHERE email = 'gone@example.com'"))
    for kind, make in NOBODY.items():
        answer = await world.ask(f"Bearer {make(world)}", ads_session=world.cookie)
        assert answer.status_code == 403, kind
        assert answer.json()["error"]["message"].endswith("Ask the administrator of this dashboard to add you.")


async def test_a_change_of_any_letter_is_seen(world: World) -> None:
    token = world.first.token()
    tokens = BearerTokens(chosen(world.first, world.second).issuers)
    assert (await tokens.verify(token)).claims["sub"] == "auth0|ana"
    for place, letter in enumerate(token):
        changed = token[:place] + ("B" if letter != "B" else "C") + token[place + 1 :]
        with pytest.raises(InvalidToken):
            await tokens.verify(changed)


@pytest.fixture
def signing(wire: Wire) -> tuple[LocalIssuer, BearerTokens]:
    issuer = LocalIssuer(wire)
    return issuer, BearerTokens(chosen(issuer, LocalIssuer(wire, "second")).issuers)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]), anything),
    claims=st.dictionaries(st.sampled_from(["aud", "iat", "exp", "nbf", "sub", "jti"]), anything, min_size=1),
)
async def test_whatever_is_signed_with_the_issuers_own_key_is_good_or_refused(
    signing: tuple[LocalIssuer, BearerTokens], header: dict[str, object], claims: dict[str, object]
) -> None:
    issuer, tokens = signing
    token = token_of({**issuer.header(), **header}, {**issuer.claims(), **claims}, rs256(issuer.key))
    try:
        verified = await tokens.verify(token)
    except InvalidToken:
        return
    assert verified.claims["sub"]
    assert isinstance(verified.claims["exp"], int | float)
