"""What people do by a link that was mailed to them: choose a new password, confirm their address.

The links lie beside the sign-in links, each under a hash of its own purpose, so that none opens what another does; and
whatever uses up a person's sign-in links (a new password, being shut out) uses these up too.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hmac
import uuid
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access import sign_in_notes
from lib.access.audit import Action, Actor, note
from lib.access.passwords import hash_password
from lib.access.tokens import new_token, token_hash
from lib.errors import NotFound
from lib.store.engine import Store
from lib.store.models import User
from lib.store.repositories import people
from lib.store.repositories.links import owner_of_link
from lib.store.repositories.standing import locked_user


class Purpose(StrEnum):
    """What a mailed link is for."""

    RESET = "reset"
    VERIFY = "verify"


AGE = {Purpose.RESET: dt.timedelta(hours=1), Purpose.VERIFY: dt.timedelta(days=2)}


class LinkGone(NotFound):
    """A link that was used, has expired or never was; nobody learns which."""

    def __init__(self) -> None:
        super().__init__("This link has been used or has expired.", "Nothing was changed.")


@dataclass(frozen=True)
class Known:
    """An active person with an account of this dashboard."""

    user_id: uuid.UUID
    email: str


def digest_of(purpose: Purpose, token: str) -> bytes:
    """The 32 bytes that the store knows a token of this purpose by."""
    return hmac.digest(purpose.value.encode(), token_hash(token), "sha256")


async def with_password(store: Store, email: str) -> Known | None:
    """Who may choose a new password: whoever is active and has one. Others sign in by another service."""
    if "\x00" in email:
        return None
    async with store.gatekeeping() as session:
        user = await people.find_user(session, email)
    return Known(user.id, user.email) if user is not None and user.is_active and user.hashed_password else None


async def unverified(store: Store, user_id: uuid.UUID) -> Known | None:
    """This person, where their address is still to be confirmed."""
    async with store.gatekeeping() as session:
        user = await session.get(User, user_id)
    return None if user is None or user.is_verified or not user.is_active else Known(user.id, user.email)


async def make(store: Store, purpose: Purpose, user_id: uuid.UUID) -> str:
    """The token of a link that serves this purpose once, for as long as ``AGE`` says."""
    token = new_token()
    async with store.gatekeeping() as session:
        await people.add_link(session, digest_of(purpose, token), user_id, AGE[purpose])
        await sign_in_notes.made_link(session, Actor(sign_in_notes.NOBODY), user_id, purpose.value, via="sign-in")
    return token


async def owner(store: Store, purpose: Purpose, token: str) -> Known:
    """Whose link this is; it stays unused. LinkGone where it opens nothing any more."""
    async with store.gatekeeping() as session:
        user = await owner_of_link(session, digest_of(purpose, token))
    if user is None:
        raise LinkGone
    return Known(user.id, user.email)


async def reset_password(store: Store, token: str, password: str) -> Known:
    """Give the link's owner this password, and end every sign-in and link of theirs.

    LinkGone where the link opens nothing any more, UsageError where the password is a weak one; the link stays then.
    """
    known = await owner(store, Purpose.RESET, token)
    hashed = await asyncio.to_thread(hash_password, password, known.email)
    async with store.working(timeout_s=30) as session:
        user = await _use(session, Purpose.RESET, token)
        # Whoever reads the mail to this address has shown that it is theirs.
        user.hashed_password, user.is_verified = hashed, True
        ended = await people.revoke_sessions_of(session, user.id)
        after = {"password": "chosen anew by mail", "sign-ins ended": ended}
        await note(session, _actor(user), Action.CHANGED_PERSON, via="sign-in", subject=user.email, after=after)
        return Known(user.id, user.email)


async def verify(store: Store, token: str) -> Known:
    """Confirm the address of the link's owner; LinkGone where the link opens nothing any more."""
    async with store.working(timeout_s=30) as session:
        user = await _use(session, Purpose.VERIFY, token)
        user.is_verified = True
        after = {"address": "confirmed by mail"}
        await note(session, _actor(user), Action.CHANGED_PERSON, via="sign-in", subject=user.email, after=after)
        return Known(user.id, user.email)


async def _use(session: AsyncSession, purpose: Purpose, token: str) -> User:
    digest = digest_of(purpose, token)
    # The person before the link, as whoever ends both locks them too.
    owner = await owner_of_link(session, digest)
    user = None if owner is None else await locked_user(session, owner.id)
    if user is None or await people.use_link(session, digest) is None:
        raise LinkGone
    return user


def _actor(user: User) -> Actor:
    return Actor(user.email, user.id)
