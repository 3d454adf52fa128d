"""The API: behind /api/v1 in the dashboard's process, and alone as ``uvicorn api.main:app``.

It answers nobody who is not signed in, its own description included: strangers learn nothing of this installation, and
whoever reads the description with a token can ask with it too.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import FastAPI

from api import deps, envelope, openapi
from api.accounts import Stores
from api.background import Background
from api.edge import PREFIX, Cors, Limits
from api.openapi import describe
from api.routes import accounts, auth, clients, insights, live, me, metrics, reconciliation, refresh_runs, saved_views
from lib.errors import AppError
from lib.insights.engine import Engine, PostgresEngine
from lib.settings import Settings, get_settings

EXPORTS_AT_ONCE = 4
"""Files that are written at once; each holds a connection while it is. The others wait."""
Engines = Callable[[], Engine]
"""Gives the engine that answers questions in this process now; raises StoreUnavailable while there is none."""


def create_api(stores: Stores, engines: Engines | None = None, *, settings: Settings | None = None) -> FastAPI:
    """The app, to be mounted at /api/v1; whoever mounts it runs its lifespan. SettingsError where a setting is off.

    ``stores`` gives the store of this process when a request needs it, ``engines`` the engine (by default Postgres).
    """
    chosen = settings or get_settings()
    app = FastAPI(
        title=openapi.TITLE,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.stores, app.state.engines = stores, engines or (lambda: PostgresEngine(stores()))
    app.state.background, app.state.starting = Background(), asyncio.Lock()
    app.state.exporting = asyncio.Semaphore(EXPORTS_AT_ONCE)
    deps.install(app, chosen)
    envelope.install(app)
    app.add_middleware(Limits)
    if chosen.cors_origins:
        app.add_middleware(Cors, origins=chosen.cors_origins)
    for each in (me, clients, accounts, metrics, insights, reconciliation, saved_views, refresh_runs):
        app.include_router(each.router)
    auth.install(app, chosen)
    live.install(app)
    describe(app, PREFIX)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await app.state.background.stop()


def __getattr__(name: str) -> Any:
    """``app``, made when uvicorn asks for it: the dashboard imports this module too, and serves its own."""
    if name != "app":
        raise AttributeError(name)
    from api.alone import build

    try:
        return build(get_settings())
    except AppError as error:
        raise SystemExit(f"{error}") from error
