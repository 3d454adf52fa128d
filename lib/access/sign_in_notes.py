"""Notes of who signed in, who failed to, and who signed out."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import OrderedDict

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.addresses import LONGEST_EMAIL
from lib.access.audit import Action, Actor, Via, note
from lib.access.refusals import Why
from lib.access.tokens import token_hash
from lib.store.engine import Store
from lib.store.models import User
from lib.store.repositories import people

NOBODY = "nobody known"
REMEMBERED = 1000
LONGEST_ACCOUNT = 255
_noted: OrderedDict[bytes, None] = OrderedDict()


async def signed_in(session: AsyncSession, user_id: uuid.UUID, provider: str, address: str = "") -> None:
    """Note with the transaction that stores the sign-in that it was made; ``address`` is where it came from."""
    user = await session.get_one(User, user_id)
    actor = Actor(user.email, user.id)
    await note(session, actor, Action.SIGNED_IN, via="sign-in", after={"by": provider}, address=address)


async def signed_out(session: AsyncSession, user_id: uuid.UUID, address: str = "") -> None:
    """Note with the transaction that ends the sign-in that it was ended."""
    user = await session.get_one(User, user_id)
    await note(session, Actor(user.email, user.id), Action.SIGNED_OUT, via="sign-in", address=address)


async def made_link(session: AsyncSession, actor: Actor, user_id: uuid.UUID, purpose: str, *, via: Via) -> None:
    """Note with the transaction that stores a link of this person what it is for."""
    user = await session.get_one(User, user_id)
    await note(session, actor, Action.MADE_LINK, via=via, subject=user.email, after={"for": purpose})


async def refused(store: Store, email: str, account: str, why: Why, *, address: str = "") -> None:
    """Note that a program came with a good token of someone who may not come in, once a day for each account."""
    known_as = account[:LONGEST_ACCOUNT] if account.isprintable() else ""
    today = dt.datetime.now(dt.UTC).date()
    if not _is_first(token_hash(f"{today} {known_as}")):
        return
    async with store.gatekeeping() as session:
        about = {"subject": known_as, "after": {"by": "jwt", "why": why.value}, "address": address, "day": today}
        shown, _ = await _named(session, email)
        await note(session, Actor(shown), Action.SIGN_IN_FAILED, via="api", **about)


async def over(store: Store, owner: Actor, token: str, why: Why, *, name: str = "", address: str = "") -> None:
    """Note that a program came with a personal token that is over, once a day for each; ``token`` is its id."""
    today = dt.datetime.now(dt.UTC).date()
    if not _is_first(token_hash(f"{today} {token}")):
        return
    after = {"by": "personal token", "name": name, "why": why.value}
    async with store.gatekeeping() as session:
        about = {"subject": token, "after": after, "address": address, "day": today}
        await note(session, owner, Action.SIGN_IN_FAILED, via="api", **about)


async def failed(
    store: Store, email: str, provider: str, why: Why, *, address: str = "", once: bytes | None = None
) -> None:
    """Note that someone who says that they are ``email`` did not get in; a wrong password may be nobody's.

    A browser shows the same refused ID token at every rerun: what has the same ``once`` is noted once in this process,
    as long as it is among the last ``REMEMBERED``.
    """
    if once is not None and not _is_first(once):
        return
    async with store.gatekeeping() as session:
        shown, user = await _named(session, email)
        after = {"by": provider, "why": _exactly(why, user).value}
        await note(session, Actor(shown), Action.SIGN_IN_FAILED, via="sign-in", after=after, address=address)


def _exactly(why: Why, user: User | None) -> Why:
    """Why a password was wrong: there may be nobody to whom it could belong."""
    if why is not Why.WRONG_PASSWORD:
        return why
    if user is None:
        return Why.UNKNOWN
    if not user.is_active:
        return Why.DISABLED
    return why if user.hashed_password else Why.NO_PASSWORD


def _is_first(once: bytes) -> bool:
    """Whether this is seen for the first time; remembered before it is noted, as several windows come at once."""
    if once in _noted:
        return False
    _noted[once] = None
    while len(_noted) > REMEMBERED:
        _noted.popitem(last=False)
    return True


async def _named(session: AsyncSession, email: str) -> tuple[str, User | None]:
    """The address, where someone here has it or it is one beyond doubt; and who that is.

    People type passwords into the wrong field, and some of those have an @.
    """
    if not email.isprintable() or len(email) > LONGEST_EMAIL:
        return NOBODY, None
    user = await people.find_user(session, email)
    return email if user is not None or _is_address(email) else NOBODY, user


def _is_address(text: str) -> bool:
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    # The end of a domain's name is letters, or the letters of another script in those of ASCII.
    end = found.ascii_domain.rpartition(".")[2]
    return end.isalpha() or end.startswith("xn--")
