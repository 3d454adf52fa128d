"""Workers as processes: several at once, killed at any moment, told to end, and none at all."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
from collections import Counter

import pytest

from tests.fixtures_database import Database
from tests.fixtures_meta import HandMade
from tests.fixtures_processes import Cli, Start, until
from tests.fixtures_wire import Answer, Asked, Wire
from tests.locking import HERE

DAY = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=3)
ACCOUNTS = (1, 2, 3, 4, 5, 6)
LIVING = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 20651 AND objid <> 0 AND granted"
    f" AND {HERE}"
)


@pytest.fixture
def six_accounts(database: Database, hand_made: HandMade, command: Cli, settings_of_test: dict[str, str]) -> HandMade:
    """A client with six accounts that have one ad each."""
    for number in ACCOUNTS:
        hand_made.add_account(number)
        hand_made.add_row(number, DAY, number)
    settings_of_test["META_GRAPH_URL"] = hand_made.url
    words = [word for number in ACCOUNTS for word in ("--account", str(number))]
    done = command("client", "add", "--name", "Six", *words, "--token-stdin", stdin="fine")
    assert done.code == 0, done.stderr
    return hand_made


class Watched:
    """The wire, with how many calls of each account were on their way at once; insights wait while ``held``."""

    def __init__(self, wire: Wire) -> None:
        self._reply, self._lock = wire.reply, threading.Lock()
        self._now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.arrived, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        wire.reply = self.answer

    def answer(self, asked: Asked) -> Answer:
        account = asked.path.partition("/")[0]
        with self._lock:
            self._now[account] += 1
            self.most[account] = max(self.most[account], self._now[account])
        try:
            if asked.path.endswith("insights"):
                self.arrived.set()
                self.go_on.wait(20)
                threading.Event().wait(0.01)
            return self._reply(asked)
        finally:
            with self._lock:
                self._now[account] -= 1


def runs_end(database: Database, how_many: int = 1) -> None:
    done = "SELECT count(*) FROM refresh_run WHERE state = 'complete' AND kind = 'asked'"
    until(lambda: database.one(done) >= how_many, "the runs are complete", within_s=60)


def test_two_workers_never_refresh_one_account_at_once(
    six_accounts: HandMade, wire: Wire, killable: Start, command: Cli, database: Database
) -> None:
    watched = Watched(wire)
    for _ in range(2):
        killable("worker", "--concurrency", "6")
    until(lambda: database.one(LIVING) == 2, "two workers live")
    asking = [killable("refresh", "--since", f"{DAY - dt.timedelta(days=days)}") for days in range(4)]
    runs_end(database, 4)
    for one in asking:
        one.join(20)
        assert one.exitcode == 0
    assert {watched.most[f"act_{number}"] for number in ACCOUNTS} == {1}
    assert database.one("SELECT count(*) FROM queue.procrastinate_jobs WHERE queue_name = 'refresh'") == 0


def test_the_work_of_a_killed_worker_goes_on(
    six_accounts: HandMade, wire: Wire, killable: Start, database: Database
) -> None:
    watched = Watched(wire)
    watched.go_on.clear()
    first = killable("worker", "--concurrency", "3")
    until(lambda: database.one(LIVING) == 1, "a worker lives")
    refresh = killable("refresh", "--since", f"{DAY}")
    assert watched.arrived.wait(20)
    killable("worker", "--concurrency", "3")
    until(lambda: database.one(LIVING) == 2, "another worker lives")
    first.kill()
    first.join()
    watched.go_on.set()
    runs_end(database)
    refresh.join(20)
    assert refresh.exitcode == 0
    assert database.one("SELECT count(DISTINCT account_id) FROM insight") == len(ACCOUNTS)


def test_a_worker_that_is_told_to_end_hands_back_what_it_had(
    six_accounts: HandMade, wire: Wire, killable: Start, database: Database
) -> None:
    watched = Watched(wire)
    watched.go_on.clear()
    worker = killable("worker", "--concurrency", "2")
    until(lambda: database.one(LIVING) == 1, "a worker lives")
    killable("refresh", "--since", f"{DAY}")
    assert watched.arrived.wait(20)
    database.owner("UPDATE refresh_run SET heartbeat_at = now()")
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGTERM)
    worker.join(15)
    assert worker.exitcode == 0
    # The command that asked sees that nobody lives who could work, and goes on itself.
    watched.go_on.set()
    runs_end(database)
    assert database.rows("SELECT DISTINCT state FROM refresh_run_account") == [("complete",)]


def test_without_a_worker_the_command_works_itself(six_accounts: HandMade, command: Cli, database: Database) -> None:
    done = command("refresh", "--since", f"{DAY}", "--until", f"{DAY}")
    assert done.code == 0, done.stderr
    assert "6 of 6 accounts complete, 6 rows stored" in done.stderr
    assert database.one("SELECT count(*) FROM queue.procrastinate_workers") == 0


@pytest.mark.parametrize("number", ["0", "65", "many", "-1"])
def test_a_number_that_is_none_is_a_sentence(command: Cli, number: str) -> None:
    done = command("worker", "--concurrency", number)
    assert done.code == 2
    assert "1 to 64" in done.stderr or "concurrency" in done.stderr
