"""People who are signed in, and what was noted of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from lib.access import sessions
from lib.access.people import put_person
from lib.access.viewer import Role, Viewer
from lib.store.engine import Store
from lib.store.models import AuditLog
from lib.store.repositories import people

ADMIN = "root@example.com"


async def signed_in(
    store: Store, email: str = ADMIN, role: Role = Role.ADMIN, *, slugs: Sequence[str] | None = None
) -> tuple[Viewer, str]:
    """The person, made where they are new, with a sign-in of their own, and its token."""
    person = await put_person(store, email, role, slugs=slugs)
    token = await sessions.create_session(store, person.user_id, "local")
    return await viewer_by(store, token), token


async def viewer_by(store: Store, token: str) -> Viewer:
    """Who holds this token; the test fails where it opens nothing."""
    viewer = await sessions.viewer_of(store, token)
    assert viewer is not None
    return viewer


async def viewer_named(store: Store, email: str) -> Viewer:
    """Who has this address, without a sign-in, as they are now; the test fails where there is nobody."""
    async with store.working() as session:
        user = await people.find_user(session, email)
        viewer = None if user is None else await people.viewer_of_person(session, user.id)
    assert viewer is not None
    return viewer


async def noted(store: Store, *actions: str) -> list[AuditLog]:
    """What was noted, of these actions where some are named, the oldest first."""
    wanted = select(AuditLog).order_by(AuditLog.id)
    async with store.working() as session:
        rows = (await session.scalars(wanted)).all()
    return [row for row in rows if not actions or row.action in actions]


async def last_noted(store: Store) -> dict[str, Any]:
    """The newest note as a mapping."""
    row = (await noted(store))[-1]
    names = ("user_id", "email", "seen_as", "action", "via", "subject", "before", "after", "address")
    return {name: getattr(row, name) for name in names}
