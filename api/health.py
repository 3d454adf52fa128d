"""/healthz and /readyz: whether the process lives, and whether its store can be worked with."""

from __future__ import annotations

import asyncio
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from api.accounts import Stores
from lib.errors import StoreError
from lib.store import migrate

PATIENCE_S = 5.0
_newest = lru_cache(migrate.head)


async def healthz(request: Request) -> JSONResponse:
    """200 while the process lives."""
    return JSONResponse({"status": "ok"})


async def readiness(stores: Stores) -> tuple[int, dict[str, str]]:
    """The status and the words of /readyz; nothing in them is secret."""
    try:
        revision = await asyncio.wait_for(migrate.current(stores()), PATIENCE_S)
    except (StoreError, TimeoutError):
        return 503, {"database": "unreachable", "migrations": "unknown"}
    if revision != _newest():
        return 503, {"database": "ok", "migrations": "behind"}
    return 200, {"database": "ok", "migrations": "current"}


def routes(stores: Stores) -> list[Route]:
    """The two addresses."""

    async def readyz(request: Request) -> JSONResponse:
        status, words = await readiness(stores)
        return JSONResponse(words, status)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
