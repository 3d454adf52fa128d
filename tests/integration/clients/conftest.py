"""People, a key, and the sandbox as the Marketing API of new clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from lib.access.audit import Action
from lib.access.people import put_person
from lib.access.viewer import Role, Viewer
from lib.clients.changes import create_client
from lib.clients.tokens import look_at, seal
from lib.settings import get_settings
from lib.store.engine import Store
from tests.fixtures_processes import KEY
from tests.fixtures_sandbox import Sandbox
from tests.people import viewer_named

TOKEN = "EAAgood-and-secret"
MANAGER = "mara@example.com"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> Iterator[None]:
    monkeypatch.setenv("TOKEN_KEYS", KEY)
    monkeypatch.setenv("META_GRAPH_URL", sandbox.url)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


async def person(store: Store, email: str, role: Role, *slugs: str) -> Viewer:
    """This person as they would be seen by the next page."""
    await put_person(store, email, role, slugs=list(slugs))
    return await again(store, email)


async def again(store: Store, viewer: Viewer | str) -> Viewer:
    """The same person, with what is open to them now."""
    email = viewer if isinstance(viewer, str) else viewer.email
    return await viewer_named(store, email)


async def made(store: Store, viewer: Viewer, name: str, chosen: list[int]) -> int:
    """A client that this person makes of a good token and these accounts; its id."""
    look = await look_at(store, viewer, seal(TOKEN))
    slug = await create_client(store, viewer, name, look, chosen)
    ((client_id,),) = await rows(store, "SELECT id FROM client WHERE slug = :slug", slug=slug)
    return int(client_id)


async def rows(store: Store, query: str, **values: Any) -> list[tuple[Any, ...]]:
    """What the worker reads."""
    async with store.working() as session:
        return [tuple(row) for row in await session.execute(text(query), values)]


async def noted(store: Store) -> list[tuple[Any, ...]]:
    """Who did what to which client or group, from what to what."""
    about = {"client", "accounts", "token", "group"}
    actions = [each.value for each in Action if each.rpartition(" ")[2] in about and each is not Action.SAW_CLIENT]
    query = "SELECT email, action, subject, before, after FROM audit_log WHERE action = ANY(:actions) ORDER BY id"
    return await rows(store, query, actions=actions)
