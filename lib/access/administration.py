"""Who may say who comes in and what they see: administrators by their own sign-in, and commands on the server."""

from __future__ import annotations

from lib.access.audit import Actor, Via, actor_of
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError

By = Viewer | Actor
"""Who asks for a change: a viewer, who has to be an administrator, or an actor who runs commands on the server."""


def administering(by: By) -> tuple[Actor, Via]:
    """Whom the change is noted of, and the way it came; AccessError for all but administrators."""
    if isinstance(by, Actor):
        return by, "cli"
    if by.seen_by:
        raise AccessError(
            f"You look through the eyes of {by.email}, so nothing was changed.", "Stop that first, then try again."
        )
    if not by.may(Role.ADMIN):
        raise AccessError("Only administrators may do that; nothing was changed.", "Ask one of them.")
    return actor_of(by), "page"
