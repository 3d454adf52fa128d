"""What every request of /api/v1 passes first: sizes, other sites' pages, and caches between here and there.

And what every answer passes last, that of a failure which nobody foresaw too.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.envelope import error, incident

PREFIX = "/api/v1"
MAX_ADDRESS = 16_384
"""Bytes of path and query."""
MAX_BODY = 1_048_576
"""Bytes of a body: a list of ten thousand ids is a quarter of it."""
DRAINED = 4 * MAX_BODY
"""Bytes of a body beyond the limit that are read and thrown away."""
EXPOSED = (
    *("Ads-Engine", "Ads-Rows", "Ads-Sample", "Content-Disposition"),
    *("Location", "Retry-After", "WWW-Authenticate"),
)
"""Headers that pages of other sites may read."""
CLOSE = {"Connection": "close"}
TOO_LONG = f"The address is longer than {MAX_ADDRESS:,} bytes. Send the question as the body of a POST."
TOO_LARGE = f"The body is larger than {MAX_BODY:,} bytes."


def mounted(api: ASGIApp) -> Mount:
    """The route to the API at ``PREFIX``, for every address below it: Starlette's own stops at a line break."""
    mount = Mount(PREFIX, app=api)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


class Limits:
    """Refuses addresses and bodies beyond the limits, answers where all else fails, and lets nobody keep an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _is_too_long(scope):
            await error(414, TOO_LONG)(scope, receive, _unkept(send))
        elif _is_too_large(scope):
            await _drained(receive)
            await error(413, TOO_LARGE, headers=CLOSE)(scope, receive, _unkept(send))
        else:
            await self._pass_on(scope, _counted(receive), _unkept(send))

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as problem:  # whatever nobody foresaw: the framework would answer outside of all this
            if has_begun:
                raise
            await incident(problem)(scope, receive, send)


def _is_too_long(scope: Scope) -> bool:
    return len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"]) > MAX_ADDRESS


def _is_too_large(scope: Scope) -> bool:
    """By what it says of itself: the server has refused what is no number."""
    return int(Headers(scope=scope).get("content-length", "0")[:18]) > MAX_BODY


async def _drained(receive: Receive) -> None:
    """Read on for a while: who still writes when the connection is closed never reads the answer."""
    read = 0
    while read < DRAINED:
        message = await receive()
        read += len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _counted(receive: Receive) -> Receive:
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MAX_BODY:
            if message.get("more_body", False):
                await _drained(receive)
            raise HTTPException(413, TOO_LARGE, CLOSE)
        return message

    return counted


def _unkept(send: Send) -> Send:
    async def unkept(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("cache-control", "no-store")
        await send(message)

    return unkept


class Cors(CORSMiddleware):
    """Lets pages of CORS_ORIGINS ask with a bearer token; cookies never count for them."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST", "PATCH", "DELETE"),
            allow_headers=("Authorization",),
            expose_headers=EXPOSED,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Refusals in the envelope too."""
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            return response
        named = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        return error(400, "Pages of this site may not ask so. CORS_ORIGINS lists the sites that may.", headers=named)
