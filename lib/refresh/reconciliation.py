"""Where the ads of a day do not add up to Meta's own number of the account, by how much, and the likely reason.

What is compared is the comparison of the trust line: a page that says "Matches Meta" has no day here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true

from lib.access.viewer import Viewer
from lib.insights.compared import COMPARED, ComparedDays, compared_days
from lib.insights.dialects import is_among
from lib.refresh.reasons import Facts, Reason, likely, sentence
from lib.store.engine import Store
from lib.store.models import Account, Slice
from lib.zones import today_in

SLUGS = {name: {"spend_micros": "spend", "revenue_micros": "revenue"}.get(name, name) for name in COMPARED}
"""What each compared column is called as a metric."""
_SLICES = Slice.__table__.c
_FACTS = ("fetched_at", "is_complete", "incomplete_reason", "account_day_ended", "looked_twice_for")


@dataclass(frozen=True)
class Pair:
    """The sum of the ads and Meta's own number; money in major units of the account's currency.

    ``meta`` is None where Meta would not serve it.
    """

    ads: int | Decimal
    meta: int | Decimal | None

    @property
    def difference(self) -> int | Decimal | None:
        """The ads' less Meta's; None where that is not known."""
        return None if self.meta is None else self.ads - self.meta


@dataclass(frozen=True)
class DayApart:
    """An account's day on which any number differs, or could not be compared.

    ``numbers`` has all of them, by the slug of the metric.
    ``reason`` is the likely one, ``words`` say it. ``fetched_at`` is when the ads and the yardstick were read.
    """

    account_id: int
    account_name: str
    currency: str | None
    date: dt.date
    fetched_at: dt.datetime
    numbers: Mapping[str, Pair]
    reason: Reason
    words: str

    @property
    def by_size(self) -> tuple[Any, ...]:
        """Sorts the largest gap in money first; amounts of two currencies are not held against each other."""
        money = (-abs(Decimal(self.numbers[slug].difference or 0)) for slug in ("spend", "revenue"))
        return (self.currency or "", *money, -self.date.toordinal(), self.account_id)


@dataclass(frozen=True)
class Reconciliation:
    """``days`` counts the stored account-days that were compared; ``apart`` are those that differ.

    ``unknown_days`` counts the stored ones that were not: Meta would not serve all of its own numbers, and none of
    those that it did serve differs. ``unknown`` are as many of them as were asked for, the newest first.
    """

    days: int
    apart: tuple[DayApart, ...]
    unknown_days: int = 0
    unknown: tuple[DayApart, ...] = ()

    @property
    def no_match(self) -> tuple[DayApart, ...]:
        """What is listed of the days that are not Meta's for certain, those that differ first."""
        return self.apart + self.unknown

    @property
    def no_match_days(self) -> int:
        """How many days are not Meta's for certain, listed or not."""
        return len(self.apart) + self.unknown_days

    @property
    def equal_days(self) -> int:
        """How many are Meta's to the last digit."""
        return self.days - len(self.apart)


async def reconciliation(
    store: Store,
    viewer: Viewer,
    since: dt.date,
    until: dt.date,
    *,
    account_ids: frozenset[int] | None = None,
    currency: str | None = None,
    most_unknown: int | None = 0,
) -> Reconciliation:
    """The stored days of the viewer's accounts (of ``account_ids`` and ``currency`` if given), the largest gap first.

    Days that were not compared are counted, and the ``most_unknown`` newest of them listed (None: all). It takes two
    statements, as this viewer.
    """
    mine = viewer.account_ids if account_ids is None else viewer.account_ids & account_ids
    chosen = and_(
        is_among(Account.__table__.c.account_id, sorted(mine)),
        true() if currency is None else Account.currency == currency,
    )
    compared = compared_days(chosen, since, until, *(_SLICES[name] for name in _FACTS))
    async with store.viewing(viewer) as session:
        stored = (await session.execute(_stored(chosen, since, until))).scalar_one()
        rows = (await session.execute(_no_match(compared, most_unknown))).all()
    apart = sorted((_day(row) for row in rows if row.differs), key=lambda day: day.by_size)
    uncompared = [row for row in rows if not row.differs]
    unknown_days = uncompared[0].days_of_a_kind if uncompared else 0
    unknown = tuple(_day(row) for row in uncompared[:most_unknown])
    return Reconciliation(stored - unknown_days, tuple(apart), unknown_days, unknown)


def _stored(chosen: ColumnElement[bool], since: dt.date, until: dt.date) -> Select[Any]:
    """How many days are stored."""
    return (
        select(func.count())
        .select_from(Slice)
        .join(Account, Account.account_id == Slice.account_id)
        .where(Slice.breakdown == "", Slice.date.between(since, until), chosen)
    )


def _no_match(compared: ComparedDays, most_unknown: int | None) -> Select[Any]:
    """The days that differ, and the newest of those that could not be compared: at least one, which has their count."""
    metas = compared.metas.c
    newest_first = (metas.date.desc(), metas.account_id)
    days = (
        select(
            compared.differs.label("differs"),
            func.count().over(partition_by=compared.differs).label("days_of_a_kind"),
            func.row_number().over(partition_by=compared.differs, order_by=newest_first).label("place"),
            Account.account_id,
            Account.name,
            Account.currency,
            Account.timezone_name,
            metas.date,
            *(metas[name] for name in _FACTS),
            *(compared.ours(name).label(name) for name in COMPARED),
            *(compared.metas_own(name).label(f"meta_{name}") for name in COMPARED),
        )
        .join(compared.metas, metas.account_id == Account.account_id)
        .outerjoin(compared.rows, compared.same_day)
        .where(or_(compared.differs, compared.is_unknown))
        .subquery()
    )
    listed = true() if most_unknown is None else or_(days.c.differs, days.c.place <= max(1, most_unknown))
    return select(days).where(listed).order_by(days.c.place)


def _day(row: Any) -> DayApart:
    values = row._mapping
    known = [name for name in COMPARED if values[f"meta_{name}"] is not None]
    metas = {name: _unit(name, values[f"meta_{name}"]) for name in known}
    numbers = {SLUGS[name]: Pair(_unit(name, values[name]), metas.get(name)) for name in COMPARED}
    gaps = {name: int(values[name]) - int(values[f"meta_{name}"]) for name in known}
    facts = Facts(
        gaps={name: gap for name, gap in gaps.items() if gap},
        day_ended=row.account_day_ended,
        withheld=None if row.is_complete else row.incomplete_reason or "",
        age_days=(today_in(row.timezone_name, row.fetched_at) - row.date).days,
        looked_twice_for=row.looked_twice_for,
    )
    about = (row.account_id, row.name, row.currency, row.date, row.fetched_at)
    return DayApart(*about, numbers=numbers, reason=likely(facts), words=sentence(facts))


def _unit(name: str, value: Any) -> int | Decimal:
    return Decimal(int(value)).scaleb(-6) if name.endswith("_micros") else int(value)
