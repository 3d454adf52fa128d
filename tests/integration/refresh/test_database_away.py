"""PostgreSQL goes away under a worker in the middle of its work and comes back: the work ends right, each row once."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from lib.refresh.run import start_run
from lib.store import migrate
from lib.store.embedded import EmbeddedServer
from lib.store.engine import Store
from tests.fixtures_database import Database
from tests.fixtures_meta import HandMade
from tests.fixtures_processes import Start, address, run_here, until
from tests.fixtures_wire import Answer, Asked, Wire

LAST = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=3)
DAYS = [LAST - dt.timedelta(days=age) for age in range(4)]
ACCOUNTS, ADS = (1, 2, 3), (1, 2)
AWAY_S = 4.0
LIVING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 20651 AND objid <> 0 AND granted"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server of this test's own, which may be stopped, with a migrated database."""
    with EmbeddedServer(tmp_path / "data") as server:
        migrate.ensure_database(server.url())
        migrate.upgrade(server.url())
        yield server


class Held:
    """The wire; calls for insights wait while it is held."""

    def __init__(self, wire: Wire) -> None:
        self._reply = wire.reply
        self.arrived, self.go_on = threading.Event(), threading.Event()
        wire.reply = self._answer

    def _answer(self, asked: Asked) -> Answer:
        if asked.path.endswith("insights"):
            self.arrived.set()
            self.go_on.wait(20)
        return self._reply(asked)


def stop_and_start(server: EmbeddedServer, go_on: Callable[[], None]) -> None:
    """Crash the server, let the worker find that out for some seconds, and start it again."""
    server._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(server.folder))
    go_on()
    back_at = time.monotonic() + AWAY_S
    until(lambda: time.monotonic() > back_at, "the seconds without a database are over")
    server._start()


def hang_up(server: EmbeddedServer, go_on: Callable[[], None]) -> None:
    """End everybody's session again and again for some seconds."""
    go_on()
    back_at, ended = time.monotonic() + AWAY_S, 0
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ads'"
    with psycopg.connect(address(server.url("postgres").set(drivername="postgresql")), autocommit=True) as owner:
        while time.monotonic() < back_at:
            ended += len(owner.execute(others).fetchall())
    assert ended > 20


@pytest.mark.parametrize("away", [stop_and_start, hang_up])
def test_the_work_goes_on_where_it_was_when_the_database_is_back(
    server: EmbeddedServer,
    hand_made: HandMade,
    wire: Wire,
    killable: Start,
    settings_of_test: dict[str, str],
    away: Callable[[EmbeddedServer, Callable[[], None]], None],
) -> None:
    for number in ACCOUNTS:
        hand_made.add_account(number)
        for day in DAYS:
            for ad in ADS:
                hand_made.add_row(number, day, 10 * number + ad)
    url = server.url()
    settings_of_test |= {"DATABASE_URL": address(url), "META_GRAPH_URL": hand_made.url}
    words = [word for number in ACCOUNTS for word in ("--account", str(number))]
    added = run_here(settings_of_test, "client", "add", "--name", "A", *words, "--token-stdin", stdin="fine")
    assert added.code == 0, added.stderr
    database, held = Database(url), Held(wire)
    worker = killable("worker", "--concurrency", "2")
    until(lambda: database.one(LIVING) == 1, "a worker lives")

    async def ask() -> None:
        store = Store(url)
        await start_run(store, since=DAYS[-1], until=DAYS[0])
        await store.dispose()

    asyncio.run(ask())
    assert held.arrived.wait(20)
    away(server, held.go_on.set)

    def has_ended() -> bool:
        with suppress(psycopg.OperationalError):
            return bool(database.one("SELECT finished_at IS NOT NULL FROM refresh_run"))
        return False

    until(has_ended, "the run has ended", within_s=60)
    assert worker.is_alive()
    said = database.rows("SELECT DISTINCT r.state, a.state, a.error_message FROM refresh_run r, refresh_run_account a")
    assert said == [("complete", "complete", None)]
    spent = "SELECT account_id, count(*), sum(spend_micros)::bigint FROM insight GROUP BY 1 ORDER BY 1"
    rows = len(DAYS) * len(ADS)
    assert database.rows(spent) == [(number, rows, rows * 1_000_000) for number in ACCOUNTS]
    whole = "SELECT account_id, count(*), sum(meta_spend_micros)::bigint, bool_and(is_complete) FROM slice GROUP BY 1"
    assert sorted(database.rows(whole)) == [(number, len(DAYS), rows * 1_000_000, True) for number in ACCOUNTS]
    assert database.rows("SELECT DISTINCT slices_done, slices_total FROM refresh_run_account") == [(4, 4)]
    until(lambda: database.one(LIVING) == 1, "the worker is known to live again")
    left = "SELECT count(*) FROM queue.procrastinate_jobs WHERE queue_name = 'refresh'"
    until(lambda: database.one(left) == 0, "no job is left")
