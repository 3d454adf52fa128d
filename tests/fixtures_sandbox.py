"""Sandboxes in processes of their own, on free ports, with a fixed present."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.fixtures_processes import ROOT, until

PRESENT = dt.datetime.now(dt.UTC).replace(hour=12, minute=0, second=0, microsecond=0) - dt.timedelta(days=1)
"""The sandboxes' fixed present: it differs from the clock's, so that no test may lean on the hour it runs at."""
LAST_DAY = PRESENT.date() - dt.timedelta(days=2)
"""A day that is over in every time zone, by the sandboxes' clock and by ours."""


@dataclass(frozen=True)
class Account:
    """An ad account of a sandbox."""

    account_id: int
    name: str
    currency: str
    timezone_name: str


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox and what it says of itself."""

    url: str
    accounts: tuple[Account, ...]
    http: httpx.Client

    @property
    def ids(self) -> list[int]:
        """The accounts' ids."""
        return [account.account_id for account in self.accounts]

    def days(self, account_id: int, since: dt.date, until: dt.date) -> list[dict[str, Any]]:
        """The exact totals of each day."""
        query = {"account": str(account_id), "since": since.isoformat(), "until": until.isoformat()}
        answer = self.http.get(f"{self.url}/__sandbox/truth", params=query).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["days"]
        return found

    def objects(self, account_id: int, edge: str, **params: str) -> list[dict[str, Any]]:
        """The objects of an edge, up to 5000."""
        asked = {"access_token": "test", "fields": "id,name,effective_status", "limit": "5000", **params}
        answer = self.http.get(f"{self.url}/v26.0/act_{account_id}/{edge}", params=asked).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def ask_faults(self, *rules: dict[str, Any]) -> list[dict[str, Any]]:
        """Add fault rules (see ``sandbox.faults``); all that there are now, with how often each has struck."""
        answer = self.http.post(f"{self.url}/__sandbox/faults", json=list(rules))
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["rules"]
        return found

    def forget_faults(self) -> None:
        """Forget all fault rules and what they changed."""
        self.http.delete(f"{self.url}/__sandbox/faults").raise_for_status()


Serve = Callable[..., Sandbox]


@pytest.fixture(scope="session")
def serve_sandbox() -> Iterator[Serve]:
    """Start a sandbox; the same arguments give the same one. Each is ended by its id."""
    running: dict[tuple[str, ...], tuple[subprocess.Popen[str], Sandbox]] = {}

    def start(*words: str, now: dt.datetime = PRESENT) -> Sandbox:
        key = (*words, now.isoformat())
        if key not in running:
            command = [sys.executable, "-m", "sandbox", "--port", "0", "--now", now.isoformat(), *words]
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            url = process.stdout.readline().split(" at ")[1].split()[0]
            running[key] = (process, _known(url))
        return running[key][1]

    yield start
    for process, sandbox in running.values():
        sandbox.http.close()
        process.terminate()
        process.wait(timeout=10)
        assert process.stdout is not None
        process.stdout.close()


def _known(url: str) -> Sandbox:
    http = httpx.Client(timeout=20, trust_env=False)

    def healthy() -> bool:
        try:
            return bool(http.get(f"{url}/__sandbox/health").status_code == 200)
        except httpx.TransportError:
            return False

    until(healthy, "the sandbox answers")
    accounts = tuple(
        Account(int(one["account_id"]), one["name"], one["currency"], one["timezone_name"])
        for one in http.get(f"{url}/__sandbox/accounts").json()
    )
    return Sandbox(url, accounts, http)


@pytest.fixture(scope="session")
def sandbox(serve_sandbox: Serve) -> Sandbox:
    """Six accounts in six currencies, JPY among them, and enough ads for every status."""
    return serve_sandbox("--accounts", "6", "--days", "70", "--seed", "7", "--ads", "48")
