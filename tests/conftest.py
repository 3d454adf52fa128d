"""One PostgreSQL for the run (TEST_DATABASE_URL or the embedded one), one migrated database for each test worker.

The controller of pytest-xdist starts the server and hands its address on; each worker makes a database of its own.
Every test that takes ``store`` finds the tables empty.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url

from lib.store import migrate
from lib.store.embedded import EmbeddedServer
from lib.store.engine import Store, store_url
from lib.store.models import Base

pytest_plugins = [  # each after those that it imports: they are rewritten for assertions as they are loaded
    "tests.fixtures_processes",
    "tests.fixtures_wire",
    "tests.fixtures_database",
    "tests.fixtures_sandbox",
    "tests.fixtures_meta",
]

SERVER = pytest.StashKey[EmbeddedServer]()
FOLDER = pytest.StashKey[Path]()
ADDRESS = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server once, in the controller."""
    handed = getattr(config, "workerinput", None)
    if handed is not None:
        config.stash[ADDRESS] = handed["database_url"]
        return
    outside = os.environ.get("TEST_DATABASE_URL", "")
    if outside:
        config.stash[ADDRESS] = outside
        return
    folder = Path(tempfile.mkdtemp(prefix="ads-tests-"))
    server = EmbeddedServer(folder)
    config.stash[SERVER], config.stash[FOLDER] = server, folder
    config.stash[ADDRESS] = server.url("postgres").render_as_string(hide_password=False)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the server is."""
    node.workerinput["database_url"] = node.config.stash[ADDRESS]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and remove its folder."""
    if SERVER in config.stash:
        config.stash[SERVER].close()
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
    admin = make_url(url).set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)')


@pytest.fixture
async def store(database_url: URL) -> AsyncIterator[Store]:
    """The store on the test's loop, with empty tables."""
    store = Store(database_url)
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
    async with store.engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {tables} CASCADE"))
    yield store
    await store.dispose()
