"""Whether whoever asks for a change still stands where they did when their page was drawn.

A viewer is what a sign-in was worth a moment ago. Someone else may have taken the role since, or shut the person out,
so a change looks at the row itself, in its own transaction, and holds it.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.administration import By
from lib.access.viewer import Viewer
from lib.errors import AccessError
from lib.store.repositories.standing import role_held


async def still_stands(session: AsyncSession, by: By) -> None:
    """AccessError unless the viewer is active and has no lesser role by now; nobody changes that until the end.

    The transaction is the worker's. Whoever locks other people too locks the administrators first.
    """
    if not isinstance(by, Viewer):
        return
    role = await role_held(session, by.user_id)
    if role is None or role.rank < by.role.rank:
        raise AccessError(
            "Your rights here have been changed since this page was loaded; nothing was changed.", "Load it again."
        )
