"""Personal tokens: made once by a command, stored hashed, good until they are over, revoked, or their person is out."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.routing import Mount

from api.main import create_api
from lib.access import personal_tokens, sessions, sign_in_notes
from lib.access.people import put_person
from lib.access.tokens import token_hash
from lib.access.viewer import Role
from lib.errors import UsageError
from lib.logs import redact
from lib.settings import Settings
from lib.store.engine import Store
from tests.fixtures_database import Database
from tests.fixtures_processes import Cli
from tests.locking import meanwhile
from tests.people import noted
from tests.serving import serving

EMAIL = "ana@example.com"
SHAPE = r"ads_pat_[A-Za-z0-9_-]{43}"


@pytest.fixture
def ana(command: Cli, database: Database) -> None:
    """A person, for tests of the command."""
    database.owner("INSERT INTO app_user (email, role) VALUES (%s, 'viewer')", [EMAIL])


async def test_who_is_disabled_in_the_same_moment_gets_none(store: Store) -> None:
    await put_person(store, EMAIL, Role.VIEWER)
    disabling = "UPDATE app_user SET is_active = false"
    async with meanwhile(store, disabling, personal_tokens.create_token(store, EMAIL)) as making:
        with pytest.raises(UsageError, match="no active person"):
            await making
    assert await personal_tokens.list_tokens(store, EMAIL) == []


@pytest.fixture
async def http(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API on a real socket."""
    app = Starlette(routes=[Mount("/api/v1", create_api(lambda: store, settings=Settings(_env_file=None)))])
    async with serving(app) as served, httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
        yield client


async def ask(http: httpx.AsyncClient, token: str, **headers: str) -> httpx.Response:
    return await http.get("/api/v1/me", headers={"authorization": f"Bearer {token}", **headers})


async def change(store: Store, statement: str) -> None:
    async with store.working() as session:
        await session.execute(text(statement))


def test_a_token_is_printed_once_last_on_its_line(command: Cli, ana: None, database: Database) -> None:
    done = command("token", "add", "ANA@example.com")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    token = done.stdout.split()[-1]
    assert re.fullmatch(SHAPE, token)
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=90)
    assert f"of {EMAIL} for read until {until:%Y-%m-%d}" in done.stdout
    (row,) = database.rows("SELECT token_hash, scopes, name, expires_at - created_at FROM personal_token")
    assert row == (token_hash(token), ["read"], "", dt.timedelta(days=90))
    dump = database.one("SELECT string_agg(t::text, ' ') FROM personal_token t")
    assert token not in dump
    assert token.removeprefix("ads_pat_") not in dump
    assert token.encode().hex() not in dump
    listed = command("token", "list", EMAIL)
    assert token not in listed.stdout
    assert "read  active  until" in listed.stdout


def test_scopes_days_and_names(command: Cli, ana: None, database: Database) -> None:
    words = ("--scope", "write", "--days", "366", "--name", "nightly import")
    assert command("token", "add", EMAIL, *words).code == 0
    assert "for read and write until" in command("token", "add", EMAIL, "--scope", "read", "--scope", "write").stdout
    rows = database.rows("SELECT name, scopes, (expires_at - created_at)::text FROM personal_token ORDER BY name DESC")
    assert rows == [("nightly import", ["read", "write"], "366 days"), ("", ["read", "write"], "90 days")]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("bob@example.com",), "There is no active person bob@example.com."),
        (("gone@example.com",), "There is no active person gone@example.com."),
        ((EMAIL, "--days", "0"), "A token holds for 1 to 366 days, not 0."),
        ((EMAIL, "--days", "367"), "A token holds for 1 to 366 days, not 367."),
        ((EMAIL, "--days", "-5"), "A token holds for 1 to 366 days, not -5."),
        ((EMAIL, "--days", "many"), "invalid int value"),
        ((EMAIL, "--scope", "admin"), "invalid choice: 'admin'"),
        ((EMAIL, "--name", "x" * 101), "A token's name has up to 100 printable characters."),
        ((EMAIL, "--name", "a\nb"), "A token's name has up to 100 printable characters."),
        ((), "required: EMAIL"),
    ],
)
def test_what_is_off_makes_no_token(
    command: Cli, ana: None, database: Database, words: tuple[str, ...], sentence: str
) -> None:
    database.owner("INSERT INTO app_user (email, role, is_active) VALUES ('gone@example.com', 'admin', false)")
    done = command("token", "add", *words)
    assert done.code == 2
    assert sentence in done.stderr
    assert done.stdout == ""
    assert database.one("SELECT count(*) FROM personal_token") == 0


def test_lists(command: Cli, ana: None, database: Database) -> None:
    assert command("token", "list", "--all").stderr.startswith("There is no token yet.")
    database.owner("INSERT INTO app_user (email, role) VALUES ('bob@example.com', 'viewer')")
    for email in (EMAIL, "bob@example.com", EMAIL):
        command("token", "add", email)
    database.owner("UPDATE personal_token SET expires_at = now(), last_used_at = '2026-03-01 10:20:30+00'")
    everyone, mine = command("token", "list", "--all").stdout, command("token", "list", "Ana@example.com").stdout
    assert (everyone.count(EMAIL), everyone.count("bob@example.com")) == (2, 1)
    assert (mine.count(EMAIL), mine.count("bob@example.com")) == (2, 0)
    assert mine.count("expired") == 2
    assert "last used 2026-03-01 10:20 UTC" in mine
    assert command("token", "list", "eve@example.com").code == 2
    assert command("token", "list").code == 2
    assert command("token", "list", EMAIL, "--all").code == 2


def test_revoking(command: Cli, ana: None, database: Database) -> None:
    done = command("token", "add", EMAIL)
    token_id, token = done.stdout.split()[1], done.stdout.split()[-1]
    revoked = command("token", "revoke", token_id)
    assert (revoked.code, revoked.stdout) == (0, f"Revoked {token_id}; it opens nothing from now on.\n")
    first = database.one("SELECT revoked_at FROM personal_token")
    assert command("token", "revoke", token_id).code == 0
    assert database.one("SELECT revoked_at FROM personal_token") == first
    assert "  revoked  " in command("token", "list", EMAIL).stdout
    unknown = uuid.uuid4()
    assert f"There is no token {unknown}." in command("token", "revoke", str(unknown)).stderr
    mistaken = command("token", "revoke", token)
    assert mistaken.code == 2
    assert token not in mistaken.stderr


async def test_a_program_asks_as_its_person(store: Store, http: httpx.AsyncClient, clients: dict[str, int]) -> None:
    await put_person(store, EMAIL, Role.VIEWER, slugs=["acme"])
    token = (await personal_tokens.create_token(store, EMAIL)).secret
    assert (await ask(http, token)).json()["data"]["account_ids"] == ["11", "12"]
    await put_person(store, EMAIL, Role.ANALYST, slugs=["zebra"])
    me = (await ask(http, token)).json()["data"]
    assert (me["role"], me["account_ids"], me["scopes"]) == ("analyst", ["21"], ["read"])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE personal_token SET revoked_at = now()",
        "UPDATE personal_token SET expires_at = now()",
        "UPDATE app_user SET is_active = false",
        "DELETE FROM personal_token",
        "DELETE FROM app_user",
        "UPDATE personal_token SET token_hash = decode(md5('else'), 'hex')",
    ],
)
async def test_a_token_that_is_over_opens_nothing(store: Store, http: httpx.AsyncClient, statement: str) -> None:
    person = await put_person(store, EMAIL, Role.ADMIN)
    token = (await personal_tokens.create_token(store, EMAIL)).secret
    assert (await ask(http, token)).status_code == 200
    bob = await put_person(store, "bob@example.com", Role.ADMIN)
    bobs = await sessions.create_session(store, bob.user_id, "local")
    await change(store, f"{statement} WHERE {'user_id' if 'token' in statement else 'id'} = '{person.user_id}'")
    for answer in (await ask(http, token), await ask(http, token, cookie=f"ads_session={bobs}")):
        assert answer.status_code == 401
        assert answer.json()["error"]["message"] == "The bearer token is not accepted. Get a new one and try again."
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE personal_token SET revoked_at = now()", "personal token revoked"),
        ("UPDATE personal_token SET expires_at = now()", "personal token expired"),
        ("UPDATE app_user SET is_active = false", "this person is disabled"),
    ],
)
async def test_whose_token_comes_after_its_end_is_noted_once_a_day(
    store: Store, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, statement: str, why: str
) -> None:
    person = await put_person(store, EMAIL, Role.ADMIN)
    made = [await personal_tokens.create_token(store, EMAIL, name=name) for name in ("sheet", "bot")]
    await change(store, statement)
    for _ in range(3):
        for one in made:
            assert (await ask(http, one.secret)).status_code == 401
        # Another process has seen none of them.
        monkeypatch.setattr(sign_in_notes, "_noted", OrderedDict())
    assert (await ask(http, f"ads_pat_{'x' * 43}")).status_code == 401
    told = [
        (note.user_id, note.email, note.subject, note.via, note.address, note.after)
        for note in await noted(store, "sign-in failed")
    ]
    assert told == [
        (
            person.user_id,
            EMAIL,
            str(one.info.id),
            "api",
            "127.0.0.1",
            {"by": "personal token", "why": why, "name": name},
        )
        for one, name in zip(made, ("sheet", "bot"), strict=True)
    ]


async def test_what_resembles_a_token_opens_nothing(store: Store, http: httpx.AsyncClient) -> None:
    person = await put_person(store, EMAIL, Role.ADMIN)
    token = (await personal_tokens.create_token(store, EMAIL)).secret
    session = await sessions.create_session(store, person.user_id, "local")
    digest = token_hash(token).hex()
    bare = token.removeprefix("ads_pat_")
    ill = [
        token[:-1],
        token + "A",
        token.upper(),
        bare,
        "ads_pat_",
        f"ads_pat_{bare[::-1]}",
        f"ads_pat_{digest}",
        digest,
    ]
    ill += [f"ads_pat_{session}", session, "ads_pat_' OR '1'='1", "ads_pat_%", f"ads_pat_{'x' * 7000}"]
    for each in ill:
        assert (await ask(http, each)).status_code == 401, each
    http.cookies.set("ads_session", token)
    assert (await http.get("/api/v1/me")).status_code == 401


async def test_the_last_use_is_noted_once_a_minute(store: Store) -> None:
    await put_person(store, EMAIL, Role.ADMIN)
    token = (await personal_tokens.create_token(store, EMAIL)).secret
    used = "SELECT last_used_at, now() - last_used_at < interval '30 s' FROM personal_token"

    async def look() -> tuple[dt.datetime, bool]:
        async with store.working() as session:
            return tuple((await session.execute(text(used))).one())  # type: ignore[return-value]

    assert await look() == (None, None)
    await asyncio.gather(*(personal_tokens.holder_of(store, token) for _ in range(10)))
    first, is_fresh = await look()
    assert is_fresh
    before = store.statements
    await personal_tokens.holder_of(store, token)
    assert store.statements - before == 2
    assert (await look())[0] == first
    await change(store, "UPDATE personal_token SET last_used_at = last_used_at - interval '1 min'")
    await personal_tokens.holder_of(store, token)
    assert (await look())[0] > first


async def test_where_nothing_can_be_noted_reading_goes_on(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    await put_person(store, EMAIL, Role.ADMIN)
    token = (await personal_tokens.create_token(store, EMAIL)).secret
    async with store.engine.begin() as connection:
        await connection.execute(text("REVOKE UPDATE (last_used_at) ON personal_token FROM ads_gate"))
    try:
        assert await personal_tokens.holder_of(store, token) is not None
    finally:
        async with store.engine.begin() as connection:
            await connection.execute(text("GRANT UPDATE (last_used_at) ON personal_token TO ads_gate"))
    assert "last use of a token was not noted" in caplog.text


async def test_the_app_cannot_make_or_prolong_tokens(store: Store) -> None:
    person = await put_person(store, EMAIL, Role.ADMIN)
    await personal_tokens.create_token(store, EMAIL)
    for forbidden in (
        f"INSERT INTO personal_token (user_id, name, token_hash, scopes) VALUES ('{person.user_id}', '', 'x', '{{}}')",
        "UPDATE personal_token SET expires_at = now() + interval '1 year'",
        "UPDATE personal_token SET revoked_at = NULL",
        "DELETE FROM personal_token",
    ):
        with pytest.raises(Exception, match="refused"):
            async with store.gatekeeping() as session:
                await session.execute(text(forbidden))


async def test_logs_never_hold_one(store: Store) -> None:
    await put_person(store, EMAIL, Role.ADMIN)
    made = await personal_tokens.create_token(store, EMAIL)
    assert made.secret not in repr(made)
    for line in ("used {}", "Bearer {}", "authorization: bearer {}", "?x={}&y", "bearer.{}, ads.live", "({})"):
        assert made.secret[8:20] not in redact(line.format(made.secret))
