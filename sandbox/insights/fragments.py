"""Fragments of JSON text for whole columns of numbers: money, ratios and lists of actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

import numpy as np

from sandbox.insights import actions
from sandbox.insights.table import Table
from sandbox.model import rand
from sandbox.model.columns import INDEX
from sandbox.model.rand import Ints, Keys

Fragments = list[str]
_ORDERS = 16


def amounts(minor: Ints, exponent: int) -> Fragments:
    """Whole numbers, or with an exponent of 2 amounts in major units."""
    if exponent == 0:
        return [str(value) for value in minor.tolist()]
    return [f"{value // 100}.{value % 100:02d}" for value in minor.tolist()]


def ratios(base: Ints, exponent: int, upper: str, lower: str, factor: int) -> list[float]:
    """A ratio of two columns; 0 where either side is."""
    below = base[:, INDEX[lower]]
    scale = factor / (10**exponent if upper == "spend" else 1)
    found: list[float] = (scale * base[:, INDEX[upper]] / np.maximum(below, 1) * (below > 0)).tolist()
    return found


def entries(kind: str, values: Ints, exponent: int, key: Keys, windows: Sequence[str]) -> Fragments:
    """`{"action_type":…,"value":…}` for each row; the windows come in only when they were asked for."""
    opening, numbers = f'{{"action_type":"{kind}","value":"', values.tolist()
    if not windows:
        if exponent == 0:
            return [f'{opening}{value}"}}' if value else "" for value in numbers]
        return [f'{opening}{value // 100}.{value % 100:02d}"}}' if value else "" for value in numbers]
    seen = [(window, actions.windows(values, key, window)) for window in windows]
    pairs = [[f',"{window}":"{text}"' for text in amounts(part, exponent)] for window, part in seen if part is not None]
    inner = ["".join(parts) for parts in zip(*pairs, strict=True)] if pairs else [""] * len(numbers)
    return [
        f'{opening}{text}"{more}}}' if number else ""
        for number, text, more in zip(numbers, amounts(values, exponent), inner, strict=True)
    ]


def decimals(kind: str, values: list[float]) -> Fragments:
    """Entries whose value is a ratio."""
    opening = f'{{"action_type":"{kind}","value":"'
    return [f'{opening}{value:.6f}"}}' if value else "" for value in values]


def wrap(name: str, inner: Fragments) -> Fragments:
    """Lists of entries; no list where there are none."""
    return [f'"{name}":[{entry}],' if entry else "" for entry in inner]


def roas(kind: str, table: Table) -> Fragments:
    """Revenue of one view over spend; both are in the same minor units."""
    spend, value = table.base[:, INDEX["spend"]], table.values[:, actions.VALUE_TYPES.index(kind)]
    return decimals(kind, (value / np.maximum(spend, 1) * (spend > 0)).tolist())


def _shuffles(size: int) -> list[Callable[[tuple[str, ...]], tuple[str, ...]]]:
    """A few fixed orders: Meta promises none, so readers must not rely on one."""
    positions = np.arange(size, dtype=np.int64)
    orders = [np.argsort(rand.keys(0x0D0, positions, np.full(size, n))).tolist() for n in range(_ORDERS)]
    return [itemgetter(*order) for order in orders]


_SHUFFLES = {len(kinds): _shuffles(len(kinds)) for kinds in (actions.TYPES, actions.VALUE_TYPES)}


def actions_of(name: str, table: Table, exponent: int, windows: Sequence[str]) -> Fragments:
    """The entries of `actions`, `action_values` or `cost_per_action_type`, joined for each row."""
    money = name == "action_values"
    kinds, numbers = (actions.VALUE_TYPES, table.values) if money else (actions.TYPES, table.counts)
    if not len(table.base):
        return []
    columns: list[Fragments] = []
    for position, kind in enumerate(kinds):
        values = numbers[:, position]
        if not values.any():
            columns.append([""] * len(values))
        elif name == "cost_per_action_type":
            cost = table.base[:, INDEX["spend"]] / np.maximum(values, 1) / 10**exponent * (values > 0)
            columns.append(decimals(kind, cost.tolist()))
        else:
            columns.append(entries(kind, values, exponent if money else 0, table.key, windows))
    shuffles, choice, join = _SHUFFLES[len(kinds)], (table.key % np.uint64(_ORDERS)).tolist(), ",".join
    rows = zip(choice, zip(*columns, strict=True), strict=True)
    return [join(filter(None, shuffles[order](parts))) for order, parts in rows]
