"""Chromium, and the dashboard as `uvicorn dashboard.server:app` on this worker's test database.

Playwright's sync API runs a loop in the test's thread, so coroutines of ours go through ``prepare``, which runs
them in a thread of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, expect, sync_playwright
from sqlalchemy import text
from sqlalchemy.engine import URL

from lib.access.people import put_person
from lib.access.sessions import COOKIE, create_session, make_link
from lib.access.viewer import Role
from lib.settings import ROOT
from lib.store.engine import Store
from tests.browser.forks import forked, into
from tests.browser.windows import Windows
from tests.emptying import emptying

T = TypeVar("T")
START_TIMEOUT_S = 120
PATIENCE_MS = 60_000
ARGUMENTS = (
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
)  # fmt: skip
INSTALL = "Chromium is missing. Install it with: sudo apt-get install -y chromium (or set CHROMIUM to its path)"
SETTINGS = (
    "PORT",
    "HOST",
    "PUBLIC_URL",
    "DATABASE_URL",
    "DATA_DIR",
    "AUTH_",
    "MAIL_",
    "META_GRAPH_URL",
    "TOKEN_KEYS",
    "SESSION_",
)


def free_port() -> int:
    """A port of the loopback that nobody listens on.

    Below those that the system gives to connections: one of these could take it before the server does.
    """
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def wait_for_http(url: str, ended: Callable[[], int | None], log: Path) -> None:
    """Wait until ``url`` answers; fail with the log where the process ends first, by this exit code."""
    end = time.monotonic() + START_TIMEOUT_S
    with httpx.Client(transport=httpx.HTTPTransport(retries=0)) as client:
        while time.monotonic() < end:
            if ended() is not None:
                pytest.fail(f"The server ended with {ended()}:\n{log.read_text()}")
            try:
                client.get(url, timeout=5)
            except httpx.TransportError:
                threading.Event().wait(0.05)
            else:
                return
    pytest.fail(f"{url} did not answer in {START_TIMEOUT_S} s:\n{log.read_text()}")


@contextmanager
def serving(words: list[str], url: str, log: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A server that answers at ``url``, as long as the block runs; its output goes to ``log``."""
    with log.open("wb") as output:
        process = subprocess.Popen(words, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_for_http(url, process.poll, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def clean_environment() -> dict[str, str]:
    """This process's environment without any setting of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}


@dataclass(frozen=True)
class Dashboard:
    """A running dashboard: where it is, what it wrote, and the database under it."""

    url: str
    log: Path
    database_url: URL
    data_dir: Path

    def log_text(self) -> str:
        """Everything that the server wrote so far."""
        return self.log.read_text(errors="replace")

    def prepare(self, work: Callable[[Store], Awaitable[T]]) -> T:
        """Run ``work`` on a store of this database, in a thread with a loop of its own."""

        async def with_store() -> T:
            store = Store(self.database_url)
            try:
                return await work(store)
            finally:
                await store.dispose()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: asyncio.run(with_store())).result()

    def empty(self) -> None:
        """Empty every table."""

        async def truncate(store: Store) -> None:
            async with store.engine.begin() as connection:
                await connection.execute(text(emptying()))

        self.prepare(truncate)

    def add_user(
        self,
        email: str = "ana@example.com",
        role: Role = Role.ADMIN,
        *,
        slugs: list[str] | None = None,
        password: str | None = None,
    ) -> uuid.UUID:
        """Make a person, or change one; the clients of ``slugs`` have to exist."""
        return self.prepare(lambda store: put_person(store, email, role, slugs=slugs, password=password)).user_id

    def sign_in(self, context: BrowserContext, user_id: uuid.UUID) -> None:
        """Make a sign-in of this person and hand it to the browser: what a link does, without the page behind it."""
        token = self.prepare(lambda store: create_session(store, user_id, "local"))
        context.add_cookies([{"name": COOKIE, "value": token, "url": self.url, "httpOnly": True, "sameSite": "Lax"}])

    def link(self, user_id: uuid.UUID) -> str:
        """A one-time sign-in address."""
        return f"{self.url}/sign-in?token={self.prepare(lambda store: make_link(store, user_id))}"


@contextmanager
def running_dashboard(
    database_url: URL, folder: Path, *, target: str = "dashboard.server:app", **settings: str
) -> Iterator[Dashboard]:
    """The dashboard with these settings, on a free port, with a private DATA_DIR in ``folder``."""
    port = int(settings.pop("PORT", "0")) or free_port()
    url, log, data_dir = f"http://localhost:{port}", folder / "server.log", folder / "data"
    data_dir.mkdir(parents=True, exist_ok=True)
    address = database_url.render_as_string(hide_password=False)
    env = clean_environment() | {"PORT": str(port), "DATABASE_URL": address, "DATA_DIR": str(data_dir)} | settings
    process = forked(run_server, target, port, env, log)
    try:
        wait_for_http(f"{url}/healthz", lambda: process.exitcode, log)
        yield Dashboard(url, log, database_url, data_dir)
    finally:
        process.terminate()
        process.join(20)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


def run_server(target: str, port: int, env: dict[str, str], log: Path) -> None:
    """What a forked process does: `uvicorn TARGET`, in this environment, its output in ``log``."""
    into(env, log, log)
    uvicorn.run(target, host="127.0.0.1", port=port)


@pytest.fixture(scope="session")
def shared_dashboard(database_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """One dashboard for all tests of this worker that need no settings of their own; it logs request lines.

    PostgreSQL answers every question: what was stored a moment ago is there, and no copy hides a fault.
    """
    folder = tmp_path_factory.mktemp("dashboard")
    with running_dashboard(database_url, folder, LOG_LEVEL="INFO", MIRROR_MEMORY_MB="0") as dashboard:
        yield dashboard


@pytest.fixture
def dashboard(shared_dashboard: Dashboard) -> Dashboard:
    """The running dashboard, with empty tables."""
    shared_dashboard.empty()
    return shared_dashboard


@pytest.fixture(scope="session")
def browser(database_url: URL) -> Iterator[Browser]:
    """Chromium, headless, told to call nobody.

    After the worker's database, which is made on a loop: from here on Playwright's own runs in this thread.
    """
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail(INSTALL)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        # The first page of a server, and any page of a busy machine, is longer in coming than Playwright waits.
        expect.set_options(timeout=PATIENCE_MS)
        chromium = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *sandbox])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def windows(browser: Browser) -> Iterator[Windows]:
    """Contexts of this worker's browser, which keep what they have loaded of the app."""
    windows = Windows(browser, PATIENCE_MS)
    yield windows
    windows.close()


@pytest.fixture
def new_context(windows: Windows) -> Iterator[Callable[..., BrowserContext]]:
    """Gives browser contexts (each with cookies of its own) for as long as the test."""
    taken: list[tuple[BrowserContext, dict[str, Any]]] = []

    def take(**options: Any) -> BrowserContext:
        taken.append((windows.take(**options), options))
        return taken[-1][0]

    yield take
    for context, options in taken:
        windows.put_back(context, **options)


@pytest.fixture
def signed_in(dashboard: Dashboard, new_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Gives a page that shows nothing yet, in a context of its own in which a person is signed in."""

    def sign_in(user_id: uuid.UUID | None = None, **options: Any) -> Page:
        context = new_context(**options)
        dashboard.sign_in(context, user_id or dashboard.add_user())
        return context.new_page()

    return sign_in


@dataclass
class Frames:
    """Every websocket frame that a page was sent."""

    received: list[bytes] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Listen before the page is opened."""
        page.on("websocket", self._follow)

    def _follow(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._keep)

    def _keep(self, payload: str | bytes) -> None:
        self.received.append(payload.encode() if isinstance(payload, str) else payload)

    def contain(self, words: str) -> bool:
        """Whether any frame holds these words."""
        return any(words.encode() in frame for frame in self.received)
