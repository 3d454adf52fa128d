"""Signing in with e-mail and password over the API, as a script does, and out again."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from itsdangerous import URLSafeTimedSerializer

from api.edge import PREFIX
from lib.access import sessions
from lib.access.oidc_cookie import COOKIE
from lib.access.people import put_person
from lib.access.personal_tokens import create_token
from lib.access.viewer import Role
from lib.settings import Settings
from lib.store.engine import Store
from tests.integration.api.conftest import served
from tests.people import noted

EMAIL, PASSWORD = "ana@example.com", "correct horse battery"
SECRET = "a secret of forty letters that signs cookies"
GOOD = {"username": EMAIL, "password": PASSWORD}
VIEW = {"name": "mine", "page": "explore", "address": "metrics=spend"}


@pytest.fixture
async def script(store: Store, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A program that keeps cookies, and Ana, who may save views."""
    await put_person(store, EMAIL, Role.ANALYST, password=PASSWORD)
    async with (
        served(lambda: store, settings) as url,
        httpx.AsyncClient(base_url=f"{url}{PREFIX}", trust_env=False) as http,
    ):
        yield http


async def test_a_script_signs_in_works_and_signs_out(store: Store, script: httpx.AsyncClient) -> None:
    answer = await script.post("/auth/login", data={"username": " ANA@example.com", "password": PASSWORD})
    assert (answer.status_code, answer.content) == (204, b"")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("ads_session=")
    for word in ("httponly", "samesite=lax", "path=/", "max-age=43200"):
        assert word in cookie
    assert answer.headers["cache-control"] == "no-store"
    me = (await script.get("/me")).json()["data"]
    assert (me["email"], me["scopes"]) == (EMAIL, ["read", "write"])
    ours = {"origin": str(script.base_url.copy_with(path="")).rstrip("/")}
    assert (await script.post("/saved-views", json=VIEW)).status_code == 403
    assert (await script.post("/saved-views", json=VIEW, headers=ours)).status_code == 201
    token = script.cookies["ads_session"]
    assert (await script.post("/auth/logout")).status_code == 403
    gone = await script.post("/auth/logout", headers=ours)
    assert gone.status_code == 204
    assert "ads_session" not in script.cookies
    assert await sessions.viewer_of(store, token) is None
    assert (await script.get("/me", headers={"cookie": f"ads_session={token}"})).status_code == 401


async def test_signing_out_ends_every_sign_in_of_the_cookies(store: Store) -> None:
    person = await put_person(store, EMAIL, Role.ANALYST)
    token = await sessions.create_session(store, person.user_id, "local")
    claims = {"iss": "https://t.eu.auth0.com/", "sub": "auth0|ana", "iat": time.time()}
    claims |= {"email": EMAIL, "email_verified": True}
    signed = URLSafeTimedSerializer(SECRET, salt=COOKIE).dumps(json.dumps(claims))
    chosen = {"auth_issuer": "https://t.eu.auth0.com", "auth_client_id": "id", "auth_client_secret": "secret"}
    settings = Settings(_env_file=None, auth_cookie_secret=SECRET, **chosen)
    async with served(lambda: store, settings) as url:
        cookies = {COOKIE: str(signed)}
        async with httpx.AsyncClient(base_url=f"{url}{PREFIX}", cookies=cookies, trust_env=False) as http:
            assert (await http.get("/me")).status_code == 200
            http.cookies.set("ads_session", token)
            gone = await http.post("/auth/logout", headers={"origin": url})
    assert gone.status_code == 204
    assert {line.split("=")[0] for line in gone.headers.get_list("set-cookie")} == {"ads_session", COOKIE}
    assert await sessions.viewer_of(store, token) is None
    assert await sessions.viewer_of_hash(store, sessions.oidc_hash(claims)) is None
    by_oidc, *ends = (await noted(store))[-3:]
    assert (by_oidc.action, by_oidc.after, by_oidc.address) == ("signed in", {"by": "oidc"}, "127.0.0.1")
    assert [(each.action, each.address) for each in ends] == [("signed out", "127.0.0.1")] * 2


async def test_the_same_answer_whoever_it_was(script: httpx.AsyncClient) -> None:
    tries = [
        (EMAIL, "wrong"), (EMAIL, ""), ("nobody@example.com", PASSWORD), ("", ""), ("a\x00b", "x"), ("' OR 1=1", "x"),
    ]  # fmt: skip
    answers = [await script.post("/auth/login", data={"username": email, "password": word}) for email, word in tries]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert "do not belong together" in answers[0].json()["error"]["message"]
    assert all("set-cookie" not in answer.headers for answer in answers)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"referer": "https://evil.test/"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://localhost:8501"},
    ],
)
async def test_no_other_site_signs_anyone_in(script: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await script.post("/auth/login", data=GOOD, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_only_a_form_is_read(script: httpx.AsyncClient) -> None:
    assert (await script.post("/auth/login", json=GOOD)).status_code == 415
    assert (await script.post("/auth/login")).status_code == 415
    assert (
        await script.post("/auth/login", files={name: (None, word) for name, word in GOOD.items()})
    ).status_code == 415
    assert (await script.post("/auth/login", data={"username": "x" * 9000})).status_code == 413
    query = await script.post("/auth/login", params=GOOD, data={"x": "y"})
    assert query.status_code == 401
    assert (await script.get("/auth/login")).status_code == 405


async def test_a_token_cannot_sign_itself_out(store: Store, script: httpx.AsyncClient) -> None:
    token = (await create_token(store, EMAIL)).secret
    answer = await script.post("/auth/logout", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 422
    assert "token revoke" in answer.json()["error"]["message"]
    assert (await script.post("/auth/logout")).status_code == 401
