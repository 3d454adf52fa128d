"""One PostgreSQL for the run (TEST_DATABASE_URL or the embedded one), one migrated database for each test worker.

The controller of pytest-xdist starts the server and hands its address on; each worker makes a database of its own.
Every test that takes ``store`` finds the tables empty.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy import text
from sqlalchemy.engine import URL

from lib.store import migrate
from lib.store.embedded import EmbeddedServer
from lib.store.engine import Store, store_url
from tests.emptying import emptying
from tests.leaks import handed_out, leaks

pytest_plugins = [  # each after those that it imports: they are rewritten for assertions as they are loaded
    "tests.fixtures_processes",
    "tests.fixtures_disk",
    "tests.fixtures_wire",
    "tests.fixtures_database",
    "tests.fixtures_sandbox",
    "tests.fixtures_meta",
]

settings.register_profile("house", deadline=None)  # a busy machine is no failure
settings.load_profile("house")

LONGEST_FILES = (
    "test_benchmarks.py", "test_launch.py", "test_against_pandas.py", "test_export_process.py", "test_attempts.py",
    "test_schema.py", "test_on_mirror.py", "test_killed.py", "test_overview.py", "test_explore.py", "test_people.py",
    "test_gate_policy.py", "test_secrets.py", "test_clients.py", "test_overview_states.py", "test_gate.py",
)  # fmt: skip
SERVER = pytest.StashKey[EmbeddedServer]()
FOLDER = pytest.StashKey[Path]()
ADDRESS = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server once, in the controller."""
    handed = getattr(config, "workerinput", None)
    if handed is not None:
        config.stash[ADDRESS] = handed["database_url"]
        return
    folder = config.stash[FOLDER] = Path(tempfile.mkdtemp(prefix="ads-tests-"))
    # What a test does in its own process keeps its files here, and not in the project's folder.
    data = folder / "data"
    data.mkdir()
    os.environ["DATA_DIR"] = str(data)
    outside = os.environ.get("TEST_DATABASE_URL", "")
    if outside:
        config.stash[ADDRESS] = outside
        return
    server = config.stash[SERVER] = EmbeddedServer(folder / "postgres")
    config.stash[ADDRESS] = server.url("postgres").render_as_string(hide_password=False)
    forgo_safety(server.url("postgres"))


def plain(url: URL) -> str:
    """The address as psycopg takes it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def forgo_safety(url: URL) -> None:
    """Let the server not wait for the disk: nothing of it outlives the run. Tests that crash one have their own."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no worker begins one when the others have nothing left to do."""
    places = {name: place for place, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the server is."""
    node.workerinput["database_url"] = node.config.stash[ADDRESS]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """No file of the whole run holds a token: the controller looks when every worker has ended."""
    if hasattr(session.config, "workerinput"):
        return
    written = [Path(session.config._tmp_path_factory.getbasetemp())]  # type: ignore[attr-defined]  # has no public name
    found = leaks(written, handed_out(Path(__file__).parent))
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        reporter.ensure_newline()
        reporter.write_line(f"A token stands in {', '.join(map(str, found))}", red=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and remove the folder."""
    if SERVER in config.stash:
        config.stash[SERVER].close()
    if FOLDER in config.stash:
        shutil.rmtree(config.stash[FOLDER], ignore_errors=True)


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> URL:
    """The server's own database, as its owner."""
    return store_url(request.config.stash[ADDRESS])


@pytest.fixture(scope="session")
def database_url(server_url: URL, worker_id: str) -> Iterator[URL]:
    """This worker's migrated database, as its owner."""
    url = server_url.set(database=f"ads_test_{worker_id}_{os.getpid()}")
    migrate.ensure_database(url)
    migrate.upgrade(url)
    yield url
    drop_database(url)


def drop_database(url: URL) -> None:
    """Drop it, whoever is still connected."""
    with psycopg.connect(plain(url.set(database="postgres")), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)')


@asynccontextmanager
async def emptied(url: URL) -> AsyncIterator[Store]:
    """A store on this loop, with empty tables."""
    store = Store(url)
    async with store.engine.begin() as connection:
        await connection.execute(text(emptying()))
    yield store
    await store.dispose()


@pytest.fixture
async def store(database_url: URL) -> AsyncIterator[Store]:
    """The store on the test's loop, with empty tables."""
    async with emptied(database_url) as store:
        yield store
