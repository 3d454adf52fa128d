"""/auth/logout: the way out for everyone, in place of Streamlit's own, which would leave the sign-in good.

A new sign-in is the way out for the one that the browser had before.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from api import sign_in_page
from api.accounts import Stores
from api.forms import caller, page
from api.middleware import is_same_origin
from lib.access import sessions
from lib.access.cookies import CookieSignIns, Way
from lib.access.leaving import WaysOut
from lib.access.oidc_cookie import COOKIE as OIDC_COOKIE
from lib.errors import StoreError
from lib.settings import Settings
from lib.store.engine import Store
from lib.store.repositories import people

ADDRESS = "/auth/logout"
COOKIES = (sessions.COOKIE, OIDC_COOKIE, "auth0.", "_legacy_auth0.")
"""What the names of cookies begin with that say who someone is; the last two are the popup button's own."""
SCRIPT = 'new BroadcastChannel("sign-out").postMessage("");location.replace(document.querySelector("a").href)'
"""Tells the other windows of this browser, then goes on."""
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{title}</title></head>
<body><p><a href="{next}">You are {title}. Go on.</a></p><script>{script}</script></body>
</html>
"""


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return f"default-src 'none'; script-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"


POLICY = _policy()
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 6265's names; Python writes no others, while browsers send them."""


class Leaving:
    """The handler."""

    def __init__(self, stores: Stores, settings: Settings) -> None:
        self.stores = stores
        self.base_url = settings.base_url
        self._sign_ins = CookieSignIns(settings)
        self._ways = WaysOut(settings)

    def routes(self) -> list[Route]:
        """The route of the address."""
        return [Route(ADDRESS, self.leave, methods=["GET"])]

    async def leave(self, request: Request) -> Response:
        """End what the cookies stand for, forget them, and go to the provider; nothing for a page of another site."""
        if not _is_meant(request, self.base_url):
            return RedirectResponse("/", 303)
        try:
            provider = await self._ended(request)
        except StoreError as error:
            return page(sign_in_page.note("Not signed out", str(error)), 503)
        return forget(request, _telling("signed out", await self._ways.of(provider)), *COOKIES)

    async def _ended(self, request: Request) -> str | None:
        """End every sign-in that the cookies stand for; the way by which the person came, OIDC before all others."""
        hashes, _ = await end_sign_ins(request, self.stores(), self._sign_ins)
        if "oidc" in hashes or not hashes:
            return "oidc" if hashes else None
        async with self.stores().gatekeeping() as session:
            return await people.provider_of(session, hashes["session"])


def _is_meant(request: Request, base_url: str) -> bool:
    """Whether the person left by our own page or by typing the address."""
    site = request.headers.get("sec-fetch-site")
    return is_same_origin(request.headers, base_url) if site is None else site in ("same-origin", "none")


def _telling(title: str, address: str) -> HTMLResponse:
    """A page that tells the other windows of this browser, then goes on to ``address``."""
    headers = {"content-security-policy": POLICY, "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return HTMLResponse(_PAGE.format(title=title, next=escape(address), script=SCRIPT), headers=headers)


async def end_sign_ins(
    request: Request, store: Store, sign_ins: CookieSignIns
) -> tuple[Mapping[Way, bytes], frozenset[Way]]:
    """End every sign-in that the cookies stand for: what the store knows them by, and which were still there."""
    hashes = sign_ins.hashes(request.cookies)
    ended = [way for way, digest in hashes.items() if await sessions.revoke(store, digest, address=caller(request))]
    return hashes, frozenset(ended)


async def take_over(request: Request, response: Response, store: Store, sign_ins: CookieSignIns) -> Response:
    """``response``, which brings a new sign-in, once those are ended that the browser had before.

    Where it leads to another page and there was one, its other windows are told first.
    """
    _, ended = await end_sign_ins(request, store, sign_ins)
    if ended and "location" in response.headers:
        going = _telling("signed in", response.headers["location"])
        going.raw_headers += [one for one in response.raw_headers if one[0] == b"set-cookie"]
        going.background = response.background
        response = going
    return forget(request, response, OIDC_COOKIE)


def forget(request: Request, response: Response, *starts: str) -> Response:
    """The response with every cookie of the request taken away whose name begins so, and is one that can be set."""
    for name in request.cookies:
        if name.startswith(starts) and _NAME.fullmatch(name):
            response.delete_cookie(name, path="/")
    return response
