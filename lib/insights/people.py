"""Counts of people joined to the groups of a query, each from what Meta was asked for that object and that period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, Subquery, and_, case, cast, func, literal, literal_column, select

from lib.insights import shown
from lib.insights.dialects import is_among
from lib.insights.grouping import account_group, account_key
from lib.insights.metrics import METRICS, Metric
from lib.insights.query import DAYS, InsightQuery
from lib.insights.reach import level_of
from lib.store.models import UNIQUES, PeriodInsight

Element = ColumnElement[Any]
_PERIOD = PeriodInsight.__table__.c
_PARTS = {"impressions": "impressions", "spend": "spend_micros"}
"""What frequency and the cost per person divide: of the object and period that the people were counted for."""

_LAST_DAYS = {"date": "0 days", "week": "6 days", "month": "1 month - 1 day", "quarter": "3 months - 1 day"}


def top_key(query: InsightQuery, metric: Metric) -> str:
    """The column of the sums that a ratio's numerator is read from."""
    part = metric.parsed.top
    return f"sum_{part}_reached" if metric.additive == "never" and level_of(query) else f"sum_{part}"


def extra_keys(query: InsightQuery) -> tuple[str, ...]:
    """The columns that only ratios over people are made of, of the metrics that are shown."""
    ratios = (METRICS[slug] for slug in query.metrics if METRICS[slug].additive == "never" and METRICS[slug].parts)
    return tuple(dict.fromkeys(top_key(query, metric) for metric in ratios)) if level_of(query) else ()


def joined(query: InsightQuery, sums: Subquery, todays: Mapping[dt.date, frozenset[int]]) -> Subquery:
    """``sums`` with the people of each group's object and period, where Meta was asked for them.

    ``todays`` has the accounts by the day that it is there: Meta was asked for no later one.
    """
    level = level_of(query)
    if level is None:
        return sums
    account = sums.c[account_group(query) if level == "account" else account_key(query, level)]
    since, until = _bounds(query, sums)
    until = _begun(until, account, {day: some for day, some in todays.items() if day < query.until})
    same = and_(
        _PERIOD.account_id == account,
        _PERIOD.level == literal(level),
        _PERIOD.since == since,
        _PERIOD.until == until,
        _PERIOD.object_id == sums.c[shown.own_key(query, level)],
    )
    kept = [column for column in sums.c if column.name not in {f"sum_{name}" for name in UNIQUES}]
    people = [_PERIOD[name].label(f"sum_{name}") for name in UNIQUES]
    parts = [_PERIOD[column].label(f"sum_{part}_reached") for part, column in _PARTS.items()]
    return select(*kept, *people, *parts).outerjoin_from(sums, PeriodInsight.__table__, same).subquery("reached")


def _bounds(query: InsightQuery, sums: Subquery) -> tuple[Element, Element]:
    """The first and the last day of each group's period, as far as the query covers it."""
    since: Element = literal(query.since, Date)
    until: Element = literal(query.until, Date)
    for name in query.group_by:
        if name in DAYS:
            since = func.greatest(since, sums.c[name])
            until = func.least(until, _last_day(name, sums.c[name]))
    return since, until


def _begun(until: Element, account: Element, todays: Mapping[dt.date, frozenset[int]]) -> Element:
    if not todays:
        return until
    days = [(is_among(account, sorted(some)), func.least(until, literal(day, Date))) for day, some in todays.items()]
    return case(*days, else_=until)


def _last_day(name: str, first: Element) -> Element:
    parts = _LAST_DAYS[name].split(" - ")
    last: Element = cast(first, DateTime)
    for sign, part in zip(("+", "-"), parts, strict=False):
        last = last.op(sign)(literal_column(f"INTERVAL '{part}'"))
    return cast(last, Date)
