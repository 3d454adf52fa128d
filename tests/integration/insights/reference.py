"""The answer to a query worked out with pandas and fractions, without SQL and without the code under test."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

from lib.access.viewer import Viewer
from lib.insights.currency import exponent
from lib.insights.metrics import METRICS
from lib.insights.query import Filter, InsightQuery
from lib.store.models import COUNTS, UNIQUES
from tests.integration.insights.world import RESULTS

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
Numbers = dict[str, Fraction | None]


def answer(query: InsightQuery, viewer: Viewer, rows: pd.DataFrame) -> list[tuple[Any, ...]]:
    """The rows of the answer, in order."""
    mine = viewer.account_ids if query.account_ids is None else viewer.account_ids & query.account_ids
    chosen = rows[rows["account_id"].isin(mine) & (rows["date"] >= query.since) & (rows["date"] <= query.until)]
    if query.currency:
        chosen = chosen[chosen["currency"] == query.currency]
    for each in query.filters:
        chosen = chosen[[_row_meets(each, row) for row in chosen.to_dict("records")]]
    if chosen.empty:
        return []
    keys = _group_keys(query)
    grouped = chosen.groupby(keys, dropna=False, sort=False) if keys else [((), chosen)]
    groups = [_group(query, frame) for _, frame in grouped]
    groups = [group for group in groups if all(_number_meets(each, group["numbers"]) for each in query.having)]
    _add_shares(groups)
    _sort(query, groups)
    return [_shown(query, group) for group in groups[: query.limit]]


def _group_keys(query: InsightQuery) -> list[str]:
    keys: list[str] = []
    for name in query.group_by:
        keys += {"date": ["date"], "client": ["client"]}.get(name, ["account_id", f"{name}_id"])
    money = any(METRICS[name].needs_money for name in _used(query))
    return list(dict.fromkeys([*keys, *(["currency"] if money else [])]))


def _used(query: InsightQuery) -> list[str]:
    words = [*query.metrics, *(each.name for each in query.having), *(each.key for each in query.order)]
    return [word for word in words if word in METRICS]


def _row_meets(each: Filter, row: dict[str, Any]) -> bool:
    if each.name in METRICS:
        numbers = _numbers(pd.DataFrame([row]), people=True)
        return _number_meets(each, numbers)
    if each.name.endswith("_id") and each.name != "client_id":
        found = row[each.name] in [int(value.removeprefix("act_")) for value in each.values]
        return found == (each.operator == "=")
    column = {"client_id": "client_slug", "currency": "currency", "objective": "objective", "status": "status"}
    text = row[column.get(each.name, f"{each.name}_name")]
    return _text_meets(each, text if isinstance(text, str) else "")


def _text_meets(each: Filter, text: str) -> bool:
    wanted = each.values[0]
    if each.operator in ("~", "!~"):
        return (wanted.lower() in text.lower()) == (each.operator == "~")
    if each.operator == "^=":
        return text.lower().startswith(wanted.lower())
    if each.operator == "=~":
        return re.search(re.sub(r"(?<!\\)\$$", r"\\Z", wanted), text, re.DOTALL) is not None
    return (text in each.values) == (each.operator == "=")


def _number_meets(each: Filter, numbers: Numbers) -> bool:
    value = _compared(each.name, numbers)
    return value is not None and COMPARE[each.operator](value, Fraction(each.values[0]))


def _compared(slug: str, numbers: Numbers) -> Fraction | None:
    """Ratios at nine decimals, halves away from zero."""
    value = numbers[slug]
    if value is None or "/" not in METRICS[slug].formula:
        return value
    return Fraction(math.floor(value * 10**9 + Fraction(1, 2)), 10**9)


def _group(query: InsightQuery, frame: pd.DataFrame) -> dict[str, Any]:
    people = {"date", "ad"} <= set(query.group_by)
    return {"first": frame.iloc[0].to_dict(), "numbers": _numbers(frame, people=people)}


def _numbers(frame: pd.DataFrame, *, people: bool) -> Numbers:
    """Every metric of the rows, from their sums."""
    numbers: Numbers = {name: Fraction(int(frame[name].sum())) for name in COUNTS}
    for name in ("spend", "revenue"):
        numbers[name] = Fraction(int(frame[f"{name}_micros"].sum()), 10**6)
    for name in UNIQUES:
        value = frame[name].iloc[0] if people else None
        numbers[name] = None if value is None or pd.isna(value) else Fraction(int(value))
    numbers["results"] = _results(frame)
    for slug, metric in METRICS.items():
        if " / " in metric.formula and " total " not in metric.formula:
            numbers[slug] = _ratio(metric.formula, numbers)
    return numbers


def _results(frame: pd.DataFrame) -> Fraction | None:
    goals = {goal if goal[0] == "OFFSITE_CONVERSIONS" else (goal[0], None) for goal in frame["goal"]}
    column = RESULTS.get(next(iter(goals))) if len(goals) == 1 else None
    return None if column is None else Fraction(int(frame[column].sum()))


def _ratio(formula: str, numbers: Numbers) -> Fraction | None:
    top, bottom = formula.split(" / ")
    factor, slug = top.split(" * ") if " * " in top else ("1", top)
    above, below = numbers[slug], numbers[bottom]
    return None if above is None or not below else int(factor) * above / below


def _add_shares(groups: list[dict[str, Any]]) -> None:
    for slug in ("spend", "revenue"):
        totals: dict[Any, Fraction] = {}
        for group in groups:
            currency = _text(group["first"]["currency"])
            totals[currency] = totals.get(currency, Fraction(0)) + group["numbers"][slug]
        for group in groups:
            total = totals[_text(group["first"]["currency"])]
            group["numbers"][f"{slug}_share"] = group["numbers"][slug] / total if total else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _sort(query: InsightQuery, groups: list[dict[str, Any]]) -> None:
    """Stable sorts from the least important key to the most; missing values come last either way."""
    wanted = [(each.key, each.descending) for each in query.order] + [(name, False) for name in query.group_by]
    for key in reversed(_group_keys(query)):
        _sort_by(groups, lambda group, key=key: group["first"][key], descending=False)
    for key, descending in reversed(wanted):
        _sort_by(groups, lambda group, key=key: _sortable(key, group), descending=descending)


def _sortable(key: str, group: dict[str, Any]) -> Any:
    if key in METRICS:
        return _compared(key, group["numbers"])
    return group["first"][key if key in ("date", "currency") else f"{key}_name"]


def _sort_by(groups: list[dict[str, Any]], value: Callable[[dict[str, Any]], Any], *, descending: bool) -> None:
    present = [group for group in groups if not pd.isna(value(group))]
    missing = [group for group in groups if pd.isna(value(group))]
    groups[:] = [*sorted(present, key=value, reverse=descending), *missing]


def _shown(query: InsightQuery, group: dict[str, Any]) -> tuple[Any, ...]:
    first = group["first"]
    cells: list[Any] = []
    for name in query.group_by:
        if name == "date":
            cells.append(first["date"])
        else:
            own_id = first["client_slug"] if name == "client" else str(first[f"{name}_id"])
            cells += [own_id, first[f"{name}_name"]]
    currency = _text(first["currency"])
    if "currency" in _group_keys(query):
        cells.append(currency)
    return (*cells, *(_rounded(slug, group["numbers"][slug], currency) for slug in query.metrics))


def _rounded(slug: str, value: Fraction | None, currency: str | None) -> int | Decimal | None:
    if value is None:
        return None
    if METRICS[slug].format == "count":
        return int(value)
    digits = 6 if METRICS[slug].format != "money" or slug in ("spend", "revenue") else exponent(currency) + 2
    return Decimal(math.floor(value * 10**digits + Fraction(1, 2))).scaleb(-digits)
