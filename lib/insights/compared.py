"""An account's rows of a day added up, beside Meta's own number: the comparison of trust and of reconciliation.

The yardstick of a day is the one that came with its plain ad-days, for the rows of a breakdown set too: those are
fetched less often, so what Meta restated since they were fetched shows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, false, func, literal, or_, select

from lib.meta.events import OFF_META
from lib.meta.fields import BreakdownSet
from lib.store.models import Account, Insight, InsightBreakdown, Slice

COMPARED = ("spend_micros", "impressions", "clicks", "link_clicks", "purchases", "revenue_micros", "leads")
"""Columns of the rows that have a ``meta_`` twin with Meta's own number of the account and day."""

_ROWS: Any = Insight.__table__
_SPLIT: Any = InsightBreakdown.__table__
_SLICES = Slice.__table__.c


def compared_columns(breakdown: BreakdownSet | None) -> tuple[str, ...]:
    """Those of ``COMPARED`` that Meta reports by the set; all of them for the plain ad-days."""
    is_whole = breakdown is None or breakdown.off_meta_reported
    return COMPARED if is_whole else tuple(name for name in COMPARED if name not in OFF_META)


@dataclass(frozen=True)
class ComparedDays:
    """``metas`` has a row for each stored day, with its slice's columns, and ``rows`` the sums of its rows.

    ``columns`` are those that are compared. A number is NULL where Meta would not serve it.
    """

    metas: Subquery
    rows: Subquery
    columns: tuple[str, ...] = COMPARED

    @property
    def same_day(self) -> ColumnElement[bool]:
        """What joins the two, from ``metas`` outwards: a day may be stored without an ad."""
        both = (self.rows.c.account_id == self.metas.c.account_id, self.rows.c.date == self.metas.c.date)
        return and_(*both)

    def ours(self, name: str) -> ColumnElement[Any]:
        """The sum of the day's rows; 0 where it has none."""
        return case((self.rows.c.account_id.is_(None), 0), else_=self.rows.c[name])

    def metas_own(self, name: str) -> ColumnElement[Any]:
        """Meta's number of the day."""
        return self.metas.c[f"meta_{name}"]

    def less(self, name: str) -> ColumnElement[Any]:
        """Ours less Meta's; NULL where either is unknown."""
        return self.ours(name) - self.metas_own(name)

    @property
    def differs(self) -> ColumnElement[bool]:
        """Whether any number of the day does."""
        return func.coalesce(or_(*(self.less(name) != 0 for name in self.columns)), false())

    @property
    def is_unknown(self) -> ColumnElement[bool]:
        """Whether no number differs and one of them could not be compared."""
        return and_(~self.differs, or_(*(self.less(name).is_(None) for name in self.columns)))


def compared_days(
    chosen: ColumnElement[bool],
    since: dt.date,
    until: dt.date,
    *also: ColumnElement[Any],
    breakdown: BreakdownSet | None = None,
) -> ComparedDays:
    """The days from ``since`` to ``until`` of the accounts that are ``chosen``, and ``also`` more of their slices.

    With a ``breakdown`` these are the days on which the set is stored, and its rows.
    """
    columns = compared_columns(breakdown)
    if breakdown is None:
        metas = select(_SLICES.account_id, _SLICES.date, *also, *_yardstick(_SLICES, columns))
    else:
        plain = Slice.__table__.alias("plain")
        same = and_(
            plain.c.account_id == _SLICES.account_id, plain.c.date == _SLICES.date, plain.c.breakdown == literal("")
        )
        metas = select(_SLICES.account_id, _SLICES.date, *also, *_yardstick(plain.c, columns))
        metas = metas.outerjoin_from(Slice.__table__, plain, same)
    slug = literal(breakdown.slug if breakdown else "")
    stored = (_SLICES.breakdown == slug, _SLICES.date.between(since, until), among(_SLICES.account_id, chosen))
    return ComparedDays(
        metas.where(*stored).subquery(), _sums(chosen, since, until, columns, breakdown).subquery(), columns
    )


def _yardstick(slices: Any, columns: Iterable[str]) -> list[ColumnElement[Any]]:
    return [slices[f"meta_{name}"] for name in columns]


def _sums(
    chosen: ColumnElement[bool], since: dt.date, until: dt.date, columns: Iterable[str], breakdown: BreakdownSet | None
) -> Select[Any]:
    rows = _ROWS if breakdown is None else _SPLIT
    sums = [_sum(rows.c[name]).label(name) for name in columns]
    days = (rows.c.date.between(since, until), among(rows.c.account_id, chosen))
    found = select(rows.c.account_id, rows.c.date, *sums).where(*days).group_by(rows.c.account_id, rows.c.date)
    return found if breakdown is None else found.where(rows.c.breakdown == literal(breakdown.slug))


def _sum(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((func.count(column) == func.count(), func.sum(column))) if column.nullable else func.sum(column)


def among(account_id: ColumnElement[int], chosen: ColumnElement[bool]) -> ColumnElement[bool]:
    """The account is one of those that are ``chosen``."""
    return account_id.in_(select(Account.account_id).where(chosen))
