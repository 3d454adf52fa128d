"""What routes depend on: the store and the person who asks."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import APIKeyCookie

from lib.access import sessions
from lib.access.viewer import Role, Viewer
from lib.store.engine import Store

_cookie = APIKeyCookie(name=sessions.COOKIE, auto_error=False)


@dataclass(frozen=True)
class Auth0User:
    """The person who asks, by whichever way they signed in."""

    id: uuid.UUID
    email: str
    role: Role
    viewer: Viewer


def get_store(request: Request) -> Store:
    """The store of this process; StoreUnavailable while it is not open."""
    store: Store = request.app.state.stores()
    return store


async def get_current_user(
    store: Annotated[Store, Depends(get_store)], token: Annotated[str | None, Depends(_cookie)]
) -> Auth0User:
    """The person of the session cookie; 401 where nobody is signed in."""
    viewer = await sessions.viewer_of(store, token) if token else None
    if viewer is None:
        raise HTTPException(401, "Sign in first.")
    return Auth0User(id=viewer.user_id, email=viewer.email, role=viewer.role, viewer=viewer)
