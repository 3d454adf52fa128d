"""A report as chunks of rows, one for each period: worked out when reached, and remembered for a while."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress

import numpy as np

from sandbox.insights import filters
from sandbox.insights.query import Plan
from sandbox.insights.rows import render
from sandbox.insights.table import build
from sandbox.model.objects import HIDDEN, Inventory, Mask
from sandbox.model.rand import Ints
from sandbox.world import Memory, World

_REMEMBERED_BYTES = 256 << 20


@dataclass(frozen=True)
class Chunk:
    """The rows of one period, and what later conditions look at."""

    rows: list[bytes]
    owner: Ints
    base: Ints


class Reports:
    """Turns plans into chunks. Rows are remembered before the conditions that only pick among them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chunks: Memory[Chunk] = Memory(
            _REMEMBERED_BYTES,
            lambda chunk: sum(map(len, chunk.rows)) + 40 * len(chunk.rows) + chunk.base.nbytes,
        )

    def open(self, plan: Plan) -> Report:
        """A report that can be paged."""
        return Report(self._world, plan, self._chunks)


class Report:
    """One plan's chunks."""

    def __init__(self, world: World, plan: Plan, chunks: Memory[Chunk]) -> None:
        self._world, self._plan, self._chunks = world, plan, chunks
        self._inventory = world.inventory(plan.account)
        self._ads = _ads(self._inventory, plan)
        self._shown = _shown(self._inventory, plan)

    def __len__(self) -> int:
        return 1 if self._plan.sort else len(self._plan.periods)

    def rows(self, number: int) -> list[bytes]:
        """The rows of one chunk, in their order."""
        return self._sorted(self._plan.sort) if self._plan.sort else self._kept(number)[0]

    def counting(self) -> Mask:
        """Which ads are in the numbers that this report shows."""
        inventory, level = self._inventory, self._plan.level
        kept = np.ones(len(inventory.ads), dtype=np.bool_) if self._ads is None else self._ads.copy()
        if self._shown is not None:
            kept &= self._shown[inventory.parents(level)]
        return kept

    def _chunk(self, number: int) -> Chunk:
        plan, period = self._plan, self._plan.periods[number]
        mixes = plan.level != "ad"
        signature = self._ads.tobytes() if mixes and self._ads is not None else b""
        moment = self._world.moment(plan.account, period[1])
        key = (plan.account.account_id, period, plan.level, plan.fields, plan.windows, plan.split.names, signature,
               plan.hides_people, moment)  # fmt: skip

        def make() -> Chunk:
            table = build(self._world, plan, period, self._ads if mixes else None)
            return Chunk(render(plan, self._inventory, period, table), table.owner, table.base)

        return self._chunks.get(key, make)

    def _kept(self, number: int) -> tuple[list[bytes], Ints]:
        """A chunk's rows after the conditions: hidden objects, unasked ads, and numbers out of bounds."""
        plan, chunk = self._plan, self._chunk(number)
        kept = np.ones(len(chunk.rows), dtype=np.bool_)
        if self._shown is not None:
            kept &= self._shown[chunk.owner]
        if plan.level == "ad" and self._ads is not None:
            kept &= self._ads[chunk.owner]
        kept &= filters.rows_kept(plan.conditions, chunk.base, plan.account.market.exponent)
        if kept.all():
            return chunk.rows, chunk.base
        return list(compress(chunk.rows, kept.tolist())), chunk.base[kept]

    def _sorted(self, sort: tuple[str, bool]) -> list[bytes]:
        name, descending = sort
        parts = [self._kept(number) for number in range(len(self._plan.periods))]
        rows = [row for part, _ in parts for row in part]
        if name.startswith("date_"):
            values = np.repeat(np.arange(len(parts)), [len(part) for part, _ in parts]).astype(np.float64)
        else:
            exponent = self._plan.account.market.exponent
            values = np.concatenate([filters.column(name, base, exponent) for _, base in parts])
        order = np.argsort(-values if descending else values, kind="stable")
        return [rows[position] for position in order.tolist()]


def _ads(inventory: Inventory, plan: Plan) -> Mask | None:
    """The ads that count: those below the node that was asked, and those that the conditions keep."""
    level, node = plan.scope
    conditions = [condition for condition in plan.conditions if condition.level]
    if level == "account" and not conditions:
        return None
    kept = filters.ads_kept(inventory, conditions)
    if level != "account":
        kept &= inventory.parents(level) == inventory.by_id[node][1]
    return kept


def _shown(inventory: Inventory, plan: Plan) -> Mask | None:
    """The objects that may come back: gone ones only when their own status, or they themselves, are asked for."""
    asked = any(c.level == plan.level and c.names_status for c in plan.conditions)
    if plan.level == "account" or asked or plan.scope[0] == plan.level:
        return None
    return inventory.mask(plan.level, "shown", lambda item: item.effective_status not in HIDDEN)
