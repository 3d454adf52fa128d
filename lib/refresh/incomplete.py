"""Slices of which Meta did not serve everything, with the names of what is missing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select, true

from lib.access.viewer import Viewer
from lib.insights.dialects import is_among
from lib.refresh.reasons import withheld_names
from lib.store.engine import Store
from lib.store.models import Account, Slice


@dataclass(frozen=True)
class IncompleteSlice:
    """One account's day in one breakdown set (``''`` is none); ``missing`` names what Meta did not serve."""

    account_id: int
    account_name: str
    date: dt.date
    breakdown: str
    missing: str
    fetched_at: dt.datetime


async def incomplete_slices(
    store: Store,
    viewer: Viewer,
    since: dt.date,
    until: dt.date,
    *,
    account_ids: frozenset[int] | None = None,
    currency: str | None = None,
    limit: int,
) -> tuple[list[IncompleteSlice], int]:
    """Those of the viewer's accounts (of ``account_ids`` and ``currency`` if given), the newest day first.

    At most ``limit``, and how many there are in all.
    """
    mine = viewer.account_ids if account_ids is None else viewer.account_ids & account_ids
    wanted = (
        is_among(Account.__table__.c.account_id, sorted(mine)),
        Account.currency == currency if currency else true(),
        Slice.date.between(since, until),
        ~Slice.is_complete,
    )
    listed = (
        select(Account.account_id, Account.name, Slice.date, Slice.breakdown, Slice.incomplete_reason, Slice.fetched_at)
        .join(Account, Account.account_id == Slice.account_id)
        .where(*wanted)
        .order_by(Slice.date.desc(), Account.name, Account.account_id, Slice.breakdown)
        .limit(limit)
    )
    counted = select(func.count()).select_from(Slice).join(Account, Account.account_id == Slice.account_id)
    async with store.viewing(viewer) as session:
        rows = (await session.execute(listed)).tuples().all()
        total = int((await session.execute(counted.where(*wanted))).scalar_one())
    return [
        IncompleteSlice(account_id, name, date, breakdown, withheld_names(missing), fetched_at)
        for account_id, name, date, breakdown, missing, fetched_at in rows
    ], total
