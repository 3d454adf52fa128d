"""Downloads are for the sign-in that asked, pictures of pages for people who are signed in: Streamlit alone gives both
to everyone.
"""

from __future__ import annotations

from typing import BinaryIO, Protocol

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard import bridge
from dashboard.shelf import ADDRESS, Shelf
from lib.access.cookies import CookieSignIns
from lib.access.viewer import Viewer
from lib.errors import AccessError, StoreError
from lib.settings import Settings


class Sending(Protocol):
    """An answer that reads a file from disk to its end, and closes it whatever becomes of the reader."""

    def __call__(self, file: BinaryIO, size: int, media_type: str, headers: dict[str, str]) -> ASGIApp:
        """The answer."""


class GuardedMedia:
    """Answers ``/media/…`` only to a person with a live session, and what lies on ``shelf`` to the one who asked."""

    def __init__(self, app: ASGIApp, *, settings: Settings, shelf: Shelf, sending: Sending) -> None:
        self.app = app
        self.sign_ins = CookieSignIns(settings)
        self.shelf = shelf
        self.sending = sending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].lstrip("/").startswith("media/"):
            await self.app(scope, receive, send)
            return
        try:
            viewer = await self._viewer(Request(scope))
        except StoreError as error:
            await PlainTextResponse(str(error), 503)(scope, receive, send)
            return
        if viewer is None:
            await PlainTextResponse("Sign in first.", 401)(scope, receive, send)
            return
        is_made = scope["path"].startswith(ADDRESS) and scope["method"] == "GET"
        answer = self._made(scope["path"], viewer, Headers(scope=scope)) if is_made else self.app
        await answer(scope, receive, send)

    def _made(self, address: str, viewer: Viewer, asked: Headers) -> ASGIApp:
        found = self.shelf.read(address, viewer)
        if found is None:
            return PlainTextResponse("This file is not here any more. Download it again from its page.", 404)
        made, reading = found
        if asked.get("sec-fetch-mode") == "cors":
            # Streamlit's page looks whether the file is there before the browser fetches it, and never reads the body.
            reading.close()
            return Response(status_code=204)
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"', "Cache-Control": "no-store"}
        return self.sending(reading, made.size, made.media_type, headers)

    async def _viewer(self, request: Request) -> Viewer | None:
        address = request.client.host if request.client else ""
        try:
            found = await self.sign_ins.viewer_of(bridge.store(), request.cookies, address=address)
        except AccessError:
            return None
        return None if found is None else found[0]
