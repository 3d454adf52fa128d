"""A Marketing API whose accounts a test writes down by hand, over the wire."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from tests.fixtures_wire import Answer, Asked, Wire, ok, refusal

Row = dict[str, Any]


class HandMade:
    """Accounts with rows and objects; ``refuse`` maps the beginning of a path to the answer given in its place."""

    def __init__(self, wire: Wire) -> None:
        self.url = wire.url
        self.asked = wire.asked
        self.accounts: dict[int, Row] = {}
        self.rows: dict[int, list[Row]] = defaultdict(list)
        self.edges: dict[tuple[int, str], list[Row]] = defaultdict(list)
        self.nodes: dict[str, Row] = {}
        self.refuse: dict[str, Answer] = {}
        wire.reply = self._reply

    def add_account(self, account_id: int, *, currency: str = "EUR", zone: str = "Europe/Berlin") -> None:
        """An account without anything in it."""
        named = {"id": f"act_{account_id}", "account_id": str(account_id), "name": f"Account {account_id}"}
        self.accounts[account_id] = {**named, "currency": currency, "timezone_name": zone, "account_status": 1}

    def add_row(self, account_id: int, date: dt.date, ad: int, **values: Any) -> Row:
        """An ad on a day, in ad set ``ad * 10`` and campaign ``ad * 100`` unless told."""
        ids = {"account_id": str(account_id), "ad_id": str(ad), "adset_id": f"{ad}0", "campaign_id": f"{ad}00"}
        names = {"ad_name": f"Ad {ad}", "adset_name": f"Set {ad}", "campaign_name": f"Campaign {ad}"}
        day = {"date_start": date.isoformat(), "date_stop": date.isoformat()}
        row = {**ids, **names, **day, "spend": "1.00", "impressions": "100", **values}
        self.rows[account_id].append(row)
        return row

    def _reply(self, asked: Asked) -> Answer:
        for start, answer in self.refuse.items():
            if asked.path.startswith(start):
                return answer
        name, _, edge = asked.path.partition("/")
        if name == "debug_token":
            return ok({"data": {"app_id": "1", "is_valid": True, "scopes": ["ads_read"], "expires_at": 0}})
        if not name:
            return self._several(asked.params["ids"].split(","))
        account_id = int(name.removeprefix("act_"))
        if account_id not in self.accounts:
            return refusal(400, 100, 33, f"Unsupported get request. Object with ID '{name}' does not exist")
        if edge == "insights":
            return ok({"data": self._insights(account_id, asked.params)})
        return ok({"data": self.edges[account_id, edge]} if edge else self.accounts[account_id])

    def _several(self, ids: list[str]) -> Answer:
        unknown = [one for one in ids if one not in self.nodes]
        if unknown:
            return refusal(404, 803, message=f"(#803) Some of the aliases you requested do not exist: {unknown}")
        return ok({one: self.nodes[one] for one in ids})

    def _insights(self, account_id: int, params: dict[str, str]) -> list[Row]:
        if "time_ranges" in params:
            return []
        span = json.loads(params["time_range"])
        found = [row for row in self.rows[account_id] if span["since"] <= row["date_start"] <= span["until"]]
        return found if params["level"] == "ad" else _totals(found)


def _totals(rows: list[Row]) -> list[Row]:
    by_day: dict[str, Row] = {}
    for row in rows:
        day = {name: row[name] for name in ("account_id", "date_start", "date_stop")}
        total = by_day.setdefault(row["date_start"], day | {"spend": "0", "impressions": "0"})
        for name in ("spend", "impressions"):
            total[name] = str(Decimal(total[name]) + Decimal(row[name]))
    return list(by_day.values())


@pytest.fixture
def hand_made(wire: Wire) -> HandMade:
    """A Marketing API of this test's own, still without accounts."""
    return HandMade(wire)
