"""Downloads and pictures of pages are for people who are signed in: Streamlit alone gives them to everyone."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from dashboard import bridge
from lib.access import sessions
from lib.access.viewer import Viewer
from lib.errors import AccessError, StoreError
from lib.settings import Settings


def oidc_claims(cookies: Mapping[str, str]) -> dict[str, Any]:
    """The claims in the cookies that Streamlit signed at the OIDC sign-in; empty where there are none."""
    secret = get_cookie_secret()

    def signed(name: str) -> bytes | None:
        value = cookies.get(name)
        return decode_signed_value(secret, name, value.encode("latin-1")) if value else None

    claims = json.loads(get_cookie_with_chunks(signed, USER_COOKIE_NAME) or b"{}")
    return claims if isinstance(claims, dict) else {}


class GuardedMedia:
    """Answers ``/media/…`` only to a person with a live session."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self.has_oidc = settings.has_oidc
        self.max_age = dt.timedelta(hours=settings.session_max_age_hours)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].lstrip("/").startswith("media/"):
            await self.app(scope, receive, send)
            return
        try:
            viewer = await self._viewer(Request(scope).cookies)
        except StoreError as error:
            await PlainTextResponse(str(error), 503)(scope, receive, send)
            return
        if viewer is None:
            await PlainTextResponse("Sign in first.", 401)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _viewer(self, cookies: Mapping[str, str]) -> Viewer | None:
        token = cookies.get(sessions.COOKIE)
        viewer = await sessions.viewer_of(bridge.store(), token) if token else None
        if viewer is not None or not self.has_oidc:
            return viewer
        try:
            return await sessions.session_of_oidc(bridge.store(), oidc_claims(cookies), self.max_age)
        except AccessError:
            return None
