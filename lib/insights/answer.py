"""What comes back: columns in order, rows as tuples, and the rule of each metric that has no value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from lib.insights import currency as currencies
from lib.insights.goals import RULE
from lib.insights.metrics import METRICS, Metric, leaves
from lib.insights.query import InsightQuery
from lib.store.models import UNIQUES

RATIO_DIGITS = 6
"""Decimals of percents (as fractions) and multiples."""

MONEY_RATIO_DIGITS = 2
"""Decimals of a cost per something, beyond those of its currency."""

NEVER_SUMMABLE = "not summable: holds for one ad and one day only"
_DIMENSION_LABELS = {
    "date": "Date",
    "client": "Client",
    "account": "Account",
    "campaign": "Campaign",
    "adset": "Ad set",
    "ad": "Ad",
}

Value = str | int | Decimal | dt.date | None


@dataclass(frozen=True)
class Column:
    """``kind`` is id, text, date or a metric's format: money, count, percent, multiple."""

    key: str
    label: str
    kind: str


@dataclass(frozen=True)
class InsightAnswer:
    """Ids are digits in a str, counts int, money Decimal in major units, ratios Decimal (a percent is a fraction).

    ``notes`` has the rule of each metric that has no value for a reason other than a zero divisor; ``is_sample`` tells
    that sample clients are in it.
    """

    columns: tuple[Column, ...]
    rows: list[tuple[Value, ...]]
    notes: dict[str, str] = field(default_factory=dict)
    engine: str = "postgres"
    is_sample: bool = False


def columns_of(query: InsightQuery) -> tuple[Column, ...]:
    """The columns of the query's answer: dimensions, currency where money is in it, metrics."""
    columns: list[Column] = []
    for name in query.group_by:
        label = _DIMENSION_LABELS[name]
        if name == "date":
            columns.append(Column("date", label, "date"))
        else:
            columns += [Column(f"{name}_id", f"{label} ID", "id"), Column(f"{name}_name", label, "text")]
    if query.by_currency:
        columns.append(Column("currency", "Currency", "text"))
    columns += [Column(slug, METRICS[slug].label, METRICS[slug].format) for slug in query.metrics]
    return tuple(columns)


def finish(query: InsightQuery, fetched: Sequence[Sequence[Any]]) -> InsightAnswer:
    """The answer from the rows of ``sql.compile_query``."""
    columns = columns_of(query)
    first = len(columns) - len(query.metrics)
    finishers = [_finisher(METRICS[slug]) for slug in query.metrics]

    def finished(row: Sequence[Any]) -> tuple[Value, ...]:
        currency = row[first - 1] if query.by_currency else None
        values = zip(finishers, row[first:], strict=False)
        return (*row[:first], *(finish(value, currency) if value is not None else None for finish, value in values))

    return InsightAnswer(
        columns=columns,
        rows=[finished(row) for row in fetched],
        notes=_notes(query, fetched, len(columns)),
        is_sample=any(row[-1] for row in fetched),
    )


def _finisher(metric: Metric) -> Callable[[Decimal, str | None], Value]:
    if metric.format == "count":
        return lambda value, _: int(value)
    if metric.format != "money":
        return lambda value, _: value.quantize(_step(RATIO_DIGITS), ROUND_HALF_UP)
    if metric.parsed.kind == "stored":
        return _exact_money
    return lambda value, currency: value.quantize(
        _step(currencies.exponent(currency) + MONEY_RATIO_DIGITS), ROUND_HALF_UP
    )


def _exact_money(value: Decimal, currency: str | None) -> Decimal:
    """With the currency's decimals, or more where Meta gave more."""
    rounded = value.quantize(_step(currencies.exponent(currency)))
    return rounded if rounded == value else value.normalize()


def _step(digits: int) -> Decimal:
    return Decimal(1).scaleb(-digits)


def _notes(query: InsightQuery, fetched: Sequence[Sequence[Any]], width: int) -> dict[str, str]:
    notes: dict[str, str] = {}
    for slug in query.metrics:
        stored = {METRICS[leaf].parsed.column for leaf in leaves(slug)}
        if stored & set(UNIQUES) and not query.is_one_ad_one_day:
            notes[slug] = NEVER_SUMMABLE
        elif METRICS[slug].additive == "within_goal" and any(row[width] is None for row in fetched):
            notes[slug] = RULE
    return notes
