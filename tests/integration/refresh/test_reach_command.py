"""`refresh --reach`: what holds for exactly one period, asked for by the command line."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.fixtures_database import Database
from tests.fixtures_processes import Cli
from tests.fixtures_sandbox import LAST_DAY, Sandbox

SINCE = LAST_DAY - dt.timedelta(days=6)


@pytest.fixture
def served(database: Database, sandbox: Sandbox, command: Cli, settings_of_test: dict[str, str]) -> int:
    """A client with one account, by its id."""
    settings_of_test["META_GRAPH_URL"] = sandbox.url
    account = sandbox.ids[0]
    done = command("client", "add", "--name", "Acme", "--account", str(account), "--token-stdin", stdin="fine")
    assert done.code == 0, done.stderr
    return account


def test_reach_of_the_named_days_alone_is_fetched(served: int, command: Cli, database: Database) -> None:
    done = command("refresh", "--reach", "--since", f"{SINCE}", "--until", f"{LAST_DAY}")
    assert done.code == 0, done.stderr
    stored = database.one("SELECT count(*) FROM period_insight")
    assert stored > 4
    assert f"1 of 1 accounts complete, {stored} rows stored" in done.stderr
    assert database.one("SELECT rows FROM refresh_run_account") == stored
    periods = database.rows("SELECT account_id, level, since, until FROM period_slice ORDER BY level")
    assert periods == [(served, level, SINCE, LAST_DAY) for level in ("account", "ad", "adset", "campaign")]
    assert database.one("SELECT count(*) FROM slice") == 0
    assert database.one("SELECT kind FROM refresh_run") == "reach"


@pytest.mark.parametrize("days", [(), ("--since", f"{SINCE}"), ("--until", f"{LAST_DAY}")])
def test_reach_without_a_period_is_a_sentence(served: int, command: Cli, database: Database, days: list[str]) -> None:
    done = command("refresh", "--reach", *days)
    assert done.code == 2
    assert "Reach holds for exactly one period" in done.stderr
    assert database.one("SELECT count(*) FROM refresh_run") == 0
