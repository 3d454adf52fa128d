"""What the engine's optimiser may not leave out: the order of the rows, and with it the top of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from lib.insights.engine import PostgresEngine
from lib.insights.query import InsightQuery, Order, Top
from lib.insights.run import run_query
from lib.insights.scope import operator_viewer
from tests.integration.mirror.holding import Holder

ASKED = InsightQuery(
    dt.date(2026, 1, 30),
    dt.date(2026, 2, 3),
    ("adset", "date"),
    ("hold_rate_15s",),
    currency="JPY",
    attribution="1d_view",
)
SORTED = replace(ASKED, order=(Order("hold_rate_15s", descending=True),))
TOPS = [replace(ASKED, top=Top("adset", by, 2)) for by in ("hold_rate_15s", "cost_per_thruplay")]


@pytest.mark.parametrize("query", [SORTED, *TOPS], ids=["sorted", "top by a rate", "top by a cost"])
def test_an_attribution_window_is_sorted_by_a_ratio(world_in: Holder, path: Path, query: InsightQuery) -> None:
    viewer, engine = world_in.run(operator_viewer(world_in.store)), world_in.opened(path).engine()
    assert engine is not None
    from_mirror = world_in.run(run_query(engine, query, viewer)).rows
    assert len(from_mirror) > 5
    assert from_mirror == world_in.run(run_query(PostgresEngine(world_in.store), query, viewer)).rows
