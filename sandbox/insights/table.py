"""A period's rows as integers: ads' days split into segments, gathered by object, with reach not merely added."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.insights import actions, breakdowns
from sandbox.insights.periods import Period
from sandbox.insights.query import Plan, days
from sandbox.model import rand
from sandbox.model.columns import INDEX, NEVER_SUMMED, WIDTH
from sandbox.model.objects import Mask
from sandbox.model.rand import Ints, Keys
from sandbox.world import World

_REACH = [INDEX[name] for name in NEVER_SUMMED]


@dataclass(frozen=True)
class Table:
    """Rows of one period. `owner` is the object's position at the report's level (0 for an account)."""

    owner: Ints
    segment: Ints
    base: Ints
    counts: Ints
    values: Ints
    key: Keys


def build(world: World, plan: Plan, period: Period, ads: Mask | None) -> Table:
    """Gather a period; with a mask only the ads that it keeps count."""
    account, inventory = plan.account, world.inventory(plan.account)
    segments = len(plan.split.labels)
    daily = period[0] == period[1]
    single = daily and plan.level == "ad"
    market = account.market
    price = actions.cart_price(market.rate, market.exponent)
    parts: list[tuple[Ints, Ints, Ints, Ints]] = []
    keys: Keys = np.zeros(0, dtype=np.uint64)
    for day in (day for day in days(period) if world.has(account, day) and day >= plan.first_day):
        cells, base = world.known(account, day)
        position, key = inventory.positions(cells.code), cells.key
        if ads is not None:
            kept = ads[position]
            position, base, key = position[kept], base[kept], key[kept]
        unit = position if plan.level == "ad" else _owners(world, plan, position)
        if segments > 1:
            base, key = breakdowns.apply(plan.split, base, key)
            unit = np.repeat(unit * segments, segments) + np.tile(np.arange(segments), len(unit))
        counts = actions.counted(base, key, single)
        values = actions.valued(base, counts, price)
        wide = np.concatenate([base, np.sign(base[:, :1] + base[:, 1:2]), counts, values], axis=1)
        if single:
            keys = key
            parts.append((unit, wide, wide[:, _REACH], unit))
        else:
            parts.append((*_gather(unit, wide, wide[:, _REACH]), unit[:0]))
    return _finish(parts, segments, keys if single else None)


def _owners(world: World, plan: Plan, position: Ints) -> Ints:
    if plan.level == "account":
        return np.zeros_like(position)
    return world.inventory(plan.account).parents(plan.level)[position]


def _gather(unit: Ints, wide: Ints, peak: Ints) -> tuple[Ints, Ints, Ints]:
    """Add up the rows of each unit; peaks keep the largest."""
    if len(unit) == 0:
        return unit, wide, peak
    order = np.argsort(unit, kind="stable")
    unit, wide, peak = unit[order], wide[order], peak[order]
    starts = np.flatnonzero(np.concatenate([[True], unit[1:] != unit[:-1]]))
    return unit[starts], np.add.reduceat(wide, starts, axis=0), np.maximum.reduceat(peak, starts, axis=0)


def _finish(parts: list[tuple[Ints, Ints, Ints, Ints]], segments: int, keys: Keys | None) -> Table:
    types = len(actions.TYPES)
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        empty = np.zeros((0, 0), dtype=np.int64)
        return Table(nothing, nothing, np.zeros((0, WIDTH), dtype=np.int64), empty, empty, np.zeros(0, np.uint64))
    unit, wide, peak = parts[0][0], parts[0][1], parts[0][2]
    if len(parts) > 1:
        joined = [np.concatenate([part[n] for part in parts]) for n in range(3)]
        unit, wide, peak = _gather(joined[0], joined[1], joined[2])
    base, cells = wide[:, :WIDTH].copy(), np.maximum(wide[:, WIDTH], 1)
    overlap = 1.0 + 0.18 * np.log(cells)
    for n, column in enumerate(_REACH):
        base[:, column] = np.maximum(peak[:, n], (base[:, column] / overlap).astype(np.int64))
    key = keys if keys is not None else rand.keys(0x5EED, unit)
    some = np.flatnonzero(base.any(axis=1))
    return Table(unit[some] // segments, unit[some] % segments, base[some], wide[some, WIDTH + 1 : WIDTH + 1 + types],
                 wide[some, WIDTH + 1 + types :], key[some])  # fmt: skip
