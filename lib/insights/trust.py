"""How far stored numbers may be relied on: complete until when, fetched when, and equal to Meta's own totals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true

from lib.access.viewer import Viewer
from lib.insights.conditions import is_among
from lib.store.engine import Store
from lib.store.models import Account, Insight, Slice
from lib.zones import today_in

COMPARED = ("spend_micros", "impressions", "clicks", "link_clicks", "purchases", "revenue_micros", "leads")
"""Columns of the rows that have a ``meta_`` twin with Meta's own number of the account and day."""

_DAY = dt.timedelta(days=1)
_ROWS, _SLICES = Insight.__table__.c, Slice.__table__.c


@dataclass(frozen=True)
class Gap:
    """The sum of one account's rows less Meta's own number; money in major units of ``currency``.

    ``days_apart`` counts the days on which any number differs: two that cancel out are still two.
    """

    account_id: int
    account_name: str
    currency: str | None
    spend: Decimal
    impressions: int
    clicks: int
    link_clicks: int
    purchases: int
    revenue: Decimal
    leads: int
    days_apart: int

    @property
    def is_zero(self) -> bool:
        """Whether every number of every day is Meta's."""
        return not self.days_apart


@dataclass(frozen=True)
class Trust:
    """``complete_until``: the last day up to which every account has a complete slice of an ended day, None for none.

    ``refreshed_at``: the oldest fetch among the last 28 days of the period; None where an account has none of them.
    ``missing_days``: account-days of the period, today's included, without a complete slice. ``gaps``: each account
    with stored days in the period, in the order of their ids.
    """

    complete_until: dt.date | None
    refreshed_at: dt.datetime | None
    missing_days: int
    gaps: tuple[Gap, ...]

    @property
    def matches(self) -> bool:
        """Whether what is stored of the period equals Meta's own totals to the last digit."""
        return all(gap.is_zero for gap in self.gaps)


async def trust(
    store: Store,
    viewer: Viewer,
    since: dt.date,
    until: dt.date,
    *,
    account_ids: frozenset[int] | None = None,
    currency: str | None = None,
) -> Trust:
    """The trust in the viewer's accounts (those of ``account_ids`` and ``currency`` if given), by two statements."""
    mine = viewer.account_ids if account_ids is None else viewer.account_ids & account_ids
    chosen = and_(is_among(Account.account_id, mine), true() if currency is None else Account.currency == currency)
    async with store.viewing(viewer) as session:
        accounts = (await session.execute(_accounts(chosen, since, until))).all()
        days = (await session.execute(_days(chosen, since, until))).all()
    fetched = [account.fetched_at for account in accounts]
    return Trust(
        complete_until=_complete_until([(date, ended) for date, _, ended in days], len(accounts), since, until),
        refreshed_at=None if not fetched or None in fetched else min(fetched),
        missing_days=_missing(accounts, sum(complete for _, complete, _ in days), since, until),
        gaps=tuple(_gap(account) for account in accounts if account.stored),
    )


def _accounts(chosen: ColumnElement[bool], since: dt.date, until: dt.date) -> Select[Any]:
    """Each account with its oldest fetch, its stored days of the period, and rows less Meta's: one snapshot of all."""
    recent = max(since, until - 27 * _DAY)
    metas = (
        select(
            _SLICES.account_id,
            _SLICES.date,
            case((_SLICES.date >= recent, _SLICES.fetched_at)).label("fetched_at"),
            *(_SLICES[f"meta_{name}"] for name in COMPARED),
        )
        .where(_SLICES.breakdown == "", _SLICES.date.between(since, until), _among(_SLICES.account_id, chosen))
        .subquery()
    )
    rows = (
        select(_ROWS.account_id, _ROWS.date, *(_summed(_ROWS[name]) for name in COMPARED))
        .where(_ROWS.date.between(since, until), _among(_ROWS.account_id, chosen))
        .group_by(_ROWS.account_id, _ROWS.date)
        .subquery()
    )
    same_day = and_(rows.c.account_id == metas.c.account_id, rows.c.date == metas.c.date)
    days = {name: func.coalesce(rows.c[name], 0) - func.coalesce(metas.c[f"meta_{name}"], 0) for name in COMPARED}
    columns = (Account.account_id, Account.name, Account.currency, Account.timezone_name)
    return (
        select(
            *columns,
            func.min(metas.c.fetched_at).label("fetched_at"),
            func.count(metas.c.date).label("stored"),
            *(func.coalesce(func.sum(day), 0).label(name) for name, day in days.items()),
            func.count().filter(or_(*(day != 0 for day in days.values()))).label("days_apart"),
        )
        .outerjoin(metas, metas.c.account_id == Account.account_id)
        .outerjoin(rows, same_day)
        .where(chosen)
        .group_by(*columns)
        .order_by(Account.account_id)
    )


def _summed(column: Any) -> ColumnElement[Any]:
    return func.sum(column).label(column.name)


def _among(account_id: ColumnElement[int], chosen: ColumnElement[bool]) -> ColumnElement[bool]:
    return account_id.in_(select(Account.account_id).where(chosen))


def _days(chosen: ColumnElement[bool], since: dt.date, until: dt.date) -> Select[tuple[dt.date, int, int]]:
    """Each day with how many accounts are complete, and of how many the day has also ended."""
    complete = func.count().filter(_SLICES.is_complete)
    ended = func.count().filter(and_(_SLICES.is_complete, _SLICES.account_day_ended))
    return (
        select(_SLICES.date, complete, ended)
        .where(_SLICES.breakdown == "", _SLICES.date.between(since, until), _among(_SLICES.account_id, chosen))
        .group_by(_SLICES.date)
        .order_by(_SLICES.date)
    )


def _complete_until(
    days: Sequence[tuple[dt.date, int]], accounts: int, since: dt.date, until: dt.date
) -> dt.date | None:
    """The day before the first one that is not complete for all the accounts."""
    ended = dict(days)
    last = None
    day = since
    while accounts and day <= until and ended.get(day) == accounts:
        last, day = day, day + _DAY
    return last


def _missing(accounts: Sequence[Any], complete: int, since: dt.date, until: dt.date) -> int:
    """Account-days that have begun and are not complete."""
    begun = sum(max(0, (min(until, today_in(account.timezone_name)) - since).days + 1) for account in accounts)
    return max(0, begun - complete)


def _gap(account: Any) -> Gap:
    differences = {name.removesuffix("_micros"): getattr(account, name) for name in COMPARED}
    counts = {name: int(value) for name, value in differences.items() if f"{name}_micros" not in COMPARED}
    return Gap(
        account_id=account.account_id,
        account_name=account.name,
        currency=account.currency,
        spend=Decimal(account.spend_micros).scaleb(-6),
        revenue=Decimal(account.revenue_micros).scaleb(-6),
        days_apart=account.days_apart,
        **counts,
    )
