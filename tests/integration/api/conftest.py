"""The API on a real socket, over two clients, with a person of each role."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.engine import URL
from starlette.applications import Starlette

from api.accounts import Stores
from api.edge import PREFIX, mounted
from api.main import Engines, create_api
from lib.access.viewer import Role
from lib.insights.engine import PostgresEngine
from lib.insights.mirror import Mirror
from lib.settings import Settings, get_settings
from lib.store.engine import Store
from tests.conftest import emptied
from tests.fixtures_processes import KEY
from tests.integration.api import houses
from tests.serving import serving


@dataclass
class House:
    """The served API. ``acme`` has a person of each role, who sees acme (the admin: everything); ``zed`` sees zebra."""

    url: str
    store: Store
    clients: dict[str, int]
    people: dict[str, uuid.UUID] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)
    _asking: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    async def asking(self, name: str = "", **headers: str) -> httpx.AsyncClient:
        """An HTTP client of this person's; of nobody's without a name."""
        if name not in self._asking or headers:
            bearer = {"authorization": f"Bearer {self.tokens[name]}"} if name else {}
            client = httpx.AsyncClient(base_url=f"{self.url}{PREFIX}", headers={**bearer, **headers}, timeout=60)
            self._asking[name] = await self.closing.enter_async_context(client)
        return self._asking[name]


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """Settings without an environment of this machine's; a refresh run asks for the process's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKEN_KEYS", KEY)
        get_settings.cache_clear()
        yield Settings(_env_file=None)
    get_settings.cache_clear()


@asynccontextmanager
async def served(stores: Stores, settings: Settings, engines: Engines | None = None) -> AsyncIterator[str]:
    """The API's address."""
    api = create_api(stores, engines, settings=settings)
    outer = Starlette(routes=[mounted(api)], lifespan=lambda _: api.router.lifespan_context(api))
    # A connection that the server closes just as a request comes over it is no finding of a test.
    async with serving(outer, lifespan="on", timeout_keep_alive=600) as server:
        yield server.url


@asynccontextmanager
async def built(store: Store, settings: Settings, engines: Engines | None = None) -> AsyncIterator[House]:
    """Both clients and their people in an empty store, served."""
    clients = await houses.build(store)
    async with served(lambda: store, settings, engines) as url, AsyncExitStack() as closing:
        found = House(url, store, clients, closing=closing)
        for name, role, slug in (*((role.value, role, "acme") for role in Role), ("zed", Role.ANALYST, "zebra")):
            email = f"{name}@example.com"
            found.people[name] = await houses.add_person(store, email, role, [slug])
            found.tokens[name] = await houses.token_of(store, email)
        yield found


@asynccontextmanager
async def built_on_mirror(store: Store, settings: Settings, folder: Path) -> AsyncIterator[tuple[House, Mirror]]:
    """The same, answered by a mirror that holds all of it."""
    mirror = Mirror(folder / "mirror.duckdb", store, memory_mb=128)
    await mirror.start()
    try:
        async with built(store, settings, lambda: mirror.engine() or PostgresEngine(store)) as found:
            await mirror.catch_up()
            yield found, mirror
    finally:
        await mirror.close()


@pytest.fixture
async def house(store: Store, settings: Settings) -> AsyncIterator[House]:
    """A house of this test's own."""
    async with built(store, settings) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_house(database_url: URL, settings: Settings) -> AsyncIterator[House]:
    """A house of all the tests of a module, which change nothing that another looks at."""
    async with emptied(database_url) as store, built(store, settings) as found:
        yield found
