"""Local accounts on fastapi-users: its user manager, its cookie transport, and sessions of ours in the store."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from fastapi.security import OAuth2PasswordRequestForm
from fastapi_users import BaseUserManager, UUIDIDMixin
from fastapi_users.authentication import AuthenticationBackend, CookieTransport, Strategy
from fastapi_users.exceptions import UserNotExists
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access import sessions
from lib.access.passwords import HASHER, nobodys_hash
from lib.access.tokens import token_hash
from lib.settings import Settings
from lib.store.engine import Store
from lib.store.models import User

if TYPE_CHECKING:
    # fastapi-users' protocol wants plain attributes where the model's are SQLAlchemy's Mapped.
    Person: TypeAlias = Any
else:
    Person = User

Stores = Callable[[], Store]
"""Gives the store of this process; raises StoreUnavailable while there is none."""


class Users(SQLAlchemyUserDatabase[Person, uuid.UUID]):
    """fastapi-users' adapter, which leaves the commit to the transaction that it is used in."""

    async def update(self, user: User, update_dict: dict[str, Any]) -> User:
        for name, value in update_dict.items():
            setattr(user, name, value)
        await self.session.flush()
        return user


class UserManager(UUIDIDMixin, BaseUserManager[Person, uuid.UUID]):
    """Knows people by e-mail and password."""

    async def authenticate(self, credentials: OAuth2PasswordRequestForm) -> User | None:
        """The active person with this e-mail and password.

        Unknown people and those without a password are tried against a hash of nobody's, so that the answer takes
        as long; the hashing runs beside the loop.
        """
        user: User | None = None
        with contextlib.suppress(UserNotExists):
            user = await self.get_by_email(credentials.username)
        hashed = user.hashed_password if user is not None else ""
        verified, better = await asyncio.to_thread(self._verify, credentials.password, hashed)
        if not verified or not hashed or user is None or not user.is_active:
            return None
        if better is not None:
            await self.user_db.update(user, {"hashed_password": better})
        return user

    def _verify(self, password: str, hashed: str) -> tuple[bool, str | None]:
        return self.password_helper.verify_and_update(password, hashed or nobodys_hash())


def manager_of(session: AsyncSession) -> UserManager:
    """A user manager in this transaction."""
    return UserManager(Users(session, User), PasswordHelper(HASHER))


class StoredSessions(Strategy[Person, uuid.UUID]):
    """A fastapi-users strategy whose tokens are rows in the store, known by their SHA-256 only."""

    def __init__(self, store: Store, max_age: dt.timedelta) -> None:
        self.store = store
        self.max_age = max_age

    async def read_token(self, token: str | None, user_manager: BaseUserManager[Person, uuid.UUID]) -> User | None:
        viewer = await sessions.viewer_of(self.store, token) if token else None
        user: User | None = None if viewer is None else await user_manager.get(viewer.user_id)
        return user

    async def write_token(self, user: User) -> str:
        return await sessions.create_session(self.store, user.id, "local", self.max_age)

    async def destroy_token(self, token: str, user: User) -> None:
        await sessions.revoke(self.store, token_hash(token))


def max_age(settings: Settings) -> dt.timedelta:
    """How long a sign-in holds."""
    return dt.timedelta(hours=settings.session_max_age_hours)


def backend(stores: Stores, settings: Settings) -> AuthenticationBackend[Person, uuid.UUID]:
    """The cookie ``ads_session`` over sessions in the store."""
    age = max_age(settings)
    transport = CookieTransport(
        cookie_name=sessions.COOKIE,
        cookie_max_age=int(age.total_seconds()),
        cookie_secure=settings.base_url.startswith("https://"),
    )
    return AuthenticationBackend("local", transport, lambda: StoredSessions(stores(), age))
