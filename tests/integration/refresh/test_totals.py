"""A refresh from the sandbox over HTTP: to the cent the truth, in every currency, and Meta's own totals."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.engine import URL

from tests.fixtures_database import Database
from tests.fixtures_processes import Finished, run_apart, run_here, settings_for
from tests.fixtures_sandbox import LAST_DAY, Sandbox

SINCE = LAST_DAY - dt.timedelta(days=34)
COLUMNS = {"spend": "spend_micros", "impressions": "impressions", "clicks": "clicks", "link_clicks": "link_clicks",
           "purchases": "purchases", "revenue": "revenue_micros", "leads": "leads"}  # fmt: skip
Key = tuple[int, dt.date]
Totals = dict[Key, tuple[Decimal, ...]]


@dataclass(frozen=True)
class Refreshed:
    """What one refresh of every account of the sandbox left."""

    sandbox: Sandbox
    report: Finished
    truth: Totals
    database: Database
    run: Callable[..., Finished]


@pytest.fixture(scope="module")
def refreshed(sandbox: Sandbox, database_url: URL, database_of_worker: Database) -> Refreshed:
    """One refresh for all tests of this module, which only read."""
    database_of_worker.empty()
    settings = settings_for(database_url, sandbox.url)
    accounts = [word for account in sandbox.accounts for word in ("--account", f"act_{account.account_id}")]
    added = run_here(settings, "client", "add", "--name", "Everyone", *accounts, "--token-stdin", stdin="fine")
    assert added.code == 0, added.stderr
    span = ("--since", SINCE.isoformat(), "--until", LAST_DAY.isoformat())
    report = run_apart(settings, "refresh", *span, "--json")
    truth = {
        (account_id, dt.date.fromisoformat(day["date"])): tuple(Decimal(day[name]) for name in COLUMNS)
        for account_id in sandbox.ids
        for day in sandbox.days(account_id, SINCE, LAST_DAY)
    }
    return Refreshed(sandbox, report, truth, database_of_worker, lambda *words: run_here(settings, *words))


def exact(rows: list[tuple[Any, ...]]) -> Totals:
    """Totals by account and day; money from millionths."""
    scale = [Decimal(1_000_000) if column.endswith("micros") else 1 for column in COLUMNS.values()]
    return {
        (account_id, date): tuple(value / by for value, by in zip(map(Decimal, values), scale, strict=True))
        for account_id, date, *values in rows
    }


def test_the_yardstick_is_worth_something(refreshed: Refreshed) -> None:
    assert {"EUR", "USD", "JPY"} <= {account.currency for account in refreshed.sandbox.accounts}
    assert len(refreshed.sandbox.accounts) >= 5
    assert len(refreshed.truth) == 35 * len(refreshed.sandbox.accounts)
    for position, name in enumerate(COLUMNS):
        assert sum(values[position] for values in refreshed.truth.values()) > 0, name


def test_the_sum_of_the_rows_is_the_truth_of_every_account_and_day(refreshed: Refreshed) -> None:
    sums = ", ".join(f"coalesce(sum(i.{column}), 0)" for column in COLUMNS.values())
    found = refreshed.database.rows(
        f"SELECT s.account_id, s.date, {sums} FROM slice s LEFT JOIN insight i USING (account_id, date) GROUP BY 1, 2"
    )
    assert exact(found) == refreshed.truth


def test_metas_own_totals_are_the_same(refreshed: Refreshed) -> None:
    columns = ", ".join(f"meta_{column}" for column in COLUMNS.values())
    assert exact(refreshed.database.rows(f"SELECT account_id, date, {columns} FROM slice")) == refreshed.truth


@pytest.mark.parametrize("form", ["json", "csv"])
def test_the_export_is_the_same(refreshed: Refreshed, form: str) -> None:
    words = ("--group-by", "date,account", "--metrics", ",".join(COLUMNS), "--format", form)
    done = refreshed.run("export", "--since", SINCE.isoformat(), "--until", LAST_DAY.isoformat(), *words)
    assert done.code == 0, done.stderr
    rows = json.loads(done.stdout) if form == "json" else list(csv.DictReader(io.StringIO(done.stdout.lstrip("﻿"))))
    found = {
        (int(row["account_id"]), dt.date.fromisoformat(row["date"])): tuple(Decimal(str(row[name])) for name in COLUMNS)
        for row in rows
    }
    assert found == {key: values for key, values in refreshed.truth.items() if any(values)}
    currencies = {int(row["account_id"]): row["currency"] for row in rows}
    assert currencies == {account.account_id: account.currency for account in refreshed.sandbox.accounts}


def test_the_report_has_exactly_this_shape(refreshed: Refreshed) -> None:
    assert refreshed.report.code == 0, refreshed.report.stderr
    report = json.loads(refreshed.report.stdout)
    assert list(report) == ["run_id", "state", "accounts"]
    assert report["state"] == "complete"
    count = dict(refreshed.database.rows("SELECT account_id::text, count(*) FROM insight GROUP BY 1"))
    for account in report["accounts"]:
        assert list(account) == [
            "account_id",
            "state",
            "rows",
            "slices",
            "slices_incomplete",
            "api_calls",
            "seconds",
            "error",
        ]
        assert (account["state"], account["error"], account["slices"]) == ("complete", None, 35)
        assert account["rows"] == count[account["account_id"]]
        assert account["api_calls"] >= 7
        assert account["seconds"] > 0
    assert [int(account["account_id"]) for account in report["accounts"]] == sorted(refreshed.sandbox.ids)
    assert refreshed.database.one("SELECT state FROM refresh_run WHERE id = %s", [report["run_id"]]) == "complete"


def test_each_day_is_one_complete_slice(refreshed: Refreshed) -> None:
    found = refreshed.database.rows(
        "SELECT s.account_id, s.date, s.rows, count(i.ad_id), s.is_complete, s.account_day_ended, s.breakdown"
        " FROM slice s LEFT JOIN insight i USING (account_id, date) GROUP BY s.account_id, s.date, s.breakdown"
    )
    assert {(account_id, date) for account_id, date, *_ in found} == set(refreshed.truth)
    assert all(row[2] == row[3] and row[4:] == (True, True, "") for row in found)
    versions = refreshed.database.rows("SELECT version FROM slice")
    assert len(set(versions)) == len(versions)


def test_the_accounts_are_described(refreshed: Refreshed) -> None:
    found = refreshed.database.rows("SELECT account_id, name, currency, timezone_name FROM account")
    assert sorted(found) == sorted(
        (one.account_id, one.name, one.currency, one.timezone_name) for one in refreshed.sandbox.accounts
    )


@pytest.mark.parametrize(("edge", "table"), [("campaigns", "campaign"), ("adsets", "adset"), ("ads", "ad")])
def test_objects_of_every_status_keep_their_names_letter_by_letter(refreshed: Refreshed, edge: str, table: str) -> None:
    statuses = {"effective_status": json.dumps(["ACTIVE", "PAUSED", "ARCHIVED", "DELETED", "CAMPAIGN_PAUSED",
                "ADSET_PAUSED", "IN_PROCESS", "WITH_ISSUES"])}  # fmt: skip
    said, usual = {}, 0
    for account_id in refreshed.sandbox.ids:
        objects = refreshed.sandbox.objects(account_id, edge, **statuses)
        said |= {int(one["id"]): (one["name"], one["effective_status"]) for one in objects}
        usual += len(refreshed.sandbox.objects(account_id, edge))
    assert len(said) > usual, "archived and deleted ones are hidden unless asked for"
    stored = {
        number: (name, status)
        for number, name, status in refreshed.database.rows(f"SELECT {table}_id, name, effective_status FROM {table}")
    }
    assert said.items() <= stored.items()


def test_the_names_are_worth_something(refreshed: Refreshed) -> None:
    every = [name for (name,) in refreshed.database.rows("SELECT name FROM ad UNION SELECT name FROM campaign")]
    for kind, found in {
        "emoji": any(ord(letter) > 0xFFFF for name in every for letter in name),
        "quote": any('"' in name or "'" in name for name in every),
        "newline": any("\n" in name for name in every),
        "formula": any(name[:1] in "=+-@" for name in every),
    }.items():
        assert found, kind


@pytest.mark.parametrize("status", ["ARCHIVED", "DELETED"])
def test_ads_that_are_gone_keep_their_days(refreshed: Refreshed, status: str) -> None:
    count = refreshed.database.one(
        "SELECT count(*) FROM insight JOIN ad USING (account_id, ad_id) WHERE effective_status = %s", [status]
    )
    assert count > 0


def test_every_ad_with_numbers_has_its_objects(refreshed: Refreshed) -> None:
    for table in ("ad", "adset", "campaign"):
        orphans = refreshed.database.one(
            f"SELECT count(*) FROM insight i LEFT JOIN {table} o USING (account_id, {table}_id) WHERE o.name IS NULL"
        )
        assert orphans == 0, table
    lacking = "SELECT count(*) FROM ad LEFT JOIN creative USING (account_id, creative_id) WHERE creative.name IS NULL"
    assert refreshed.database.one(lacking) == 0
