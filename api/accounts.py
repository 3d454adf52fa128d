"""Local accounts on fastapi-users: its user manager, its cookie transport, and sessions of ours in the store."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from fastapi.security import OAuth2PasswordRequestForm
from fastapi_users import BaseUserManager, UUIDIDMixin
from fastapi_users.authentication import AuthenticationBackend, CookieTransport, Strategy
from fastapi_users.exceptions import UserNotExists
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.mailing import Mailing
from lib.access import sessions, sign_in_notes
from lib.access.attempts import SIGN_IN, attempts_on
from lib.access.cookies import CookieSignIns
from lib.access.passwords import HASHER, nobodys_hash
from lib.access.refusals import Why
from lib.access.tokens import token_hash
from lib.errors import StoreError, TooManyAttempts
from lib.settings import Settings
from lib.store.engine import Store
from lib.store.models import User
from lib.store.repositories import people
from lib.store.repositories.standing import replace_hash

if TYPE_CHECKING:
    # fastapi-users' protocol wants plain attributes where the model's are SQLAlchemy's Mapped.
    Person: TypeAlias = Any
else:
    Person = User

Stores = Callable[[], Store]
"""Gives the store of this process; raises StoreUnavailable while there is none."""


class Users(SQLAlchemyUserDatabase[Person, uuid.UUID]):
    """fastapi-users' adapter, to whom one address is what it is to everyone here."""

    async def get_by_email(self, email: str) -> User | None:
        return await people.find_user(self.session, email)


class UserManager(UUIDIDMixin, BaseUserManager[Person, uuid.UUID]):
    """Knows people by e-mail and password."""

    def __init__(self, users: Users, passwords: PasswordHelper) -> None:
        super().__init__(users, passwords)
        self.users = users

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
            return user if await replace_hash(self.users.session, user.id, hashed, better) else None
        return user

    def _verify(self, password: str, hashed: str) -> tuple[bool, str | None]:
        return self.password_helper.verify_and_update(password, hashed or nobodys_hash())


def manager_of(session: AsyncSession) -> UserManager:
    """A user manager in this transaction."""
    return UserManager(Users(session, User), PasswordHelper(HASHER))


class StoredSessions(Strategy[Person, uuid.UUID]):
    """A fastapi-users strategy whose tokens are rows in the store, known by their SHA-256 only."""

    def __init__(self, store: Store, max_age: dt.timedelta, address: str = "") -> None:
        self.store = store
        self.max_age = max_age
        self.address = address

    async def read_token(self, token: str | None, user_manager: BaseUserManager[Person, uuid.UUID]) -> User | None:
        viewer = await sessions.viewer_of(self.store, token) if token else None
        user: User | None = None if viewer is None else await user_manager.get(viewer.user_id)
        return user

    async def write_token(self, user: User) -> str:
        verified, address = user.hashed_password, self.address
        return await sessions.create_session(
            self.store, user.id, "local", self.max_age, address=address, hashed=verified
        )

    async def destroy_token(self, token: str, user: User) -> None:
        await sessions.revoke(self.store, token_hash(token), address=self.address)


def max_age(settings: Settings) -> dt.timedelta:
    """How long a sign-in holds."""
    return dt.timedelta(hours=settings.session_max_age_hours)


HASHES_AT_ONCE = 2
_hashing: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def hashing() -> asyncio.Semaphore:
    """A place to hash in: it takes 64 MB and a core for each person, so two at a time in this process."""
    return _hashing.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(HASHES_AT_ONCE))


def backend(stores: Stores, settings: Settings) -> AuthenticationBackend[Person, uuid.UUID]:
    """The cookie ``ads_session`` over sessions in the store."""
    age = max_age(settings)
    transport = CookieTransport(
        cookie_name=sessions.COOKIE,
        cookie_max_age=int(age.total_seconds()),
        cookie_secure=settings.base_url.startswith("https://"),
    )
    return AuthenticationBackend("local", transport, lambda: StoredSessions(stores(), age))


WRONG = "That e-mail and password do not belong together. Nothing was changed; try again."


class LocalAccounts:
    """Signs people in by e-mail and password."""

    def __init__(self, stores: Stores, settings: Settings) -> None:
        self.has_passwords = settings.local_accounts
        self.max_age = max_age(settings)
        self.backend = backend(stores, settings)
        self.mailing = Mailing(stores, settings)
        self.sign_ins = CookieSignIns(settings)
        self._stores = stores

    async def log_in(self, email: str, password: str, address: str) -> Response | None:
        """An empty answer with the cookie of a new session; ``None`` where the two do not belong together.

        TooManyAttempts where that was tried too often, for this account or from this ``address``.
        """
        if "\x00" in email:
            return None
        tried = attempts_on(self._stores())
        try:
            tried.begin(SIGN_IN, email, address)
        except TooManyAttempts as error:
            if error.is_first:
                await sign_in_notes.failed(self._stores(), email, "local", Why.TOO_MANY, address=address)
            raise
        try:
            response = await self._tried(email, password, address)
        except StoreError:
            tried.came_to_nothing(SIGN_IN, email, address)
            raise
        if response is None:
            await sign_in_notes.failed(self._stores(), email, "local", Why.WRONG_PASSWORD, address=address)
            return None
        tried.succeeded(SIGN_IN, email, address)
        return response

    async def _tried(self, email: str, password: str, address: str) -> Response | None:
        store = self._stores()
        credentials = OAuth2PasswordRequestForm(username=email, password=password)
        async with hashing(), store.gatekeeping() as session:
            user = await manager_of(session).authenticate(credentials)
        if user is None:
            return None
        try:
            response = await self.backend.login(StoredSessions(store, self.max_age, address), user)
        except sessions.NotAnyMore:
            return None
        response.background = self.mailing.confirming(user.id)
        return response

    async def come_in(self, user_id: uuid.UUID, address: str) -> Response:
        """An empty answer with the cookie of a new session of someone who has shown by a link who they are."""
        token = await sessions.create_session(self._stores(), user_id, "local", self.max_age, address=address)
        return await self.backend.transport.get_login_response(token)
