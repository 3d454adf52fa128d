"""Who asks: every way in ends in the same person, a bearer token decides alone, other sites' pages change nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from api import deps, envelope
from api.deps import Auth0User, get_current_user, require, require_scope
from api.edge import PREFIX
from api.main import create_api
from lib.access import sessions
from lib.access.oidc_cookie import COOKIE as OIDC_COOKIE
from lib.access.people import put_person
from lib.access.personal_tokens import create_token
from lib.access.viewer import Role
from lib.settings import Settings
from lib.store.engine import Store
from tests.factories import add_account, add_client
from tests.fixtures_wire import Wire
from tests.integration.api.conftest import House
from tests.issuing import AUDIENCE, LocalIssuer
from tests.serving import serving

EMAIL = "ana@example.com"
SECRET = "c" * 40
User = Annotated[Auth0User, Depends(get_current_user)]


def probe(store: Store, settings: Settings) -> FastAPI:
    """An app whose routes say who asks."""
    app = FastAPI()
    app.state.stores, app.state.engines = lambda: store, lambda: None
    deps.install(app, settings)
    envelope.install(app)

    async def who(user: User) -> dict[str, Any]:
        accounts = sorted(user.viewer.account_ids)
        return {"email": user.email, "via": user.via, "scopes": sorted(user.scopes), "accounts": accounts}

    app.add_api_route("/who", who, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    app.add_api_route("/write", who, methods=["POST"], dependencies=[Depends(require_scope("write"))])
    for role in Role:
        app.add_api_route(f"/role/{role.value}", who, methods=["GET"], dependencies=[Depends(require(role))])
    return app


@dataclass
class Ways:
    """The served probe, and Ana's ways in as headers."""

    url: str
    http: httpx.AsyncClient
    store: Store
    issuer: LocalIssuer
    headers: dict[str, dict[str, str]]

    async def ask(self, way: str, method: str = "GET", path: str = "/who", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, path, headers={**self.headers[way], **named})


def oidc_cookie(email: str = EMAIL, **changes: Any) -> str:
    """The cookie of a sign-in by OIDC that was just made."""
    now = int(dt.datetime.now(dt.UTC).timestamp())
    claims = {"iss": "https://i", "sub": email, "email": email, "email_verified": True, "iat": now, "nonce": "n"}
    signed = create_signed_value(SECRET, OIDC_COOKIE, httpx.Response(200, json=claims | changes).text)
    return f"{OIDC_COOKIE}={signed.decode()}"


@pytest.fixture
async def ways(store: Store, wire: Wire) -> AsyncIterator[Ways]:
    issuer = LocalIssuer(wire)
    settings = Settings(
        _env_file=None,
        auth_issuer=issuer.address,
        auth_client_id="id",
        auth_client_secret="secret",
        auth_cookie_secret=SECRET,
        auth_audience=AUDIENCE,
    )
    async with store.working() as session:
        client_id = await add_client(session, "acme")
        for account_id in (11, 12):
            await add_account(session, account_id, client_id)
        await add_account(session, 21, await add_client(session, "zebra"))
    person = await put_person(store, EMAIL, Role.ANALYST, slugs=["acme"])
    async with _served(probe(store, settings)) as (url, http):
        headers = {
            "nobody": {},
            "session": {"cookie": f"ads_session={await sessions.create_session(store, person.user_id, 'local')}"},
            "oidc": {"cookie": oidc_cookie()},
            "token": {"authorization": f"Bearer {(await create_token(store, EMAIL)).secret}"},
            "jwt": {"authorization": f"Bearer {issuer.token()}"},
        }
        yield Ways(url, http, store, issuer, headers)


@asynccontextmanager
async def _served(app: FastAPI) -> AsyncIterator[tuple[str, httpx.AsyncClient]]:
    async with serving(app) as served, httpx.AsyncClient(base_url=served.url, trust_env=False) as http:
        yield served.url, http


async def test_every_way_ends_in_the_same_person(ways: Ways) -> None:
    scopes = {"session": ["read", "write"], "oidc": ["read", "write"], "token": ["read"], "jwt": ["read"]}
    for way, given in scopes.items():
        answer = await ways.ask(way)
        assert answer.json() == {"email": EMAIL, "via": way, "scopes": given, "accounts": [11, 12]}
    await put_person(ways.store, EMAIL, Role.VIEWER, slugs=["zebra"])
    for way in scopes:
        assert (await ways.ask(way)).json()["accounts"] == [21], way
    await put_person(ways.store, EMAIL, Role.ADMIN)
    for way in scopes:
        assert (await ways.ask(way)).json()["accounts"] == [11, 12, 21], way


async def test_nobody_is_asked_to_sign_in(ways: Ways) -> None:
    answer = await ways.ask("nobody")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["message"] == "Sign in first."


async def test_a_bearer_token_decides_alone(ways: Ways) -> None:
    bob = await put_person(ways.store, "bob@example.com", Role.ADMIN)
    cookie = f"ads_session={await sessions.create_session(ways.store, bob.user_id, 'local')}"
    for way in ("token", "jwt"):
        assert (await ways.ask(way, cookie=cookie)).json()["email"] == EMAIL
    for bad in ("Bearer ads_pat_unknown", "Bearer a.b.c", "Bearer", "Basic YTpi"):
        assert (await ways.ask("session", authorization=bad)).status_code == 401


async def test_a_session_of_ours_comes_before_one_by_oidc(ways: Ways) -> None:
    bob = await put_person(ways.store, "bob@example.com", Role.ADMIN)
    session = f"ads_session={await sessions.create_session(ways.store, bob.user_id, 'local')}"
    both = await ways.ask("nobody", cookie=f"{session}; {oidc_cookie()}")
    assert (both.json()["email"], both.json()["via"]) == ("bob@example.com", "session")
    stale = await ways.ask("nobody", cookie=f"ads_session=unknown; {oidc_cookie()}")
    assert (stale.json()["email"], stale.json()["via"]) == (EMAIL, "oidc")


OURS: list[dict[str, str]] = [
    {"origin": "{url}"},
    {"origin": "{url}", "sec-fetch-site": "same-origin"},
    {"referer": "{url}/explore?a=b"},
    {"origin": "http://localhost:8501"},
]
OTHERS: list[dict[str, str]] = [
    {},
    {"origin": "https://evil.test"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:9"},
    {"origin": "{url}.evil.test"},
    {"origin": "{url}", "sec-fetch-site": "cross-site"},
    {"origin": "{url}", "sec-fetch-site": "same-site"},
    {"origin": "{url}", "sec-fetch-site": "none"},
    {"sec-fetch-site": "same-origin"},
    {"origin": "https://evil.test", "sec-fetch-site": "same-origin"},
    {"origin": "https://evil.test", "referer": "{url}/"},
    {"referer": "https://evil.test/{url}"},
]


async def test_with_a_cookie_only_pages_of_ours_change_anything(ways: Ways) -> None:
    for way in ("session", "oidc"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for headers in OURS:
                given = {name: value.format(url=ways.url) for name, value in headers.items()}
                assert (await ways.ask(way, method, **given)).status_code == 200, (way, method, headers)
            for headers in OTHERS:
                given = {name: value.format(url=ways.url) for name, value in headers.items()}
                answer = await ways.ask(way, method, **given)
                assert answer.status_code == 403, (way, method, headers)
                assert "another site" in answer.json()["error"]["message"]


async def test_reading_and_bearer_tokens_need_no_origin(ways: Ways) -> None:
    for headers in OTHERS:
        given = {name: value.format(url=ways.url) for name, value in headers.items()}
        assert (await ways.ask("session", "GET", **given)).status_code == 200, headers
        for way in ("token", "jwt"):
            assert (await ways.ask(way, "DELETE", **given)).status_code == 200, headers


async def test_people_whom_the_provider_knows_and_we_do_not(ways: Ways) -> None:
    unknown = await ways.ask("nobody", cookie=oidc_cookie("bob@example.com"))
    assert unknown.status_code == 403
    assert "bob@example.com may not use this dashboard" in unknown.json()["error"]["message"]
    unverified = await ways.ask("nobody", cookie=oidc_cookie(email_verified=False))
    assert unverified.status_code == 403
    old = await ways.ask("nobody", cookie=oidc_cookie(iat=1_700_000_000))
    assert old.status_code == 401
    assert "Sign in again" in old.json()["error"]["message"]
    assert (await ways.ask("nobody", cookie=f"{OIDC_COOKIE}=forged.AAAA.BBBB")).status_code == 401


async def test_without_oidc_its_cookie_is_nobodys(store: Store) -> None:
    await put_person(store, EMAIL, Role.ADMIN)
    app = probe(store, Settings(_env_file=None, auth_cookie_secret=SECRET))
    async with _served(app) as (_, http):
        assert (await http.get("/who", headers={"cookie": oidc_cookie()})).status_code == 401


async def test_roles(ways: Ways) -> None:
    await put_person(ways.store, "boss@example.com", Role.ADMIN)  # the last one stays
    for role in Role:
        await put_person(ways.store, EMAIL, role)
        for needed in Role:
            answer = await ways.ask("token", path=f"/role/{needed.value}")
            assert answer.status_code == (200 if role.rank >= needed.rank else 403), (role, needed)
    await put_person(ways.store, EMAIL, Role.VIEWER)
    refused = await ways.ask("jwt", path="/role/manager")
    assert refused.json()["error"]["message"].startswith("This needs the role manager; yours is viewer.")
    assert (await ways.ask("nobody", path="/role/viewer")).status_code == 401


async def test_scopes(ways: Ways) -> None:
    for way in ("token", "jwt"):
        refused = await ways.ask(way, "POST", "/write")
        assert refused.status_code == 403
        assert refused.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="write"'
        assert refused.json()["error"]["message"] == "This token is not for write."
    writing = (await create_token(ways.store, EMAIL, scopes=["write"])).secret
    for token in (writing, ways.issuer.token(scope="openid write")):
        answer = await ways.ask("nobody", "POST", "/write", authorization=f"Bearer {token}")
        assert answer.status_code == 200
    assert (await ways.ask("session", "POST", "/write", origin=ways.url)).status_code == 200


async def test_one_request_is_one_look_at_the_store(ways: Ways) -> None:
    for way in ("session", "oidc", "token", "jwt"):
        await ways.ask(way)
        before = ways.store.statements
        await ways.ask(way)
        assert ways.store.statements - before == 2, way


ASKING = {("POST", "/insights")}
"""What is sent by a method that changes things, and changes none."""
FOR_SIGN_INS = {("POST", "/auth/login"), ("POST", "/auth/logout")}


async def test_a_token_for_reading_changes_nothing_anywhere(house: House) -> None:
    secret = (await create_token(house.store, "admin@example.com")).secret
    admin = await house.asking("admin", authorization=f"Bearer {secret}")
    tried = 0
    for method, path in operations(house):
        if method == "GET" or (method, path) in ASKING | FOR_SIGN_INS:
            continue
        filled = path.format(view_id=house.people["admin"], run_id=house.people["admin"])
        answer = await admin.request(method, filled, json={})
        assert answer.status_code == 403, (method, path, answer.text)
        assert "insufficient_scope" in answer.headers["www-authenticate"]
        tried += 1
    assert tried >= 4


async def test_nothing_is_open_to_strangers(house: House) -> None:
    stranger = await house.asking()
    tried = 0
    for method, path in operations(house):
        if (method, path) == ("POST", "/auth/login"):
            continue
        tried += 1
        for headers in ({}, {"authorization": "Bearer ads_pat_" + "x" * 43}, {"cookie": "ads_session=x"}):
            answer = await stranger.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.json()["error"]["code"] == "unauthorized"
    assert tried >= 10


def operations(house: House) -> list[tuple[str, str]]:
    """Every method and path that the API describes."""
    described = create_api(lambda: house.store, settings=Settings(_env_file=None)).openapi()
    return [
        (method.upper(), path.removeprefix(PREFIX)) for path, found in described["paths"].items() for method in found
    ]
