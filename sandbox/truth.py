"""The exact totals, straight from the integer model.

Nothing here is shared with the code that renders rows: a mistake in rendering, paging, hiding or in the
views of an event shows up as a difference from these numbers.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import numpy as np

from sandbox.model.accounts import Account
from sandbox.model.columns import BASE, MONEY, NEVER_SUMMED, WIDTH
from sandbox.model.rand import Ints
from sandbox.world import World

_SLUGS = [name for name in BASE if name not in (*NEVER_SUMMED, "reactions", "comments", "shares", "saves",
                                                "page_engagements")]  # fmt: skip
_POSITIONS = [BASE.index(name) for name in _SLUGS]


def _named(account: Account, totals: Ints) -> dict[str, Any]:
    values = totals[_POSITIONS].tolist()
    return {name: account.money(value) if name in MONEY else value for name, value in zip(_SLUGS, values, strict=True)}


def totals(world: World, account: Account, since: dt.date, until: dt.date) -> dict[str, Any]:
    """Totals of an account over both dates and the days between, deleted and archived ads included.

    `ad_days` counts the ads with any number on a day, over all days; `shown` has only the ads that are neither deleted
    nor archived now: what a client sees that names no statuses.
    """
    inventory = world.inventory(account)
    alive = np.array([ad.effective_status not in ("DELETED", "ARCHIVED") for ad in inventory.ads], dtype=np.bool_)
    seen = Counter(ad_days=0, spend=0)
    days: list[dict[str, Any]] = []
    whole, ad_days = np.zeros(WIDTH, dtype=np.int64), 0
    for ordinal in range(since.toordinal(), until.toordinal() + 1):
        day = dt.date.fromordinal(ordinal)
        summed = np.zeros(WIDTH, dtype=np.int64)
        if world.has(account, day):
            cells, rows = world.known(account, day)
            left = rows[alive[inventory.positions(cells.code)]]
            seen += Counter(ad_days=int(left.any(axis=1).sum()), spend=int(left[:, BASE.index("spend")].sum()))
            summed, ad_days = rows.sum(axis=0), ad_days + int(rows.any(axis=1).sum())
        whole += summed
        days.append({"date": day.isoformat(), **_named(account, summed)})
    shown = {"ad_days": seen["ad_days"], "spend": account.money(seen["spend"])}
    return {"account_id": account.account_id, "currency": account.market.currency, "since": since.isoformat(),
            "until": until.isoformat(), "ad_days": ad_days, "shown": shown, "totals": _named(account, whole),
            "days": days}  # fmt: skip
