"""A person asks for a refresh of accounts that are open to them."""

from __future__ import annotations

import datetime as dt
import uuid

from lib.access.audit import Via, actor_of
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError, Conflict, UsageError
from lib.refresh.progress import running
from lib.refresh.run import start_run
from lib.store.engine import Store


async def ask_for_run(
    store: Store,
    viewer: Viewer,
    *,
    via: Via,
    account_ids: frozenset[int] | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
    kind: str = "asked",
) -> uuid.UUID:
    """Note a run of these accounts (``None``: all of the viewer's), to be executed; ``kind`` is asked or reach.

    AccessError below manager; UsageError for accounts that are not the viewer's and for days that Meta does not serve;
    Conflict while a run that somebody asked for is going on for any of the viewer's accounts. What the clock asks for
    is no hindrance.
    """
    if not viewer.may(Role.MANAGER):
        raise AccessError("Refreshes are started by managers and administrators.", "Ask for one of these roles.")
    wanted = viewer.account_ids if account_ids is None else account_ids
    foreign = sorted(wanted - viewer.account_ids)
    if foreign:
        raise UsageError(f"There is no account act_{foreign[0]} among yours.", "Nothing was fetched.")
    if not wanted:
        raise UsageError("No account is open to you, so there is nothing to fetch.", "Ask an administrator.")
    going = await running(store, viewer)
    if going is not None:
        raise Conflict(
            f"The refresh {going} of your accounts is still going on.", "Wait until it has ended, or cancel it."
        )
    actor = actor_of(viewer)
    return await start_run(store, actor=actor, via=via, account_ids=wanted, since=since, until=until, kind=kind)
