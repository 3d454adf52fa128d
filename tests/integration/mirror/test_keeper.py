"""The dashboard's own mirror, by the ways that its pages take, while its PostgreSQL is stopped and started again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from dashboard import bridge
from dashboard.keeper import StoreKeeper
from lib.insights.mirror import Mirror
from lib.insights.run import InsightAnswer, run_query
from lib.settings import Settings
from lib.store.embedded import EmbeddedServer
from tests.fixtures_processes import KEY
from tests.integration.insights import world
from tests.integration.mirror.holding import EVERYONE, QUERY, SLICES
from tests.integration.mirror.test_serving import is_called
from tests.serving import arrives


@dataclass
class Running:
    """A server that tests may stop, and the keeper of a dashboard on it."""

    folder: Path
    server: EmbeddedServer
    keeper: StoreKeeper

    async def rename(self, name: str) -> None:
        """Give the campaigns of account 101 this name."""
        async with self.keeper.store().working() as session:
            await session.execute(text("UPDATE campaign SET name = :name WHERE account_id = 101"), {"name": name})

    async def stop(self) -> None:
        """Stop PostgreSQL."""
        await asyncio.to_thread(self.server.close)

    async def start(self) -> None:
        """Start it again."""
        self.server = await asyncio.to_thread(EmbeddedServer, self.folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this module's own PostgreSQL keeps its data: each test starts it, and finds what is stored by then."""
    return tmp_path_factory.mktemp("own") / "postgres"


@pytest.fixture
async def running(folder: Path, tmp_path: Path) -> AsyncIterator[Running]:
    """A dashboard's store on a PostgreSQL that nobody else uses."""
    server = await asyncio.to_thread(EmbeddedServer, folder)
    url = server.url("postgres").render_as_string(hide_password=False)
    settings = Settings(
        _env_file=None, database_url=SecretStr(url), data_dir=tmp_path / "data", mirror_memory_mb=64, token_keys=KEY
    )
    running = Running(folder, server, StoreKeeper(settings))
    await running.keeper.start()
    yield running
    await running.keeper.stop()
    await running.stop()


def standing() -> Mirror | None:
    """The mirror of this process, if it stands."""
    mirror = bridge.mirror()
    return mirror if mirror is not None and mirror.engine() is not None else None


async def asked() -> InsightAnswer:
    """What a page is told: its script runs in a thread of its own."""
    return await asyncio.to_thread(bridge.ask, lambda engine: run_query(engine, QUERY, EVERYONE))


async def test_pages_are_answered_by_the_mirror_through_a_restart_of_postgres(running: Running) -> None:
    await world.build(running.keeper.store())
    async with running.keeper.store().working() as session:
        await session.execute(text(SLICES))
    mirror = await arrives(standing, "the mirror stands")
    await running.rename("Before")
    await is_called(mirror, "Before")
    before = await asked()
    assert before.engine == "mirror"
    assert before.rows
    await running.stop()
    await arrives(lambda: not standing(), "the mirror knows that it may be out of date")
    assert "The database cannot be reached." in mirror.status().reason
    await running.start()
    await arrives(standing, "the mirror stands again", within_s=60)
    await running.rename("After")
    await is_called(mirror, "After")
    assert mirror.status().build_seconds is not None
    after = await asked()
    assert (after.engine, len(after.rows)) == ("mirror", len(before.rows))


async def test_at_the_end_the_file_is_free(running: Running, tmp_path: Path) -> None:
    mirror = await arrives(standing, "the mirror stands")
    await running.keeper.stop()
    assert bridge.mirror() is None
    assert mirror.engine() is None
    again = StoreKeeper(running.keeper._settings)
    await again.start()
    reopened = await arrives(standing, "the mirror stands again")
    assert reopened.status().file == "dashboard.duckdb"
    assert reopened.status().build_seconds is None, "it went on with the same file"
    await again.stop()
    assert [each.name for each in (tmp_path / "data" / "mirror").glob("*.duckdb")] == ["dashboard.duckdb"]


async def test_without_a_mirror_postgres_answers(running: Running) -> None:
    await running.keeper.stop()
    switched_off = running.keeper._settings.model_copy(update={"mirror_memory_mb": 0})
    keeper = StoreKeeper(switched_off)
    await keeper.start()
    await arrives(lambda: bridge._bridge.store, "the store is open")
    assert bridge.mirror() is None
    assert (await asked()).engine == "postgres"
    await keeper.stop()
