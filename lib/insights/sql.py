"""An InsightQuery as one statement, for PostgreSQL and for the mirror alike.

    by_ids   ad-days of the picked accounts, summed by the ids that stand in the rows themselves
    sums     the same summed on by what the tables of the objects say (client, status, currency …), where that is asked
    shown    names joined to the few groups that remain; conditions, order and limit

So no name is compared once for each row. Sums are whole numbers (money in millionths), conditions and orders compare
whole numbers, and ratios are made of the sums by ``lib.insights.answer``: both engines agree to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    case,
    cast,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.sql import visitors

from lib.insights import goals, grouping, people, shown
from lib.insights.breakdowns import SPLITS
from lib.insights.conditions import Condition, id_condition, number_condition
from lib.insights.dialects import Wide, is_among, rounded_quotient
from lib.insights.engine import Bounded
from lib.insights.filters import Filter
from lib.insights.metrics import METRICS, leaves
from lib.insights.picking import Picked
from lib.insights.query import InsightQuery
from lib.insights.rows import Rows
from lib.store.models import MONEY, UNIQUES, AdSet

Element = ColumnElement[Any]
RESULTS = "results"
COMPARED_DIGITS = 9
_ROW_IDS = ("campaign_id", "adset_id", "ad_id")


def compile_query(query: InsightQuery, picked: Picked, *, is_wide: bool = False) -> Bounded:
    """The statement: keys by ``lib.insights.shown``, ``sum_X`` for each stored metric, ``total_X`` for each share.

    Sums are bigints; with ``is_wide`` they may be larger.
    """
    return _Statement(query, picked, is_wide).bounded()


@dataclass(frozen=True)
class _Statement:
    query: InsightQuery
    picked: Picked
    is_wide: bool

    def bounded(self) -> Bounded:
        keys, source = shown.keys(self.query, self.picked, self.sums)
        columns = [column.label(name) for name, column in keys.items()]
        columns += [self._whole(self.sums.c[f"sum_{leaf}"]).label(f"sum_{leaf}") for leaf in shown_leaves(self.query)]
        columns += [self._whole(self.sums.c[key]).label(key) for key in people.extra_keys(self.query)]
        columns += [self._whole(self._total(top)).label(f"total_{top}") for top in shares(self.query)]
        having = [self._group_condition(each) for each in self.query.having]
        order = shown.order(self.query, self.picked, self.sums, keys, self._compared)
        statement = select(*columns).select_from(source).where(*having).order_by(*order).limit(self._limit())
        return Bounded(statement, self.picked.account_ids, self._told_apart_by())

    def _whole(self, value: Element) -> Element:
        return cast(value, Wide() if self.is_wide else BigInteger())

    def _limit(self) -> Element | None:
        return None if self.query.limit is None else literal(self.query.limit, BigInteger)

    @cached_property
    def sums(self) -> Subquery:
        """One row a group: its keys and ``sum_X`` of every stored metric that is shown, decides or sorts."""
        return people.joined(self.query, self._row.whole(self._sums_of_rows()), self.picked.reached.todays)

    def _sums_of_rows(self) -> Subquery:
        by_ids = self._by_ids()
        if not grouping.needs_objects(self.query, self.picked):
            return by_ids.subquery("sums")
        rows = by_ids.subquery("by_ids")
        groups, source = grouping.outer(self.query, self.picked, rows)
        columns = [column.label(name) for name, column in groups.items()]
        if _keys_of(rows) <= groups.keys():  # each group is one row already
            columns += [_alone(leaf, rows).label(f"sum_{leaf}") for leaf in self._leaves]
            columns += [rows.c[name].label(name) for name in self._row.unknown]
            return select(*columns).select_from(source).subquery("sums")
        columns += [self._summed_on(leaf, rows).label(f"sum_{leaf}") for leaf in self._leaves]
        columns += [func.sum(rows.c[name]).label(name) for name in self._row.unknown]
        return _grouped(select(*columns).select_from(source), groups).subquery("sums")

    @property
    def _row(self) -> Rows:
        return Rows(self.query)

    @cached_property
    def _leaves(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(leaf for slug in self.query.summed_metrics for leaf in sorted(leaves(slug))))

    def _by_ids(self) -> Select[Any]:
        keys = grouping.inner(self.query, self.picked)
        stored = [leaf for leaf in self._leaves if leaf != RESULTS]
        if RESULTS in self._leaves:
            stored += [name for name in goals.COLUMNS if name not in stored]
        columns = [column.label(name) for name, column in keys.items()]
        columns += [self._summed(leaf).label(f"sum_{leaf}") for leaf in stored]
        columns += [count.label(name) for name, count in self._row.unknown.items()]
        source, conditions = self._rows()
        return _grouped(select(*columns).select_from(source).where(*conditions), keys)

    def _told_apart_by(self) -> frozenset[str] | None:
        """The columns of the ad-days that are more than summed; None where the rows are others."""
        if not self._row.is_plain:
            return None
        source, conditions = self._rows()
        table = self._row.table
        uniques = [
            table.c[column] for column in UNIQUES if column in {METRICS[leaf].parsed.column for leaf in self._leaves}
        ]
        parts = (source, *conditions, *grouping.inner(self.query, self.picked).values(), *uniques)
        found = (each for part in parts if part is not table for each in visitors.iterate(part))
        return frozenset(each.name for each in found if isinstance(each, Column) and each.table is table)

    def _summed(self, leaf: str) -> Element:
        column = METRICS[leaf].parsed.column
        if column in UNIQUES:
            return func.max(self._row.c[column]) if self.query.is_one_ad_one_day else cast(null(), BigInteger)
        return self._row.total(column)

    def _summed_on(self, leaf: str, rows: Subquery) -> Element:
        if leaf == RESULTS:
            return goals.summed_result(lambda name: rows.c[f"sum_{name}"], self._row.summed)
        column = rows.c[f"sum_{leaf}"]
        return func.max(column) if METRICS[leaf].parsed.column in UNIQUES else self._row.summed(column)

    def _rows(self) -> tuple[FromClause, list[Condition]]:
        """The ad-days, and the conditions on one of them."""
        rows, row = self._row, self._row.c
        source = rows.source
        conditions: list[Condition] = [
            is_among(row.account_id, sorted(self.picked.account_ids)),
            row.date.between(self.query.since, self.query.until),
            *rows.conditions,
        ]
        conditions += [is_among(row[f"{level}_id"], sorted(ids)) for level, ids in self.picked.objects]
        numbers = [each for each in self.query.filters if each.is_metric]
        conditions += [_row_condition(each, rows) for each in numbers]
        conditions += [id_condition(each, row[each.name]) for each in self.query.filters if each.name in _ROW_IDS]
        split = [each for each in self.query.filters if each.name in SPLITS]
        conditions += [rows.meets(each, self.picked.split_values.get(each)) for each in split]
        if any(RESULTS in leaves(each.name) for each in numbers):
            source = source.outerjoin(AdSet.__table__, grouping.same(AdSet.__table__, "adset", row))
        return source, conditions

    def _group_condition(self, each: Filter) -> Condition:
        return number_condition(each, self._compared(each.name), _scale(each.name), is_wide=True)

    def _compared(self, slug: str) -> Element:
        """The metric of a group as a whole number that conditions and orders compare."""
        parsed = METRICS[slug].parsed
        if parsed.kind == "share":
            part = cast(self.sums.c[f"sum_{parsed.top}"], Wide) * cast(literal(10**COMPARED_DIGITS, BigInteger), Wide)
            return rounded_quotient(part, cast(self._total(parsed.top), Wide))
        values = {leaf: self.sums.c[f"sum_{leaf}"] for leaf in leaves(slug)}
        if METRICS[slug].parts:
            values[parsed.top] = self.sums.c[people.top_key(self.query, METRICS[slug])]
        return _compared(slug, values)

    def _total(self, leaf: str) -> Element:
        """The sum over all that is shown in one currency; NULL where one group has none."""
        part, by = self.sums.c[f"sum_{leaf}"], self.sums.c.currency
        known = func.count(part).over(partition_by=by) == func.count().over(partition_by=by)
        return case((known, func.sum(part).over(partition_by=by)))


def shown_leaves(query: InsightQuery) -> tuple[str, ...]:
    """The stored metrics (and results) that the query's metrics are made of, in the order of the answer's columns."""
    return tuple(dict.fromkeys(leaf for slug in query.metrics for leaf in sorted(leaves(slug))))


def shares(query: InsightQuery) -> tuple[str, ...]:
    """The stored metrics of which a share of the total is shown."""
    return tuple(METRICS[slug].parsed.top for slug in query.metrics if METRICS[slug].parsed.kind == "share")


def _keys_of(rows: Subquery) -> set[str]:
    return {column.name for column in rows.c if not column.name.startswith("sum_")}


def _alone(leaf: str, rows: Subquery) -> Element:
    """The metric of a group that is one row of ``rows``."""
    if leaf == RESULTS:
        return goals.result(lambda name: rows.c[f"sum_{name}"])
    return rows.c[f"sum_{leaf}"]


def _grouped(statement: Select[Any], keys: Mapping[str, Element]) -> Select[Any]:
    # Without keys a group of nothing would be one row of nothing.
    return statement.group_by(*keys.values()).having(func.count() > 0)


def _row_condition(each: Filter, rows: Rows) -> Condition:
    def column(leaf: str) -> Element:
        if leaf == RESULTS:
            return goals.result(rows.number)
        return rows.number(METRICS[leaf].parsed.column)

    value = _compared(each.name, {leaf: column(leaf) for leaf in leaves(each.name)})
    return number_condition(each, value, _scale(each.name), is_wide=bool(METRICS[each.name].parts))


def _compared(slug: str, values: Mapping[str, Element]) -> Element:
    return _quotient(slug, values) if METRICS[slug].parts else values[slug]


def _quotient(slug: str, values: Mapping[str, Element]) -> Element:
    """The ratio at nine decimals, as a whole number."""
    parsed = METRICS[slug].parsed
    digits = COMPARED_DIGITS + 6 * (is_money(parsed.bottom) - is_money(parsed.top))
    top = cast(values[parsed.top], Wide) * cast(literal(parsed.factor * 10**digits, BigInteger), Wide)
    return rounded_quotient(top, cast(values[parsed.bottom], Wide))


def _scale(slug: str) -> int:
    if METRICS[slug].parts:
        return COMPARED_DIGITS
    return 6 if is_money(slug) else 0


def is_money(slug: str) -> bool:
    """Whether the stored metric is money, kept in millionths."""
    return METRICS[slug].parsed.column in MONEY
