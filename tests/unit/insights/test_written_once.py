"""The mirror's statements: a text that was kept is the one that would be written, with the values of this question."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import Select

from lib.insights.dialects import DuckDB, duckdb_sql
from lib.insights.picking import Picked, PickedAccount, accounts_statement
from lib.insights.query import InsightQuery, Top
from lib.insights.sql import compile_query
from lib.insights.words import parse_filter, parse_having, parse_order

ACCOUNTS = tuple(PickedAccount(number, 1, f"A{number}", "EUR", "acme", "Acme", False) for number in (11, 12))
DAY = dt.date(2026, 1, 1)


def statement(days: int, **parts: object) -> Select[object]:
    query = InsightQuery(DAY, DAY + dt.timedelta(days), **{"group_by": ("campaign",), "metrics": ("spend",), **parts})
    return compile_query(query, Picked(ACCOUNTS[: 1 + days % 2], kept=(7, days))).statement


def written(asked: Select[object], instead: dict[str, str]) -> tuple[str, list[object]]:
    compiled = asked.compile(dialect=DuckDB(instead))
    return str(compiled), [compiled.params[name] for name in compiled.positiontup]


@pytest.mark.parametrize("instead", [{}, {"insight": "insight_by_campaign"}])
@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"group_by": ("date",)},
        {"group_by": ("week", "campaign"), "limit": 5},
        {"having": (parse_having("spend>100"), parse_having("roas<=2.5"))},
        {"order": (parse_order("-spend"),), "limit": 7},
        {"filters": (parse_filter("campaign_id=5,6"),)},
        {"top": Top("campaign", "spend", 3), "metrics": ("spend", "spend_share")},
    ],
)
def test_a_kept_text_has_the_values_of_its_question(parts: dict[str, object], instead: dict[str, str]) -> None:
    texts = set()
    for days in range(6):
        asked = statement(days, **parts)
        assert duckdb_sql(asked, instead) == written(asked, instead)
        texts.add(duckdb_sql(asked, instead)[0])
    assert len(texts) == 1


def test_tables_that_stand_in_and_other_values_are_told_apart() -> None:
    asked = statement(3)
    plain, by_campaign = duckdb_sql(asked), duckdb_sql(asked, {"insight": "insight_by_campaign"})
    assert "insight_by_campaign" in by_campaign[0]
    assert "insight_by_campaign" not in plain[0]
    assert duckdb_sql(asked) == plain
    accounts = [duckdb_sql(accounts_statement(frozenset(ids), frozenset({1})).statement) for ids in ((11,), (11, 12))]
    assert accounts[0][0] == accounts[1][0]
    assert accounts[0][1] != accounts[1][1]
