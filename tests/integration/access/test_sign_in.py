"""/sign-in, /api/v1/me and the headers, through the HTTP side of the server."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
import streamlit
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import text

from api import accounts
from api.leaving import POLICY as LEAVING_POLICY
from lib.access import sessions
from lib.access.audit import OPERATOR_ACTOR
from lib.access.invitations import invite
from lib.access.passwords import HASHER
from lib.access.people import put_person
from lib.access.tokens import token_hash
from lib.access.viewer import Role
from lib.store.engine import Store
from lib.store.migrate import head
from lib.store.models import User
from lib.store.repositories import people
from tests.integration.access.conftest import HOST, browsing
from tests.locking import meanwhile
from tests.people import noted, signed_in, viewer_by

EMAIL, PASSWORD = "ana@example.com", "correct horse battery"


async def submit(
    http: httpx.AsyncClient, email: str = EMAIL, password: str = PASSWORD, **fields: str
) -> httpx.Response:
    return await http.post("/sign-in", data={"email": email, "password": password, **fields})


TYPED = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none"}
"""What a browser says of an address that was typed, or handed to it by a terminal."""


async def linked(store: Store) -> str:
    person = await put_person(store, EMAIL, Role.ADMIN)
    return await sessions.make_link(store, person.user_id)


@pytest.mark.parametrize("way", ["opened", "button"])
async def test_a_link_signs_in_once(store: Store, http: httpx.AsyncClient, way: str) -> None:
    token = await linked(store)

    def take() -> Coroutine[Any, Any, httpx.Response]:
        if way == "opened":
            return http.get(f"/sign-in?token={token}", headers=TYPED)
        return http.post("/sign-in", data={"token": token})

    answers = await asyncio.gather(*(take() for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [303, 410, 410, 410, 410]
    for answer in answers:
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
    (good,) = [answer for answer in answers if answer.status_code == 303]
    assert good.headers["location"] == "/"
    cookie = good.headers["set-cookie"].lower()
    assert cookie.startswith("ads_session=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age=43200" in cookie
    assert "secure" not in cookie
    bad = next(answer for answer in answers if answer.status_code == 410)
    assert "Run make run once more" in bad.text
    assert (await http.get("/api/v1/me")).json()["data"]["email"] == EMAIL


@pytest.mark.parametrize(
    "said",
    [
        {}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-mode": "no-cors"},
        {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, {"sec-fetch-dest": "iframe"}, {"purpose": "prefetch"},
        {"sec-purpose": "prefetch;prerender"}, {"sec-fetch-site": ""},
    ],
)  # fmt: skip
async def test_a_look_at_a_link_uses_nothing_up(store: Store, http: httpx.AsyncClient, said: dict[str, str]) -> None:
    token = await linked(store)
    http.headers.pop("origin")
    answer = await http.get(f"/sign-in?token={token}", headers=TYPED | said if said else {})
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert f'name="token" value="{token}"' in answer.text
    assert f"This link signs you in as {EMAIL}, once." in answer.text
    assert answer.headers["referrer-policy"] == "strict-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert (await http.head(f"/sign-in?token={token}", headers=TYPED)).status_code == 200
    assert not await noted(store, "signed in")
    refused = await http.post("/sign-in", data={"token": token}, headers={"origin": "https://evil.example"})
    assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
    assert (await http.post("/sign-in", data={"token": token}, headers={"origin": HOST})).status_code == 303
    over = await http.get(f"/sign-in?token={token}")
    assert (over.status_code, over.headers["cache-control"]) == (410, "no-store")
    assert token not in over.text


async def test_whoever_does_not_run_it_themselves_asks_their_administrator(store: Store) -> None:
    async with browsing(store, DATABASE_URL="postgresql://somebody@db.example.com/ads") as client:
        gone = (await client.get("/sign-in?token=unknown")).text
    assert "Ask your administrator for a new link" in gone
    assert "make run" not in gone


async def test_the_forms_have_the_pages_font_and_fetch_nothing_else(http: httpx.AsyncClient) -> None:
    answer = await http.get("/sign-in")
    (address,) = re.findall(r'url\("([^"]+)"\)', answer.text)
    assert re.fullmatch(r"/static/media/SourceSansVF-Upright[\w.-]+\.woff2", address)
    assert (Path(streamlit.__file__).parent / "static" / address[1:]).is_file()
    assert "font-src 'self';" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("token", ["", "unknown", "x" * 3000, "%00", "%ff", "a&token=b"])
async def test_other_links_are_gone(http: httpx.AsyncClient, token: str) -> None:
    for headers in (TYPED, {}):
        assert (await http.get(f"/sign-in?token={token}", headers=headers)).status_code == 410
    assert (await http.post("/sign-in", content=f"token={token}&email=x")).status_code in (401, 410)


async def test_e_mail_and_password(store: Store, http: httpx.AsyncClient, clients: dict[str, int]) -> None:
    await put_person(store, EMAIL, Role.VIEWER, slugs=["acme"], password=PASSWORD)
    form = await http.get("/sign-in?next=/overview%3Fa%3D1%26b%3D2")
    assert form.status_code == 200
    assert 'value="/overview?a=1&amp;b=2"' in form.text
    answer = await submit(http, "ANA@example.com ", next="/overview?a=1&b=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/overview?a=1&b=2")
    me = await http.get("/api/v1/me")
    assert me.json()["data"]["role"] == "viewer"
    assert me.json()["data"]["account_ids"] == ["11", "12"]
    async with store.working() as session:
        assert (await session.execute(text("SELECT provider FROM user_session"))).scalars().all() == ["local"]


@pytest.mark.parametrize("way", ["form", "link", "invitation", "api"])
async def test_a_new_sign_in_ends_the_one_that_the_browser_had(store: Store, http: httpx.AsyncClient, way: str) -> None:
    ben = "ben@example.com"
    viewer, token = await signed_in(store, EMAIL)
    if way != "invitation":
        person = await put_person(store, ben, Role.VIEWER, password=PASSWORD)
    http.cookies.set("ads_session", token, domain="localhost.local")
    if way == "form":
        answer = await submit(http, ben, next="/explore")
    elif way == "link":
        answer = await http.post("/sign-in", data={"token": await sessions.make_link(store, person.user_id)})
    elif way == "invitation":
        made = await invite(store, OPERATOR_ACTOR, ben, Role.VIEWER)
        chosen = {"token": made.token, "password": PASSWORD, "again": PASSWORD}
        answer = await http.post("/invitation", data=chosen)
    else:
        answer = await http.post("/api/v1/auth/login", data={"username": ben, "password": PASSWORD})
    new = answer.cookies["ads_session"]
    assert (await viewer_by(store, new)).email == ben
    assert await sessions.viewer_of(store, token) is None
    (gone,) = await noted(store, "signed out")
    assert (gone.email, gone.user_id, gone.address) == (EMAIL, viewer.user_id, "127.0.0.1")
    if way != "api":
        assert (answer.status_code, 'BroadcastChannel("sign-out")' in answer.text) == (200, True)
        assert f'href="{"/explore" if way == "form" else "/"}"' in answer.text
        assert answer.headers["content-security-policy"] == LEAVING_POLICY
    http.cookies.set("ads_session", "long gone", domain="localhost.local")
    assert (await submit(http, ben)).status_code == 303


async def test_the_same_answer_whoever_it_was(store: Store, http: httpx.AsyncClient) -> None:
    await put_person(store, EMAIL, Role.ADMIN, password=PASSWORD)
    await put_person(store, "link-only@example.com", Role.ADMIN)
    await put_person(store, "gone@example.com", Role.ADMIN, password=PASSWORD)
    async with store.working() as session:
        await session.execute(text("UPDATE app_user SET is_active = false WHERE email = 'gone@example.com'"))
    tries = [
        (EMAIL, "wrong"), (EMAIL, ""), ("nobody@example.com", PASSWORD), ("link-only@example.com", PASSWORD),
        ("link-only@example.com", ""), ("gone@example.com", PASSWORD), ("", ""), ("' OR 1=1 --", "x"), ("a\x00b", "x"),
    ]  # fmt: skip
    pages = set()
    for email, password in tries:
        answer = await submit(http, email, password)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        pages.add(answer.text.split('name="email"')[0])
    assert len(pages) == 1
    assert "do not belong together" in pages.pop()
    wrong, unknown = "wrong password", "unknown address"
    empty, disabled = "this person has no password", "this person is disabled"
    whys = [note.after["why"] for note in await noted(store, "sign-in failed")]
    assert whys == [wrong, wrong, unknown, empty, empty, disabled, unknown, unknown]


async def test_unknown_people_are_hashed_for_too(
    store: Store, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_person(store, EMAIL, Role.ADMIN, password=PASSWORD)
    await put_person(store, "link-only@example.com", Role.ADMIN)
    hashed: list[str] = []
    verify = accounts.UserManager._verify

    def counting(manager: accounts.UserManager, password: str, hash_: str) -> tuple[bool, str | None]:
        hashed.append(password)
        return verify(manager, password, hash_)

    monkeypatch.setattr(accounts.UserManager, "_verify", counting)
    for email in (EMAIL, "nobody@example.com", "link-only@example.com"):
        await submit(http, email, "wrong")
    assert hashed == ["wrong"] * 3


async def test_an_old_hash_is_made_anew_at_the_sign_in(store: Store, http: httpx.AsyncClient) -> None:
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    person = await put_person(store, EMAIL, Role.ADMIN, password=PASSWORD)
    weak = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024),)).hash(PASSWORD)
    async with store.working() as session:
        await session.execute(text("UPDATE app_user SET hashed_password = :hash"), {"hash": weak})
    assert (await submit(http)).status_code == 303
    async with store.working() as session:
        query = text("SELECT hashed_password FROM app_user WHERE id = :id")
        hashed = (await session.execute(query, {"id": person.user_id})).scalar_one()
    assert hashed != weak
    assert HASHER.verify_and_update(PASSWORD, hashed) == (True, None)


@pytest.mark.parametrize("next_path", ["//evil.example", "https://evil.example", "/\\evil.example", "\t//evil.example"])
async def test_no_open_redirect(store: Store, http: httpx.AsyncClient, next_path: str) -> None:
    await put_person(store, EMAIL, Role.ADMIN, password=PASSWORD)
    form = await http.get("/sign-in", params={"next": next_path})
    assert "evil" not in form.text
    assert (await submit(http, next=next_path)).headers["location"] == "/"


async def test_what_is_typed_is_never_markup(http: httpx.AsyncClient) -> None:
    answer = await submit(http, '"><script>alert(1)</script>', "x", next='/"><script>')
    assert "<script" not in answer.text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:9999", ""])
async def test_forms_of_other_sites_are_refused(store: Store, http: httpx.AsyncClient, origin: str) -> None:
    await put_person(store, EMAIL, Role.ADMIN, password=PASSWORD)
    answer = await http.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers={"origin": origin})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_a_form_that_is_too_long_is_not_read(http: httpx.AsyncClient) -> None:
    assert (await submit(http, "x" * 9000)).status_code == 413
    many = "&".join(f"f{number}=1" for number in range(20))
    assert (await http.post("/sign-in", content=many)).status_code == 413


SHUT = ["hashed_password = '$argon2id$another'", "is_active = false"]


@pytest.mark.parametrize("change", SHUT)
async def test_a_password_that_ends_while_it_is_looked_at_opens_nothing(
    store: Store, http: httpx.AsyncClient, change: str
) -> None:
    await put_person(store, EMAIL, Role.ADMIN, password=PASSWORD)
    async with meanwhile(store, f"UPDATE app_user SET {change}", submit(http)) as coming:
        answer = await coming
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    assert "do not belong together" in answer.text
    async with store.working() as session:
        assert (await session.execute(text("SELECT count(*) FROM user_session"))).scalar_one() == 0
    assert [note.action for note in await noted(store)][-1] == "sign-in failed"
    assert not await noted(store, "signed in")


async def test_a_better_hash_of_the_old_password_does_not_bring_it_back(store: Store, http: httpx.AsyncClient) -> None:
    person = await put_person(store, EMAIL, Role.ADMIN)
    weak = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024),)).hash(PASSWORD)
    async with store.working() as session:
        await session.execute(text("UPDATE app_user SET hashed_password = :hash"), {"hash": weak})
    async with meanwhile(store, "UPDATE app_user SET hashed_password = 'new'", submit(http)) as coming:
        assert (await coming).status_code == 401
    async with store.working() as session:
        user = await session.get_one(User, person.user_id)
    assert user.hashed_password == "new"


async def test_a_link_and_a_popup_that_end_while_they_are_used_open_nothing(store: Store) -> None:
    person = await put_person(store, EMAIL, Role.ADMIN)
    link = await sessions.make_link(store, person.user_id)
    shut = "UPDATE app_user SET is_active = false"
    async with meanwhile(store, shut, sessions.redeem_link(store, link)) as coming:
        assert await coming is None
    await put_back(store)
    token = await sessions.create_session(store, person.user_id, "oidc")
    async with meanwhile(store, shut, exchanged(store, token)) as coming:
        assert await coming is False


async def put_back(store: Store) -> None:
    async with store.working() as session:
        await session.execute(text("UPDATE app_user SET is_active = true"))


async def exchanged(store: Store, token: str) -> bool:
    async with store.gatekeeping() as session:
        return await people.exchange_session(session, token_hash(token), b"another", "popup")


async def test_fastapi_users_reads_and_destroys_our_sessions(store: Store) -> None:
    person = await put_person(store, EMAIL, Role.ADMIN)
    strategy = accounts.StoredSessions(store, dt.timedelta(hours=1))
    async with store.gatekeeping() as session:
        manager = accounts.manager_of(session)
        user = await manager.get_by_email(EMAIL)
        token = await strategy.write_token(user)
        read = await strategy.read_token(token, manager)
        assert read is not None
        assert read.id == person.user_id
        await strategy.destroy_token(token, user)
        assert await strategy.read_token(token, manager) is None
        assert await strategy.read_token(None, manager) is None


@pytest.mark.parametrize("cookie", [None, "", "unknown", "x" * 4000])
async def test_the_api_knows_nobody_without_a_session(http: httpx.AsyncClient, cookie: str | None) -> None:
    if cookie is not None:
        http.cookies.set("ads_session", cookie)
    answer = await http.get("/api/v1/me")
    assert answer.status_code == 401
    assert answer.json() == {"error": {"code": "unauthorized", "message": "Sign in first.", "details": None}}


@pytest.mark.parametrize(
    "address",
    [
        "/docs", "/redoc", "/openapi.json", "/api/v1/docs", "/api/v1/redoc", "/api/v1/",
        "/api/v1/register", "/_stcore/metrics", "/_stcore/agent/openapi.json", "/page/_stcore/agent/mcp",
        "/_stcore/upload_file/a/b", "/_stcore/script-health-check",
    ],
)  # fmt: skip
async def test_closed_addresses_are_not_there(http: httpx.AsyncClient, address: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert (await http.request(method, address)).status_code == 404


@pytest.mark.parametrize("address", ["/sign-in", "/healthz", "/readyz", "/api/v1/me", "/nowhere"])
async def test_headers_are_on_every_answer(http: httpx.AsyncClient, address: str) -> None:
    headers = (await http.get(address)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "strict-transport-security" not in headers


async def test_behind_https_every_cookie_is_secure(store: Store) -> None:
    await put_person(store, EMAIL, Role.ADMIN, password=PASSWORD)
    async with browsing(store, public_url="https://ads.test") as http:
        answer = await submit(http)
        assert answer.headers["set-cookie"].lower().count("; secure") == 1
        assert "max-age" in answer.headers["strict-transport-security"]
        gone = await http.post("/api/v1/auth/logout")
        assert "; secure" in gone.headers["set-cookie"].lower()


async def test_sessions_hold_as_long_as_the_setting_says(store: Store) -> None:
    await put_person(store, EMAIL, Role.ADMIN, password=PASSWORD)
    async with browsing(store, session_max_age_hours="2") as http:
        assert "max-age=7200" in (await submit(http)).headers["set-cookie"].lower()
    async with store.working() as session:
        query = text("SELECT extract(epoch FROM expires_at - created_at) FROM user_session")
        assert float((await session.execute(query)).scalar_one()) == pytest.approx(7200, abs=5)


async def test_health_and_readiness(store: Store, http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "migrations": "current"})
    async with store.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    try:
        behind = await http.get("/readyz")
        assert (behind.status_code, behind.json()) == (503, {"database": "ok", "migrations": "behind"})
    finally:
        async with store.engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head()})


async def test_a_lost_database_is_a_sentence(store: Store) -> None:
    lost = Store(store.url.set(database="no_such_database"))
    async with browsing(lost) as http:
        http.cookies.set("ads_session", "whatever")
        assert (await http.get("/healthz")).status_code == 200
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"database": "unreachable", "migrations": "unknown"})
        me = await http.get("/api/v1/me")
        assert me.status_code == 503
        assert me.json()["error"]["message"].startswith("The database cannot be reached.")
        asked = await http.get("/sign-in?token=x"), await http.get("/sign-in?token=x", headers=TYPED)
        for answer in (*asked, await http.post("/sign-in", data={"token": "x"}), await submit(http)):
            assert answer.status_code == 503
            assert "The database cannot be reached." in answer.text
    await lost.dispose()


async def test_what_the_database_refuses_is_said_and_its_reason_logged_once(
    store: Store, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await put_person(store, EMAIL, Role.ADMIN, password=PASSWORD)
    async with store.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE user_session ADD CONSTRAINT shut CHECK (false) NOT VALID"))
    try:
        answer = await submit(http)
    finally:
        async with store.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE user_session DROP CONSTRAINT shut"))
    assert answer.status_code == 503
    assert "The database refused the request. Nothing was changed. The log has the reason." in answer.text
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert 'violates check constraint "shut" (23514)' in line
    assert "INSERT INTO user_session" in line
    assert "Failing row" not in line


def test_the_address_is_the_one_of_the_settings() -> None:
    assert HOST == "http://localhost:8501"
