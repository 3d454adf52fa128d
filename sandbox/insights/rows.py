"""Rows as JSON text, written column by column.

A column of fragments is made for each field, an empty one where the field is absent; a row is its fragments
joined. That is several times faster than building and dumping a dictionary for each row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from sandbox.insights import fields, fragments
from sandbox.insights.fragments import Fragments
from sandbox.insights.periods import Period
from sandbox.insights.query import Plan
from sandbox.insights.table import Table
from sandbox.model import rand
from sandbox.model.columns import INDEX
from sandbox.model.objects import Inventory

_RANKS = (
    *("ABOVE_AVERAGE",) * 5, *("AVERAGE",) * 8, *("BELOW_AVERAGE_35",) * 3, *("BELOW_AVERAGE_20",) * 2,
    "BELOW_AVERAGE_10",
)  # fmt: skip
_UNRANKED = "UNKNOWN"
_FEWEST_IMPRESSIONS = 500
"""With fewer in the period Meta ranks no ad."""


def render(plan: Plan, inventory: Inventory, period: Period, table: Table) -> list[bytes]:
    """One JSON object for each row of the table."""
    columns = [_column(plan, inventory, table, name) for name in plan.fields if name not in fields.DATES]
    dates = f'"date_start":"{period[0]}","date_stop":"{period[1]}"'
    tails = [f"{dates}{label}}}" for label in plan.split.labels]
    columns.append([tails[segment] for segment in table.segment.tolist()])
    join = "".join
    return [f"{{{join(parts)}".encode() for parts in zip(*columns, strict=True)]


def _column(plan: Plan, inventory: Inventory, table: Table, name: str) -> Fragments:
    """The fragments of one field: found in one of the groups of `fields`, or else a matter of identity."""
    if plan.hides_people and name in fields.OF_PEOPLE:
        return [""] * len(table.base)
    if name in fields.RANKINGS:
        return _rankings(plan, inventory, table, name)
    for group, write in _WRITERS:
        if name in group:
            return write(plan, table, name)
    return _identity(plan, inventory, table, name)


def _count(_: Plan, table: Table, name: str) -> Fragments:
    return [f'"{name}":"{value}",' if value else "" for value in table.base[:, INDEX[fields.COUNTS[name]]].tolist()]


def _money(plan: Plan, table: Table, name: str) -> Fragments:
    minor = table.base[:, INDEX[fields.MONEY[name]]]
    texts = fragments.amounts(minor, plan.account.market.exponent)
    return [f'"{name}":"{text}",' if value else "" for value, text in zip(minor.tolist(), texts, strict=True)]


def _ratio(plan: Plan, table: Table, name: str) -> Fragments:
    ratios = fragments.ratios(table.base, plan.account.market.exponent, *fields.RATIOS[name])
    return [f'"{name}":"{value:.6f}",' if value else "" for value in ratios]


def _list(plan: Plan, table: Table, name: str) -> Fragments:
    column, kind = fields.LISTS[name]
    return fragments.wrap(name, fragments.entries(kind, table.base[:, INDEX[column]], 0, table.key, plan.windows))


def _list_ratio(plan: Plan, table: Table, name: str) -> Fragments:
    upper, lower, factor, kind = fields.LIST_RATIOS[name]
    ratios = fragments.ratios(table.base, plan.account.market.exponent, upper, lower, factor)
    return fragments.wrap(name, fragments.decimals(kind, ratios))


def _roas(_: Plan, table: Table, name: str) -> Fragments:
    return fragments.wrap(name, fragments.roas(fields.ROAS[name], table))


def _actions(plan: Plan, table: Table, name: str) -> Fragments:
    return fragments.wrap(name, fragments.actions_of(name, table, plan.account.market.exponent, plan.windows))


_WRITERS: tuple[tuple[Any, Callable[[Plan, Table, str], Fragments]], ...] = (
    (fields.COUNTS, _count),
    (fields.MONEY, _money),
    (fields.RATIOS, _ratio),
    (fields.LISTS, _list),
    (fields.LIST_RATIOS, _list_ratio),
    (fields.ROAS, _roas),
    (fields.ACTIONS, _actions),
)


def _rankings(plan: Plan, inventory: Inventory, table: Table, name: str) -> Fragments:
    """How each ad stands against others: its own for good, once it was seen often enough; of ads only."""
    if plan.level != "ad":
        return [""] * len(table.owner)
    stream = 80 + fields.RANKINGS.index(name)
    seen = (table.base[:, INDEX["impressions"]] >= _FEWEST_IMPRESSIONS).tolist()
    draws = (inventory.ads[position].draw for position in table.owner.tolist())
    return [
        _pair(name, _RANKS[rand.pick(draw, stream, len(_RANKS))] if is_seen else _UNRANKED)
        for draw, is_seen in zip(draws, seen, strict=True)
    ]


def _identity(plan: Plan, inventory: Inventory, table: Table, name: str) -> Fragments:
    """Names, ids and settings of the row's object and its parents; absent above the object's own level."""
    account = plan.account
    fixed = {
        "account_id": account.account_id,
        "account_name": account.name,
        "account_currency": account.market.currency,
    }
    if name in fixed:
        return [_pair(name, fixed[name])] * len(table.owner)
    if name == "attribution_setting":
        settings = [_pair(name, text) for text in inventory.attributions(plan.level)]
        return [settings[position] for position in table.owner.tolist()]
    if plan.level == "account" or name in fields.NEVER_FILLED:
        return [""] * len(table.owner)
    texts = inventory.texts.get((plan.level, name))
    if texts is None:
        texts = [_pair(name, _of_item(plan.level, item, name)) for item in inventory.at(plan.level)]
        inventory.texts[plan.level, name] = texts
    return [texts[position] for position in table.owner.tolist()]


def _pair(name: str, value: str) -> str:
    return f'"{name}":{orjson.dumps(value).decode()},' if value else ""


def _of_item(level: str, item: Any, name: str) -> str:
    """One attribute of an object or of a parent; empty where it has none."""
    subject, _, what = name.partition("_")
    if subject in ("campaign", "adset", "ad"):
        target = item if subject == level else getattr(item, subject, None)
        return str(getattr(target, what)) if target is not None else ""
    if name == "optimization_goal":
        adset = item if level == "adset" else getattr(item, "adset", None)
        return str(adset.goal) if adset is not None else ""
    others = {"objective": item.objective.objective, "buying_type": "AUCTION", "created_time": str(item.start),
              "updated_time": str(item.end)}  # fmt: skip
    return str(others[name])
