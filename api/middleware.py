"""What every answer passes through, as plain ASGI: websockets and streams are left alone."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge import PREFIX

CLOSED = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/upload_file", "/_stcore/script-health-check")
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin-allow-popups",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
STRICT = {"content-security-policy": HEADERS["content-security-policy"]}
ANSWERS = (f"{PREFIX}/", "/media/", "/healthz", "/readyz")
"""Addresses whose answers are never pages."""
NO_PAGES = ("//", "/sign-in", "/auth/", "/oauth2callback")
"""What addresses begin with that nobody is sent back to: other servers, and what signs in or out."""
Policies = Mapping[str, Mapping[str, str]]
"""Headers by what the addresses begin with, for those that need others than ``HEADERS``."""


def local_path(address: str) -> str:
    """``address`` where it is a path of pages on this very server, else ``/``: nobody is sent elsewhere by a parameter.

    Dot segments are gone from it, as a browser resolves them before it asks.
    """
    good = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    if not good or "\\" in address:
        return "/"
    parts = urlsplit(address)
    path = _settled(parts.path)
    if parts.scheme or parts.netloc or any(meant.startswith(NO_PAGES) for meant in (path, _settled(unquote(path)))):
        return "/"
    return quote(f"{path}?{parts.query}" if parts.query else path, safe="/?=&%+,:@!$'()*;~-._")


def _settled(path: str) -> str:
    kept: list[str] = []
    dots = ""
    for segment in path.split("/")[1:]:
        dots = segment.lower().replace("%2e", ".")
        if dots == "..":
            del kept[-1:]
        elif dots != ".":
            kept.append(segment)
    return "/" + "/".join([*kept, ""] if kept and dots in (".", "..") else kept)


class SecurityHeaders:
    """Headers on every answer, and Secure on every cookie where people come by https."""

    def __init__(self, app: ASGIApp, *, secure_cookies: bool, policies: Policies | None = None) -> None:
        self.app = app
        self.secure_cookies = secure_cookies
        known = {**(policies or {}), **dict.fromkeys(ANSWERS, STRICT)}
        self._policies = sorted(known.items(), key=lambda item: -len(item[0]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._headers(message, scope["path"])}
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _headers(self, message: Message, path: str) -> list[tuple[bytes, bytes]]:
        headers = MutableHeaders(raw=[self._secured(name, value) for name, value in message.get("headers", [])])
        own = next((own for start, own in self._policies if path.startswith(start)), {})
        for name, value in {**HEADERS, **own}.items():
            headers.setdefault(name, value)
        if self.secure_cookies:
            headers.setdefault("strict-transport-security", "max-age=31536000")
        return headers.raw

    def _secured(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        if self.secure_cookies and name.lower() == b"set-cookie" and b"; secure" not in value.lower():
            value += b"; Secure"
        return name, value


class ClosedPaths:
    """Streamlit's inner addresses that no page of ours uses are not there for anyone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and any(word in scope["path"] for word in CLOSED):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def is_same_origin(headers: Headers, base_url: str) -> bool:
    """Whether a page of ours sent this: by the host of the request, or the address that people type.

    What does not say where it comes from is not ours; browsers always say it where something may be changed.
    """
    origin = headers.get("origin") or headers.get("referer") or ""
    place = urlsplit(origin).netloc
    return bool(place) and place in (headers.get("host"), urlsplit(base_url).netloc)


class OwnSockets:
    """Refuses websockets that a page of another site opens: Streamlit would let in every page of this machine.

    The API's own knows whom to refuse: a page of another site may have a bearer token.
    """

    def __init__(self, app: ASGIApp, *, base_url: str) -> None:
        self.app = app
        self.base_url = base_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not scope["path"].startswith(f"{PREFIX}/"):
            headers = Headers(scope=scope)
            if "origin" in headers and not is_same_origin(headers, self.base_url):
                await PlainTextResponse("This was sent from another site.", 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)
