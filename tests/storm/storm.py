"""One storm from its seed: a sandbox that spoils a third of its calls, sick accounts, and workers that are killed."""

from __future__ import annotations

import datetime as dt
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.engine import URL

from tests.fixtures_database import Database
from tests.fixtures_processes import ROOT, environment, run_apart, settings_for, until

COLUMNS = {
    "spend": "spend_micros",
    "impressions": "impressions",
    "clicks": "clicks",
    "link_clicks": "link_clicks",
    "purchases": "purchases",
    "revenue": "revenue_micros",
    "leads": "leads",
}
SICK = {"dead": 2, "forbidden": 2, "broken_creative": 1}
HEALTHY_ALL_THE_SAME = ("broken_creative",)
REMEDIES = {"dead": "Create a new system-user token", "forbidden": "access"}
"""What the remedy of each sickness says in any case."""
Totals = dict[tuple[int, dt.date], tuple[Decimal, ...]]


@dataclass(frozen=True)
class Size:
    """How large a storm is; a worker is killed after a drawn time between two kills."""

    accounts: int = 20
    days: int = 60
    ads: int = 10
    workers: int = 2
    sick: dict[str, int] = field(default_factory=lambda: dict(SICK))
    kill_after_s: tuple[float, float] = (2.0, 6.0)
    most_kills: int = 1000
    within_s: float = 1800


@dataclass
class Outcome:
    """What was left: ``accounts`` are the run's rows by account id, the totals those of healthy accounts."""

    accounts: dict[int, dict[str, Any]]
    sick: dict[int, str]
    stored: Totals
    truth: Totals
    mixed: list[tuple[Any, ...]]
    kills: int
    calls: int
    struck: int
    seconds: float

    def problems(self) -> list[str]:
        """Everything that is not as it should be after a storm, one sentence each."""
        found = [f"{key} is {self.stored.get(key)} and should be {value}" for key, value in self.truth.items()
                 if self.stored.get(key) != value]  # fmt: skip
        found += [f"{key} was stored and is no day of the run" for key in self.stored.keys() - self.truth.keys()]
        found += [f"the slice {row} does not hold its rows" for row in self.mixed]
        for number, account in self.accounts.items():
            sickness = self.sick.get(number)
            if sickness is None or sickness in HEALTHY_ALL_THE_SAME:
                if account["state"] != "complete":
                    found.append(f"the healthy account {number} is {account['state']}: {account['error_message']}")
            elif account["state"] != "failed" or REMEDIES[sickness] not in (account["error_remedy"] or ""):
                found.append(f"the {sickness} account {number} is {account['state']}: {account['error_remedy']}")
        return found


def weather(seed: int, size: Size, url: URL, folder: Path) -> Outcome:
    """Refresh every account through the storm of this seed into the empty, migrated store of ``url``."""
    draw = random.Random(seed)
    started = time.monotonic()
    with ExitStack() as everything:
        sandbox, http = everything.enter_context(_sandbox(seed, size))
        settings = settings_for(url, sandbox) | {"DATA_DIR": str(folder)}
        accounts = http.get(f"{sandbox}/__sandbox/accounts").json()
        ids = [int(one["account_id"]) for one in accounts]
        for number in ids:
            words = ("client", "add", "--name", f"Client {number}", "--account", f"act_{number}", "--token-stdin")
            added = run_apart(settings, *words, stdin="fine")
            assert added.code == 0, added.stderr
        _ask_for_faults(http, sandbox, seed, size, ids)
        since, until_ = _span(size)
        workers = _Workers(settings, folder, size, draw)
        everything.callback(workers.stop)
        command = [sys.executable, "-m", "lib", "refresh", "--since", f"{since}", "--until", f"{until_}"]
        workers.start()
        with (folder / "refresh.log").open("w") as log:
            asking = subprocess.Popen(command, cwd=ROOT, env=environment(**settings), stdout=log, stderr=log)
        everything.callback(asking.kill)
        workers.kill_until(lambda: asking.poll() is not None)
        told = http.get(f"{sandbox}/__sandbox/faults").json()
        sick = _sick_of(size, ids)
        healthy = [number for number in ids if sick.get(number) in (None, *HEALTHY_ALL_THE_SAME)]
        return Outcome(
            accounts=_accounts(Database(url)),
            sick=sick,
            stored=_stored(Database(url), healthy, since, until_),
            truth=_truth(http, sandbox, healthy, since, until_),
            mixed=_mixed(Database(url)),
            kills=workers.kills,
            calls=sum(told["calls"].values()),
            struck=sum(rule["struck"] for rule in told["rules"]),
            seconds=time.monotonic() - started,
        )


def _span(size: Size) -> tuple[dt.date, dt.date]:
    last = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=2)
    return last - dt.timedelta(days=size.days - 1), last


@contextmanager
def _sandbox(seed: int, size: Size) -> Iterator[tuple[str, httpx.Client]]:
    words = [
        "--accounts",
        f"{size.accounts}",
        "--days",
        f"{size.days + 40}",
        "--ads",
        f"{size.ads}",
        "--seed",
        f"{seed}",
    ]
    command = [sys.executable, "-m", "sandbox", "--port", "0", *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().split(" at ")[1].split()[0]
        with httpx.Client(timeout=60, trust_env=False) as http:
            yield url, http
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def _sick_of(size: Size, ids: list[int]) -> dict[int, str]:
    sicknesses = [name for name, count in size.sick.items() for _ in range(count)]
    return dict(zip(reversed(ids), sicknesses, strict=False))


_KINDS = {"dead": "dead_token", "forbidden": "forbidden_account", "broken_creative": "broken_creative"}


def _ask_for_faults(http: httpx.Client, sandbox: str, seed: int, size: Size, ids: list[int]) -> None:
    rules = [{"kind": _KINDS[name], "account": f"act_{number}"} for number, name in _sick_of(size, ids).items()]
    rules.append({"kind": "storm", "seed": seed, "rate": 0.33})
    http.post(f"{sandbox}/__sandbox/faults", json=rules).raise_for_status()


class _Workers:
    """Worker processes, of which one dies every few seconds and is followed by another."""

    def __init__(self, settings: dict[str, str], folder: Path, size: Size, draw: random.Random) -> None:
        self._settings, self._folder, self._size, self._draw = settings, folder, size, draw
        self._running: list[subprocess.Popen[bytes]] = []
        self.kills = 0

    def start(self) -> None:
        """Bring as many as wanted up."""
        while len(self._running) < self._size.workers:
            command = [sys.executable, "-m", "lib", "worker"]
            with (self._folder / "worker.log").open("ab") as log:
                self._running.append(
                    subprocess.Popen(command, cwd=ROOT, env=environment(**self._settings), stdout=log, stderr=log)
                )

    def kill_until(self, is_over: Any) -> None:
        """Kill one after another until it is over."""
        deadline = time.monotonic() + self._size.within_s
        while not is_over():
            assert time.monotonic() < deadline, f"the storm was not over within {self._size.within_s} s"
            if self.kills >= self._size.most_kills:
                until(is_over, "the run after the last kill", within_s=self._size.within_s)
                return
            at = time.monotonic() + self._draw.uniform(*self._size.kill_after_s)
            until(lambda at=at: is_over() or time.monotonic() >= at, "the next kill", within_s=60)  # type: ignore[misc]  # mypy loses the default
            if not is_over():
                victim = self._running.pop(self._draw.randrange(len(self._running)))
                victim.kill()
                victim.wait()
                self.kills += 1
                self.start()

    def stop(self) -> None:
        """End those that are left."""
        for worker in self._running:
            worker.kill()
            worker.wait()


def _accounts(database: Database) -> dict[int, dict[str, Any]]:
    names = ("state", "error_code", "error_message", "error_remedy", "trace_id", "slices_incomplete", "api_calls")
    # Of the refresh that was asked for: workers that are there to stay also refresh by the clock.
    asked = "FROM refresh_run_account WHERE run_id IN (SELECT id FROM refresh_run WHERE kind = 'asked')"
    rows = database.rows(f"SELECT account_id, {', '.join(names)} {asked}")
    return {number: dict(zip(names, values, strict=True)) for number, *values in rows}


def _stored(database: Database, healthy: list[int], since: dt.date, until_: dt.date) -> Totals:
    sums = ", ".join(f"sum({column})" for column in COLUMNS.values())
    asked = "account_id = ANY(%s) AND date BETWEEN %s AND %s"
    query = f"SELECT account_id, date, {sums} FROM insight WHERE {asked} GROUP BY 1, 2"
    scales = [1_000_000 if column.endswith("micros") else 1 for column in COLUMNS.values()]
    return {
        (number, date): tuple(Decimal(value) / scale for value, scale in zip(values, scales, strict=True))
        for number, date, *values in database.rows(query, [healthy, since, until_])
    }


def _truth(http: httpx.Client, sandbox: str, healthy: list[int], since: dt.date, until_: dt.date) -> Totals:
    found: Totals = {}
    for number in healthy:
        query = {"account": f"{number}", "since": since.isoformat(), "until": until_.isoformat()}
        days = http.get(f"{sandbox}/__sandbox/truth", params=query).raise_for_status().json()["days"]
        for day in days:
            values = tuple(Decimal(day[name]) for name in COLUMNS)
            if any(values):
                found[number, dt.date.fromisoformat(day["date"])] = values
    return found


def _mixed(database: Database) -> list[tuple[Any, ...]]:
    """Slices whose number of rows is not what is stored of them, and rows without a slice."""
    return database.rows(
        "SELECT account_id, date, s.rows, i.rows FROM (SELECT account_id, date, rows FROM slice WHERE breakdown = '') s"
        " FULL JOIN (SELECT account_id, date, count(*) AS rows FROM insight GROUP BY 1, 2) i USING (account_id, date)"
        " WHERE coalesce(s.rows, -1) <> coalesce(i.rows, 0)"
    )
