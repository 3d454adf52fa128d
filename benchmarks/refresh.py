"""Rows/s and API calls of a refresh from the sandbox, beside the SDK's own cursor with row-by-row inserts.

Both read the same ad-days (every column, real ``actions``, ads of every status) over HTTP and store them in the same
embedded PostgreSQL. The answers are the sandbox's, kept by ``benchmarks.replay``: what is measured is the way from the
response to the committed row, and not how the sandbox makes numbers up. Rounds alternate; the figures are medians.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import statistics
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession
from psycopg.types.json import Jsonb
from sqlalchemy.engine import URL

from benchmarks.report import Figure, Section
from benchmarks.store import settings_for
from lib.commands.processes import Child, free_port
from lib.meta import fields
from lib.meta.asking import PAGE_SIZE
from lib.meta.parse import COPY_COLUMNS, numbers
from lib.refresh.queue.attending import attend
from lib.refresh.run import start_run
from lib.settings import Settings, get_settings
from lib.store.engine import Store
from lib.store.opening import opened
from lib.store.repositories import clients
from lib.store.secrets import TokenVault


@dataclass(frozen=True)
class Size:
    """So many accounts with so many live ads, days of them, and rounds of each way."""

    accounts: int = 4
    ads: int = 500
    days: int = 28
    rounds: int = 2


@dataclass(frozen=True)
class Round:
    """One way, once."""

    way: str
    rows: int
    seconds: float
    api_calls: int

    @property
    def rows_a_second(self) -> float:
        """How fast it was."""
        return self.rows / self.seconds


def refresh_once(url: URL, since: dt.date, until: dt.date) -> Round:
    """Our refresh, entities and reconciliation totals included."""

    async def go() -> Round:
        store = Store(url)
        started = time.perf_counter()
        report = await attend(store, await start_run(store, since=since, until=until))
        seconds = time.perf_counter() - started
        await store.dispose()
        if report.state != "complete":
            raise RuntimeError(f"The refresh ended as {report.state}: {[one.error_message for one in report.accounts]}")
        rows, calls = sum(one.rows for one in report.accounts), sum(one.api_calls for one in report.accounts)
        return Round("refresh", rows, seconds, calls)

    return asyncio.run(go())


def cursor_once(url: URL, graph: str, accounts: list[int], since: dt.date, until: dt.date) -> Round:
    """The SDK's cursor, each row inserted as it comes, committed a day's worth at a time; insight rows alone."""
    session = FacebookSession(access_token="sandbox", timeout=60)  # noqa: S106 (the sandbox takes any)
    session.GRAPH = graph
    api = FacebookAdsApi(session)
    params = {
        "level": "ad",
        "time_increment": 1,
        "time_range": {"since": since.isoformat(), "until": until.isoformat()},
        "filtering": [{"field": "ad.effective_status", "operator": "IN", "value": list(fields.AD_STATUSES)}],
        "limit": PAGE_SIZE,
    }
    columns = ", ".join(COPY_COLUMNS)
    statement = f"INSERT INTO rival ({columns}) VALUES ({', '.join(['%s'] * len(COPY_COLUMNS))})"  # noqa: S608
    rows, started = 0, time.perf_counter()
    with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS rival (LIKE insight INCLUDING ALL, actions jsonb, action_values jsonb)"
        )
        connection.execute("TRUNCATE rival")
        for account_id in accounts:
            for row in AdAccount(f"act_{account_id}", api=api).get_insights(
                fields=list(fields.AD_INSIGHT), params=params
            ):
                data = row.export_all_data()
                found = {**numbers(data), **{name: data.get(name) for name in ("ad_id", "adset_id", "campaign_id")}}
                found |= {"account_id": account_id, "date": data["date_start"]}
                found |= {name: Jsonb(data.get(name)) for name in ("actions", "action_values")}
                connection.execute(statement, [found[name] for name in COPY_COLUMNS])
                rows += 1
                if rows % 1000 == 0:
                    connection.commit()
    return Round(
        "SDK cursor, row-by-row inserts", rows, time.perf_counter() - started, api.get_num_requests_attempted()
    )


async def add_client(url: URL, graph: str, accounts: list[int]) -> None:
    """One client with all of the sandbox's accounts."""
    store = Store(url)
    async with store.working() as session:
        await clients.add_client(
            session,
            name="Benchmark",
            graph_url=graph,
            account_ids=accounts,
            seal=lambda: TokenVault(get_settings()).seal("sandbox"),
            is_sample=True,
        )
    await store.dispose()


def measure(size: Size) -> Section:
    """Alternate both ways ``size.rounds`` times in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="ads-bench-") as folder, settings_for(Path(folder)) as settings:
        rounds = _rounds(size, Path(folder), settings)
    columns = ("way", "rows", "rows/s (median)", "API calls", "rows a call", "calls an account-day")
    found = Section("Refresh", columns)
    medians = []
    for way in dict.fromkeys(one.way for one in rounds):
        mine = [one for one in rounds if one.way == way]
        medians.append(statistics.median(one.rows_a_second for one in mine))
        rows, calls = mine[0].rows, mine[0].api_calls
        days = size.accounts * size.days
        found.rows.append(
            (way, f"{rows:,}", f"{medians[-1]:,.0f}", f"{calls}", f"{rows / calls:,.0f}", f"{calls / days:.2f}")
        )
    ours, rival = medians
    found.figures = [
        Figure("refresh, from response to committed row", ours, "rows/s", least=20_000),
        Figure("refresh, against the SDK's cursor with row-by-row inserts", ours / rival, "x"),
    ]
    found.details = {"rounds": [asdict(one) for one in rounds]}
    return found


def _rounds(size: Size, folder: Path, settings: Settings) -> list[Round]:
    port = free_port()
    words = ["-m", "sandbox", "--port", str(port), "--accounts", str(size.accounts), "--ads", str(size.ads)]
    sandbox = Child("sandbox", words, folder / "sandbox.log")
    sandbox_url, graph_port = f"http://127.0.0.1:{port}", free_port()
    graph = f"http://127.0.0.1:{graph_port}"
    replaying = ["-m", "benchmarks.replay", "--port", f"{graph_port}", "--origin", sandbox_url]
    replay = Child("replay", replaying, folder / "replay.log")
    until = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=2)
    since = until - dt.timedelta(days=size.days - 1)
    rounds = []
    try:
        sandbox.wait_until_answers(f"{sandbox_url}/__sandbox/health")
        replay.wait_until_answers(f"{graph}/__sandbox/health")
        accounts = _accounts(graph)
        with opened(settings) as url:
            asyncio.run(add_client(url, graph, accounts))
            refresh_once(url, since, until)  # so that every answer is kept, for both
            cursor_once(url, graph, accounts, since, until)
            for _ in range(size.rounds):
                rounds.append(refresh_once(url, since, until))
                rounds.append(cursor_once(url, graph, accounts, since, until))
    finally:
        replay.stop()
        sandbox.stop()
    return rounds


def _accounts(graph: str) -> list[int]:
    with urllib.request.urlopen(f"{graph}/__sandbox/accounts") as answer:  # noqa: S310 (our own sandbox)
        body = json.load(answer)
    return [int(one["account_id"]) for one in (body["accounts"] if isinstance(body, dict) else body)]
