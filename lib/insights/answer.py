"""What comes back: typed columns, and the rule of each metric that has no value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lib.insights import currency as currencies
from lib.insights import exact
from lib.insights.metrics import METRICS, Metric
from lib.insights.people import top_key
from lib.insights.query import DAYS, NAMED, InsightQuery
from lib.insights.sql import is_money

RATIO_DIGITS = exact.DIGITS
"""Decimals of percents (as fractions) and multiples."""

MONEY_RATIO_DIGITS = 2
"""Decimals of a cost per something, beyond those of its currency."""

DIMENSION_LABELS: Mapping[str, str] = {
    "date": "Date",
    "week": "Week",
    "month": "Month",
    "quarter": "Quarter",
    "weekday": "Weekday",
    "client": "Client",
    "account": "Account",
    "campaign": "Campaign",
    "adset": "Ad set",
    "ad": "Ad",
    "creative": "Creative",
    "objective": "Objective",
    "status": "Status",
    "goal": "Optimisation goal",
    "age": "Age",
    "gender": "Gender",
    "country": "Country",
    "region": "Region",
    "platform": "Platform",
    "position": "Position",
    "device": "Device",
    "hour": "Hour of day",
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Value = str | int | Decimal | dt.date | None
_TYPES = {"id": pa.string(), "text": pa.string(), "date": pa.date32(), "count": pa.int64()}


@dataclass(frozen=True)
class Column:
    """``kind`` is id, text, date or a metric's format: money, count, percent, multiple."""

    key: str
    label: str
    kind: str

    @property
    def type(self) -> pa.DataType:
        """What the column is in Arrow."""
        return _TYPES.get(self.kind, exact.DECIMAL)


@dataclass(frozen=True)
class InsightAnswer:
    """``table`` has a column a key: ids and texts, days as date32, counts as int64 (decimals where 64 bits are too
    few), money in major units and ratios as decimals of six digits (a percent is a fraction).

    ``notes`` has the rule of each metric that has no value for a reason other than a zero divisor, and by its breakdown
    for which accounts there are no rows of it, or no new ones, and why; ``is_sample`` tells that sample clients are in
    it; ``engine`` is what answered.
    """

    columns: tuple[Column, ...]
    table: pa.Table
    notes: dict[str, str] = field(default_factory=dict)
    engine: str = "postgres"
    is_sample: bool = False

    @cached_property
    def rows(self) -> list[tuple[Value, ...]]:
        """Ids are digits in a str, counts int, money Decimal with its currency's decimals, ratios Decimal."""
        return self._rows(self.table)

    @cached_property
    def first(self) -> tuple[Value, ...]:
        """The first row; empty where there is none."""
        return next(iter(self._rows(self.table.slice(0, 1))), ())

    def _rows(self, table: pa.Table) -> list[tuple[Value, ...]]:
        money = table["currency"].to_pylist() if "currency" in table.column_names else None
        return list(zip(*(_values(table[column.key], column, money) for column in self.columns), strict=True))


def columns_of(query: InsightQuery) -> tuple[Column, ...]:
    """The columns of the query's answer: dimensions, currency where money is in it, metrics."""
    columns: list[Column] = []
    for name in query.group_by:
        label = DIMENSION_LABELS[name]
        if name in NAMED:
            columns += [Column(f"{name}_id", f"{label} ID", "id"), Column(f"{name}_name", label, "text")]
        else:
            columns.append(Column(name, label, "date" if name in DAYS else "text"))
    if query.by_currency:
        columns.append(Column("currency", "Currency", "text"))
    columns += [Column(slug, METRICS[slug].label, METRICS[slug].format) for slug in query.metrics]
    return tuple(columns)


def nothing(query: InsightQuery, engine: str) -> InsightAnswer:
    """The answer without a row."""
    columns = columns_of(query)
    schema = pa.schema([pa.field(column.key, column.type) for column in columns])
    return InsightAnswer(columns, schema.empty_table(), engine=engine)


def finish(query: InsightQuery, raw: pa.Table) -> pa.Table:
    """The columns of the answer from those of ``sql.compile_query``: names of weekdays, ratios, money."""
    columns = columns_of(query)
    digits = _money_ratio_digits(raw["currency"].to_pylist()) if query.by_currency else None
    arrays = [
        _metric(query, METRICS[column.key], raw, digits) if column.key in query.metrics else _key(column.key, raw)
        for column in columns
    ]
    return pa.table(arrays, names=[column.key for column in columns])


def _key(key: str, raw: pa.Table) -> pa.ChunkedArray:
    if key == "weekday":
        return pc.take(pa.array(WEEKDAYS), pc.subtract(raw[key], 1))
    return raw[key]


def _metric(query: InsightQuery, metric: Metric, raw: pa.Table, money_digits: Any) -> pa.Array:
    parsed = metric.parsed
    if not metric.parts:
        values, known = exact.whole(raw[f"sum_{metric.slug}"])
        return exact.decimals(values, known) if is_money(metric.slug) else exact.counts(values, known)
    top, has_top = exact.whole(raw[top_key(query, metric)])
    bottom, has_bottom = exact.whole(raw[f"{'total' if parsed.kind == 'share' else 'sum'}_{parsed.bottom}"])
    known = has_top & has_bottom & (bottom != 0)
    scale = 6 * (is_money(parsed.bottom) - is_money(parsed.top))
    if metric.format != "money":
        return exact.decimals(_quotient(top, bottom, parsed.factor, RATIO_DIGITS + scale), known)
    found = np.zeros(len(top), dtype=np.int64)
    for places in np.unique(money_digits):
        chosen = money_digits == places
        rounded = _quotient(top[chosen], bottom[chosen], parsed.factor, int(places) + scale)
        found[chosen] = rounded * 10 ** (exact.DIGITS - int(places))
    return exact.decimals(found, known)


def _quotient(top: Any, bottom: Any, factor: int, digits: int) -> exact.Whole:
    return exact.rounded_quotient(top, bottom, factor * 10 ** max(digits, 0), 10 ** max(-digits, 0))


def _money_ratio_digits(codes: list[str | None]) -> Any:
    known = {code: currencies.exponent(code) + MONEY_RATIO_DIGITS for code in set(codes)}
    return np.array([known[code] for code in codes], dtype=np.int64)


def _values(column: pa.ChunkedArray, about: Column, money: list[str | None] | None) -> list[Value]:
    values: list[Any] = column.to_pylist()
    if about.kind == "money":
        write = _exact_money if METRICS[about.key].parsed.kind == "stored" else _money_ratio
        return [value if value is None else write(value, code) for value, code in zip(values, money or (), strict=True)]
    if about.kind == "count":
        return [value if value is None else int(value) for value in values]
    return values


def _exact_money(value: Decimal, currency: str | None) -> Decimal:
    """With the currency's decimals, or more where Meta gave more."""
    rounded = value.quantize(_step(currencies.exponent(currency)))
    return rounded if rounded == value else value.normalize()


def _money_ratio(value: Decimal, currency: str | None) -> Decimal:
    return value.quantize(_step(currencies.exponent(currency) + MONEY_RATIO_DIGITS), ROUND_HALF_UP)


def _step(digits: int) -> Decimal:
    return Decimal(1).scaleb(-digits)
