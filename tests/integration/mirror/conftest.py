"""A small world in PostgreSQL, with slices, and a folder for its mirrors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from lib.insights.mirror import Mirror
from lib.store.engine import Store
from tests.fixtures_database import Database
from tests.integration.insights import world
from tests.integration.mirror.holding import SLICES, Holder


@pytest.fixture
def holder(database: Database, database_url: URL) -> Iterator[Holder]:
    """An empty store, and a loop to hold mirrors to it."""
    with asyncio.Runner() as runner:
        holder = Holder(runner, Store(database_url), database)
        yield holder
        holder.close()
        runner.run(holder.store.dispose())


@pytest.fixture
def world_in(holder: Holder) -> Holder:
    """The same with the world of awkward names in it, and a slice for each day of each account."""
    holder.run(world.build(holder.store))
    holder.database.owner(SLICES)
    return holder


@pytest.fixture(scope="module")
def shared_world(database_of_worker: Database, database_url: URL) -> Iterator[Holder]:
    """The same for a whole module, whose tests change nothing in it and take no world of their own."""
    database_of_worker.empty()
    with asyncio.Runner() as runner:
        holder = Holder(runner, Store(database_url), database_of_worker)
        holder.run(world.build(holder.store))
        holder.database.owner(SLICES)
        yield holder
        holder.close()
        runner.run(holder.store.dispose())


@pytest.fixture(scope="module")
def standing(shared_world: Holder, tmp_path_factory: pytest.TempPathFactory) -> Mirror:
    """Its mirror."""
    return shared_world.opened(tmp_path_factory.mktemp("shared") / "test.duckdb")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a mirror's file may be."""
    return tmp_path / "mirror" / "test.duckdb"


@pytest.fixture
async def kept(store: Store, database_of_worker: Database, path: Path) -> AsyncIterator[Mirror]:
    """A mirror of the world on the test's own loop, not started yet."""
    await world.build(store)
    await asyncio.to_thread(database_of_worker.owner, SLICES)
    mirror = Mirror(path, store, memory_mb=128)
    yield mirror
    await mirror.close()
