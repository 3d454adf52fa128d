"""Chromium, and the dashboard as `uvicorn dashboard.server:app` on this worker's test database.

Playwright's sync API runs a loop in the test's thread, so coroutines of ours go through ``prepare``, which runs
them in a thread of their own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
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
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, sync_playwright
from sqlalchemy import text
from sqlalchemy.engine import URL

from lib.access.people import put_person
from lib.access.sessions import make_link
from lib.access.viewer import Role
from lib.settings import ROOT
from lib.store.engine import Store
from lib.store.models import Base

T = TypeVar("T")
START_TIMEOUT_S = 60
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
    "META_GRAPH_URL",
    "TOKEN_KEYS",
    "SESSION_",
)


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for_http(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until ``url`` answers; fail with the log where the process ends first."""
    end = time.monotonic() + START_TIMEOUT_S
    with httpx.Client(transport=httpx.HTTPTransport(retries=0)) as client:
        while time.monotonic() < end:
            if process.poll() is not None:
                pytest.fail(f"The server ended with {process.returncode}:\n{log.read_text()}")
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
        wait_for_http(url, process, log)
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
        tables = ", ".join(table.name for table in Base.metadata.sorted_tables)

        async def truncate(store: Store) -> None:
            async with store.engine.begin() as connection:
                await connection.execute(text(f"TRUNCATE {tables} CASCADE"))

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
    words = [sys.executable, "-m", "uvicorn", target, "--host", "127.0.0.1", "--port", str(port)]
    with serving(words, f"{url}/healthz", log, env):
        yield Dashboard(url, log, database_url, data_dir)


@pytest.fixture(scope="session")
def shared_dashboard(database_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """One dashboard for all tests of this worker that need no settings of their own."""
    with running_dashboard(database_url, tmp_path_factory.mktemp("dashboard")) as dashboard:
        yield dashboard


@pytest.fixture
def dashboard(shared_dashboard: Dashboard) -> Dashboard:
    """The running dashboard, with empty tables."""
    shared_dashboard.empty()
    return shared_dashboard


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, headless, told to call nobody."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail(INSTALL)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *sandbox])
        yield chromium
        chromium.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts (each with cookies of its own) that end with the test."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def signed_in(dashboard: Dashboard, new_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Signs a person in by a one-time link, in a context of their own, and gives the page at ``/``."""

    def sign_in(user_id: uuid.UUID | None = None, **options: Any) -> Page:
        page = new_context(**options).new_page()
        page.goto(dashboard.link(user_id or dashboard.add_user()))
        return page

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
