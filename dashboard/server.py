"""The ASGI app: Streamlit at /, the sign-in, the API at /api/v1, /healthz and /readyz.

Serve it with ``uvicorn dashboard.server:app``, one worker a process.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from streamlit import config

from api import health
from api.edge import mounted
from api.files import Sent
from api.leaving import Leaving
from api.main import create_api
from api.middleware import ClosedPaths, OwnSockets, SecurityHeaders
from api.popup import PopupSignIn
from api.returning import ReturnTo
from api.sign_in import SignIn
from dashboard import bridge, handing_out, tints
from dashboard.gate import OIDC_PROVIDER
from dashboard.keeper import StoreKeeper
from dashboard.media import GuardedMedia
from dashboard.navigation import PAGES
from dashboard.policy import policies
from dashboard.shelf import Shelf
from lib.access.cookie_key import cookie_secret
from lib.access.door import refuse_open_door
from lib.errors import AppError
from lib.quiet import keep_secrets_out_of_logs
from lib.settings import Settings, get_settings

COLLECT_AFTER = (20_000, 20, 20)
SCRIPT = Path(__file__).resolve().parent / "app.py"
_log = logging.getLogger(__name__)


def streamlit_secrets(settings: Settings, cookie: str) -> dict[str, Any]:
    """What ``st.login`` reads; nothing where people sign in by local accounts alone."""
    if not settings.has_oidc:
        return {}
    provider = {
        "client_id": settings.auth_client_id,
        "client_secret": settings.auth_client_secret.get_secret_value(),
        "server_metadata_url": settings.auth_issuer.rstrip("/") + "/.well-known/openid-configuration",
        "client_kwargs": {"scope": "openid profile email", "prompt": "login"},
    }
    address = f"{settings.base_url}/oauth2callback"
    return {"auth": {"redirect_uri": address, "cookie_secret": cookie, "expose_tokens": [], OIDC_PROVIDER: provider}}


def on_script_error(error: Exception) -> bool:
    """Say what happened in a sentence; the log has the rest under the same number."""
    if isinstance(error, AppError):
        _log.warning("A page could not be drawn: %s", error, exc_info=error)
        st.error(str(error))
        return True
    number = uuid.uuid4().hex[:8]
    _log.error("A page failed; its number is %s.", number, exc_info=error)
    st.error(f"This page could not be drawn. Nothing was lost. Tell your administrator the number {number}.")
    return True


def build(settings: Settings, script: Path = SCRIPT) -> st.App:
    """The app for these settings; SettingsError says which one keeps it from starting."""
    refuse_open_door(settings)
    cookie = cookie_secret(settings)
    if cookie:
        config.set_option("server.cookieSecret", cookie)
    tints.install()
    api = create_api(bridge.store, bridge.engine, settings=settings)
    shelf = Shelf()
    handing_out.install(shelf, api.state.exporting)

    @contextlib.asynccontextmanager
    async def lifespan(app: st.App) -> AsyncIterator[None]:
        keep_secrets_out_of_logs(settings.log_level)
        keeper = StoreKeeper(settings)
        await keeper.start()
        _collect_rarely()
        try:
            # A mounted app gets no lifespan events of its own.
            async with api.router.lifespan_context(api):
                yield
        finally:
            shelf.clear()
            await keeper.stop()

    return st.App(
        script,
        secrets=streamlit_secrets(settings, cookie),
        routes=[
            *health.routes(bridge.store),
            *SignIn(bridge.store, settings).routes(),
            *Leaving(bridge.store, settings).routes(),
            *(PopupSignIn(bridge.store, settings).routes() if settings.has_popup else ()),
            mounted(api),
            Route(f"/{PAGES[0].path}", first_page),
        ],
        middleware=[
            Middleware(
                SecurityHeaders,
                secure_cookies=settings.base_url.startswith("https://"),
                policies=policies(settings),
            ),
            Middleware(ClosedPaths),
            Middleware(OwnSockets, base_url=settings.base_url),
            Middleware(GuardedMedia, settings=settings, shelf=shelf, sending=Sent),
            Middleware(ReturnTo, stores=bridge.store, settings=settings),
        ],
        lifespan=lifespan,
        on_script_error=on_script_error,
    )


def _collect_rarely() -> None:
    """What was imported stays, so the collector need not walk over it: each whole walk halts everyone for up to a
    quarter of a second, and sessions make little that needs one."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def first_page(request: Request) -> RedirectResponse:
    """Streamlit knows its first page as / only; its own address leads there too."""
    return RedirectResponse(f"/?{request.url.query}" if request.url.query else "/")


try:
    app = build(get_settings())
except AppError as error:
    raise SystemExit(f"{error}") from error
