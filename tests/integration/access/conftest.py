"""Two clients with accounts, people, and the HTTP side of the server on the test's own loop."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from api import health
from api.main import create_api
from api.middleware import ClosedPaths, SecurityHeaders
from api.returning import ReturnTo
from api.sign_in import SignIn
from lib.settings import Settings
from lib.store.engine import Store
from tests.factories import add_account, add_client

HOST = "http://localhost:8501"


@pytest.fixture
async def clients(store: Store) -> dict[str, int]:
    """acme with the accounts 11 and 12, zebra with 21; their ids by slug."""
    async with store.working() as session:
        acme, zebra = await add_client(session, "acme"), await add_client(session, "zebra")
        for account_id, client_id in ((11, acme), (12, acme), (21, zebra)):
            await add_account(session, account_id, client_id)
    return {"acme": acme, "zebra": zebra}


def site(store: Store, settings: Settings) -> Starlette:
    """What the server has beside Streamlit."""
    return Starlette(
        routes=[
            *health.routes(lambda: store),
            *SignIn(lambda: store, settings).routes(),
            Mount("/api/v1", app=create_api(lambda: store)),
        ],
        middleware=[
            Middleware(SecurityHeaders, secure_cookies=settings.base_url.startswith("https://")),
            Middleware(ClosedPaths),
            Middleware(ReturnTo, stores=lambda: store, settings=settings),
        ],
    )


def browsing(store: Store, **settings: str) -> httpx.AsyncClient:
    """A client of the server with these settings, as a browser at its address."""
    chosen = Settings(_env_file=None, **settings)
    transport = httpx.ASGITransport(site(store, chosen))
    return httpx.AsyncClient(transport=transport, base_url=chosen.base_url, headers={"origin": chosen.base_url})


@pytest.fixture
async def http(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at http://localhost:8501."""
    async with browsing(store) as client:
        yield client
