"""Accounts at sign-in services that people came by, where they are to be forgotten."""

from __future__ import annotations

import uuid

from lib.access.administration import By, administering
from lib.access.audit import Action, note
from lib.access.people import SIGN_INS
from lib.access.standing import still_stands
from lib.errors import NotFound
from lib.store.engine import Store
from lib.store.repositories import identities, people
from lib.store.repositories.standing import locked_admins, locked_user


async def forget_identities(store: Store, viewer: By, user_id: uuid.UUID) -> tuple[str, ...]:
    """Let this person come by new accounts under their address: the services whose accounts count no more.

    Their sign-ins end. AccessError for all but administrators, NotFound for nobody.
    """
    actor, via = administering(viewer)
    async with store.working() as session:
        await locked_admins(session)
        await still_stands(session, viewer)
        user = await locked_user(session, user_id)
        if user is None:
            raise NotFound("That person is not there any more; nothing was changed.")
        issuers = await identities.unbind_all(session, user.id)
        if issuers:
            ended = await people.revoke_sessions_of(session, user.id)
            before, after = {"accounts": list(issuers)}, {"accounts": list[str](), SIGN_INS: ended}
            await note(session, actor, Action.CHANGED_PERSON, via=via, subject=user.email, before=before, after=after)
    return issuers
