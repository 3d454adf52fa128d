"""A store of many ad-days, made once and kept.

100 accounts with about 300 ads a day over 365 days are 11 million ad-days. They come from the sandbox's own model (ads
that start, pause and end, every column, real ``actions``), so slices, Meta's totals and entities are what a refresh
would have stored, at some 40 times its speed. An account is one transaction: what was stopped goes on where it was.
"""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL

from benchmarks import entities
from benchmarks.rows import AccountDays
from lib.settings import Settings as AppSettings
from lib.settings import get_settings
from lib.store.opening import opened
from lib.store.repositories.clients import slug_of
from sandbox.model.accounts import MARKETS, Account
from sandbox.world import Settings, World

ADS, DAYS, LEAST_DAYS = 300, 365, 60
SEED = 7
BYTES_A_ROW = 2000
"""In PostgreSQL with its indexes and its log, and in three mirrors."""
ACCOUNTS_A_CLIENT = 5
CURRENCIES = (
    *("EUR", "USD", "EUR", "GBP", "EUR"),
    *("EUR", "USD", "EUR", "USD", "EUR"),
    *("EUR", "GBP", "EUR", "USD", "JPY"),
    *("USD", "EUR", "BRL", "SEK", "EUR"),
)
"""An agency in Europe: half of the accounts in euros; the pattern repeats."""
NAMES = ("Nordlicht", "Harbor", "Sakura", "Fern", "São João", "Coral", "Hanbit", "Lotus", "Maple", "Björk")
TRADES = ("Outdoor", "Living", "Foods", "Beauty", "Sports", "Travel", "Media", "Garden", "Kids", "Tools")
NEVER = "http://127.0.0.1:9"
"""These clients' Marketing API: nobody answers there."""


@dataclass(frozen=True)
class Made:
    """What a store holds: so many accounts, ads live on a day, and days up to ``until``."""

    accounts: int
    ads: int
    days: int
    until: dt.date

    @property
    def since(self) -> dt.date:
        """The first day."""
        return self.until - dt.timedelta(days=self.days - 1)

    @property
    def now(self) -> dt.datetime:
        """When it was fetched: noon (UTC) of the day after, which is the same day in every zone of these accounts."""
        return dt.datetime.combine(self.until + dt.timedelta(days=1), dt.time(12), dt.UTC)

    @cached_property
    def numbers(self) -> list[int]:
        """The accounts' numbers in the sandbox, where every tenth has the same currency."""
        codes = [market.currency for market in MARKETS]
        wanted = [codes.index(CURRENCIES[place % len(CURRENCIES)]) for place in range(self.accounts)]
        return [market + len(MARKETS) * wanted[:place].count(market) for place, market in enumerate(wanted)]

    def world(self, later: dt.timedelta = dt.timedelta(0)) -> World:
        """The sandbox's world, as it is known at the fetch or some time ``later``."""
        days = self.days + 1 + later.days
        return World(Settings(max(self.numbers) + 1, days, SEED, self.ads, self.now + later))

    def account(self, place: int) -> Account:
        """The account at this place."""
        return Account(self.numbers[place], SEED)


def size_of(rows: int, until: dt.date | None = None) -> Made:
    """About ``rows`` ad-days: whole accounts of a year, or one account of fewer days or of 60 days and fewer ads.

    They end yesterday unless told otherwise.
    """
    accounts = max(1, round(rows / (ADS * DAYS)))
    days = min(DAYS, max(LEAST_DAYS, rows // ADS))
    ads = min(ADS, max(1, rows // days))
    return Made(accounts, ads, days, until or dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1))


def planned(folder: Path, size: Made) -> Made:
    """What the store in ``folder`` holds or is to hold: what is there keeps its own days. Exits where sizes differ."""
    note = folder / "store.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not note.exists():
        _check_room(folder, size)
        note.write_text(json.dumps({**asdict(size), "until": size.until.isoformat()}))
    found = planned_in(folder)
    if (found.accounts, found.ads, found.days) != (size.accounts, size.ads, size.days):
        sys.exit(f"{folder} holds a store of another size ({found}); remove it or name another folder.")
    return found


def _check_room(folder: Path, size: Made) -> None:
    needed = size.accounts * size.ads * size.days * BYTES_A_ROW
    if shutil.disk_usage(folder).free < needed:
        sys.exit(f"The store would take {needed / 1e9:.0f} GB in {folder}. Free the room, or name another BENCH_DIR.")


def planned_in(folder: Path) -> Made:
    """What the note in ``folder`` says of its store."""
    kept = json.loads((folder / "store.json").read_text())
    return Made(**{**kept, "until": dt.date.fromisoformat(kept["until"])})


@contextmanager
def benchmark_store(folder: Path, size: Made) -> Iterator[tuple[URL, Made]]:
    """The whole store in ``folder``, its server running; what is missing of it is made first."""
    made = planned(folder, size)
    with settings_for(folder) as settings, opened(settings) as url:
        fill(url, made)
        yield url, made


@contextmanager
def settings_for(folder: Path) -> Iterator[AppSettings]:
    """This process and those that it starts work in ``folder``. Exits where .env names a database: that is not ours."""
    ours = {"DATA_DIR": str(folder), "DATABASE_URL": "", "TOKEN_KEYS": ""}
    before = {name: os.environ.get(name) for name in ours}
    os.environ |= ours
    get_settings.cache_clear()
    try:
        settings = get_settings()
        if not settings.is_embedded:
            sys.exit("DATABASE_URL is set in .env. The benchmark fills databases of its own: comment the line out.")
        yield settings
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        get_settings.cache_clear()


def rows_in(url: URL) -> int:
    """The ad-days of this store."""
    with psycopg.connect(_address(url)) as connection:
        ((rows,),) = connection.execute("SELECT coalesce(sum(rows), 0)::bigint FROM slice").fetchall()
    return int(rows)


def _address(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def fill(url: URL, made: Made, workers: int = os.cpu_count() or 1) -> int:
    """Make the accounts that are missing, some at once, then let the planner look; how many were made."""
    address = _address(url)
    with psycopg.connect(address, autocommit=True) as connection:
        _add_clients(connection, made)
        done = {number for (number,) in connection.execute("SELECT DISTINCT account_id FROM slice")}
        missing = [place for place in range(made.accounts) if int(made.account(place).account_id) not in done]
        if missing:
            _fill_all(address, made, missing, workers)
            # As autovacuum would leave it after a while: index-only scans and the planner know the table.
            connection.execute("VACUUM (ANALYZE)")
    return len(missing)


def _fill_all(address: str, made: Made, missing: list[int], workers: int) -> None:
    started, rows = time.perf_counter(), 0
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        tasks = [pool.submit(fill_account, address, made, place) for place in missing]
        for number, task in enumerate(as_completed(tasks), 1):
            rows += task.result()
            pace = rows / (time.perf_counter() - started)
            sys.stderr.write(f"\r{number} of {len(missing)} accounts, {rows:,} ad-days, {pace:,.0f} a second ")
    sys.stderr.write("\n")


def _add_clients(connection: psycopg.Connection[tuple[object, ...]], made: Made) -> None:
    for client in range(clients_of(made)):
        name = client_name(client)
        connection.execute(
            "INSERT INTO client (slug, name, graph_url) VALUES (%s, %s, %s) ON CONFLICT (slug) DO NOTHING",
            (slug_of(name), name, NEVER),
        )


def clients_of(made: Made) -> int:
    """How many clients share the accounts."""
    return -(-made.accounts // ACCOUNTS_A_CLIENT)


def client_name(client: int) -> str:
    """The name of the client with this number."""
    turn, place = divmod(client, len(NAMES))
    return f"{NAMES[place]} {TRADES[(place + 3 * turn) % len(TRADES)]}"


def fill_account(address: str, made: Made, place: int) -> int:
    """Store one account whole, in one transaction; its number of ad-days."""
    world, account = made.world(), made.account(place)
    client, country = client_name(place // ACCOUNTS_A_CLIENT), account.market.countries[0]
    name = f"{client} {country} {place % ACCOUNTS_A_CLIENT + 1}"
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        # The triggers of foreign keys would look each of the rows up; these keys are right by their making.
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        cursor.execute(
            "INSERT INTO account (account_id, client_id, name, currency, timezone_name, status, checked_at)"
            " SELECT %s, id, %s, %s, %s, 1, %s FROM client WHERE slug = %s",
            (
                account.account_id,
                name,
                account.market.currency,
                account.market.timezone_name,
                made.now,
                slug_of(client),
            ),
        )
        rows = _copy_days(cursor, AccountDays(world, account), made)
        entities.copy(cursor, world, account, made.now)
    return rows


def _copy_days(cursor: psycopg.Cursor[tuple[object, ...]], source: AccountDays, made: Made) -> int:
    slices, lines = [], []
    for offset in range(made.days):
        day = source.day(made.since + dt.timedelta(days=offset))
        lines += day.lines
        slices.append((source.account_id, day.date, made.now, len(day.lines), True, True, *day.meta.values()))
    # The ids come first in a line, the raw actions last; they go into a table of their own.
    with cursor.copy(f"COPY insight ({', '.join(source.columns[:-2])}) FROM STDIN") as copy:
        copy.write(b"".join(line.rsplit(b"\t", 2)[0] + b"\n" for line in lines))
    with cursor.copy(
        f"COPY insight_actions ({', '.join((*source.columns[:3], *source.columns[-2:]))}) FROM STDIN"
    ) as copy:
        copy.write(b"".join(b"\t".join((*line.split(b"\t", 3)[:3], *line.rsplit(b"\t", 2)[1:])) for line in lines))
    names = ("account_id", "date", "fetched_at", "rows", "is_complete", "account_day_ended", *day.meta)
    with cursor.copy(f"COPY slice ({', '.join(names)}) FROM STDIN") as copy:
        for each in slices:
            copy.write_row(each)
    return len(lines)
