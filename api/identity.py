"""Who asks: by a bearer token (a JWT of a configured issuer, or a personal one), else by the cookies of a browser.

What comes as a bearer token is the answer or a refusal: a bad one never falls back to a cookie. Whichever way someone
comes, their role and grants are looked up in the store anew.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Literal

from fastapi import HTTPException
from starlette.requests import HTTPConnection

from api.accounts import Stores
from api.forms import caller
from api.middleware import is_same_origin
from lib.access import bearer, personal_tokens
from lib.access.admission import SignInEnded
from lib.access.bearer import BearerTokens, InvalidToken
from lib.access.cookies import CookieSignIns
from lib.access.scopes import EVERYTHING
from lib.access.signing_keys import KeysUnavailable
from lib.access.viewer import Role, Viewer
from lib.settings import Settings

Via = Literal["session", "oidc", "token", "jwt"]
SAFE = ("GET", "HEAD", "OPTIONS")
OFFERED = "bearer."
"""What a websocket's subprotocol with a token begins with: browsers cannot send a header there."""


@dataclass(frozen=True)
class Auth0User:
    """The person who asks, by whichever way they signed in, and what that way is good for."""

    id: uuid.UUID
    email: str
    role: Role
    viewer: Viewer = field(repr=False)
    via: Via
    scopes: frozenset[str]


def user_of(viewer: Viewer, via: Via, scopes: frozenset[str] = EVERYTHING) -> Auth0User:
    """This viewer, who came this way."""
    return Auth0User(viewer.user_id, viewer.email, viewer.role, viewer, via, scopes)


def _invalid() -> HTTPException:
    return HTTPException(401, str(InvalidToken()), {"WWW-Authenticate": 'Bearer error="invalid_token"'})


class Identity:
    """Tells who asks, by these settings; SettingsError where they cannot be used."""

    def __init__(self, stores: Stores, settings: Settings, tokens: BearerTokens | None = None) -> None:
        self._stores = stores
        self._base_url = settings.base_url
        self._tokens = tokens or BearerTokens(settings.issuers)
        self._sign_ins = CookieSignIns(settings)

    async def of(self, connection: HTTPConnection) -> Auth0User:
        """The person. HTTPException 401 for nobody and for bad tokens, AccessError for people who may not come in."""
        token = given_token(connection)
        return await (self._by_cookie(connection) if token is None else self._by_bearer(token, caller(connection)))

    async def _by_bearer(self, token: str, address: str) -> Auth0User:
        if token.startswith(personal_tokens.PREFIX):
            holder = await personal_tokens.holder_of(self._stores(), token, address=address)
            if holder is None:
                raise _invalid()
            return user_of(holder.viewer, "token", holder.scopes)
        try:
            verified = await self._tokens.verify(token)
        except InvalidToken as error:
            raise _invalid() from error
        except KeysUnavailable as error:
            raise HTTPException(503, str(error), {"Retry-After": "30"}) from error
        viewer = await bearer.viewer_of(self._stores(), verified, address=address)
        return user_of(viewer, "jwt", verified.scopes)

    async def _by_cookie(self, connection: HTTPConnection) -> Auth0User:
        try:
            found = await self._sign_ins.viewer_of(self._stores(), connection.cookies, address=caller(connection))
        except SignInEnded as error:
            raise HTTPException(401, str(error)) from error
        if found is None:
            raise HTTPException(401, "Sign in first.")
        if changes_things(connection) and not is_ours(connection, self._base_url):
            raise HTTPException(403, "This was sent from another site. Nothing was changed.")
        return user_of(*found)


def given_token(connection: HTTPConnection) -> str | None:
    """The bearer token; ``None`` where none was sent. HTTPException 401 for several, and for other kinds."""
    headers = connection.headers.getlist("authorization")
    offered = [word for word in connection.scope.get("subprotocols", ()) if word.startswith(OFFERED)]
    if not headers and not offered:
        return None
    if len(headers) + len(offered) > 1:
        raise _invalid()
    if offered:
        return str(offered[0]).removeprefix(OFFERED)
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "bearer":
        raise _invalid()
    return token.strip(" ")


def changes_things(connection: HTTPConnection) -> bool:
    """Whether a page of another site must not send this in a person's name: writing, and reading on and on."""
    return bool(connection.scope["type"] == "websocket" or connection.scope["method"] not in SAFE)


def is_ours(connection: HTTPConnection, base_url: str) -> bool:
    """Whether a page of ours sent this, by all that the browser says."""
    site = connection.headers.get("sec-fetch-site", "same-origin")
    return site == "same-origin" and is_same_origin(connection.headers, base_url)
