"""A day of the dashboard, then a search through everything that was written for the secrets that went in.

Its data folder holds all of it: the embedded database with its log and its write-ahead log, the mirror, the keys. The
processes log at DEBUG.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from lib.store.embedded import EmbeddedServer
from tests.browser.conftest import PATIENCE_MS, Dashboard, Frames, running_dashboard
from tests.browser.forks import run_command
from tests.browser.overview import Sandbox, download, loaded, running_sandbox
from tests.browser.pasting import paste, press
from tests.browser.windows import Windows
from tests.fixtures_database import Database
from tests.fixtures_processes import environment
from tests.issuing import rs256, rsa_key, token_of

FINE = "EAAfine0token0that0nobody0may0ever0read"
PASTED = "EAApasted0into0the0page0of0clients0by0hand"
DEAD_PASTED = "expired-pasted-and-refused-but-no-less-secret"
DEAD = "expired-but-secret-all-the-same"
PASSWORD = "correct-horse-battery-of-the-boss"
WRONG_PASSWORD = "wrong-horse-battery-of-a-stranger"
MISPLACED = "password-typed-into-the-field-above"
WRONG_LINK = "a-link-that-never-was-0123456789abcdef"
OPAQUE = "gho_16C7e42F292c6912E7710c838347Ae178B4a"
GUESSED = "ads_pat_guessed0guessed0guessed0guessed0guess"
FORGED = token_of({"alg": "RS256", "kid": "x"}, {"sub": "eve", "iss": "https://evil.example"}, rs256(rsa_key(9)))
REFRESHED = re.compile(r"Refreshed in part: [\d,]+ rows? stored")


@dataclass
class Day:
    """What was written where, and what must not be in it."""

    folder: Path
    secrets: dict[str, str]
    said: dict[str, bytes] = field(default_factory=dict)
    frames: Frames = field(default_factory=Frames)


class House:
    """A data folder, its dashboard and its command line, with one healthy client and one whose token is dead."""

    def __init__(self, day: Day, dashboard: Dashboard, sandbox: Sandbox) -> None:
        self.day, self.dashboard = day, dashboard
        self._settings = {"DATA_DIR": str(day.folder), "META_GRAPH_URL": sandbox.url, "LOG_LEVEL": "DEBUG"}
        self._settings["PUBLIC_URL"] = dashboard.url
        for name, token, account in (("Fine", FINE, 0), ("Dead", DEAD, 1)):
            number = sandbox.accounts[account]["account_id"]
            self.run("client", "add", "--name", name, "--account", str(number), "--token-stdin", stdin=token)

    def run(self, *words: str, stdin: str = "", secret: str = "") -> None:
        """A command; what it says is kept, but for the one secret that it is there to tell."""
        done = run_command(environment(**self._settings), *words, stdin=stdin)
        assert done.code == 0, done.stderr
        said = done.stdout + done.stderr
        if secret:
            found = re.search(r"(?:token=|: )([\w-]{20,})$", done.stdout.strip())
            assert found, done.stdout
            self.day.secrets[secret] = found[1]
            said = said.replace(found[1], "")
        self.day.said[f"{' '.join(words[:2])} {secret or stdin[:4]}"] = said.encode()


def people(house: House) -> None:
    """Somebody with a password, a link, an invitation, a personal token."""
    house.run("user", "add", "boss@example.com", "--role", "admin", "--password-stdin", stdin=f"{PASSWORD}\n")
    house.run("user", "add", "ana@example.com", "--role", "viewer", "--client", "fine", secret="link")
    house.run("user", "invite", "ben@example.com", secret="invitation")
    house.run("token", "add", "boss@example.com", secret="personal token")


def strangers(house: House) -> None:
    """Everything that is refused: links, passwords, tokens of each kind, in headers and in addresses."""
    site = {"origin": house.dashboard.url}
    with httpx.Client(base_url=house.dashboard.url, headers=site, timeout=60) as http:
        assert http.get("/sign-in", params={"token": WRONG_LINK}).status_code == 410
        for email, password in (("boss@example.com", WRONG_PASSWORD), (MISPLACED, WRONG_PASSWORD)):
            assert http.post("/sign-in", data={"email": email, "password": password}).status_code == 401
        login = {"username": "nobody@example.com", "password": WRONG_PASSWORD}
        assert http.post("/api/v1/auth/login", data=login).status_code in (400, 401)
        for bearer in (OPAQUE, GUESSED, FORGED):
            refused = http.get("/api/v1/me", headers={"Authorization": f"Bearer {bearer}"})
            assert refused.status_code == 401
            assert http.get("/api/v1/me", params={"access_token": bearer}).status_code == 401
            assert http.get("/invitation", params={"token": bearer}).status_code < 500
        mine = {"Authorization": f"Bearer {house.day.secrets['personal token']}"}
        assert http.get("/api/v1/me", headers=mine).status_code == 200
        assert http.get("/api/v1/nothing", headers=mine).status_code == 404


def sign_in(house: House, page: Page) -> None:
    """By the form, at the second try."""
    page.goto(f"{house.dashboard.url}/sign-in")
    page.get_by_label("E-mail").fill("boss@example.com")
    for password in (WRONG_PASSWORD, PASSWORD):
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("boss@example.com · admin")).to_be_visible()


def tokens(house: House, page: Page) -> None:
    """Test the token that is stored, and put another in its place after one that is dead."""
    page.goto(f"{house.dashboard.url}/clients?client=fine")
    press(page, "Test")
    expect(page.get_by_text("The token is valid")).to_be_visible()
    press(page, "Close")
    press(page, "Replace")
    for pasted, found in ((DEAD_PASTED, "The pasted token is dead"), (PASTED, "The token is valid")):
        paste(page, pasted)
        expect(page.get_by_text(found)).to_be_visible()
    press(page, "Replace the token")
    expect(page.get_by_text("The token of Fine is stored.")).to_be_visible()


def work(house: House, context: BrowserContext) -> None:
    """Sign in, refresh both clients, take files, look at every page, sign out."""
    page = context.new_page()
    house.day.frames.watch(page)
    sign_in(house, page)
    page.get_by_role("button", name="Refresh", exact=True).click()
    expect(page.get_by_text(REFRESHED)).to_be_visible(timeout=2 * PATIENCE_MS)
    page.goto(f"{house.dashboard.url}/?period=last_7")
    loaded(page)
    for kind in ("CSV", "Parquet"):
        house.day.said[kind] = download(page, kind)[1]
    for path, words in (("clients", "Clients"), ("people", "People"), ("system", "System"), ("audit", "Audit")):
        page.goto(f"{house.dashboard.url}/{path}")
        expect(page.get_by_role("heading", name=words, exact=True)).to_be_visible()
    tokens(house, page)
    page.goto(f"{house.dashboard.url}/audit")
    label = page.get_by_role("button", name=re.compile(r"^Download CSV")).inner_text().strip().split("\n")[-1]
    house.day.said["audit"] = download(page, label)[1]
    (cookie,) = [each for each in context.cookies() if each.get("name") == "ads_session"]
    house.day.secrets["session"] = cookie.get("value", "")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Sign in to see your clients' numbers.")).to_be_visible()


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, windows: Windows) -> Day:
    """Everything that a day wrote."""
    folder = tmp_path_factory.mktemp("secrets")
    kept = folder / "data"
    kept.mkdir(mode=0o700)
    given = {"Fine's token": FINE, "Dead's token": DEAD, "password": PASSWORD, "wrong password": WRONG_PASSWORD}
    given |= {"pasted": PASTED, "dead and pasted": DEAD_PASTED}
    given |= {"misplaced": MISPLACED, "wrong link": WRONG_LINK, "opaque": OPAQUE, "guessed": GUESSED}
    found = Day(kept, given | {f"forged {number}": each for number, each in enumerate(FORGED.split(".")[1:])})
    with EmbeddedServer(kept) as server, running_sandbox(folder, 2) as meta:
        assert run_command(environment(DATA_DIR=str(kept)), "client", "list").code == 0, "it makes the database"
        settings = {"DATABASE_URL": "", "LOG_LEVEL": "DEBUG", "META_GRAPH_URL": meta.url}
        with running_dashboard(server.url(), folder, **settings) as dashboard:
            house = House(found, dashboard, meta)
            people(house)
            strangers(house)
            context = windows.fresh()
            work(house, context)
            context.close()
            found.secrets["key"] = (kept / "token.key").read_text()
            house.run("keys", "rotate")
        found.said["the dashboard's log"] = dashboard.log.read_bytes()
    return found


def test_the_day_was_one(day: Day) -> None:
    assert len(day.secrets) == len(set(day.secrets.values())) == 17
    assert b"boss@example.com" in day.said["audit"]
    assert all(
        word in day.said["audit"] for word in (b"sign-in failed", b"started refresh", b"saw client", b"exported")
    )
    log = day.said["the dashboard's log"]
    assert b"GET /sign-in" in log
    assert b"DEBUG" in log
    assert day.frames.contain("boss@example.com")


def test_nothing_that_was_said_holds_a_secret(day: Day) -> None:
    for where, said in day.said.items():
        for name, secret in day.secrets.items():
            assert secret.encode() not in said, f"{where} has the {name}"


def test_no_file_holds_one(day: Day) -> None:
    files = [path for path in day.folder.rglob("*") if path.is_file()]
    assert {"pg_wal", "mirror", "base"} <= {part for path in files for part in path.parts}
    key = day.folder / "token.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    for path in set(files) - {key}:
        content = path.read_bytes()
        for name, secret in day.secrets.items():
            for form in (secret.encode(), secret.encode().hex().encode()):
                assert form not in content, f"{path} has the {name}"


def test_no_row_holds_one(day: Day) -> None:
    with EmbeddedServer(day.folder) as server:
        database = Database(server.url())
        tables = database.owner("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        dump = "\n".join(row for (name,) in tables for (row,) in database.owner(f"SELECT t::text FROM {name} t"))
    assert "sign-in failed" in dump
    for name, secret in day.secrets.items():
        for form in (secret, secret.encode().hex()):
            assert form not in dump, f"a row has the {name}"


def test_no_browser_was_sent_one(day: Day) -> None:
    for name, secret in day.secrets.items():
        assert not day.frames.contain(secret), f"the browser was sent the {name}"
