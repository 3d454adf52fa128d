"""What Streamlit's own addresses of a sign-in by redirect do not do.

They are made to go back to the page, to keep no token, to end the sign-in before, and to say where one failed.
"""

from __future__ import annotations

import logging
import time
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.accounts import Stores
from api.forms import caller
from api.leaving import end_sign_ins
from api.middleware import local_path
from lib.access import sessions, sign_in_notes
from lib.access.cookies import CookieSignIns
from lib.access.oidc_cookie import COOKIE, FAILED_COOKIE
from lib.access.refusals import Why
from lib.access.tokens import token_hash
from lib.errors import StoreError
from lib.settings import Settings

LEAVES, RETURNS = "/auth/login", "/oauth2callback"
NEXT_COOKIE = "ads_next"
TOKENS_COOKIE = "_streamlit_user_tokens"
"""What the names of the cookies begin with in which Streamlit keeps the provider's tokens, signed and readable."""
SIGN_IN_AGE_S, FAILED_AGE_S = 600, 60
NOTED_EVERY_S = 900
"""Whoever calls the address by hand fills no log: of one address and reason, one is noted in that time."""
_log = logging.getLogger(__name__)


class ReturnTo:
    """``st.login`` always comes back to ``/``: remember the page that the person was on, and go back there.

    Nothing here needs the provider's tokens once the claims are read, so no browser is handed them.
    """

    def __init__(self, app: ASGIApp, *, stores: Stores, settings: Settings) -> None:
        self.app = app
        self.stores = stores
        self._sign_ins = CookieSignIns(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in (LEAVES, RETURNS):
            await self.app(scope, receive, send)
            return
        request = Request(scope)

        async def send_with_return(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=[one for one in message["headers"] if not _is_of_tokens(*one)])
                if scope["path"] == LEAVES:
                    _remember(request, headers)
                else:
                    await self._returned(request, headers)
                message = {**message, "headers": headers.raw}
            await send(message)

        await self.app(scope, receive, send_with_return)

    async def _returned(self, request: Request, headers: MutableHeaders) -> None:
        """Go back to the page; there it is said where the sign-in failed."""
        why = _failure(request, headers)
        _go_back(request, headers)
        try:
            if why is None:
                await end_sign_ins(request, self.stores(), self._sign_ins)
                _forget(headers, sessions.COOKIE, FAILED_COOKIE)
            else:
                await self._note(caller(request), why)
        except StoreError as error:
            _log.warning("What a sign-in by redirect came to was not stored: %s", error)
        if why is not None:
            _put(headers, FAILED_COOKIE, "1", FAILED_AGE_S)

    async def _note(self, address: str, why: Why) -> None:
        once = token_hash(f"{RETURNS} {address} {why} {time.time() // NOTED_EVERY_S}")
        await sign_in_notes.failed(self.stores(), "", "oidc", why, address=address, once=once)


def _is_of_tokens(name: bytes, value: bytes) -> bool:
    return name.lower() == b"set-cookie" and value.startswith(TOKENS_COOKIE.encode())


def _failure(request: Request, headers: MutableHeaders) -> Why | None:
    """Why nobody was signed in; ``None`` where Streamlit's answer brings the cookie of a sign-in."""
    said = [line.partition("=")[2] for line in headers.getlist("set-cookie") if line.startswith(f"{COOKIE}=")]
    if any(not value.startswith(('""', ";")) for value in said):
        return None
    if "error" in request.query_params:
        return Why.REFUSED_THERE
    # It takes the cookie of the sign-in before away where the provider's code was of no use.
    return Why.NOT_ACCEPTED if said else Why.NOT_BEGUN


def _remember(request: Request, headers: MutableHeaders) -> None:
    _forget(headers, FAILED_COOKIE)
    page = urlsplit(request.headers.get("referer", ""))
    if page.netloc != request.headers.get("host"):
        return
    path = local_path(f"{page.path}?{page.query}" if page.query else page.path)
    _put(headers, NEXT_COOKIE, quote(path, safe=""), SIGN_IN_AGE_S)


def _go_back(request: Request, headers: MutableHeaders) -> None:
    if headers.get("location") == "/" and NEXT_COOKIE in request.cookies:
        headers["location"] = local_path(unquote(request.cookies[NEXT_COOKIE]))
    _forget(headers, NEXT_COOKIE, *(name for name in request.cookies if name.startswith(TOKENS_COOKIE)))


def _put(headers: MutableHeaders, name: str, value: str, age_s: int) -> None:
    headers.append("set-cookie", f"{name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax")


def _forget(headers: MutableHeaders, *names: str) -> None:
    for name in names:
        headers.append("set-cookie", f"{name}=; Path=/; Max-Age=0")
