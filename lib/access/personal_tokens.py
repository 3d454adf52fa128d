"""Personal tokens: by one, a program asks as the person who has it, with that person's role and grants.

A token is shown once, when it is made. The store has its SHA-256, which is enough for 256 random bits.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access import sign_in_notes
from lib.access.administration import By, administering
from lib.access.audit import OPERATOR_ACTOR, Action, Actor, note
from lib.access.refusals import Why
from lib.access.scopes import READ, SCOPES
from lib.access.standing import still_stands
from lib.access.tokens import new_token, token_hash
from lib.access.viewer import Viewer
from lib.access.withdrawals import Hand
from lib.errors import NotFound, StoreError, UsageError
from lib.store.engine import Store
from lib.store.models import PersonalToken, User
from lib.store.repositories import people, personal_tokens
from lib.store.repositories.standing import role_held

PREFIX = "ads_pat_"
LONGEST = 100
DAYS, MOST_DAYS = 90, 366
LONGEST_NAME = 100
_WHY = {"revoked": Why.TOKEN_REVOKED, "expired": Why.TOKEN_EXPIRED}
_OPERATOR: Hand = (OPERATOR_ACTOR, "cli")
"""Commands alone make tokens."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TokenInfo:
    """What may be told about a token: everything but the token."""

    id: uuid.UUID
    email: str
    name: str
    scopes: tuple[str, ...]
    created_at: dt.datetime
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None
    revoked_at: dt.datetime | None

    @property
    def state(self) -> str:
        """active, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        is_over = self.expires_at is not None and self.expires_at <= dt.datetime.now(dt.UTC)
        return "expired" if is_over else "active"


@dataclass(frozen=True)
class NewToken:
    """A token that was just made; ``secret`` is not to be had again."""

    info: TokenInfo
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Holder:
    """Who asks by a token, and what the token is for."""

    viewer: Viewer
    scopes: frozenset[str]


async def create_token(
    store: Store, email: str, *, name: str = "", scopes: Sequence[str] = (READ,), days: int = DAYS
) -> NewToken:
    """A token for ``days``; who may write may read. UsageError where there is no such person or the words are off."""
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"A token holds for 1 to {MOST_DAYS} days, not {days}.", "No token was made.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(f"A token's name has up to {LONGEST_NAME} printable characters.", "No token was made.")
    secret = PREFIX + new_token()
    wanted = tuple(scope for scope in SCOPES if scope == READ or scope in scopes)
    async with store.working() as session:
        user = await people.find_user(session, email)
        if user is None or await role_held(session, user.id) is None:
            raise _nobody(email)
        row = await personal_tokens.add_token(
            session, user.id, name=name, digest=token_hash(secret), scopes=wanted, lasts=dt.timedelta(days=days)
        )
        info = _info(row, user.email)
        after = {"name": name, "for": list(wanted), "until": str(info.expires_at)}
        await _note(session, _OPERATOR, Action.ADDED_PERSONAL_TOKEN, info, after=after)
        return NewToken(info, secret)


async def list_tokens(store: Store, email: str | None = None) -> list[TokenInfo]:
    """The tokens of a person, or everyone's; UsageError where there is no such person."""
    async with store.working() as session:
        if email is not None and await people.find_user(session, email) is None:
            raise _nobody(email)
        return [_info(row, owner) for row, owner in await personal_tokens.tokens_of(session, email)]


async def live_tokens_of(store: Store, viewer: By, user_id: uuid.UUID) -> list[TokenInfo]:
    """The tokens by which programs ask as this person, the oldest first; AccessError for all but administrators."""
    administering(viewer)
    async with store.working(timeout_s=30) as session:
        return [_info(row, owner) for row, owner in await personal_tokens.live_tokens_of(session, user_id)]


async def revoke_token(store: Store, viewer: By, token_id: uuid.UUID) -> None:
    """End a token from now on, or leave it ended.

    AccessError for all but administrators, NotFound where there is none; then nothing is changed.
    """
    hand = administering(viewer)
    async with store.working() as session:
        await still_stands(session, viewer)
        found = await personal_tokens.locked_token(session, token_id)
        if found is None:
            listed = "Nothing was changed. `python -m lib token list --all` shows those that there are."
            raise NotFound(f"There is no token {token_id}.", listed)
        info = _info(*found)
        if info.revoked_at is None:
            await personal_tokens.revoke(session, token_id)
            was, now = {"name": info.name, "state": info.state}, {"state": "revoked"}
            await _note(session, hand, Action.REVOKED_PERSONAL_TOKEN, info, before=was, after=now)


async def _note(
    session: AsyncSession, hand: Hand, action: Action, token: TokenInfo, **change: Mapping[str, Any]
) -> None:
    said = {name: {"token": str(token.id), **values} for name, values in change.items()}
    await note(session, hand[0], action, via=hand[1], subject=token.email, **said)


async def holder_of(store: Store, secret: str, *, address: str = "") -> Holder | None:
    """Who asks by this token, with what grants open now; ``None`` where it is unknown, over or its person inactive.

    One that is over is noted under its person, once a day, with the ``address`` that it came from.
    """
    if len(secret) > LONGEST or not secret.startswith(PREFIX):
        return None
    # The app's role sees no client before the viewer is known, so this one look is the worker's.
    async with store.working(timeout_s=30) as session:
        found = await personal_tokens.held(session, token_hash(secret))
        known = await personal_tokens.whose(session, token_hash(secret)) if found is None else None
    if known is not None:
        await _note_over(store, *known, address)
    if found is None:
        return None
    token_id, viewer, scopes, is_due = found
    if is_due:
        await _touch(store, token_id)
    return Holder(viewer, scopes)


async def _note_over(store: Store, row: PersonalToken, owner: User, address: str) -> None:
    why = _WHY.get(_info(row, owner.email).state, Why.DISABLED)
    try:
        await sign_in_notes.over(store, Actor(owner.email, owner.id), str(row.id), why, name=row.name, address=address)
    except StoreError as error:
        _log.warning("The use of a token that is over was not noted: %s", error)


async def _touch(store: Store, token_id: uuid.UUID) -> None:
    try:
        async with store.gatekeeping() as session:
            await personal_tokens.touch(session, token_id)
    except StoreError as error:
        # A full disk, for instance, keeps nobody from reading.
        _log.warning("The last use of a token was not noted: %s", error)


def _nobody(email: str) -> UsageError:
    return UsageError(f"There is no active person {email}.", "`python -m lib user add` adds one.")


def _info(row: PersonalToken, email: str) -> TokenInfo:
    return TokenInfo(
        row.id, email, row.name, tuple(row.scopes), row.created_at, row.expires_at, row.last_used_at, row.revoked_at
    )
