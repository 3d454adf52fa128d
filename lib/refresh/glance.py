"""What every page begins with, by one look at the store: what the viewer may see, and the refresh that is going on."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from lib.access.viewer import Viewer
from lib.insights.scope import ClientScope, read_scope
from lib.store.engine import Store
from lib.store.repositories import runs


@dataclass(frozen=True)
class Glance:
    """The viewer's clients by name, and the newest run that is going on among their accounts."""

    clients: tuple[ClientScope, ...]
    run_id: uuid.UUID | None


async def glance(store: Store, viewer: Viewer) -> Glance:
    """Both in one transaction, as this viewer."""
    async with store.viewing(viewer) as session:
        return Glance(tuple(await read_scope(session, viewer)), await runs.living_run(session))
