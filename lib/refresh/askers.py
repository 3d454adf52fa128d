"""Who asked for refresh runs."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping

from sqlalchemy import select

from lib.access.viewer import Role, Viewer
from lib.store.engine import Store
from lib.store.models import RefreshRun, User


async def askers(store: Store, viewer: Viewer, run_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, str]:
    """The addresses of those who asked for these runs on a page or by the API; of runs that the viewer may see.

    Managers and administrators read everybody's, all others their own alone. The clock and commands have none.
    """
    async with store.viewing(viewer) as session:
        wanted = select(RefreshRun.id, RefreshRun.requested_by).where(RefreshRun.id.in_(run_ids))
        by_run = {run_id: asker for run_id, asker in (await session.execute(wanted)).tuples() if asker is not None}
    addresses = {viewer.user_id: viewer.email}
    others = set(by_run.values()) - addresses.keys()
    if others and viewer.may(Role.MANAGER):
        # The app's role sees nobody but the viewer.
        async with store.working(timeout_s=30) as session:
            named = await session.execute(select(User.id, User.email).where(User.id.in_(others)))
            addresses |= dict(named.tuples().all())
    return {run_id: addresses[asker] for run_id, asker in by_run.items() if asker in addresses}
