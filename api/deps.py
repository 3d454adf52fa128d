"""What routes depend on: the store, the engine, and the person who asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from api.identity import Auth0User, Identity
from lib.access import sessions
from lib.access.viewer import Role
from lib.errors import AccessError
from lib.insights.engine import Engine
from lib.settings import Settings, get_settings
from lib.store.engine import Store

__all__ = ["Auth0User", "get_current_user", "get_engine", "get_store", "install", "require", "require_scope"]

_ASKER = "ads.asker"
Guard = Callable[..., Awaitable[Auth0User]]
# For the description of the API alone: what comes in is read by ``Identity``.
_bearer = HTTPBearer(
    scheme_name="bearer",
    bearerFormat="JWT or personal token",
    description="A personal token (`python -m lib token add EMAIL`), or a JWT of a configured issuer.",
    auto_error=False,
)
_cookie = APIKeyCookie(
    name=sessions.COOKIE,
    scheme_name="session",
    description="The cookie of a sign-in on the pages or by `POST /auth/login`."
    " Requests that change something also have to come from the same origin.",
    auto_error=False,
)


def install(app: FastAPI, settings: Settings | None = None) -> None:
    """Let ``app`` know people by these settings, its ``state.stores`` being there; SettingsError where they are off."""
    app.state.identity = Identity(app.state.stores, settings or get_settings())


def get_store(request: Request) -> Store:
    """The store of this process; StoreUnavailable while it is not open."""
    store: Store = request.app.state.stores()
    return store


def get_engine(request: Request) -> Engine:
    """The engine that answers questions now; StoreUnavailable while there is none."""
    engine: Engine = request.app.state.engines()
    return engine


async def get_current_user(
    request: Request,
    bearer: Annotated[object, Security(_bearer)] = None,
    cookie: Annotated[object, Security(_cookie)] = None,
) -> Auth0User:
    """The person who asks; 401 where nobody is signed in or the token is bad, 403 where they may not come in.

    One look for each request, however often it is asked for.
    """
    if _ASKER not in request.scope:
        identity: Identity = request.app.state.identity
        request.scope[_ASKER] = await identity.of(request)
    user: Auth0User = request.scope[_ASKER]
    return user


def require(role: Role) -> Guard:
    """A dependency that lets in people whose role is at least this one; 403 for the others."""

    async def checked(user: Annotated[Auth0User, Depends(get_current_user)]) -> Auth0User:
        if not user.viewer.may(role):
            raise AccessError(f"This needs the role {role.value}; yours is {user.role.value}.", "Ask an administrator.")
        return user

    return checked


def require_scope(scope: str) -> Guard:
    """A dependency that lets in whoever came by a sign-in, or by a token for this scope; 403 for the others."""

    async def checked(user: Annotated[Auth0User, Depends(get_current_user)]) -> Auth0User:
        if scope not in user.scopes:
            wanted = f'Bearer error="insufficient_scope", scope="{scope}"'
            raise HTTPException(403, f"This token is not for {scope}.", {"WWW-Authenticate": wanted})
        return user

    return checked
