"""People are made and changed here: nobody registers by themselves."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.addresses import is_disguised, is_same_address
from lib.access.administration import By, administering
from lib.access.audit import OPERATOR_ACTOR, Action, Actor, note
from lib.access.passwords import hash_password
from lib.access.roster import Person
from lib.access.standing import still_stands
from lib.access.viewer import Role
from lib.access.withdrawals import Hand, withdraw_for, withdraw_of
from lib.errors import Conflict, NotFound, UsageError, changed_meanwhile
from lib.store.engine import Store
from lib.store.models import User
from lib.store.repositories import invitations, people, personal_tokens
from lib.store.repositories.standing import locked_admins, locked_user

LOCAL_ADMIN = "admin@localhost.localdomain"
Facts = dict[str, Any]
"""What is noted of a person: role, clients (their slugs) and is_active."""
SIGN_INS, TOKENS = "sign-ins ended", "personal tokens ended"
LONGEST_SHOWN = 40
"""So many letters of what is no address are repeated."""
_OPERATOR: Hand = (OPERATOR_ACTOR, "cli")


@dataclass(frozen=True)
class PutPerson:
    """What became of a person: new or not, and what was changed in the words of a sentence."""

    user_id: uuid.UUID
    email: str
    is_new: bool
    changes: list[str] = field(default_factory=list)
    is_active: bool = True


def checked_email(email: str) -> str:
    """The address in its normal form; UsageError where it is none, or one in disguise."""
    if email.lower() == LOCAL_ADMIN:
        return LOCAL_ADMIN
    if not email.strip():
        raise UsageError("Type an e-mail address.", "Nothing was stored.")
    shown = repr(email if len(email) <= LONGEST_SHOWN else f"{email[:LONGEST_SHOWN]}…")
    try:
        normal = validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as error:
        remedy = "Nothing was stored. Type it like name@example.com."
        raise UsageError(f"{shown} is not an e-mail address.", remedy) from error
    composed = unicodedata.normalize("NFC", email)
    if is_disguised(email) or is_disguised(composed) or not (email.isascii() or is_same_address(normal, composed)):
        raise UsageError(f"{shown} has letters that are taken for others.", "Nothing was stored. Type them anew.")
    return normal


async def put_person(
    store: Store, email: str, role: Role, *, slugs: Sequence[str] | None = None, password: str | None = None
) -> PutPerson:
    """Add a person, or bring one who exists to this role, these clients and this password: for commands.

    ``None`` for ``slugs`` or ``password`` leaves what is there. A new password ends every sign-in of the person.
    UsageError for a bad address, an unknown client or a weak password, Conflict for the last administrator; then
    nothing is stored.
    """
    email = checked_email(email)
    hashed = None if password is None else hash_password(password, email)
    async with store.working() as session:
        client_ids = None if slugs is None else await client_ids_of(session, slugs)
        await invitations.lock_address(session, email)
        admins = await locked_admins(session)
        found = await people.find_user(session, email)
        user = None if found is None else await locked_user(session, found.id)
        if user is None:
            user = await add_person(session, email, role, hashed=hashed or "")
            await people.set_grants(session, user.id, client_ids or frozenset())
            await withdraw_for(session, _OPERATOR, email, "the person was added")
            after = await facts_of(session, user)
            await note(session, OPERATOR_ACTOR, Action.ADDED_PERSON, via="cli", subject=email, after=after)
            return PutPerson(user.id, email, is_new=True)
        if user.id in admins and role is not Role.ADMIN:
            _refuse_to_lose(user, admins, OPERATOR_ACTOR)
        before = await facts_of(session, user)
        changes, ended = await _change(session, _OPERATOR, user, role=role, client_ids=client_ids)
        new = await _new_password(session, user, hashed)
        if changes or new:
            await _note_change(session, _OPERATOR, user, before, ended | new)
        changes += [f"new password, {_words(new)} ended"] if new else []
        return PutPerson(user.id, user.email, is_new=False, changes=changes, is_active=user.is_active)


async def change_person(
    store: Store,
    viewer: By,
    user_id: uuid.UUID,
    *,
    role: Role | None = None,
    slugs: Sequence[str] | None = None,
    is_active: bool | None = None,
    seen: Person | None = None,
) -> list[str]:
    """Change what is not ``None`` and say in words what was; empty where all was so already.

    Where ``seen`` says how the person was when the page was drawn, Conflict once role or clients are others.

    A person who is disabled is out at once: sign-ins, personal tokens, links and what they offered to others end.
    AccessError for all but administrators, NotFound for nobody, Conflict for oneself and for the last administrator,
    UsageError for an unknown client; then nothing is changed.
    """
    hand = administering(viewer)
    async with store.working() as session:
        admins = await locked_admins(session)
        await still_stands(session, viewer)
        user = await locked_user(session, user_id)
        if user is None:
            raise NotFound("That person is not there any more; nothing was changed.")
        is_admin_after = (role or Role(user.role)) is Role.ADMIN and is_active is not False
        if user.id in admins and not is_admin_after:
            _refuse_to_lose(user, admins, hand[0])
        client_ids = None if slugs is None else await client_ids_of(session, slugs)
        before = await facts_of(session, user)
        if seen and (before["role"], set(before["clients"])) != (seen.role.value, set(seen.client_slugs)):
            raise changed_meanwhile(user.email)
        changes, ended = await _change(session, hand, user, role=role, client_ids=client_ids, is_active=is_active)
        if changes:
            await _note_change(session, hand, user, before, ended)
    return changes


def _refuse_to_lose(user: User, admins: frozenset[uuid.UUID], actor: Actor) -> None:
    """An administrator is about to go: Conflict where it is whoever asks, or the last one."""
    if user.id == actor.user_id:
        raise Conflict(
            "You cannot disable yourself or give up your own role; nothing was changed.",
            "Ask another administrator.",
        )
    if len(admins) == 1:
        raise Conflict(
            f"{user.email} is the last active administrator; nothing was changed.",
            "Make someone else an administrator first.",
        )


async def client_ids_of(session: AsyncSession, slugs: Sequence[str]) -> frozenset[int]:
    """The ids of these clients; UsageError names the unknown ones (archived ones are unknown) and those there are."""
    known = await people.clients_by_slug(session)
    unknown = sorted(set(slugs) - known.keys())
    if unknown:
        listed = f"The clients are {', '.join(known)}." if known else "There is no client yet; add one first."
        raise UsageError(f"No client is called {' or '.join(unknown)}.", f"{listed} Nothing was stored.")
    return frozenset(known[slug] for slug in slugs)


async def add_person(
    session: AsyncSession, email: str, role: Role, *, hashed: str = "", is_verified: bool = False
) -> User:
    """A new person without clients."""
    user = User(
        email=email,
        role=role.value,
        hashed_password=hashed,
        is_superuser=role is Role.ADMIN,
        is_verified=is_verified,
    )
    session.add(user)
    await session.flush()
    await session.refresh(user)
    return user


async def facts_of(session: AsyncSession, user: User) -> Facts:
    """What is noted of a person as they are now."""
    granted = await people.grants_of(session, user.id)
    known = await people.clients_by_slug(session)
    clients = [slug for slug, client_id in known.items() if client_id in granted]
    return {"role": user.role, "clients": clients, "is_active": user.is_active}


async def change_role(session: AsyncSession, hand: Hand, user: User, role: Role) -> None:
    """Give the person this role. Nobody looks through an administrator's eyes; only those look, and invite."""
    user.role, user.is_superuser = role.value, role is Role.ADMIN
    if role is Role.ADMIN:
        await people.stop_seeing(session, user.id)
    else:
        await people.stop_looking(session, user.id)
        await withdraw_of(session, hand, user.email, f"{user.email} is no administrator any more")


async def _change(
    session: AsyncSession,
    hand: Hand,
    user: User,
    *,
    role: Role | None = None,
    client_ids: frozenset[int] | None = None,
    is_active: bool | None = None,
) -> tuple[list[str], Facts]:
    """In words what was changed, and what ended with it."""
    changes, ended = list[str](), Facts()
    if role is not None and role.value != user.role:
        changes.append(f"role {user.role} to {role.value}")
        await change_role(session, hand, user, role)
    if client_ids is not None and client_ids != await people.grants_of(session, user.id):
        await people.set_grants(session, user.id, client_ids)
        changes.append(f"clients now {', '.join((await facts_of(session, user))['clients']) or 'none'}")
    if is_active is not None and is_active != user.is_active:
        user.is_active = is_active
        ended = {} if is_active else await _end_everything(session, hand, user)
        changes.append("enabled" if is_active else f"disabled, {_words(ended)} ended")
    await session.flush()
    return changes, ended


async def _end_everything(session: AsyncSession, hand: Hand, user: User) -> Facts:
    ended = {
        SIGN_INS: await people.revoke_sessions_of(session, user.id),
        TOKENS: await personal_tokens.revoke_all_of(session, user.id),
    }
    await people.stop_seeing(session, user.id)
    await withdraw_of(session, hand, user.email, f"{user.email} was disabled")
    return ended


async def _new_password(session: AsyncSession, user: User, hashed: str | None) -> Facts:
    if hashed is None:
        return {}
    user.hashed_password = hashed
    return {"password": "new", SIGN_INS: await people.revoke_sessions_of(session, user.id)}


def _words(ended: Facts) -> str:
    """2 sign-ins and 1 personal token."""
    one_of = {SIGN_INS: "sign-in", TOKENS: "personal token"}
    return " and ".join(_counted(ended[name], what) for name, what in one_of.items() if name in ended)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


async def _note_change(session: AsyncSession, hand: Hand, user: User, before: Facts, more: Facts) -> None:
    after = await facts_of(session, user)
    changed = [name for name in after if after[name] != before[name]]
    await note(
        session,
        hand[0],
        _action(before, after),
        via=hand[1],
        subject=user.email,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed} | more,
    )


def _action(before: Facts, after: Facts) -> Action:
    if before["is_active"] == after["is_active"]:
        return Action.CHANGED_PERSON
    return Action.ENABLED_PERSON if after["is_active"] else Action.DISABLED_PERSON


async def ensure_local_admin(store: Store) -> uuid.UUID:
    """The administrator of a store on one machine, made at the first start; there is no password.

    Conflict where they were disabled.
    """
    async with store.working() as session:
        user = await people.find_user(session, LOCAL_ADMIN)
        if user is not None and not user.is_active:
            enabling = f"`python -m lib user enable {LOCAL_ADMIN}` lets them in; others sign in as before."
            raise Conflict("The local administrator is disabled, so there is no link to sign in.", enabling)
        if user is not None:
            return user.id
    return (await put_person(store, LOCAL_ADMIN, Role.ADMIN)).user_id
