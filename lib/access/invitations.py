"""Invitations: an administrator names a person, a role and clients; whoever holds the token becomes that person."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.administration import By, administering
from lib.access.audit import Action, Actor, note
from lib.access.passwords import hash_password
from lib.access.people import add_person, checked_email, client_ids_of, facts_of
from lib.access.roster import InvitationFacts, invitation_facts
from lib.access.standing import still_stands
from lib.access.tokens import new_token, token_hash
from lib.access.viewer import Role
from lib.access.withdrawals import withdraw_for
from lib.errors import AccessError, Conflict, NotFound, UsageError
from lib.store.engine import Store
from lib.store.models import Invitation, User
from lib.store.repositories import invitations, people, roster, teams

LASTS = dt.timedelta(days=7)
LONGEST = dt.timedelta(days=30)


class InvitationOver(AccessError):
    """This token opens nothing, or nothing any more. Which of it is for nobody who tries tokens."""

    def __init__(self) -> None:
        super().__init__(
            "This invitation was used or withdrawn, or its time is over. Nothing was stored.",
            "If you have set a password already, sign in with it; else ask your administrator for a new invitation.",
        )


@dataclass(frozen=True)
class Invited:
    """An invitation that was just made; ``token`` is not to be had again."""

    id: uuid.UUID
    email: str
    token: str = field(repr=False)
    expires_at: dt.datetime


async def invite(
    store: Store,
    viewer_or_actor: By,
    email: str,
    role: Role,
    *,
    slugs: Sequence[str] = (),
    teams: Sequence[str] = (),
    ttl: dt.timedelta = LASTS,
) -> Invited:
    """Offer this person a role, clients and teams; what was open for the same address before is withdrawn.

    AccessError for all but administrators, Conflict where the person is there already, UsageError for a bad address,
    an unknown client or team, or a time of less than a minute or more than ``LONGEST``. Then nothing is stored.
    """
    actor, via = administering(viewer_or_actor)
    email = checked_email(email)
    if not dt.timedelta(minutes=1) <= ttl <= LONGEST:
        raise UsageError(f"An invitation holds for a minute to {LONGEST.days} days.", "Nothing was stored.")
    token = new_token()
    async with store.working() as session:
        await invitations.lock_address(session, email)
        await still_stands(session, viewer_or_actor)
        await _refuse_who_is_there(session, email)
        await withdraw_for(session, (actor, via), email, "another invitation")
        made = await invitations.add_invitation(
            session,
            email=email,
            role=role.value,
            client_ids=await client_ids_of(session, slugs),
            team_ids=await _team_ids_of(session, teams),
            digest=token_hash(token),
            invited_by=actor.email,
            lasts=ttl,
        )
        facts = {"role": role.value, "clients": sorted(set(slugs)), "teams": sorted(set(teams))}
        after = {**facts, "until": made.expires_at.isoformat(timespec="seconds")}
        await note(session, actor, Action.INVITED, via=via, subject=email, after=after)
    return Invited(made.id, email, token, made.expires_at)


async def _refuse_who_is_there(session: AsyncSession, email: str) -> None:
    user = await people.find_user(session, email)
    if user is not None:
        remedy = "Change their role and clients instead." if user.is_active else "Enable them instead."
        state = "there already" if user.is_active else "there already, disabled"
        raise Conflict(f"{user.email} is {state}; nothing was stored.", remedy)


async def _team_ids_of(session: AsyncSession, names: Sequence[str]) -> frozenset[int]:
    known = await teams.teams_by_name(session, names)
    unknown = sorted(set(names) - known.keys())
    if unknown:
        raise UsageError(f"No team is called {' or '.join(unknown)}.", "Make the team first. Nothing was stored.")
    return frozenset(known.values())


async def revoke_invitation(store: Store, viewer: By, invitation_id: uuid.UUID) -> None:
    """Withdraw an invitation; one that is over already stays as it is.

    AccessError for all but administrators, NotFound where there is none, Conflict where it was used.
    """
    actor, via = administering(viewer)
    async with store.working() as session:
        await still_stands(session, viewer)
        found = await session.get(Invitation, invitation_id)
        if found is None:
            raise NotFound("There is no such invitation; nothing was changed.")
        if await invitations.revoke(session, invitation_id):
            before = {"role": found.role}
            await note(session, actor, Action.REVOKED_INVITATION, via=via, subject=found.email, before=before)
            return
        await session.refresh(found)
        if found.used_at is not None:
            raise Conflict(
                f"{found.email} has used the invitation already; nothing was changed.", "Disable the person instead."
            )


async def open_invitation(store: Store, token: str) -> InvitationFacts | None:
    """What this token offers, which stays open; ``None`` where it opens nothing."""
    async with store.working(timeout_s=30) as session:
        found = await invitations.open_by_token(session, token_hash(token))
        return None if found is None else invitation_facts(found, *await roster.names(session))


async def accept(store: Store, token: str, password: str, *, address: str = "") -> uuid.UUID:
    """Make the person that the token stands for, with this password; their id.

    InvitationOver where the token opens nothing (for all but the first of many at once), Conflict where someone with
    this address is there by now, UsageError for a weak password. Then nothing is stored and the invitation stays.
    """
    offered = await open_invitation(store, token)
    if offered is None:
        raise InvitationOver
    hashed = await asyncio.to_thread(hash_password, password, offered.email)
    async with store.working() as session:
        await invitations.lock_address(session, offered.email)
        found = await invitations.use_by_token(session, token_hash(token))
        if found is None:
            raise InvitationOver
        if await people.find_user(session, found.email) is not None:
            raise Conflict(f"{found.email} is there already; nothing was stored.", "Sign in as you did before.")
        # The link is shown to whoever invites, and may have come by another way than to the address.
        user = await let_in(session, found, Role(found.role), hashed=hashed, is_verified=False, address=address)
        return user.id


async def let_in(
    session: AsyncSession,
    invitation: Invitation,
    role: Role,
    *,
    is_verified: bool,
    hashed: str = "",
    address: str = "",
) -> User:
    """The new person of an invitation that was just used up; ``address`` is where they came from."""
    user = await add_person(session, invitation.email, role, hashed=hashed, is_verified=is_verified)
    await invitations.keep_promise(session, user.id, invitation)
    actor, after = Actor(user.email, user.id), {**await facts_of(session, user), "invited_by": invitation.invited_by}
    await note(session, actor, Action.ADDED_PERSON, via="sign-in", subject=user.email, after=after, address=address)
    return user
