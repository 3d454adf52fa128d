"""How far stored numbers may be relied on: complete until when, fetched when, and equal to Meta's own totals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, func, literal, select, true

from lib.access.viewer import Viewer
from lib.insights.compared import COMPARED, among, compared_columns, compared_days
from lib.insights.dialects import is_among
from lib.insights.engine import Bounded, Engine, Source
from lib.insights.fetched import lacking_words, of_accounts
from lib.insights.query import InsightQuery
from lib.meta.fields import BREAKDOWNS, BreakdownSet
from lib.store.models import Account, Slice
from lib.zones import today_in

_COMPARED_BY = frozenset({"account_id", "date"})
_DAY = dt.timedelta(days=1)
_SLICES = Slice.__table__.c


@dataclass(frozen=True)
class Gap:
    """The sum of one account's rows less Meta's own number; money in major units of ``currency``.

    ``days_apart`` counts the days on which any number differs: two that cancel out are still two. ``days_unknown``
    counts the stored days of which none differs and one could not be compared.
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
    days_unknown: int = 0

    @property
    def is_zero(self) -> bool:
        """Whether every number of every day is Meta's."""
        return not (self.days_apart or self.days_unknown)


@dataclass(frozen=True)
class Completeness:
    """``complete_until`` and ``missing_days`` as ``Trust`` has them, for whoever needs no comparison with Meta."""

    complete_until: dt.date | None
    missing_days: int


@dataclass(frozen=True)
class Trust:
    """``complete_until``: the last day up to which every account has a complete slice of an ended day, None for none.

    ``refreshed_at``: the oldest fetch among the last 28 days of the period; None where an account has none of them.
    ``missing_days``: account-days of the period, today's included, without a complete slice. ``gaps``: each account
    with stored days in the period, in the order of their ids. ``compared`` is how complete the period is that this
    one is compared with, None where none was asked about. ``lacking`` says for which accounts a breakdown set is not
    fetched, ``unreported`` which columns Meta does not report by it: they are not compared.
    """

    complete_until: dt.date | None
    refreshed_at: dt.datetime | None
    missing_days: int
    gaps: tuple[Gap, ...]
    compared: Completeness | None = None
    lacking: str = ""
    unreported: tuple[str, ...] = ()

    @property
    def matches(self) -> bool:
        """Whether what is stored of the period was compared and equals Meta's own totals to the last digit."""
        return all(gap.is_zero for gap in self.gaps)


async def trust(
    engine: Engine,
    viewer: Viewer,
    since: dt.date,
    until: dt.date,
    *,
    account_ids: frozenset[int] | None = None,
    currency: str | None = None,
    compared: tuple[dt.date, dt.date] | None = None,
    breakdown: str = "",
) -> Trust:
    """The trust in the viewer's accounts (those of ``account_ids`` and ``currency`` if given).

    With the slug of a ``breakdown`` set its slices are counted and its rows held against Meta's own numbers. It takes
    two statements, one more for a period (first and last day) that this one is ``compared`` with, and one more for a
    breakdown.
    """
    mine, chosen = _chosen(viewer, account_ids, currency)
    one = BREAKDOWNS[breakdown] if breakdown else None
    spans = [(since, until), *([compared] if compared else [])]
    questions = [
        Bounded(_accounts(chosen, since, until, one), mine, None if one else _COMPARED_BY),
        *(Bounded(_days(chosen, *span, breakdown=breakdown), mine) for span in spans),
        *([of_accounts(one, mine, viewer.client_ids, chosen)] if one else []),
    ]
    async with engine.reading(viewer) as source:
        accounts, *found = (table.to_pylist() for table in await source.tables(questions))
    now, *before = (_completeness(accounts, days, *span) for span, days in zip(spans, found, strict=False))
    fetched = [account["fetched_at"] for account in accounts]
    return Trust(
        complete_until=now.complete_until,
        refreshed_at=None if not fetched or None in fetched else min(fetched),
        missing_days=now.missing_days,
        gaps=tuple(_gap(account) for account in accounts if account["stored"]),
        compared=before[0] if before else None,
        lacking=lacking_words(found[-1]) if one else "",
        unreported=tuple(name for name in COMPARED if name not in compared_columns(one)),
    )


@dataclass(frozen=True)
class AccountTrust:
    """The trust in one account; each part as ``Trust`` has it. ``gap`` is None where no day of the period is stored."""

    account_id: int
    account_name: str
    complete_until: dt.date | None
    refreshed_at: dt.datetime | None
    missing_days: int
    gap: Gap | None


async def trust_by_account(
    engine: Engine,
    viewer: Viewer,
    since: dt.date,
    until: dt.date,
    *,
    account_ids: frozenset[int] | None = None,
    currency: str | None = None,
) -> tuple[AccountTrust, ...]:
    """The same for each account apart, in the order of their ids, by two statements."""
    mine, chosen = _chosen(viewer, account_ids, currency)
    questions = [
        Bounded(_accounts(chosen, since, until), mine, told_apart_by=_COMPARED_BY),
        Bounded(_days(chosen, since, until, _SLICES.account_id), mine),
    ]
    async with engine.reading(viewer) as source:
        accounts, days = (found.to_pylist() for found in await source.tables(questions))
    of_account: dict[int, list[Mapping[str, Any]]] = {account["account_id"]: [] for account in accounts}
    for day in days:
        of_account[day["account_id"]].append(day)
    return tuple(_account_trust(account, of_account[account["account_id"]], since, until) for account in accounts)


def _account_trust(
    account: Mapping[str, Any], days: Sequence[Mapping[str, Any]], since: dt.date, until: dt.date
) -> AccountTrust:
    whole = _completeness([account], days, since, until)
    return AccountTrust(
        account["account_id"],
        account["name"],
        whole.complete_until,
        account["fetched_at"],
        whole.missing_days,
        _gap(account) if account["stored"] else None,
    )


async def completeness(source: Source, viewer: Viewer, query: InsightQuery) -> Completeness:
    """The completeness of what ``query`` is about, by two statements that read no insight row."""
    mine, chosen = _chosen(viewer, query.account_ids, query.currency)
    zones = Bounded(select(Account.timezone_name).where(chosen), mine)
    breakdown = query.breakdown.slug if query.breakdown else ""
    days = Bounded(_days(chosen, query.since, query.until, breakdown=breakdown), mine)
    accounts, found = (table.to_pylist() for table in await source.tables([zones, days]))
    return _completeness(accounts, found, query.since, query.until)


def _completeness(
    accounts: Sequence[Mapping[str, Any]], days: Sequence[Mapping[str, Any]], since: dt.date, until: dt.date
) -> Completeness:
    """Made of each account's time zone and what ``_days`` gives."""
    ended = {day["date"]: day["ended"] for day in days}
    complete = sum(day["complete"] for day in days)
    return Completeness(_complete_until(ended, len(accounts), since, until), _missing(accounts, complete, since, until))


def _chosen(
    viewer: Viewer, account_ids: frozenset[int] | None, currency: str | None
) -> tuple[frozenset[int], ColumnElement[bool]]:
    mine = viewer.account_ids if account_ids is None else viewer.account_ids & account_ids
    mine_in_table = is_among(Account.__table__.c.account_id, sorted(mine))
    return mine, and_(mine_in_table, true() if currency is None else Account.currency == currency)


def _accounts(
    chosen: ColumnElement[bool], since: dt.date, until: dt.date, breakdown: BreakdownSet | None = None
) -> Select[Any]:
    """Each account with its oldest fetch, its stored days of the period, and rows less Meta's: one snapshot of all."""
    fetched_at = case((_SLICES.date >= _recent(since, until), _SLICES.fetched_at)).label("fetched_at")
    days = compared_days(chosen, since, until, fetched_at, breakdown=breakdown)
    columns = (Account.account_id, Account.name, Account.currency, Account.timezone_name)
    return (
        select(
            *columns,
            func.min(days.metas.c.fetched_at).label("fetched_at"),
            func.count(days.metas.c.date).label("stored"),
            *(cast(func.coalesce(func.sum(days.less(name)), 0), BigInteger).label(name) for name in days.columns),
            func.count().filter(days.differs).label("days_apart"),
            func.count().filter(and_(days.metas.c.date.is_not(None), days.is_unknown)).label("days_unknown"),
        )
        .outerjoin(days.metas, days.metas.c.account_id == Account.account_id)
        .outerjoin(days.rows, days.same_day)
        .where(chosen)
        .group_by(*columns)
        .order_by(Account.account_id)
    )


def _recent(since: dt.date, until: dt.date) -> dt.date:
    """The first of the last 28 days of the period."""
    return max(since, until - 27 * _DAY)


def _days(
    chosen: ColumnElement[bool], since: dt.date, until: dt.date, *apart: ColumnElement[Any], breakdown: str = ""
) -> Select[Any]:
    """Each day (told ``apart`` by more) with how many accounts are complete, and of how many it has also ended."""
    complete = func.count().filter(_SLICES.is_complete).label("complete")
    ended = func.count().filter(and_(_SLICES.is_complete, _SLICES.account_day_ended)).label("ended")
    return (
        select(*apart, _SLICES.date, complete, ended)
        .where(
            _SLICES.breakdown == literal(breakdown),
            _SLICES.date.between(since, until),
            among(_SLICES.account_id, chosen),
        )
        .group_by(*apart, _SLICES.date)
        .order_by(*apart, _SLICES.date)
    )


def _complete_until(ended: Mapping[dt.date, int], accounts: int, since: dt.date, until: dt.date) -> dt.date | None:
    """The day before the first one that is not complete for all the accounts."""
    last = None
    day = since
    while accounts and day <= until and ended.get(day) == accounts:
        last, day = day, day + _DAY
    return last


def _missing(accounts: Sequence[Mapping[str, Any]], complete: int, since: dt.date, until: dt.date) -> int:
    """Account-days that have begun and are not complete."""
    begun = sum(max(0, (min(until, today_in(account["timezone_name"])) - since).days + 1) for account in accounts)
    return max(0, begun - complete)


def _gap(account: Mapping[str, Any]) -> Gap:
    """What is not compared does not differ."""
    counts = {name: account.get(name, 0) for name in COMPARED if not name.endswith("_micros")}
    return Gap(
        account_id=account["account_id"],
        account_name=account["name"],
        currency=account["currency"],
        spend=Decimal(account["spend_micros"]).scaleb(-6),
        revenue=Decimal(account.get("revenue_micros", 0)).scaleb(-6),
        days_apart=account["days_apart"],
        days_unknown=account["days_unknown"],
        **counts,
    )
