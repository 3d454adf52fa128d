"""The sandbox's ad-days as the lines that a refresh would store, without HTTP, JSON and parsing in between.

A test holds each line to what ``lib.meta.parse`` makes of the sandbox's own answer.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from lib.meta.parse import COPY_COLUMNS
from lib.refresh.fetch import YARDSTICK
from lib.store.models import COUNTS, MONEY, UNIQUES
from sandbox.insights import fragments
from sandbox.insights.query import plan
from sandbox.insights.table import Table, build
from sandbox.model.accounts import Account
from sandbox.model.columns import INDEX
from sandbox.world import World

_NOTHING = "\\N"
_SHARED = 0.18
"""By how much people are counted again with each tenfold of ads, as the sandbox has it."""


@dataclass(frozen=True)
class Day:
    """One account's day: a COPY line of ``COPY_COLUMNS`` an ad, and Meta's own totals by the slice's columns."""

    date: dt.date
    lines: list[bytes]
    meta: dict[str, int | None]


class AccountDays:
    """Writes the days of one account of ``world``."""

    columns = COPY_COLUMNS

    def __init__(self, world: World, account: Account) -> None:
        self.account_id = int(account.account_id)
        self._world, self._account = world, account
        self._plan = plan(world, account, ("account", account.account_id), {"level": "ad"})
        ads = world.inventory(account).ads
        self._ids = [f"{ad.id}\t{ad.adset.id}\t{ad.campaign.id}" for ad in ads]
        self._micros = 10 ** (6 - account.market.exponent)

    def day(self, date: dt.date) -> Day:
        """Every ad that delivered on ``date``, as it is known at the world's now."""
        table = build(self._world, self._plan, (date, date), None)
        return Day(date, self._lines(date, table), self._meta(table))

    def _lines(self, date: dt.date, table: Table) -> list[bytes]:
        exponent = self._account.market.exponent
        actions, values = (
            [f"[{entries}]" if entries else _NOTHING for entries in fragments.actions_of(name, table, exponent, ())]
            for name in ("actions", "action_values")
        )
        start = f"{self._account.account_id}\t{date}"
        numbers = "\t".join(["%d"] * len(self._sums))
        uniques = [self._people(table, name) for name in UNIQUES]
        rows = zip(table.owner.tolist(), self._numbers(table).tolist(), *uniques, actions, values, strict=True)
        return [
            f"{start}\t{self._ids[owner]}\t{numbers % tuple(row)}\t{reach}\t{clickers}\t{acted}\t{worth}\n".encode()
            for owner, row, reach, clickers, acted, worth in rows
        ]

    _sums = (*MONEY, *COUNTS)

    def _numbers(self, table: Table) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The summable columns in the order of COPY: money in micros."""
        factors = np.array([self._micros] * len(MONEY) + [1] * len(COUNTS), dtype=np.int64)
        return table.base[:, [INDEX[name.removesuffix("_micros")] for name in self._sums]] * factors

    def _people(self, table: Table, name: str) -> list[str]:
        return [str(value) if value else _NOTHING for value in table.base[:, INDEX[name]].tolist()]

    def _meta(self, table: Table) -> dict[str, int | None]:
        sums = dict(zip(self._sums, self._numbers(table).sum(axis=0).tolist(), strict=True))
        sums["reach"] = self._reach(table)
        return {f"meta_{name}": sums[name] for name in YARDSTICK}

    def _reach(self, table: Table) -> int | None:
        """People of the whole account: fewer than its ads' added up, at least those of its largest ad."""
        each = table.base[:, INDEX["reach"]]
        if not len(each):
            return None
        return max(int(each.max()), int(each.sum() / (1.0 + _SHARED * np.log(len(each)))))
