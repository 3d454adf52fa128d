"""/sign-in and /sign-out: the one-time link, the e-mail and password form, and the way out."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from fastapi.security import OAuth2PasswordRequestForm
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from api import sign_in_page
from api.accounts import StoredSessions, Stores, backend, manager_of, max_age
from api.middleware import is_same_origin, local_path
from lib.access import sessions
from lib.access.tokens import token_hash
from lib.errors import StoreError
from lib.settings import Settings

FORM_BYTES = 8192
LONGEST_TOKEN = 200
HASHES_AT_ONCE = 2
WRONG = "That e-mail and password do not belong together. Nothing was changed; try again."
USED = (
    "A sign-in link works once and only for a while. Start again with `make run` for a new one, ask your"
    " administrator for one, or use your e-mail and password."
)


class SignIn:
    """The handlers. Hashing takes 64 MB and a core for each person, so two at a time."""

    def __init__(self, stores: Stores, settings: Settings) -> None:
        self.stores = stores
        self.base_url = settings.base_url
        self.backend = backend(stores, settings)
        self.max_age = max_age(settings)
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)

    def routes(self) -> list[Route]:
        """The routes of the two addresses."""
        return [
            Route("/sign-in", self.show, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The form, or with ``?token=`` the sign-in that a link stands for."""
        token = request.query_params.get("token")
        try:
            if token is None or request.method == "HEAD":
                return _page(sign_in_page.form(local_path(request.query_params.get("next", "/"))))
            return await self._redeem(token)
        except StoreError as error:
            return _page(sign_in_page.note("The database cannot be reached", str(error)), 503)

    async def _redeem(self, token: str) -> Response:
        good = 0 < len(token) <= LONGEST_TOKEN
        session = await sessions.redeem_link(self.stores(), token, self.max_age) if good else None
        if session is None:
            response: Response = _page(sign_in_page.note("This link has been used or has expired", USED), 410)
        else:
            response = _sent_to("/", await self.backend.transport.get_login_response(session))
        response.headers["referrer-policy"] = "no-referrer"
        return response

    async def sign_in(self, request: Request) -> Response:
        """Check e-mail and password; the same answer whoever it was."""
        if not is_same_origin(request.headers, self.base_url):
            return _page(sign_in_page.note("Not signed in", "The form was sent from another site."), 403)
        fields = await _form_fields(request)
        if fields is None:
            return _page(sign_in_page.note("Not signed in", "The form was too long to read."), 413)
        next_path, email = local_path(fields.get("next", "/")), fields.get("email", "").strip()
        try:
            response = await self._log_in(email, fields.get("password", ""))
        except StoreError as error:
            return _page(sign_in_page.form(next_path, email=email, problem=str(error)), 503)
        if response is None:
            return _page(sign_in_page.form(next_path, email=email, problem=WRONG), 401)
        return _sent_to(next_path, response)

    async def _log_in(self, email: str, password: str) -> Response | None:
        if "\x00" in email:
            return None
        credentials = OAuth2PasswordRequestForm(username=email, password=password)
        async with self._hashing, self.stores().gatekeeping() as session:
            user = await manager_of(session).authenticate(credentials)
        if user is None:
            return None
        return await self.backend.login(StoredSessions(self.stores(), self.max_age), user)

    async def sign_out(self, request: Request) -> Response:
        """End this sign-in everywhere and forget the cookie."""
        if not is_same_origin(request.headers, self.base_url):
            return _page(sign_in_page.note("Nothing was changed", "The form was sent from another site."), 403)
        token = request.cookies.get(sessions.COOKIE)
        try:
            if token:
                await sessions.revoke(self.stores(), token_hash(token))
        except StoreError as error:
            return _page(sign_in_page.note("Not signed out", str(error)), 503)
        return _sent_to("/", await self.backend.transport.get_logout_response())


def _page(html: str, status: int = 200) -> HTMLResponse:
    headers = {"content-security-policy": sign_in_page.POLICY, "cache-control": "no-store"}
    return HTMLResponse(html, status, headers)


def _sent_to(path: str, response: Response) -> Response:
    response.status_code = 303
    response.headers["location"] = path
    response.headers["cache-control"] = "no-store"
    return response


async def _form_fields(request: Request) -> dict[str, str] | None:
    """The last value of each field; ``None`` where there is more than a form would send."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > FORM_BYTES:
                return None
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except (ClientDisconnect, ValueError):
        return None
    return {name: values[-1] for name, values in fields.items()}
