"""Campaigns, ad sets, ads and creatives of the sandbox, as rows of the store."""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg

from lib.refresh.entities import KINDS, rows_of
from sandbox import nodes
from sandbox.model.accounts import Account
from sandbox.world import World

NOWHERE = "http://127.0.0.1:9"


def copy(cursor: psycopg.Cursor[Any], world: World, account: Account, seen_at: dt.datetime) -> None:
    """COPY everything that stands in this account."""
    inventory = world.inventory(account)
    said = {
        "campaigns": [nodes.campaign(world, account, item) for item in inventory.campaigns],
        "adsets": [nodes.adset(world, account, item) for item in inventory.adsets],
        "ads": [nodes.ad(world, account, item) for item in inventory.ads],
        "adcreatives": [nodes.creative(account, item, NOWHERE) for item in inventory.ads],
    }
    for edge, objects in said.items():
        rows, _ = rows_of(edge, int(account.account_id), objects, seen_at)
        table, names = KINDS[edge][0].__tablename__, list(rows[0])
        with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as lines:
            for row in rows:
                lines.write_row([row[name] for name in names])
