"""A refresh that is killed at any moment, while someone reads on: every slice is the old one or the new one, whole."""

from __future__ import annotations

import datetime as dt
import random
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL

from lib.store.models import COUNTS, MONEY, UNIQUES
from tests.fixtures_database import Database
from tests.fixtures_processes import Start, run_here, settings_for, until
from tests.fixtures_sandbox import LAST_DAY, Sandbox, Serve
from tests.integration.refresh.test_workers import LIVING
from tests.locking import HERE

SEED = 20
KILLS = 19
GATE = 31_415
SPAN = ("--since", (LAST_DAY - dt.timedelta(days=23)).isoformat(), "--until", LAST_DAY.isoformat())
NUMBERS = (*MONEY, *COUNTS)
_SUMS = ", ".join(f"coalesce(sum(i.{column}), 0)" for column in NUMBERS)
SLICES = (
    f"SELECT s.account_id, s.date, s.rows, count(i.ad_id), {_SUMS}"
    " FROM slice s LEFT JOIN insight i USING (account_id, date) GROUP BY s.account_id, s.date, s.rows"
)
STRAYS = "SELECT count(*) FROM insight LEFT JOIN slice s USING (account_id, date) WHERE s.rows IS NULL"
COLUMNS = ", ".join(("account_id", "date", "ad_id", "adset_id", "campaign_id", *NUMBERS, *UNIQUES))
EVERYTHING = {
    "insight": f"SELECT {COLUMNS} FROM insight",
    "insight_actions": "SELECT account_id, date, ad_id, actions, action_values FROM insight_actions",
    "slice": "SELECT account_id, date, breakdown, rows, is_complete, incomplete_reason, account_day_ended,"
             " meta_spend_micros, meta_impressions, meta_clicks, meta_link_clicks, meta_purchases, meta_revenue_micros,"
             " meta_leads, meta_reach FROM slice",
    "campaign": "SELECT account_id, campaign_id, name, effective_status FROM campaign",
    "adset": "SELECT account_id, adset_id, name, effective_status FROM adset",
    "ad": "SELECT account_id, ad_id, name, effective_status, creative_id FROM ad",
}  # fmt: skip
Slices = dict[tuple[int, dt.date], tuple[Any, ...]]


def slices(rows: list[tuple[Any, ...]]) -> Slices:
    return {(account_id, date): tuple(map(int, values)) for account_id, date, *values in rows}


@dataclass
class Worlds:
    """Two sandboxes that tell the same accounts' days differently, and what each refresh stores when left alone."""

    few: Sandbox
    many: Sandbox
    whole: dict[str, Slices]
    everything: dict[str, list[tuple[Any, ...]]]
    seconds: float
    database: Database

    def point_at(self, url: str) -> None:
        """From now on the accounts live there."""
        self.database.owner("UPDATE client SET graph_url = %s", [url])


@pytest.fixture(scope="module")
def worlds(serve_sandbox: Serve, database_url: URL, database_of_worker: Database) -> Worlds:
    """Both worlds refreshed once, undisturbed; in the end the few ads are stored."""
    words = ("--accounts", "3", "--days", "40", "--seed", "7")
    many, few = serve_sandbox(*words, "--ads", "40"), serve_sandbox(*words, "--ads", "25")
    database_of_worker.empty()
    settings = settings_for(database_url, many.url)
    accounts = [word for number in many.ids for word in ("--account", str(number))]
    assert run_here(settings, "client", "add", "--name", "A", *accounts, "--token-stdin", stdin="fine").code == 0
    found = Worlds(few, many, {}, {}, 0.0, database_of_worker)
    for sandbox in (many, few):
        found.point_at(sandbox.url)
        database_of_worker.owner("TRUNCATE insight, slice, campaign, adset, ad")
        started = time.monotonic()
        assert run_here(settings, "refresh", *SPAN).code == 0
        found.seconds = max(found.seconds, time.monotonic() - started)
        found.whole[sandbox.url] = slices(database_of_worker.rows(SLICES))
        if sandbox is many:
            found.everything = {name: sorted(database_of_worker.rows(query), key=str)
                                for name, query in EVERYTHING.items()}  # fmt: skip
    first, second = found.whole.values()
    assert first.keys() == second.keys()
    assert len(first) == 24 * 3
    assert all(first[key] != second[key] for key in first)
    return found


@dataclass
class Reader:
    """Reads on as the app, and keeps what is neither of the two worlds."""

    url: str
    accounts: list[int]
    allowed: list[Slices]
    reads: int = 0
    wrong: list[Any] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def read_on(self) -> None:
        """Look at every slice again and again until stopped."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET ROLE ads_app")
            ids = ",".join(map(str, self.accounts))
            connection.execute("SELECT set_config('ads.account_ids', %s, false)", [ids])
            while not self.stopped.is_set():
                found = slices(connection.execute(SLICES).fetchall())
                for key, values in found.items():
                    if values[0] != values[1] or values not in [one[key] for one in self.allowed]:
                        self.wrong.append((key, values))
                if len(found) != len(self.allowed[0]) or connection.execute(STRAYS).fetchone() != (0,):
                    self.wrong.append(("slices and rows", len(found)))
                self.reads += 1


@pytest.fixture
def reader(worlds: Worlds, database_url: URL) -> Iterator[Reader]:
    url = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    reader = Reader(url, worlds.many.ids, list(worlds.whole.values()))
    thread = threading.Thread(target=reader.read_on)
    thread.start()
    yield reader
    reader.stopped.set()
    thread.join()


def waiting_backends(database: Database) -> list[tuple[Any, ...]]:
    """The servers' sides of refreshes that were killed or wait at the gate."""
    waiting = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted AND {HERE}"
    return database.owner(waiting, [GATE])


def let_die(database: Database) -> None:
    """Wait until PostgreSQL has noticed that its client is gone: it rolls back by itself."""
    lost = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL" \
           " AND query ~ '(insight|slice|COPY|advisory)' AND query !~ 'pg_stat|SELECT s.account_id'"  # fmt: skip
    until(lambda: not database.owner(lost), "the killed refresh's transactions end")


def test_killed_at_drawn_points_it_leaves_no_half_slice_and_goes_on_from_there(
    worlds: Worlds, reader: Reader, killable: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = random.Random(SEED)
    moments = [drawn.uniform(0, worlds.seconds) for _ in range(KILLS)]
    middle = 0
    runs = "SELECT count(*) FROM refresh_run_account"
    changed = "SELECT count(*) FROM slice WHERE version > %s"
    for number, moment in enumerate(moments):
        worlds.point_at((worlds.many, worlds.few)[number % 2].url)
        count = worlds.database.one(runs)
        newest = worlds.database.one("SELECT max(version) FROM slice")
        refresh = killable("refresh", *SPAN)
        if number % 2:
            until(lambda count=count: worlds.database.one(runs) > count or worlds.database.one(LIVING), "it has begun")
            refresh.join(moment)
        else:
            until(lambda newest=newest: worlds.database.one(changed, [newest]), "something was stored", within_s=60)
        refresh.kill()
        refresh.join()
        middle += 0 < worlds.database.one(changed, [newest]) < len(worlds.whole[worlds.many.url])
        assert not reader.wrong, f"seed {SEED}, kill {number} after {moment:.3f} s: {reader.wrong[:3]}"
    with capsys.disabled():
        sys.stdout.write(f" seed {SEED}: {middle} of {KILLS} killed among the slices, {reader.reads} reads")
    assert middle >= KILLS // 4
    assert reader.reads >= KILLS
    let_die(worlds.database)
    _finish(worlds, killable)
    assert not reader.wrong


def test_killed_between_delete_and_copy_the_old_rows_are_all_there(
    worlds: Worlds, reader: Reader, killable: Start, database_url: URL
) -> None:
    database = worlds.database
    before = slices(database.rows(SLICES))
    worlds.point_at(worlds.few.url if before == worlds.whole[worlds.many.url] else worlds.many.url)
    database.owner(
        f"CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NULL; END $$"
    )
    database.owner("CREATE TRIGGER gate BEFORE INSERT ON insight EXECUTE FUNCTION wait_at_the_gate()")
    try:
        with database.connect() as gate:
            gate.execute("SELECT pg_advisory_lock(%s)", [GATE])
            refresh = killable("refresh", *SPAN)
            until(lambda: waiting_backends(database), "the refresh has deleted and wants to insert")
            refresh.kill()
            refresh.join()
            assert refresh.exitcode == -9
            seen = reader.reads
            until(lambda: reader.reads > seen + 2, "the reader reads on")
            assert slices(database.rows(SLICES)) == before, "the transaction is still open, and nobody sees it"
            gate.execute("SELECT pg_advisory_unlock(%s)", [GATE])
        let_die(database)
        assert slices(database.rows(SLICES)) == before
        assert not reader.wrong
    finally:
        database.owner("DROP TRIGGER gate ON insight")
        database.owner("DROP FUNCTION wait_at_the_gate")
    _finish(worlds, killable)
    assert not reader.wrong


def _finish(worlds: Worlds, killable: Start) -> None:
    """Run again: the same rows as those of a refresh that was never killed."""
    worlds.point_at(worlds.many.url)
    # What one world alone knows would stay: the entities are of both.
    worlds.database.owner("TRUNCATE campaign, adset, ad")
    refresh = killable("refresh", *SPAN)
    refresh.join(60)
    assert refresh.exitcode == 0
    for name, query in EVERYTHING.items():
        assert sorted(worlds.database.rows(query), key=str) == worlds.everything[name], name
