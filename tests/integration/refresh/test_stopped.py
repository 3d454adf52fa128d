"""A refresh that is told to end closes its run, and large accounts get through their lists of objects."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import threading
from typing import Any

import pytest

from lib.refresh.queue.account import Pace
from tests.fixtures_database import Database
from tests.fixtures_meta import HandMade
from tests.fixtures_processes import Cli, Start, until
from tests.fixtures_wire import Answer, Asked, Wire, refusal

DAY = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=3)
SPAN = ("--since", DAY.isoformat(), "--until", DAY.isoformat())


@pytest.fixture
def one_account(database: Database, hand_made: HandMade, command: Cli, settings_of_test: dict[str, str]) -> HandMade:
    """A client with an account that has one ad."""
    hand_made.add_account(1)
    hand_made.add_row(1, DAY, 5)
    settings_of_test["META_GRAPH_URL"] = hand_made.url
    done = command("client", "add", "--name", "One", "--account", "1", "--token-stdin", stdin="fine")
    assert done.code == 0, done.stderr
    return hand_made


@pytest.mark.parametrize(
    ("number", "is_background"),
    [(signal.SIGTERM, False), (signal.SIGINT, False), (signal.SIGHUP, False), (signal.SIGTERM, True)],
)
def test_a_signal_ends_the_run_and_says_so(
    one_account: HandMade, wire: Wire, killable: Start, database: Database, number: signal.Signals, is_background: bool
) -> None:
    reply, held, go_on = wire.reply, threading.Event(), threading.Event()

    def hold(asked: Asked) -> Answer:
        if asked.path.endswith("insights"):
            held.set()
            go_on.wait(20)
        return reply(asked)

    wire.reply = hold
    refresh = killable("refresh", *SPAN, is_background=is_background)
    assert held.wait(20)
    refresh_pid = refresh.pid
    assert refresh_pid is not None
    os.kill(refresh_pid, number)
    until(lambda: database.one("SELECT state FROM refresh_run") == "cancelled", "the run is closed")
    go_on.set()
    refresh.join(20)
    assert refresh.exitcode == 130
    assert database.one("SELECT state FROM refresh_run_account") == "cancelled"
    assert database.one("SELECT count(*) FROM queue.procrastinate_jobs") == 0


def test_a_signal_while_the_progress_is_written_closes_the_run_all_the_same(
    one_account: HandMade, wire: Wire, killable: Start, database: Database
) -> None:
    """With a thousand accounts the progress is being written nearly always, so the signal falls into that."""
    database.owner(
        "INSERT INTO account (account_id, client_id, name, currency, timezone_name)"
        " SELECT n, client_id, 'Account ' || n, currency, timezone_name FROM account, generate_series(2, 1000) n"
    )
    reply, held, go_on = wire.reply, threading.Event(), threading.Event()

    def hold(asked: Asked) -> Answer:
        held.set()
        go_on.wait(20)
        return reply(asked)

    wire.reply = hold
    refresh = killable("refresh", *SPAN, is_background=True)
    assert held.wait(20)
    running = "SELECT count(*) FROM refresh_run_account WHERE state = 'running'"
    until(lambda: database.one(running), "the progress was written once")
    go_on.wait(Pace().write_s + 0.3)  # and is written again
    refresh_pid = refresh.pid
    assert refresh_pid is not None
    os.kill(refresh_pid, signal.SIGTERM)
    until(lambda: database.one("SELECT state FROM refresh_run") == "cancelled", "the run is closed")
    go_on.set()
    refresh.join(20)
    assert refresh.exitcode == 130
    assert database.one("SELECT count(*) FROM refresh_run_account WHERE state <> 'cancelled'") == 0


def test_a_list_of_objects_that_is_too_long_is_read_in_smaller_pages(
    one_account: HandMade, wire: Wire, command: Cli, database: Database
) -> None:
    reply = wire.reply

    def complain(asked: Asked) -> Answer:
        if asked.path.endswith("campaigns") and int(asked.params["limit"]) > 100:
            return refusal(
                500, 1, message="Please reduce the amount of data you're asking for, then retry your request"
            )
        return reply(asked)

    wire.reply = complain
    one_account.edges[1, "campaigns"] = [{"id": "500", "name": "Read in small pages", "status": "ACTIVE"}]
    done = command("refresh", *SPAN, "--json")
    assert done.code == 0, done.stderr
    assert database.one("SELECT name FROM campaign") == "Read in small pages"


def test_a_list_that_cannot_be_read_costs_neither_numbers_nor_names(
    one_account: HandMade, command: Cli, database: Database
) -> None:
    one_account.refuse["act_1/adsets"] = refusal(400, 100, 1, "Invalid parameter")
    done = command("refresh", *SPAN, "--json")
    report: dict[str, Any] = json.loads(done.stdout)
    assert (done.code, report["accounts"][0]["rows"], report["accounts"][0]["error"]["code"]) == (3, 1, 100)
    assert database.rows("SELECT name FROM ad") == [("Ad 5",)]


def test_two_accounts_checked_keep_the_worse_state(one_account: HandMade, command: Cli, database: Database) -> None:
    one_account.add_account(2)
    one_account.add_account(3)
    one_account.refuse["act_2"] = refusal(400, 190, 463, "Session has expired")
    words = ("--name", "Two", "--account", "2", "--account", "3", "--token-stdin")
    assert command("client", "add", *words, stdin="fine").code == 0
    assert database.one("SELECT state FROM credential JOIN client ON id = client_id WHERE slug = 'two'") == "dead"


def test_a_description_without_currency_wipes_nothing(one_account: HandMade, command: Cli, database: Database) -> None:
    del one_account.accounts[1]["currency"]
    done = command("client", "token", "one", "--token-stdin", stdin="newer")
    assert (done.code, "without its currency" in done.stderr) == (0, True)
    assert database.rows("SELECT currency, timezone_name FROM account") == [("EUR", "Europe/Berlin")]
