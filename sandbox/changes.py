"""Changes of the world while it is served: rows withdrawn, conversions restated, ads deleted.

They hold for rows and for the truth alike, since both start from the same integers.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from sandbox.model import rand
from sandbox.model.columns import INDEX, RESTATED
from sandbox.model.numbers import Cells
from sandbox.model.objects import HIDDEN, Inventory, Mask
from sandbox.model.rand import Ints

_PPM = 1_000_000
_RESTATED = [INDEX[name] for name in RESTATED]


@dataclass(frozen=True)
class Withdrawal:
    """Rows of ads on days that Meta takes back: those of some ads, or a share of all; `account` None is every one."""

    account: str | None
    ads: frozenset[str]
    share: float
    days: tuple[dt.date, dt.date]

    def kept(self, inventory: Inventory, day: dt.date, cells: Cells) -> Mask:
        """Which rows of a day stay."""
        if not self.days[0] <= day <= self.days[1]:
            return np.ones(len(cells.code), dtype=np.bool_)
        named = inventory.mask("ad", ("withdrawn", self.ads), lambda ad: ad.id in self.ads)
        kept: Mask = ~(named[inventory.positions(cells.code)] | (rand.uniform(cells.key, 301) < self.share))
        return kept


@dataclass(frozen=True)
class Restatement:
    """Conversions of days up to `days` old are multiplied by `ppm` millionths, revenue with them."""

    account: str | None
    ppm: int
    days: int

    def restated(self, cells: Cells, base: Ints) -> Ints:
        """The integers with every conversion multiplied, rounded so that the mean stays."""
        made = base.copy()
        luck = (rand.uniforms(cells.key, len(_RESTATED), first=310).T * _PPM).astype(np.int64)
        made[:, _RESTATED] = (base[:, _RESTATED] * self.ppm + luck) // _PPM
        bought = base[:, INDEX["purchases"]]
        made[:, INDEX["revenue"]] = base[:, INDEX["revenue"]] * made[:, INDEX["purchases"]] // np.maximum(bought, 1)
        return made


@dataclass(frozen=True)
class Deletion:
    """Ads that are gone now: those named, or a share of all."""

    account: str | None
    ads: frozenset[str]
    share: float
    status: str


class Changes:
    """All changes so far. `version` grows with each, for whoever remembers what came before."""

    def __init__(self) -> None:
        self.version = 0
        self._made: list[Withdrawal | Restatement | Deletion] = []

    def add(self, change: Withdrawal | Restatement | Deletion) -> None:
        """Let one more change hold."""
        self._made.append(change)
        self.version += 1

    def clear(self) -> None:
        """Undo all changes."""
        self._made.clear()
        self.version += 1

    def numbers(self, inventory: Inventory, day: dt.date, age_days: int, cells: Cells, base: Ints
                ) -> tuple[Cells, Ints]:  # fmt: skip
        """A day's rows and their integers after the changes."""
        for change in self._of(inventory):
            if isinstance(change, Withdrawal):
                kept = change.kept(inventory, day, cells)
                cells, base = Cells(cells.code[kept], cells.base[kept], cells.key[kept]), base[kept]
            elif isinstance(change, Restatement) and age_days <= change.days:
                base = change.restated(cells, base)
        return cells, base

    def objects(self, inventory: Inventory) -> Inventory:
        """The objects after the changes; the inventory must be a fresh one."""
        for change in self._of(inventory):
            if isinstance(change, Deletion):
                gone = [position for position, ad in enumerate(inventory.ads)
                        if ad.effective_status not in HIDDEN
                        and (ad.id in change.ads or rand.pick(ad.draw, 302, _PPM) < change.share * _PPM)]  # fmt: skip
                inventory.remove(gone, change.status)
        return inventory

    def _of(self, inventory: Inventory) -> list[Withdrawal | Restatement | Deletion]:
        return [one for one in self._made if one.account in (None, inventory.account.account_id)]
