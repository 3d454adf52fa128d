"""Through another's eyes: an administrator looks at what a person sees, with nothing but that person's rights."""

from __future__ import annotations

import uuid

from lib.access.administration import administering
from lib.access.audit import Action, Actor, note
from lib.access.standing import still_stands
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError, Conflict, NotFound
from lib.store.engine import Store
from lib.store.models import User
from lib.store.repositories import people
from lib.store.repositories.standing import locked_admins, locked_user


async def see_as(store: Store, viewer: Viewer, user_id: uuid.UUID) -> None:
    """From now on this sign-in looks through the eyes of that person, in every window, until ``see_as_oneself``.

    AccessError for all but administrators and where the sign-in has ended, NotFound for nobody, Conflict for
    administrators and for people who are disabled.
    """
    actor, via = administering(viewer)
    async with store.working() as session:
        await locked_admins(session)
        await still_stands(session, viewer)
        person = await locked_user(session, user_id)
        if person is None:
            raise NotFound("That person is not there any more; nothing was changed.")
        if person.role == Role.ADMIN.value:
            raise Conflict(f"{person.email} is an administrator and sees all that you see.", "Choose someone else.")
        if not person.is_active:
            raise Conflict(f"{person.email} is disabled and sees nothing.", "Enable the person first.")
        if not await people.see_as(session, viewer.session_hash, viewer.user_id, person.id):
            raise AccessError("Your sign-in has ended; nothing was changed.", "Sign in again.")
        seen = {"seen_as": person.email}
        await note(session, actor, Action.SEES_AS, via=via, subject=person.email, before={"seen_as": ""}, after=seen)


async def see_as_oneself(store: Store, viewer: Viewer) -> None:
    """This sign-in looks through its owner's eyes again; where it does already, nothing happens."""
    if not viewer.seen_by or viewer.seen_by_id is None:
        return
    async with store.working() as session:
        admin = await session.get(User, viewer.seen_by_id)
        if admin is None or not await people.see_as(session, viewer.session_hash, admin.id, None):
            return
        seen = {"seen_as": viewer.email}
        await note(
            session,
            Actor(admin.email, admin.id),
            Action.SEES_AS,
            via="page",
            subject=viewer.email,
            before=seen,
            after={"seen_as": ""},
        )
