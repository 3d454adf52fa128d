"""Whom a sign-in service vouches for: someone who is known, or a newcomer who is invited, has a role, or a domain.

The account at the service (issuer and subject) is bound to the person at first sight. From then on it is the account
that counts, and another one of the same service under the same address is refused: addresses are given to others.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access import sign_in_notes
from lib.access.addresses import LONGEST_EMAIL
from lib.access.audit import Action, Actor, note
from lib.access.invitations import let_in
from lib.access.people import LOCAL_ADMIN, add_person, change_role, checked_email, facts_of
from lib.access.refusals import NotLetIn, Why, why_of
from lib.access.viewer import Role
from lib.errors import AccessError, UsageError
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.models import User
from lib.store.repositories import identities, invitations, people
from lib.store.repositories.standing import locked_admins, locked_user

_log = logging.getLogger(__name__)
LONGEST_SUBJECT = 255
WHOM_TO_ASK = "Ask the administrator of this dashboard to add you."


class SignInEnded(NotLetIn):
    """A sign-in that was good once; signing in again helps."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(Why.ENDED, message, remedy)


@dataclass(frozen=True)
class Vouched:
    """Whom the service names. ``roles`` are the known ones of the role claim, ``None`` where it says nothing."""

    issuer: str
    subject: str
    email: str
    roles: tuple[Role, ...] | None = None

    @property
    def role(self) -> Role | None:
        """The highest role of the claim, the lowest where it names none that is known; ``None`` without a claim."""
        return None if self.roles is None else max(self.roles, key=lambda role: role.rank, default=Role.VIEWER)


def vouched(claims: Mapping[str, Any], role_claim: str = "") -> Vouched:
    """Whom these claims name; AccessError where the address is not verified or cannot be used."""
    email, subject = claims.get("email"), claims.get("sub")
    if not isinstance(email, str) or not subject or claims.get("email_verified") is not True:
        raise NotLetIn(
            Why.UNVERIFIED,
            "The sign-in service has not verified your e-mail address.",
            f"Verify it there and sign in again. {WHOM_TO_ASK}",
        )
    issuer, account = str(claims.get("iss", "")), str(subject)
    return named(issuer, account, email, _roles(claims, role_claim))


def named(issuer: str, subject: str, email: str, roles: tuple[Role, ...] | None = None) -> Vouched:
    """An account and its verified address in its normal form; AccessError where they cannot be used.

    Nobody comes from outside by an address in disguise, nor by this machine's own.
    """
    can_be_kept = issuer.isprintable() and subject.isprintable() and len(subject) <= LONGEST_SUBJECT
    try:
        address = checked_email(email) if can_be_kept and email.isprintable() and len(email) <= LONGEST_EMAIL else ""
    except UsageError:
        address = ""
    if address in ("", LOCAL_ADMIN):
        words = "The sign-in service names an e-mail address that cannot be used here."
        raise NotLetIn(Why.UNUSABLE, words, WHOM_TO_ASK)
    return Vouched(issuer.rstrip("/"), subject, address, roles)


def _roles(claims: Mapping[str, Any], name: str) -> tuple[Role, ...] | None:
    said = claims.get(name) if name else None
    if said is None:
        return None
    named = {word.strip().lower() for word in (said if isinstance(said, list) else [said]) if isinstance(word, str)}
    return tuple(role for role in Role if role.value in named)


async def admit(
    store: Store,
    claims: Mapping[str, Any],
    digest: bytes,
    left: dt.timedelta,
    *,
    provider: str = "oidc",
    address: str = "",
) -> None:
    """Store the sign-in that is known by ``digest`` for as long as is ``left``, and its person where they are new.

    A sign-in that was stored before stays as it is, revoked or not. AccessError says whom to ask, SignInEnded that
    nothing is left; both are noted, and nothing else is stored.
    """
    settings = get_settings()
    try:
        who = vouched(claims, settings.auth_role_claim)
        async with store.working(timeout_s=30) as session:
            await invitations.lock_address(session, who.email)
            if await people.has_session(session, digest):
                return
            if left <= dt.timedelta(0):
                raise SignInEnded("Your sign-in has ended.", "Sign in again.")
            user = await _person(session, who, settings.auth_allowed_domains, address)
            if await people.add_session(session, digest, user.id, provider, left):
                await sign_in_notes.signed_in(session, user.id, provider, address)
    except AccessError as error:
        email = claims.get("email")
        shown = email if isinstance(email, str) else ""
        await sign_in_notes.failed(store, shown, provider, why_of(error), address=address, once=digest)
        raise


async def _person(session: AsyncSession, who: Vouched, domains: tuple[str, ...], address: str) -> User:
    """The active person, bound to the account that they came by, with the role that the claim says."""
    # Before any other person, as whoever locks several does.
    may_take = who.role not in (None, Role.ADMIN)
    admins = await locked_admins(session) if may_take else frozenset[uuid.UUID]()
    user = await known(session, who)
    if user is None:
        user = await _newcomer(session, who, domains, address)
        await identities.bind(session, who.issuer, who.subject, user.id)
    if not user.is_active:
        raise NotLetIn(Why.DISABLED, f"{who.email} may not use this dashboard.", WHOM_TO_ASK)
    if who.role is not None and who.role.value != user.role:
        await _follow_claim(session, user, who.role, is_last=admins == {user.id})
    return user


async def _follow_claim(session: AsyncSession, user: User, role: Role, *, is_last: bool) -> None:
    """Give the person the role of the claim; the last administrator keeps theirs, and both is noted."""
    before, actor = {"role": user.role}, Actor(user.email, user.id)
    if is_last:
        after = {"role": user.role, "by": "role claim", "why": f"the last administrator is not made {role.value}"}
        _log.warning("%s is the last active administrator and stays one; the role claim says %s.", user.email, role)
    else:
        await change_role(session, (actor, "sign-in"), user, role)
        after = {"role": user.role, "by": "role claim"}
    await note(session, actor, Action.CHANGED_PERSON, via="sign-in", subject=user.email, before=before, after=after)


async def known(session: AsyncSession, who: Vouched) -> User | None:
    """Whose account it is, whatever its address; else who has the address, and is bound to the account now.

    AccessError where they have another account of this service. The address is to be locked in this transaction.
    """
    owner = await identities.owner_of(session, who.issuer, who.subject)
    if owner is not None:
        return await locked_user(session, owner)
    found = await people.find_user(session, who.email)
    user = None if found is None else await locked_user(session, found.id)
    if user is None:
        return None
    if await identities.subject_of(session, who.issuer, user.id) is not None:
        raise NotLetIn(
            Why.OTHER_ACCOUNT,
            f"{who.email} signs in by another account of the sign-in service.",
            "Use the account that you came by first. Where it is no more, ask the administrator to unlink it.",
        )
    if user.is_active:
        await identities.bind(session, who.issuer, who.subject, user.id)
        user.is_verified = True
    return user


async def _newcomer(session: AsyncSession, who: Vouched, domains: tuple[str, ...], address: str) -> User:
    """Who comes for the first time: by an open invitation, by a known role, or from an allowed domain."""
    invitation = await invitations.use_by_email(session, who.email)
    if invitation is not None:
        role = who.role or Role(invitation.role)
        return await let_in(session, invitation, role, is_verified=True, address=address)
    reason = _reason(who, domains)
    if not reason:
        raise AccessError(f"{who.email} may not use this dashboard.", WHOM_TO_ASK)
    user = await add_person(session, who.email, who.role or Role.VIEWER, is_verified=True)
    actor, after = Actor(user.email, user.id), {**await facts_of(session, user), "by": reason}
    await note(session, actor, Action.ADDED_PERSON, via="sign-in", subject=user.email, after=after, address=address)
    return user


def _reason(who: Vouched, domains: tuple[str, ...]) -> str:
    """Why the settings let this newcomer in: a role of theirs or their domain; '' where they do not."""
    if who.roles:
        return f"role {', '.join(who.roles)}"
    domain = who.email.rpartition("@")[2].lower()
    return f"domain {domain}" if domain in domains else ""
