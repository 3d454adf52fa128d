"""People are made here, from the command line: nobody registers by themselves."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.passwords import hash_password
from lib.access.viewer import Role
from lib.errors import UsageError
from lib.store.engine import Store
from lib.store.models import User
from lib.store.repositories import people

LOCAL_ADMIN = "admin@localhost.localdomain"


@dataclass(frozen=True)
class PutPerson:
    """What became of a person: new or not, and what was changed in the words of a sentence."""

    user_id: uuid.UUID
    email: str
    is_new: bool
    changes: list[str] = field(default_factory=list)


def checked_email(email: str) -> str:
    """The address in its normal form; UsageError where it is none."""
    if email.lower() == LOCAL_ADMIN:
        return LOCAL_ADMIN
    try:
        return validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise UsageError(f"{email!r} is not an e-mail address: {error}", "Nothing was stored.") from error


async def put_person(
    store: Store, email: str, role: Role, *, slugs: Sequence[str] | None = None, password: str | None = None
) -> PutPerson:
    """Add a person, or bring one who exists to this role, these clients and this password.

    ``None`` for ``slugs`` or ``password`` leaves what is there. A new password ends every sign-in of the person.
    UsageError for a bad address, an unknown client or a short password; then nothing is stored.
    """
    email = checked_email(email)
    hashed = None if password is None else hash_password(password)
    async with store.working() as session:
        client_ids = None if slugs is None else await _client_ids(session, slugs)
        user = await people.find_user(session, email)
        if user is None:
            return await _add(session, email, role, hashed or "", client_ids or frozenset())
        changes = await _change(session, user, role, hashed)
        if client_ids is not None:
            changes += await _regrant(session, user.id, client_ids, slugs or ())
        return PutPerson(user.id, user.email, is_new=False, changes=changes)


async def ensure_local_admin(store: Store) -> uuid.UUID:
    """The administrator of a store on one machine, made at the first start; there is no password."""
    async with store.working() as session:
        user = await people.find_user(session, LOCAL_ADMIN)
        if user is not None:
            return user.id
    return (await put_person(store, LOCAL_ADMIN, Role.ADMIN)).user_id


async def _client_ids(session: AsyncSession, slugs: Sequence[str]) -> frozenset[int]:
    known = await people.clients_by_slug(session)
    unknown = sorted(set(slugs) - known.keys())
    if unknown:
        listed = f"The clients are {', '.join(known)}." if known else "There is no client yet; add one first."
        raise UsageError(f"No client is called {' or '.join(unknown)}.", f"{listed} Nothing was stored.")
    return frozenset(known[slug] for slug in slugs)


async def _add(session: AsyncSession, email: str, role: Role, hashed: str, client_ids: frozenset[int]) -> PutPerson:
    user = User(email=email, role=role.value, hashed_password=hashed, is_superuser=role is Role.ADMIN)
    session.add(user)
    await session.flush()
    await people.set_grants(session, user.id, client_ids)
    return PutPerson(user.id, email, is_new=True)


async def _change(session: AsyncSession, user: User, role: Role, hashed: str | None) -> list[str]:
    changes = []
    if user.role != role.value:
        changes.append(f"role {user.role} to {role.value}")
        user.role, user.is_superuser = role.value, role is Role.ADMIN
    if hashed is not None:
        user.hashed_password = hashed
        ended = await people.revoke_sessions_of(session, user.id)
        changes.append(f"new password, {ended} sign-in{'' if ended == 1 else 's'} ended")
    return changes


async def _regrant(
    session: AsyncSession, user_id: uuid.UUID, client_ids: frozenset[int], slugs: Sequence[str]
) -> list[str]:
    if await people.grants_of(session, user_id) == client_ids:
        return []
    await people.set_grants(session, user_id, client_ids)
    return [f"clients now {', '.join(sorted(set(slugs)))}"]
