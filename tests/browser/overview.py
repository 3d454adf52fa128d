"""A sandbox with two clients in several currencies, refreshed once, and how tests read the overview page."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from cryptography.fernet import Fernet
from playwright.sync_api import Locator, Page, expect

from tests.browser import grids, reruns
from tests.browser.conftest import Dashboard, clean_environment, free_port, serving
from tests.browser.forks import run_command

TOKEN_KEYS = Fernet.generate_key().decode()
TABLE = "Campaigns, the totals of all of them in the first row"


@dataclass(frozen=True)
class Sandbox:
    """A running Marketing API and its accounts: id, name, currency, time zone."""

    url: str
    accounts: tuple[dict[str, Any], ...]

    def truth(self, account_id: int, since: dt.date, until: dt.date) -> dict[str, Any]:
        """The exact totals of an account, by slug."""
        days = {"account": str(account_id), "since": since.isoformat(), "until": until.isoformat()}
        answer = httpx.get(f"{self.url}/__sandbox/truth", params=days).raise_for_status().json()
        return dict(answer["totals"])

    def total(self, account_ids: Sequence[int], slug: str, since: dt.date, until: dt.date) -> Decimal:
        """The exact total of a summable metric over accounts of one currency."""
        return sum((Decimal(str(self.truth(number, since, until)[slug])) for number in account_ids), Decimal(0))

    def of_currency(self, currency: str) -> list[int]:
        """The accounts of this currency."""
        return [int(each["account_id"]) for each in self.accounts if each["currency"] == currency]

    def words_of(self, *currencies: str) -> list[bytes]:
        """What only whoever may see these accounts reads: their names."""
        return [each["name"].encode() for each in self.accounts if each["currency"] in currencies]

    def days_ago(self, days: int) -> str:
        """The day that was ``days`` before the earliest yesterday of the accounts in euros."""
        return (yesterday(self, "EUR") - dt.timedelta(days=days)).isoformat()


@contextmanager
def running_sandbox(folder: Path, accounts: int = 11, days: int = 120) -> Iterator[Sandbox]:
    """The sandbox on a free port."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = [sys.executable, "-m", "sandbox", "--port", str(port), "--accounts", str(accounts), "--days", str(days)]
    with serving(words, f"{url}/__sandbox/health", folder / "sandbox.log", clean_environment()):
        fields = {"fields": "account_id,name,currency,timezone_name", "access_token": "token", "limit": "100"}
        answer = httpx.get(f"{url}/v25.0/me/adaccounts", params=fields).raise_for_status().json()
        yield Sandbox(url, tuple(answer["data"]))


def command(dashboard: Dashboard, sandbox: Sandbox, *words: str, stdin: str = "") -> str:
    """Run ``python -m lib`` on the dashboard's store; what it wrote to stdout."""
    env = clean_environment() | {
        "DATABASE_URL": dashboard.database_url.render_as_string(hide_password=False),
        "DATA_DIR": str(dashboard.data_dir),
        "META_GRAPH_URL": sandbox.url,
        "TOKEN_KEYS": TOKEN_KEYS,
    }
    done = run_command(env, *words, stdin=stdin)
    if done.code:
        raise RuntimeError(f"{words} ended with {done.code}: {done.stderr}")
    return done.stdout


def add_client(dashboard: Dashboard, sandbox: Sandbox, name: str, account_ids: Sequence[int]) -> None:
    """A client with these accounts and a token that the sandbox takes."""
    accounts = [word for number in account_ids for word in ("--account", f"act_{number}")]
    command(dashboard, sandbox, "client", "add", "--name", name, *accounts, "--token-stdin", stdin="token\n")


def yesterday(sandbox: Sandbox, currency: str) -> dt.date:
    """The earliest yesterday among the accounts of this currency."""
    zones = [each["timezone_name"] for each in sandbox.accounts if each["currency"] == currency]
    return min(dt.datetime.now(ZoneInfo(zone)).date() for zone in zones) - dt.timedelta(days=1)


def loaded(page: Page) -> None:
    """Wait until the page shows the numbers of all that was asked."""
    reruns.settled(page)
    expect(page.locator(".st-key-pager")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").nth(9)).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def table(page: Page) -> Locator:
    """The grid of campaigns, as assistive technology reads it."""
    return page.locator(f'[aria-label="{TABLE}"] canvas table')


def rows(page: Page) -> list[dict[str, str]]:
    """The rows of the campaigns table in sight by their column labels; the first has the totals."""
    return grids.rows(table(page))


def number(words: str) -> Decimal:
    """The number in a cell, without its sign of a currency and separators."""
    return Decimal(re.sub(r"[^0-9.-]", "", words))


def card(page: Page, label: str) -> Locator:
    """One card."""
    return (
        page.locator(".st-key-kpis")
        .get_by_test_id("stMetric")
        .filter(has=page.get_by_test_id("stMetricLabel").filter(has_text=re.compile(f"^{re.escape(label)}$")))
    )


def download(page: Page, label: str = "CSV") -> tuple[str, bytes]:
    """Open the menu of downloads and take one; the file's name and its content."""
    button = page.get_by_role("button", name=label, exact=True)
    if not button.is_visible():
        page.get_by_role("button", name=re.compile(r"^Download \(")).click()
    with page.expect_download() as waiting:
        button.click()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        waiting.value.save_as(path)
        return waiting.value.suggested_filename, path.read_bytes()


def downloaded(page: Page) -> tuple[str, list[dict[str, str]]]:
    """Download the CSV; the file's name and its rows."""
    name, content = download(page)
    return name, list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
