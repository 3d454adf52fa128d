"""/auth/logout ends every sign-in of a browser, forgets its cookies, and leads to the way out of the provider."""

from __future__ import annotations

import json
import re
import time
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from itsdangerous import URLSafeTimedSerializer
from starlette.applications import Starlette

from api.leaving import POLICY, Leaving
from lib.access import sessions
from lib.access.oidc_cookie import COOKIE as OIDC_COOKIE
from lib.access.people import put_person
from lib.access.viewer import Role
from lib.settings import Settings
from lib.store.engine import Store
from tests.fixtures_wire import Answer, Wire, ok

PUBLIC = "https://ads.test"
EMAIL = "ana@example.com"
SECRET = "a secret of forty letters that signs cookies"
OIDC = {"auth_client_id": "id", "auth_client_secret": "secret", "auth_cookie_secret": SECRET}
POPUP = {"auth_popup_domain": "t.eu.auth0.com", "auth_popup_client_id": "spa"}
OURS = {"sec-fetch-site": "same-origin"}


def browser(store: Store, cookies: dict[str, str], **settings: str) -> httpx.AsyncClient:
    chosen = Settings(_env_file=None, public_url=PUBLIC, **settings)
    app = Starlette(routes=Leaving(lambda: store, chosen).routes())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC, cookies=cookies)


def way_of(answer: httpx.Response) -> str:
    """Where the page leads."""
    found = re.search(r'href="([^"]+)"', answer.text)
    assert found is not None
    return unescape(found[1])


def forgotten(answer: httpx.Response) -> set[str]:
    """The names of the cookies that the answer takes away."""
    return {line.split("=")[0] for line in answer.headers.get_list("set-cookie") if "Max-Age=0" in line}


async def session_by(store: Store, provider: str) -> str:
    person = await put_person(store, EMAIL, Role.ADMIN)
    return await sessions.create_session(store, person.user_id, provider)


def oidc_cookie(issuer: str) -> tuple[dict[str, str], dict[str, Any]]:
    """What ``st.login`` leaves in a browser, and what it says."""
    claims = {"iss": issuer, "sub": "auth0|ana", "iat": time.time(), "email": EMAIL, "email_verified": True}
    signed = URLSafeTimedSerializer(SECRET, salt=OIDC_COOKIE).dumps(json.dumps(claims))
    return {OIDC_COOKIE: str(signed)}, claims


@pytest.mark.parametrize("provider", ["local", "link"])
async def test_a_session_of_ours_ends_and_leads_back(store: Store, provider: str) -> None:
    token = await session_by(store, provider)
    async with browser(store, {"ads_session": token, "other": "stays"}) as http:
        answer = await http.get("/auth/logout", headers=OURS)
    assert (answer.status_code, way_of(answer)) == (200, "/")
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert forgotten(answer) == {"ads_session"}
    assert await sessions.viewer_of(store, token) is None


async def test_a_popups_session_leads_to_auth0_even_where_it_ended_before(store: Store) -> None:
    token = await session_by(store, "popup")
    cookies = {"ads_session": token, "auth0.is.authenticated": "true", "_legacy_auth0.spa.is.authenticated": "true"}
    async with browser(store, cookies, **POPUP) as http:
        for _ in range(2):
            answer = await http.get("/auth/logout", headers=OURS)
            way = urlsplit(way_of(answer))
            assert f"{way.scheme}://{way.netloc}{way.path}" == "https://t.eu.auth0.com/v2/logout"
            assert parse_qs(way.query) == {"client_id": ["spa"], "returnTo": [PUBLIC]}
            assert forgotten(answer) == cookies.keys()
            http.cookies.update(cookies)
    assert await sessions.viewer_of(store, token) is None


async def test_a_sign_in_by_auth0_leads_to_auth0_and_ends(store: Store) -> None:
    await put_person(store, EMAIL, Role.ADMIN)
    cookies, claims = oidc_cookie("https://t.eu.auth0.com/")
    viewer = await sessions.session_of_oidc(store, claims)
    async with browser(store, cookies, auth_issuer="https://t.eu.auth0.com", **OIDC) as http:
        answer = await http.get("/auth/logout", headers=OURS)
    way = urlsplit(way_of(answer))
    assert (way.netloc, way.path) == ("t.eu.auth0.com", "/v2/logout")
    assert parse_qs(way.query) == {"client_id": ["id"], "returnTo": [PUBLIC]}
    assert forgotten(answer) == {OIDC_COOKIE}
    assert await sessions.viewer_of_hash(store, viewer.session_hash) is None
    with pytest.raises(sessions.SignInEnded):
        await sessions.session_of_oidc(store, claims)


async def test_both_sign_ins_of_a_browser_end_at_once(store: Store) -> None:
    token = await session_by(store, "local")
    cookies, claims = oidc_cookie("https://t.eu.auth0.com/")
    viewer = await sessions.session_of_oidc(store, claims)
    async with browser(store, cookies | {"ads_session": token}, auth_issuer="https://t.eu.auth0.com", **OIDC) as http:
        answer = await http.get("/auth/logout", headers=OURS)
    assert forgotten(answer) == {OIDC_COOKIE, "ads_session"}
    assert await sessions.viewer_of(store, token) is None
    assert await sessions.viewer_of_hash(store, viewer.session_hash) is None


@pytest.mark.parametrize("odd", ["auth0.(x)", "auth0.[1]", 'auth0."', "ads_session/", "auth0.\xe4"])
async def test_a_cookie_that_cannot_be_taken_away_keeps_nobody_in(store: Store, odd: str) -> None:
    token = await session_by(store, "local")
    sent = f"ads_session={token}; {odd}=1".encode("latin-1")
    async with browser(store, {}) as http:
        answer = await http.get("/auth/logout", headers=[(b"sec-fetch-site", b"same-origin"), (b"cookie", sent)])
    assert (answer.status_code, forgotten(answer)) == (200, {"ads_session"})
    assert await sessions.viewer_of(store, token) is None


async def test_another_provider_is_asked_once_for_its_way_out(store: Store, wire: Wire) -> None:
    wire.reply = lambda asked: ok({"issuer": wire.url, "end_session_endpoint": f"{wire.url}/end?ui=en"})
    cookies, _ = oidc_cookie(wire.url)
    async with browser(store, cookies, auth_issuer=wire.url, **OIDC) as http:
        for _ in range(2):
            way = way_of(await http.get("/auth/logout", headers=OURS))
            assert way.startswith(f"{wire.url}/end?")
            known = {"ui": ["en"], "client_id": ["id"], "post_logout_redirect_uri": [PUBLIC]}
            assert parse_qs(urlsplit(way).query) == known
            http.cookies.update(cookies)
    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [Answer(500), Answer(200, b"{"), ok([]), ok({}), ok({"end_session_endpoint": "javascript:alert(1)"})],
)
async def test_a_provider_without_a_way_out_keeps_nobody_in(store: Store, wire: Wire, answer: Answer) -> None:
    wire.reply = lambda asked: answer
    await put_person(store, EMAIL, Role.ADMIN)
    cookies, claims = oidc_cookie(wire.url)
    viewer = await sessions.session_of_oidc(store, claims)
    async with browser(store, cookies, auth_issuer=wire.url, **OIDC) as http:
        left = await http.get("/auth/logout", headers=OURS)
    assert (left.status_code, way_of(left), forgotten(left)) == (200, "/", {OIDC_COOKIE})
    assert await sessions.viewer_of_hash(store, viewer.session_hash) is None


@pytest.mark.parametrize(
    ("headers", "is_meant"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"referer": f"{PUBLIC}/explore"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "referer": f"{PUBLIC}/"}, False),
        ({"referer": "https://evil.test/"}, False),
        ({}, False),
    ],
)
async def test_a_page_of_another_site_signs_nobody_out(store: Store, headers: dict[str, str], is_meant: bool) -> None:
    token = await session_by(store, "local")
    async with browser(store, {"ads_session": token}) as http:
        answer = await http.get("/auth/logout", headers=headers)
    assert answer.status_code == (200 if is_meant else 303)
    assert (await sessions.viewer_of(store, token) is None) is is_meant
    assert forgotten(answer) == ({"ads_session"} if is_meant else set())


async def test_a_stranger_and_a_forged_cookie_lead_back(store: Store) -> None:
    for cookies in ({}, {"ads_session": "made up"}, {OIDC_COOKIE: "made.up"}):
        async with browser(store, cookies, auth_issuer="https://t.eu.auth0.com", **OIDC) as http:
            answer = await http.get("/auth/logout", headers=OURS)
        assert (answer.status_code, way_of(answer), forgotten(answer)) == (200, "/", cookies.keys())


async def test_a_lost_database_is_a_sentence_and_the_cookie_stays(store: Store) -> None:
    lost = Store(store.url.set(database="no_such_database"))
    async with browser(lost, {"ads_session": "any"}) as http:
        answer = await http.get("/auth/logout", headers=OURS)
    await lost.dispose()
    assert (answer.status_code, forgotten(answer)) == (503, set())
    assert "The database cannot be reached." in answer.text
