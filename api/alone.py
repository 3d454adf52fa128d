"""The API without the dashboard: ``uvicorn api.main:app``. People sign in as ever.

It answers from Postgres, or with ``API_ENGINE=mirror`` from a mirror of its own as long as that stands.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from api import health
from api.edge import mounted
from api.envelope import SENTENCES, error
from api.main import create_api
from api.middleware import SecurityHeaders
from api.sign_in import SignIn
from lib.access.door import refuse_open_door
from lib.errors import SettingsError
from lib.insights.engine import Engine, PostgresEngine
from lib.insights.mirror import Mirror, mirror_of
from lib.quiet import keep_secrets_out_of_logs
from lib.settings import Settings
from lib.store.engine import Store
from lib.store.keeping import StoreKeeper


class Keeper(StoreKeeper):
    """The store of this process and, where one is wanted, the mirror of it; SettingsError where there can be none."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._of = settings
        self._mirror: Mirror | None = None
        if settings.api_engine == "mirror" and not settings.mirror_memory_mb:
            raise SettingsError("API_ENGINE is mirror, and MIRROR_MEMORY_MB is 0.", "Give the mirror memory: 384.")

    def engine(self) -> Engine:
        """What answers now; StoreUnavailable while nothing does."""
        store = self.store()
        return (self._mirror and self._mirror.engine()) or PostgresEngine(store)

    async def opened(self, store: Store) -> None:
        """Bring the mirror up behind what is asked meanwhile."""
        if self._of.api_engine == "mirror":
            self._mirror = mirror_of(store, self._of, "api")
            await self._mirror.start()

    async def closing(self) -> None:
        """Close the mirror, which reads from the store."""
        if self._mirror is not None:
            await self._mirror.close()


def build(settings: Settings) -> Starlette:
    """The app for these settings; SettingsError says which one keeps it from starting."""
    refuse_open_door(settings)
    keeper = Keeper(settings)
    api = create_api(keeper.store, keeper.engine, settings=settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        keep_secrets_out_of_logs(settings.log_level)
        await keeper.start()
        try:
            # A mounted app gets no lifespan events of its own.
            async with api.router.lifespan_context(api):
                yield
        finally:
            await keeper.stop()

    return Starlette(
        routes=[*health.routes(keeper.store), *SignIn(keeper.store, settings).routes(), mounted(api)],
        middleware=[Middleware(SecurityHeaders, secure_cookies=settings.base_url.startswith("https://"))],
        exception_handlers={HTTPException: _elsewhere},
        lifespan=lifespan,
    )


async def _elsewhere(request: Request, problem: Exception) -> Response:
    """Beside the API there is nothing; what is not there says so as the API does."""
    status = problem.status_code if isinstance(problem, HTTPException) else 500
    return error(status, SENTENCES.get(status, str(problem)), headers=getattr(problem, "headers", None))
