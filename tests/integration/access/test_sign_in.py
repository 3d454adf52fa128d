"""/sign-in, /sign-out, /api/v1/me and the headers, through the HTTP side of the server."""

from __future__ import annotations

import asyncio
import datetime as dt

import httpx
import pytest
from sqlalchemy import text

from api import accounts
from lib.access import sessions
from lib.access.passwords import HASHER
from lib.access.people import put_person
from lib.access.viewer import Role
from lib.store.engine import Store
from tests.integration.access.conftest import HOST, browsing

EMAIL, PASSWORD = "ana@example.com", "correct horse battery"


async def submit(
    http: httpx.AsyncClient, email: str = EMAIL, password: str = PASSWORD, **fields: str
) -> httpx.Response:
    return await http.post("/sign-in", data={"email": email, "password": password, **fields})


async def test_a_link_signs_in_once(store: Store, http: httpx.AsyncClient) -> None:
    person = await put_person(store, EMAIL, Role.ADMIN)
    link = f"/sign-in?token={await sessions.make_link(store, person.user_id)}"
    answers = await asyncio.gather(*(http.get(link) for _ in range(5)))
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
    assert "make run" in bad.text
    assert (await http.get("/api/v1/me")).json()["data"]["email"] == EMAIL


@pytest.mark.parametrize("token", ["", "unknown", "x" * 3000, "%00", "%ff", "a&token=b"])
async def test_other_links_are_gone(http: httpx.AsyncClient, token: str) -> None:
    assert (await http.get(f"/sign-in?token={token}")).status_code == 410


async def test_a_look_ahead_at_a_link_does_not_use_it_up(store: Store, http: httpx.AsyncClient) -> None:
    person = await put_person(store, EMAIL, Role.ADMIN)
    link = f"/sign-in?token={await sessions.make_link(store, person.user_id)}"
    assert (await http.head(link)).status_code == 200
    assert (await http.get(link)).status_code == 303


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
@pytest.mark.parametrize("address", ["/sign-in", "/sign-out"])
async def test_forms_of_other_sites_are_refused(
    store: Store, http: httpx.AsyncClient, origin: str, address: str
) -> None:
    person = await put_person(store, EMAIL, Role.ADMIN, password=PASSWORD)
    token = await sessions.create_session(store, person.user_id, "local")
    http.cookies.set("ads_session", token)
    answer = await http.post(address, data={"email": EMAIL, "password": PASSWORD}, headers={"origin": origin})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert await sessions.viewer_of(store, token) is not None


async def test_a_form_that_is_too_long_is_not_read(http: httpx.AsyncClient) -> None:
    assert (await submit(http, "x" * 9000)).status_code == 413
    many = "&".join(f"f{number}=1" for number in range(20))
    assert (await http.post("/sign-in", content=many)).status_code == 413


async def test_signing_out_ends_the_session(store: Store, http: httpx.AsyncClient) -> None:
    await put_person(store, EMAIL, Role.ADMIN, password=PASSWORD)
    await submit(http)
    token = http.cookies["ads_session"]
    answer = await http.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "ads_session" not in http.cookies
    assert await sessions.viewer_of(store, token) is None
    http.cookies.set("ads_session", token)
    assert (await http.get("/api/v1/me")).status_code == 401
    assert (await http.get("/sign-out")).status_code == 405


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
        "/docs", "/redoc", "/openapi.json", "/api/v1/docs", "/api/v1/redoc", "/api/v1/openapi.json", "/api/v1/",
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
        gone = await http.post("/sign-out")
        assert "secure" in gone.headers["set-cookie"].lower()


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
            await connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))


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
        for answer in (await http.get("/sign-in?token=x"), await submit(http), await http.post("/sign-out")):
            assert answer.status_code == 503
            assert "The database cannot be reached." in answer.text
    await lost.dispose()


def test_the_address_is_the_one_of_the_settings() -> None:
    assert HOST == "http://localhost:8501"
