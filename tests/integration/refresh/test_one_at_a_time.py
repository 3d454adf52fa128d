"""Two workers at once: the sandbox's own journal of calls shows that no account was ever in the hands of both."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.fixtures_database import Database
from tests.fixtures_processes import Cli, Start, until
from tests.fixtures_sandbox import Sandbox, Serve
from tests.integration.refresh.test_workers import LIVING

ASKED = 4
"""Refreshes of every account that are asked for at once, each for other days."""
DAY = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=3)


@dataclass(frozen=True)
class Hold:
    """An account in the hands of one job, whose calls all come by one connection: from its first call to its last."""

    account: str
    begun: float
    ended: float


@pytest.fixture
def busy(serve_sandbox: Serve, command: Cli, database: Database, settings_of_test: dict[str, str]) -> Sandbox:
    """A sandbox of this test's own, and a client with its accounts."""
    sandbox = serve_sandbox("--accounts", "2", "--days", "20", "--ads", "12", "--seed", "11")
    settings_of_test["META_GRAPH_URL"] = sandbox.url
    words = [word for number in sandbox.ids for word in ("--account", str(number))]
    done = command("client", "add", "--name", "Busy", *words, "--token-stdin", stdin="fine")
    assert done.code == 0, done.stderr
    sandbox.http.delete(f"{sandbox.url}/__sandbox/calls").raise_for_status()
    return sandbox


def holds(sandbox: Sandbox) -> list[Hold]:
    """What the journal says, by the connections that asked for anything of an account."""
    by_connection = defaultdict(list)
    for call in sandbox.http.get(f"{sandbox.url}/__sandbox/calls").json()["calls"]:
        by_connection[call["connection"]].append(call)
    found = []
    for calls in by_connection.values():
        accounts = {call["account"] for call in calls} - {""}
        if accounts:
            (account,) = accounts
            found.append(Hold(account, min(call["begun"] for call in calls), max(call["ended"] for call in calls)))
    return sorted(found, key=lambda hold: hold.begun)


def test_no_account_is_ever_held_by_two(busy: Sandbox, killable: Start, database: Database) -> None:
    for _ in range(2):
        killable("worker", "--concurrency", "4")
    until(lambda: database.one(LIVING) == 2, "two workers live")
    for days in range(ASKED):
        killable("refresh", "--since", f"{DAY - dt.timedelta(days=days)}", "--until", f"{DAY}")
    at_work = "SELECT count(DISTINCT worker_id) FROM queue.procrastinate_jobs WHERE status = 'doing'"
    until(lambda: database.one(at_work) == 2, "both workers are at work")
    done = "SELECT count(*) FROM refresh_run WHERE state = 'complete' AND kind = 'asked'"
    until(lambda: database.one(done) == ASKED, "the runs are complete", within_s=90)
    every = holds(busy)
    assert len(every) >= ASKED * len(busy.ids), "a connection for each job"
    for account in map(str, busy.ids):
        mine = [hold for hold in every if hold.account == account]
        assert len(mine) >= ASKED
        for before, after in pairwise(mine):
            assert before.ended < after.begun, f"act_{account} was held twice at once"
    assert any(before.ended > after.begun for before, after in pairwise(every)), "two accounts at once"
