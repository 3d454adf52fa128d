"""What Streamlit's own addresses of a sign-in by redirect do not do: go back to the page, keep no token."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.middleware import local_path

LEAVES, RETURNS = "/auth/login", "/oauth2callback"
NEXT_COOKIE = "ads_next"
TOKENS_COOKIE = "_streamlit_user_tokens"
"""What the names of the cookies begin with in which Streamlit keeps the provider's tokens, signed and readable."""
SIGN_IN_AGE_S = 600


class ReturnTo:
    """``st.login`` always comes back to ``/``: remember the page that the person was on, and go back there.

    Nothing here needs the provider's tokens once the claims are read, so no browser is handed them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in (LEAVES, RETURNS):
            await self.app(scope, receive, send)
            return
        request = Request(scope)

        async def send_with_return(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=[one for one in message["headers"] if not _is_of_tokens(*one)])
                change = _remember if scope["path"] == LEAVES else _go_back
                change(request, headers)
                message = {**message, "headers": headers.raw}
            await send(message)

        await self.app(scope, receive, send_with_return)


def _is_of_tokens(name: bytes, value: bytes) -> bool:
    return name.lower() == b"set-cookie" and value.startswith(TOKENS_COOKIE.encode())


def _remember(request: Request, headers: MutableHeaders) -> None:
    page = urlsplit(request.headers.get("referer", ""))
    if page.netloc != request.headers.get("host"):
        return
    path = local_path(f"{page.path}?{page.query}" if page.query else page.path)
    options = f"Path=/; Max-Age={SIGN_IN_AGE_S}; HttpOnly; SameSite=Lax"
    headers.append("set-cookie", f"{NEXT_COOKIE}={quote(path, safe='')}; {options}")


def _go_back(request: Request, headers: MutableHeaders) -> None:
    if headers.get("location") == "/" and NEXT_COOKIE in request.cookies:
        headers["location"] = local_path(unquote(request.cookies[NEXT_COOKIE]))
    headers.append("set-cookie", f"{NEXT_COOKIE}=; Path=/; Max-Age=0")
    for name in request.cookies:
        if name.startswith(TOKENS_COOKIE):
            headers.append("set-cookie", f"{name}=; Path=/; Max-Age=0")
