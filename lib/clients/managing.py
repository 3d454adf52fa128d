"""Who may look after a client: administrators every one, managers those that were granted to them or their teams."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.standing import still_stands
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError, Conflict, NotFound
from lib.store.models import Client
from lib.store.repositories import managed_clients


def may_manage(viewer: Viewer) -> bool:
    """Whether this person looks after clients."""
    return viewer.may(Role.MANAGER)


def check_manager(viewer: Viewer) -> None:
    """AccessError for everyone else, and for whoever looks through another's eyes."""
    if viewer.seen_by:
        raise AccessError("Through another person's eyes one only looks; nothing was changed.", "Stop, then try again.")
    if not may_manage(viewer):
        raise AccessError(
            "Clients are looked after by managers and administrators; nothing was changed.",
            "Ask an administrator of this dashboard.",
        )


def whose(viewer: Viewer) -> uuid.UUID | None:
    """Whose grants count; ``None`` for an administrator, to whom every client is open."""
    return None if viewer.may(Role.ADMIN) else viewer.user_id


async def managed(
    session: AsyncSession, viewer: Viewer, client_id: int, *, is_archived: bool = False, is_changed: bool = True
) -> Client:
    """The client with accounts and token, locked where it ``is_changed``; the transaction is the worker's.

    AccessError below manager, NotFound where it is not open to this person, Conflict where it is archived (or, with
    ``is_archived``, where it is not).
    """
    check_manager(viewer)
    await still_stands(session, viewer)
    client = await managed_clients.client_open_to(session, client_id, whose(viewer), is_changed=is_changed)
    if client is None:
        raise NotFound(
            "This client is not there, or it is not open to you.", "Nothing was changed. Load the page again."
        )
    if (client.archived_at is not None) != is_archived:
        state = "not archived" if is_archived else "archived"
        raise Conflict(f"{client.name} is {state}; nothing was changed.", "Load the page again.")
    return client
