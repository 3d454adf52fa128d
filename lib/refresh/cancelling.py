"""A run is cancelled: what waits is taken out of the queue, what is worked on stops at the next call."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import OPERATOR_ACTOR, Action, Actor, Via, actor_of
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError, Conflict, NotFound
from lib.refresh.noting import note_run_deed
from lib.refresh.run import STALLED_S
from lib.store.engine import Store
from lib.store.models import RefreshRun
from lib.store.repositories import queue, runs


async def cancel_run(store: Store, viewer: Viewer, run_id: uuid.UUID, *, via: Via) -> None:
    """Cancel a run for a manager to whom all of its accounts are open; what was stored stays, as whole days.

    AccessError below manager and where it has accounts of others; NotFound where none is open to the viewer; Conflict
    where it has ended.
    """
    if not viewer.may(Role.MANAGER):
        raise AccessError("Refreshes are cancelled by managers and administrators.", "Ask for one of these roles.")
    async with store.working() as session:
        run = await runs.run_of(session, run_id)
        accounts = {one.account_id for one in run.accounts} if run else set()
        if run is None or not accounts & viewer.account_ids:
            raise NotFound("There is no such refresh run.", "It may have been removed; look again.")
        if accounts - viewer.account_ids:
            raise AccessError(
                "This refresh is also of accounts that are not yours.", "Ask an administrator to cancel it."
            )
        if run.state != "running":
            raise Conflict("This refresh has ended already; nothing was cancelled.", "Look again.")
        await _cancel(session, run, actor_of(viewer), via)


async def stop_run(store: Store, run_id: uuid.UUID) -> None:
    """The same for whoever runs commands on the server; nothing where the run has ended."""
    async with store.working() as session:
        run = await runs.run_of(session, run_id)
        if run is not None and run.state == "running":
            await _cancel(session, run, OPERATOR_ACTOR, "cli")


async def _cancel(session: AsyncSession, run: RefreshRun, actor: Actor, via: Via) -> None:
    waiting = await queue.cancel_waiting(session, run.id, STALLED_S)
    await runs.end_accounts(session, run.id, waiting, "cancelled", runs.CANCELLED)
    await runs.request_cancel(session, run.id)
    await runs.end_run(session, run.id)
    accounts = frozenset(one.account_id for one in run.accounts)
    await note_run_deed(session, actor, Action.CANCELLED_REFRESH, via, account_ids=accounts, about={"run": run.id})
