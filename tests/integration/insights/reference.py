"""The answer to a query worked out with pandas and fractions, without SQL and without the code under test."""

from __future__ import annotations

import calendar
import datetime as dt
import math
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

from lib.access.viewer import Viewer
from lib.insights.currency import exponent
from lib.insights.metrics import METRICS
from lib.insights.query import Filter, InsightQuery, Order
from lib.store.models import ATTRIBUTED, COUNTS, UNIQUES
from tests.integration.insights.split_world import SETS, SplitWorld
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
SPLITS = {name: slug for slug, dimensions in SETS.items() for name in dimensions}
TEXTS = ("objective", "status", "goal", *SPLITS)
DEPTHS = {
    "client": 0, "account": 1, "currency": 1, "campaign": 2, "objective": 2, "adset": 3, "goal": 3,
    "ad": 4, "status": 4, "creative": 4,
}  # fmt: skip


def answer(query: InsightQuery, viewer: Viewer, rows: pd.DataFrame, more: SplitWorld) -> list[tuple[Any, ...]]:
    """The rows of the answer, in order."""
    rows = _rows_of(query, rows, more)
    mine = viewer.account_ids if query.account_ids is None else viewer.account_ids & query.account_ids
    chosen = rows[rows["account_id"].isin(mine) & (rows["date"] >= query.since) & (rows["date"] <= query.until)]
    if query.currency:
        chosen = chosen[chosen["currency"] == query.currency]
    for each in query.filters:
        chosen = chosen[[_row_meets(each, row) for row in chosen.to_dict("records")]]
    if chosen.empty:
        return []
    chosen = _folded(query, _with_periods(chosen))
    keys = _group_keys(query)
    grouped = chosen.groupby(keys, dropna=False, sort=False) if keys else [((), chosen)]
    groups = [_group(query, frame, more) for _, frame in grouped]
    groups = [group for group in groups if all(_number_meets(each, group["numbers"]) for each in query.having)]
    _add_shares(groups)
    _sort(query, groups)
    return [_shown(query, group) for group in groups[: query.limit]]


def _rows_of(query: InsightQuery, rows: pd.DataFrame, more: SplitWorld) -> pd.DataFrame:
    """The ad-days, those of the breakdown that the query names, or those with what a window credits."""
    named = (*query.group_by, *(each.name for each in query.filters))
    slugs = {SPLITS[name] for name in named if name in SPLITS}
    if slugs:
        (slug,) = slugs
        return more.rows[slug]
    if query.attribution is None:
        return rows
    window = query.attribution
    days = [{**day, **_credited(day, window, more)} for day in rows.to_dict("records")]
    return pd.DataFrame(days).astype(object)


def _credited(day: dict[str, Any], window: str, more: SplitWorld) -> dict[str, int | None]:
    place = (day["account_id"], day["date"])
    nothing = dict.fromkeys(ATTRIBUTED, 0 if (*place, window) in more.fetched else None)
    return {**nothing, **more.credited.get((*place, day["ad_id"], window), {})}


def _with_periods(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with their week, month, quarter and weekday, and with the words of objective, status and goal."""
    return _with_days(rows).assign(
        objective=[_text(value) or "" for value in rows["objective"]],
        status=[_text(value) or "" for value in rows["status"]],
        goal_word=[value[0] or "" for value in rows["goal"]],
    )


def _with_days(rows: pd.DataFrame) -> pd.DataFrame:
    days = list(rows["date"])
    return rows.assign(
        week=[day - dt.timedelta(days=day.weekday()) for day in days],
        month=[day.replace(day=1) for day in days],
        quarter=[day.replace(month=1 + 3 * ((day.month - 1) // 3), day=1) for day in days],
        weekday=[day.weekday() for day in days],
    )


def _folded(query: InsightQuery, rows: pd.DataFrame) -> pd.DataFrame:
    """A column ``key:X`` for each dimension X; all groups of the top's dimension but the largest have the same."""
    keyed = rows.assign(
        **{f"key:{name}": [_key(row, name) for row in rows.to_dict("records")] for name in query.group_by}, folded=False
    )
    if query.top is None:
        return keyed
    name = query.top.dimension
    column = f"key:{name}"
    money = [column, "currency"] if METRICS[query.top.by].needs_money else [column]
    groups = [_group(query, frame, SplitWorld()) for _, frame in keyed.groupby(money, dropna=False, sort=False)]
    order = (Order(query.top.by, descending=True),)
    ranking = replace(query, group_by=(name,), metrics=(), having=(), order=order, top=None)
    _add_shares(groups)
    _sort(ranking, groups)
    by_currency: dict[Any, list[dict[str, Any]]] = {}
    for group in groups:
        by_currency.setdefault(str(group["first"]["currency"]) if len(money) > 1 else "", []).append(group)
    first = (group for some in by_currency.values() for group in some[: query.top.n])
    kept = {group["first"][column] for group in first} - {"(None, None)"}
    folded = ~keyed[column].isin(kept)
    return keyed.assign(folded=folded, **{column: keyed[column].where(~folded, "other")})


def _key(row: dict[str, Any], name: str) -> str:
    if name in ("campaign", "adset", "ad"):
        return repr((row["account_id"], row[f"{name}_id"]))
    if name == "creative":
        return repr((None, None) if pd.isna(row["creative_id"]) else (row["account_id"], int(row["creative_id"])))
    return repr(row[{"account": "account_id", "goal": "goal_word"}.get(name, name)])


def _group_keys(query: InsightQuery) -> list[str]:
    money = any(METRICS[name].needs_money for name in _used(query))
    return [*(f"key:{name}" for name in query.group_by), *(["currency"] if money else [])]


def _used(query: InsightQuery) -> list[str]:
    words = [*query.metrics, *(each.name for each in query.having), *(each.key for each in query.order)]
    return [word for word in words if word in METRICS]


def _row_meets(each: Filter, row: dict[str, Any]) -> bool:
    if each.name in METRICS:
        numbers = _numbers(pd.DataFrame([row]), people=True)
        return _number_meets(each, numbers)
    if each.name.endswith("_id") and each.name != "client_id":
        if pd.isna(row[each.name]):
            return each.operator == "!="
        found = row[each.name] in [int(value.removeprefix("act_")) for value in each.values]
        return found == (each.operator == "=")
    column = {"client_id": "client_slug", "currency": "currency", "objective": "objective", "status": "status"}
    column |= {name: name for name in SPLITS}
    text = row["goal"][0] if each.name == "goal" else row[column.get(each.name, f"{each.name}_name")]
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


def _group(query: InsightQuery, frame: pd.DataFrame, more: SplitWorld) -> dict[str, Any]:
    first = frame.iloc[0].to_dict()
    apart = {"date", "ad", *(name for name in SPLITS if name in frame.columns)}
    people = query.top is None and apart <= set(query.group_by)
    numbers = _numbers(frame, people=people)
    if not people:
        _add_people(query, first, numbers, more)
    return {"first": first, "numbers": numbers}


def _add_people(query: InsightQuery, first: dict[str, Any], numbers: Numbers, more: SplitWorld) -> None:
    """What Meta counted for this one object in this one period; nothing for anything wider or finer."""
    level = next((name for name in ("ad", "adset", "campaign", "account") if name in query.group_by), None)
    named = [*query.group_by, *(each.name.removesuffix("_id") for each in query.filters)]
    days = [name for name in named if name in ("date", "week", "month", "quarter")]
    is_whole = all(DEPTHS.get(name, 9) <= DEPTHS[level] for name in named if name not in days) if level else False
    is_other = query.top is not None and query.top.dimension == level and first[f"key:{level}"] == "other"
    if level is None or not is_whole or is_other:
        return
    span = [query.since + dt.timedelta(number) for number in range((query.until - query.since).days + 1)]
    frame = _with_days(pd.DataFrame({"date": span}))
    same = [row["date"] for row in frame.to_dict("records") if all(row[name] == first[name] for name in days)]
    key = (int(first["account_id"]), level, same[0], same[-1], int(first[f"{level}_id"]))
    counted = more.periods.get(key)
    if counted is None:
        return
    found = {name: None if value is None else Fraction(value) for name, value in counted.items()}
    found["spend"] = Fraction(counted["spend_micros"] or 0, 10**6)
    numbers |= {name: found[name] for name in UNIQUES}
    numbers |= {slug: _ratio(METRICS[slug].formula, found) for slug in ("frequency", "cpp")}


def _sum(values: pd.Series) -> int | None:
    """The sum; nothing where any of the values is not known."""
    known = [int(value) for value in values if not pd.isna(value)]
    return sum(known) if len(known) == len(values) else None


def _numbers(frame: pd.DataFrame, *, people: bool) -> Numbers:
    """Every metric of the rows, from their sums."""
    numbers: Numbers = {}
    for name in (*COUNTS, "spend", "revenue"):
        money = name in ("spend", "revenue")
        total = _sum(frame[f"{name}_micros" if money else name])
        numbers[name] = None if total is None else Fraction(total, 10**6 if money else 1)
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
    total = None if column is None else _sum(frame[column])
    return None if total is None else Fraction(total)


def _ratio(formula: str, numbers: Numbers) -> Fraction | None:
    top, bottom = formula.split(" / ")
    factor, slug = top.split(" * ") if " * " in top else ("1", top)
    above, below = numbers[slug], numbers[bottom]
    return None if above is None or not below else int(factor) * above / below


def _add_shares(groups: list[dict[str, Any]]) -> None:
    for slug in ("spend", "revenue"):
        parts: dict[Any, list[Fraction | None]] = {}
        for group in groups:
            parts.setdefault(_text(group["first"]["currency"]), []).append(group["numbers"][slug])
        totals = {currency: None if None in some else sum(filter(None, some)) for currency, some in parts.items()}
        for group in groups:
            total, part = totals[_text(group["first"]["currency"])], group["numbers"][slug]
            group["numbers"][f"{slug}_share"] = part / total if total and part is not None else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _sort(query: InsightQuery, groups: list[dict[str, Any]]) -> None:
    """Stable sorts from the least important key to the most; missing values come last either way, Other after all."""
    others = query.top.dimension if query.top else None
    _sort_by(groups, lambda group: _text(group["first"]["currency"]), descending=False)
    for name in reversed(query.group_by):
        for column in reversed(_ids(name)):
            _sort_by(groups, lambda group, at=(name, column): _own_id(*at, group["first"]), descending=False)
    for name in reversed(query.group_by):
        _sort_by(groups, lambda group, name=name: _sortable(name, group), descending=False)
        if name == others:
            groups.sort(key=lambda group: group["first"]["folded"])
    for each in reversed(query.order):
        _sort_by(groups, lambda group, key=each.key: _sortable(key, group), descending=each.descending)
    if others and query.order:
        groups.sort(key=lambda group: group["first"]["folded"])


def _own_id(name: str, column: str, first: dict[str, Any]) -> Any:
    """What tells groups of equal names apart; the folded ones and ads without a creative have nothing of their own."""
    nothing = first[f"key:{name}"] in ("other", "(None, None)")
    return None if nothing else first[column]


def _ids(name: str) -> list[str]:
    if name in ("campaign", "adset", "ad", "creative"):
        return ["account_id", f"{name}_id"]
    return [{"account": "account_id", "goal": "goal_word"}.get(name, name)]


def _sortable(key: str, group: dict[str, Any]) -> Any:
    first = group["first"]
    if key in METRICS:
        return _compared(key, group["numbers"])
    if key in ("currency", "date", "week", "month", "quarter", "weekday"):
        return first[key]
    return _name(key, first)


def _name(name: str, first: dict[str, Any]) -> str:
    if first.get("folded") and first.get(f"key:{name}") == "other":
        return "Other"
    if name in TEXTS:
        return str(first["goal_word" if name == "goal" else name])
    return str(first[f"{name}_name"])


def _sort_by(groups: list[dict[str, Any]], value: Callable[[dict[str, Any]], Any], *, descending: bool) -> None:
    present = [group for group in groups if not pd.isna(value(group))]
    missing = [group for group in groups if pd.isna(value(group))]
    groups[:] = [*sorted(present, key=value, reverse=descending), *missing]


def _shown(query: InsightQuery, group: dict[str, Any]) -> tuple[Any, ...]:
    first = group["first"]
    cells: list[Any] = []
    for name in query.group_by:
        if name in ("date", "week", "month", "quarter"):
            cells.append(first[name])
        elif name == "weekday":
            cells.append(calendar.day_name[first[name]])
        elif name in TEXTS:
            cells.append(_name(name, first))
        else:
            cells += [_shown_id(name, first), _name(name, first)]
    currency = _text(first["currency"])
    if "currency" in _group_keys(query):
        cells.append(currency)
    return (*cells, *(_rounded(slug, group["numbers"][slug], currency) for slug in query.metrics))


def _shown_id(name: str, first: dict[str, Any]) -> str:
    if first[f"key:{name}"] == "other":
        return ""
    if name == "client":
        return str(first["client_slug"])
    own_id = first[f"{name}_id"]
    return "" if pd.isna(own_id) else str(int(own_id))


def _rounded(slug: str, value: Fraction | None, currency: str | None) -> int | Decimal | None:
    if value is None:
        return None
    if METRICS[slug].format == "count":
        return int(value)
    digits = 6 if METRICS[slug].format != "money" or slug in ("spend", "revenue") else exponent(currency) + 2
    return Decimal(math.floor(value * 10**digits + Fraction(1, 2))).scaleb(-digits)
