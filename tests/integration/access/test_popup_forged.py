"""What is not a fresh ID token of the tenant, for us alone, opens nothing; and a good one opens one session."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from sqlalchemy import text
from starlette.applications import Starlette

from api.leaving import Leaving
from api.main import create_api
from api.popup import ADDRESS, PopupSignIn
from lib.access.people import put_person
from lib.access.viewer import Role
from lib.settings import Settings
from lib.store.engine import Store
from tests.issuing import part, public_jwk, rs256, rsa_key, token_of
from tests.mock_auth0 import CLIENT_ID, MockAuth0, running_auth0
from tests.people import noted

ANA = "ana@example.com"
DAY = 86_400
EVIL = rsa_key(66)
REFUSED = "The sign-in was not accepted, and nobody was signed in. Sign in again."
PUBLIC = "https://ads.test"


@dataclass(frozen=True)
class World:
    """The tenant, and a browser at the dashboard."""

    tenant: MockAuth0
    http: httpx.AsyncClient
    store: Store

    async def hand_in(self, token: str, **headers: str) -> httpx.Response:
        """What the sign-in page does with a token; no cookie is kept between two."""
        self.http.cookies.clear()
        return await self.http.post(ADDRESS, data={"token": token}, headers=headers)

    async def sessions(self) -> int:
        """How many sign-ins the store knows."""
        async with self.store.working() as session:
            return int((await session.execute(text("SELECT count(*) FROM user_session"))).scalar_one())


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockAuth0]:
    with running_auth0(tmp_path_factory.mktemp("auth0")) as (running, pem), pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(pem))
        yield running


def chosen(tenant: MockAuth0) -> Settings:
    return Settings(_env_file=None, auth_popup_domain=tenant.domain, auth_popup_client_id=CLIENT_ID, public_url=PUBLIC)


@pytest.fixture
async def world(store: Store, tenant: MockAuth0) -> AsyncIterator[World]:
    await put_person(store, ANA, Role.ANALYST)
    settings = chosen(tenant)
    routes = [*PopupSignIn(lambda: store, settings).routes(), *Leaving(lambda: store, settings).routes()]
    app = Starlette(routes=routes)
    app.mount("/api/v1", create_api(lambda: store, settings=settings))
    headers = {"origin": PUBLIC, "sec-fetch-site": "same-origin"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC, headers=headers) as http:
        yield World(tenant, http, store)


def public_pem(tenant: MockAuth0) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return tenant.key.public_key().public_bytes(serialization.Encoding.PEM, form)


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda message: hmac.new(secret, message, hashlib.sha256).digest()


def changed(token: str, place: int) -> str:
    parts = token.split(".")
    parts[place] = parts[place][:12] + ("A" if parts[place][12] != "A" else "B") + parts[place][13:]
    return ".".join(parts)


def now() -> int:
    return int(time.time())


Forge = Callable[[MockAuth0], str]
FORGED: dict[str, Forge] = {
    "nothing": lambda t: "",
    "a word": lambda t: "sesame",
    "alg none": lambda t: token_of({"alg": "none", "kid": "k1"}, t.claims(), lambda m: b""),
    "alg none with a signature": lambda t: t.token({"alg": "none"}),
    "alg nOnE": lambda t: t.token({"alg": "nOnE"}),
    "no alg": lambda t: t.token({"alg": None}),
    "alg is a list": lambda t: t.token({"alg": ["RS256"]}),
    "HS256 with the public key": lambda t: token_of(t.header(alg="HS256"), t.claims(), hs256(public_pem(t))),
    "HS256 with an empty secret": lambda t: token_of(t.header(alg="HS256"), t.claims(), hs256(b"")),
    "HS256 with the client id": lambda t: token_of(t.header(alg="HS256"), t.claims(), hs256(CLIENT_ID.encode())),
    "RS512": lambda t: t.token({"alg": "RS512"}),
    "PS256": lambda t: t.token({"alg": "PS256"}),
    "a foreign key": lambda t: token_of(t.header(), t.claims(), rs256(EVIL)),
    "an unknown key id": lambda t: t.token({"kid": "k2"}),
    "no key id": lambda t: t.token({"kid": None}),
    "a key id of another kind": lambda t: t.token({"kid": 1}),
    "its own key in jwk": lambda t: token_of(
        t.header(jwk=public_jwk(EVIL, "k1", alg="RS256")), t.claims(), rs256(EVIL)
    ),
    "its own certificate in x5c": lambda t: token_of(t.header(x5c=["MIIB"]), t.claims(), rs256(EVIL)),
    "jku that leads to other keys": lambda t: token_of(t.header(jku="https://evil.test/k"), t.claims(), rs256(EVIL)),
    "a critical extension": lambda t: t.token({"crit": ["exp"], "exp": now() + DAY}),
    "claims that are not encoded": lambda t: t.token({"b64": False, "crit": ["b64"]}),
    "an access token": lambda t: t.token({"typ": "at+jwt"}),
    "a logout token": lambda t: t.token({"typ": "logout+jwt"}),
    "a type of another kind": lambda t: t.token({"typ": 1}),
    "another audience": lambda t: t.token(aud="anotherClient"),
    "no audience": lambda t: t.token(aud=None),
    "an empty audience": lambda t: t.token(aud=[]),
    "several audiences, ours first": lambda t: t.token(aud=[CLIENT_ID, "anotherClient"], azp=CLIENT_ID),
    "several audiences, ours last": lambda t: t.token(aud=["https://api.test", CLIENT_ID]),
    "an audience that begins as ours": lambda t: t.token(aud=CLIENT_ID + "0"),
    "an audience in capitals": lambda t: t.token(aud=CLIENT_ID.upper()),
    "an audience of another kind": lambda t: t.token(aud={CLIENT_ID: 1}),
    "asked for by another application": lambda t: t.token(azp="anotherClient"),
    "asked for by an application of another kind": lambda t: t.token(azp=[CLIENT_ID]),
    "asked for by nobody": lambda t: t.token(azp=""),
    "another issuer": lambda t: t.token(iss="https://evil.eu.auth0.com/"),
    "the issuer without its slash": lambda t: t.token(iss=t.name.rstrip("/")),
    "the issuer over http": lambda t: t.token(iss=t.name.replace("https", "http")),
    "the issuer in capitals": lambda t: t.token(iss=t.name.upper()),
    "no issuer": lambda t: t.token(iss=None),
    "an issuer of another kind": lambda t: t.token(iss=[t.name]),
    "expired": lambda t: t.token(iat=now() - 100, exp=now() - 60),
    "no expiry": lambda t: t.token(exp=None),
    "an expiry that is text": lambda t: t.token(exp=str(now() + DAY)),
    "an expiry that is true": lambda t: t.token(exp=True),
    "an endless expiry": lambda t: t.token(exp=float("inf")),
    "an expiry that is no number": lambda t: t.token(exp=float("nan")),
    "not valid yet": lambda t: t.token(nbf=now() + 120),
    "a beginning that is text": lambda t: t.token(nbf="0"),
    "made in the future": lambda t: t.token(iat=now() + 120),
    "made six minutes ago": lambda t: t.token(iat=now() - 360),
    "made yesterday": lambda t: t.token(iat=now() - DAY),
    "no time of issue": lambda t: t.token(iat=None),
    "a time of issue that is true": lambda t: t.token(iat=True),
    "a time of issue that is text": lambda t: t.token(iat=str(now())),
    "a time of issue that is no number": lambda t: t.token(iat=float("nan")),
    "a sign-in at a time of another kind": lambda t: t.token(auth_time="yesterday"),
    "no nonce": lambda t: t.token(nonce=None),
    "an empty nonce": lambda t: t.token(nonce=""),
    "a nonce of another kind": lambda t: t.token(nonce=["n"]),
    "no subject": lambda t: t.token(sub=None),
    "an empty subject": lambda t: t.token(sub=""),
    "a subject of another kind": lambda t: t.token(sub=5),
    "tampered claims": lambda t: changed(t.token(), 1),
    "a tampered header": lambda t: changed(t.token(), 0),
    "a tampered signature": lambda t: changed(t.token(), 2),
    "an empty signature": lambda t: t.token().rpartition(".")[0] + ".",
    "another token's signature": lambda t: t.token(sub="x").rpartition(".")[0] + "." + t.token().rpartition(".")[2],
    "five parts": lambda t: t.token() + "." + part(b"tag") + "." + part(b"more"),
    "two parts": lambda t: t.token().rpartition(".")[0],
    "padding": lambda t: t.token() + "==",
    "a header that is a list": lambda t: token_of(b"[]", t.claims(), rs256(t.key)),
    "claims that are a list": lambda t: token_of(t.header(), b"[]", rs256(t.key)),
    "claims that are no JSON": lambda t: token_of(t.header(), b"{", rs256(t.key)),
    "claims of a thousand brackets": lambda t: token_of(t.header(), b'{"a":' * 900, rs256(t.key)),
    "a number of five thousand digits": lambda t: token_of(t.header(), b'{"exp":' + b"9" * 5000 + b"}", rs256(t.key)),
    "letters of another alphabet": lambda t: "eyJé.eyJé.é",
}


async def test_every_forged_token_is_refused_in_the_same_words(world: World, caplog: pytest.LogCaptureFixture) -> None:
    assert len(FORGED) >= 60
    caplog.set_level(logging.DEBUG)
    let_in, told = {}, []
    for kind, forge in FORGED.items():
        token = forge(world.tenant)
        caplog.clear()
        answer = await world.hand_in(token)
        if (answer.status_code, answer.text) != (403, REFUSED) or "set-cookie" in answer.headers:
            let_in[kind] = f"{answer.status_code} {answer.text}"
        told += [kind for piece in token.split(".") if len(piece) > 20 and piece in caplog.text]
    assert let_in == {}
    assert told == []
    assert await world.sessions() == 0
    assert (await world.hand_in(world.tenant.token())).status_code == 204


GOOD: dict[str, Forge] = {
    "as Auth0 makes it": lambda t: t.token(),
    "without a type": lambda t: t.token({"typ": None}),
    "with us as the one who asked": lambda t: t.token(azp=CLIENT_ID),
    "for a list of us alone": lambda t: t.token(aud=[CLIENT_ID]),
    "from a clock that is some seconds ahead": lambda t: t.token(iat=now() + 10),
    "made four minutes ago": lambda t: t.token(iat=now() - 240),
    "of an address in other letters": lambda t: t.token(email="ANA@Example.com"),
}


@pytest.mark.parametrize("kind", GOOD)
async def test_a_good_token_is_its_person(world: World, kind: str) -> None:
    answer = await world.hand_in(GOOD[kind](world.tenant))
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("ads_session=", "httponly", "samesite=lax", "; secure", "path=/"))
    me = await world.http.get("/api/v1/me")
    assert (me.status_code, me.json()["data"]["email"]) == (200, ANA)


async def test_a_token_opens_one_session_however_many_try(world: World) -> None:
    token = world.tenant.token()
    answers = await asyncio.gather(*(world.hand_in(token) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [204] + [403] * 7
    again = await world.hand_in(token)
    assert (again.status_code, "set-cookie" in again.headers) == (403, False)


async def test_a_token_that_comes_again_is_noted_once(world: World) -> None:
    token = world.tenant.token()
    await asyncio.gather(*(world.hand_in(token) for _ in range(8)))
    await world.hand_in(token)
    await world.hand_in(world.tenant.token(aud="another"))
    (entry,) = await noted(world.store, "sign-in failed")
    why = "sign-in used before or over"
    assert (entry.email, entry.address, entry.after) == (ANA, "127.0.0.1", {"by": "popup", "why": why})


async def test_other_letters_of_the_same_signature_are_the_same_token(world: World) -> None:
    token = world.tenant.token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [token[:-1] + letter for letter in alphabet if letter != token[-1]]
    answers = [(await world.hand_in(each)).status_code for each in [token, *others]]
    assert answers == [204] + [403] * len(others)


async def test_a_token_that_opened_a_session_opens_none_after_its_end(world: World) -> None:
    token = world.tenant.token()
    answer = await world.hand_in(token)
    session = answer.cookies["ads_session"]
    world.http.cookies.set("ads_session", session)
    left = await world.http.get("/auth/logout")
    assert "v2/logout" in left.text
    assert (await world.hand_in(token)).status_code == 403
    world.http.cookies.set("ads_session", session)
    assert (await world.http.get("/api/v1/me")).status_code == 401


async def test_the_session_lasts_from_the_sign_in_at_auth0(world: World) -> None:
    answer = await world.hand_in(world.tenant.token(auth_time=now() - 11 * 3600))
    assert answer.status_code == 204
    async with world.store.working() as session:
        query = "SELECT extract(epoch FROM expires_at - now()) FROM user_session WHERE revoked_at IS NULL"
        assert float((await session.execute(text(query))).scalar_one()) == pytest.approx(3600, abs=30)
    assert (await world.hand_in(world.tenant.token(auth_time=now() - DAY))).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test", "sec-fetch-site": "cross-site"},
        {"origin": "https://evil.test", "sec-fetch-site": "same-origin"},
        {"origin": PUBLIC, "sec-fetch-site": "same-site"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
    ],
)
async def test_another_site_signs_nobody_in(world: World, headers: dict[str, str]) -> None:
    token = world.tenant.token()
    answer = await world.hand_in(token, **headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert (await world.hand_in(token)).status_code == 204


async def test_an_endless_token_is_not_read(world: World) -> None:
    answer = await world.hand_in(world.tenant.token(more="x" * 8000))
    assert (answer.status_code, "set-cookie" in answer.headers) == (413, False)


async def test_a_tenant_that_does_not_answer_lets_nobody_in(store: Store) -> None:
    settings = Settings(_env_file=None, auth_popup_domain="localhost:1", auth_popup_client_id=CLIENT_ID)
    app = Starlette(routes=PopupSignIn(lambda: store, settings).routes())
    lost = MockAuth0(1)
    headers = {"origin": settings.base_url}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=settings.base_url, headers=headers
    ) as http:
        answer = await http.post(ADDRESS, data={"token": lost.token()})
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)
