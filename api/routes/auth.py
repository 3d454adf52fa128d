"""/api/v1/auth: signing in with e-mail and password, and out, for programs and pages without a token."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response

from api.accounts import WRONG, LocalAccounts
from api.forms import caller, form_fields
from api.identity import is_ours
from api.leaving import COOKIES, end_sign_ins, forget, take_over
from api.openapi import EVERYWHERE, WITH_BODY, errors
from api.routes import Person
from lib.access.cookies import CookieSignIns
from lib.errors import UsageError
from lib.settings import Settings

FORM = "application/x-www-form-urlencoded"
_FIELDS = {
    "username": {"type": "string", "description": "your e-mail address", "examples": ["ana@example.com"]},
    "password": {
        "type": "string",
        "format": "password",
        "description": "your password",
        "examples": ["correct horse battery"],
    },
}
_FORM_SCHEMA = {"type": "object", "properties": _FIELDS, "required": list(_FIELDS)}
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {FORM: {"schema": _FORM_SCHEMA}}}}
_COOKIE = {"Set-Cookie": {"description": "the cookie `ads_session`", "schema": {"type": "string"}}}
_WHENCE = ("origin", "referer", "sec-fetch-site")
"""What browsers say of the page that sends something; a program that says none of it is no page of another site."""
router = APIRouter(tags=["people"], responses=EVERYWHERE)


def install(app: FastAPI, settings: Settings) -> None:
    """Give ``app``, whose ``state.stores`` is there, the two routes."""
    app.state.base_url = settings.base_url
    app.state.accounts = LocalAccounts(app.state.stores, settings)
    app.state.sign_ins = CookieSignIns(settings)
    app.include_router(router)


@router.post(
    "/auth/login",
    status_code=204,
    summary="Sign in with e-mail and password",
    response_description="You are signed in.",
    openapi_extra=_BODY,
    responses={204: {"headers": _COOKIE}, **WITH_BODY, **errors(429)},
)
async def login(request: Request) -> Response:
    """The answer brings the cookie `ads_session`, to be sent with what follows until it ends by itself or by
    `POST /auth/logout`. Programs that change something with it also send `Origin`, the address of the dashboard.
    A sign-in whose cookie comes with the request ends.
    """
    if any(name in request.headers for name in _WHENCE) and not is_ours(request, request.app.state.base_url):
        raise HTTPException(403, "This was sent from another site. Nobody was signed in.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415, f"Send username and password as {FORM}.")
    fields = await form_fields(request)
    if fields is None:
        raise HTTPException(413, "The form was too long to read.")
    accounts: LocalAccounts = request.app.state.accounts
    if not accounts.has_passwords:
        raise HTTPException(403, "Nobody has a password here. Ask with a bearer token.")
    response = await accounts.log_in(fields.get("username", "").strip(), fields.get("password", ""), caller(request))
    if response is None:
        raise HTTPException(401, WRONG)
    return await take_over(request, response, request.app.state.stores(), accounts.sign_ins)


@router.post("/auth/logout", status_code=204, summary="End this sign-in", response_description="You are signed out.")
async def logout(user: Person, request: Request) -> Response:
    """End every sign-in that the cookies stand for, in every window and program that stands on it."""
    if user.via not in ("session", "oidc"):
        raise UsageError(
            "A token cannot sign itself out.", "Personal tokens are ended by `python -m lib token revoke`."
        )
    await end_sign_ins(request, request.app.state.stores(), request.app.state.sign_ins)
    return forget(request, Response(status_code=204), *COOKIES)
