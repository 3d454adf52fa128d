"""Tokens that are signed with a shared secret, as Supabase's older projects sign them: an issuer of their own kind."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from starlette.applications import Starlette
from starlette.routing import Mount

from api.main import create_api
from lib.access import sign_in_notes
from lib.access.people import put_person
from lib.access.viewer import Role
from lib.settings import Settings
from lib.store.engine import Store
from tests.fixtures_wire import Wire
from tests.issuing import AUDIENCE, LocalIssuer, rs256, token_of
from tests.people import noted

EMAIL = "ana@example.com"
SECRET = "a shared secret of forty-two letters, or so"
PROJECT = "https://project.supabase.co/auth/v1"
VOUCHED = {"issuer": PROJECT, "audience": "authenticated", "algorithms": ["HS256"], "secret": SECRET, "vouches": True}
Ask = Callable[[str], Any]


def claims(**changes: Any) -> dict[str, Any]:
    """What Supabase writes into Ana's access token; ``None`` takes a claim away."""
    now = int(time.time())
    whole = {
        "iss": PROJECT, "sub": "0b5f7f1e-3f0f-4b8e-9d3c-5a4c2a8f7d10", "aud": "authenticated", "iat": now,
        "exp": now + 3600, "email": EMAIL, "phone": "", "role": "authenticated", "aal": "aal1",
        "user_metadata": {"email_verified": True}, "is_anonymous": False,
    }  # fmt: skip
    return {name: value for name, value in (whole | changes).items() if value is not None}


def signed(changes: dict[str, Any] | None = None, *, secret: str = SECRET, **header: Any) -> str:
    """A token that is signed with the secret."""
    named = {"alg": "HS256", "typ": "JWT", **header}
    return token_of(
        named, claims(**(changes or {})), lambda text: hmac.new(secret.encode(), text, hashlib.sha256).digest()
    )


@pytest.fixture
def other(wire: Wire) -> LocalIssuer:
    """An issuer with keys of its own beside the one with a secret."""
    return LocalIssuer(wire)


def client(store: Store, *issuers: dict[str, Any]) -> httpx.AsyncClient:
    settings = Settings(_env_file=None, jwt_issuers=list(issuers))
    app = Starlette(routes=[Mount("/api/v1", create_api(lambda: store, settings=settings))])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8501")


@pytest.fixture
async def ask(store: Store, other: LocalIssuer) -> AsyncIterator[Ask]:
    await put_person(store, EMAIL, Role.ANALYST)
    async with client(store, VOUCHED, {"issuer": other.name, "audience": AUDIENCE}) as http:

        async def me(token: str) -> httpx.Response:
            return await http.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})

        yield me


async def test_a_token_of_the_project_is_its_person(ask: Ask) -> None:
    for token in (signed(), signed(kid="a key id that nobody looks at"), signed({"email": "ANA@Example.com"})):
        answer = await ask(token)
        assert (answer.status_code, answer.json()["data"]["email"]) == (200, EMAIL)


def public_pem(issuer: LocalIssuer) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return issuer.key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


FORGED: dict[str, Callable[[LocalIssuer], str]] = {
    "another secret": lambda o: signed(secret="another secret of forty letters or there"),
    "an empty secret": lambda o: signed(secret=""),
    "the secret, decoded": lambda o: signed(secret=base64.b64encode(SECRET.encode()).decode()),
    "alg none": lambda o: token_of({"alg": "none"}, claims(), lambda text: b""),
    "alg none with a signature": lambda o: signed(alg="none"),
    "alg HS384": lambda o: token_of(
        {"alg": "HS384"}, claims(), lambda text: hmac.new(SECRET.encode(), text, hashlib.sha384).digest()
    ),
    "alg HS512": lambda o: token_of(
        {"alg": "HS512"}, claims(), lambda text: hmac.new(SECRET.encode(), text, hashlib.sha512).digest()
    ),
    "RS256 by the other issuer's key": lambda o: token_of(o.header(), claims(), rs256(o.key)),
    "HS256 in the header, another key under it": lambda o: token_of({"alg": "HS256"}, claims(), rs256(o.key)),
    "the other issuer by this one's secret": lambda o: signed({"iss": o.name, "aud": AUDIENCE}),
    "the other issuer and its key id by this one's secret": lambda o: signed(
        {"iss": o.name, "aud": AUDIENCE}, kid=o.kid
    ),
    "the other issuer by its public key": lambda o: signed(
        {"iss": o.name, "aud": AUDIENCE}, secret=public_pem(o), kid=o.kid
    ),
    "the project's public key for everyone": lambda o: signed(
        {"iss": "supabase", "aud": None, "sub": None, "role": "anon"}
    ),
    "the project's key that may do everything": lambda o: signed(
        {"iss": "supabase", "aud": None, "sub": None, "role": "service_role"}
    ),
    "another audience": lambda o: signed({"aud": "anon"}),
    "no audience": lambda o: signed({"aud": None}),
    "another issuer": lambda o: signed({"iss": "https://other.supabase.co/auth/v1"}),
    "the issuer with a slash": lambda o: signed({"iss": PROJECT + "/"}),
    "no issuer": lambda o: signed({"iss": None}),
    "expired": lambda o: signed({"exp": int(time.time()) - 60}),
    "no expiry": lambda o: signed({"exp": None}),
    "not valid yet": lambda o: signed({"nbf": int(time.time()) + 120}),
    "issued in the future": lambda o: signed({"iat": int(time.time()) + 120}),
    "no time of issue": lambda o: signed({"iat": None}),
    "no subject": lambda o: signed({"sub": None}),
    "an empty subject": lambda o: signed({"sub": ""}),
    "a logout token": lambda o: signed(typ="logout+jwt"),
    "a critical extension": lambda o: signed(crit=["exp"]),
    "its own key": lambda o: signed(
        secret="x" * 32, jwk={"kty": "oct", "k": "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg"}
    ),
}


@pytest.mark.parametrize("kind", FORGED)
async def test_forged_ones_are_refused(ask: Ask, other: LocalIssuer, kind: str) -> None:
    answer = await ask(FORGED[kind](other))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


async def test_both_kinds_stand_beside_each_other(ask: Ask, other: LocalIssuer) -> None:
    assert (await ask(other.token())).status_code == 200
    assert (await ask(signed())).status_code == 200


async def test_a_good_token_of_a_stranger_is_noted_once_a_day_and_a_forged_one_never(store: Store, ask: Ask) -> None:
    stranger = {"email": "eve@example.com", "sub": "stranger"}
    for _ in range(3):
        sign_in_notes._noted.clear()  # as another process would not have it
        assert (await ask(signed(stranger))).status_code == 403
    assert (await ask(signed(stranger | {"email": "eva@example.com"}))).status_code == 403
    assert (await ask(signed(stranger, secret="x" * 32))).status_code == 401
    assert (await ask(signed({"email": "eve@example.com", "sub": "s" * 3000}))).status_code == 403
    first, second = await noted(store, "sign-in failed")
    assert (first.email, first.user_id, first.via, first.subject) == ("eve@example.com", None, "api", "stranger")
    assert first.after == {"by": "jwt", "why": "not allowed in"}
    assert second.subject == "s" * 255


async def test_whoever_comes_by_an_account_for_the_first_time_is_noted(store: Store, ask: Ask) -> None:
    for _ in range(2):
        assert (await ask(signed())).status_code == 200
    (entry,) = await noted(store, "changed person")
    assert (entry.email, entry.subject, entry.via, entry.after) == (EMAIL, EMAIL, "api", {"account": PROJECT})


async def test_what_people_may_write_of_themselves_verifies_no_address(store: Store) -> None:
    await put_person(store, EMAIL, Role.ANALYST)
    strict = {name: value for name, value in VOUCHED.items() if name != "vouches"}
    cases = [(strict, {}, 403), (strict, {"email_verified": True}, 200), (strict, {"email_verified": "true"}, 403)]
    cases += [(VOUCHED, {}, 200), (VOUCHED, {"email_verified": False}, 403), (VOUCHED, {"email": ""}, 403)]
    for issuer, changes, status in cases:
        async with client(store, issuer) as http:
            headers = {"authorization": f"Bearer {signed(changes)}"}
            assert (await http.get("/api/v1/me", headers=headers)).status_code == status, (issuer, changes)
