"""Real sandbox servers in processes of their own, and the unchanged SDK to read them with."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

ROOT = Path(__file__).parents[2]
GOOD = "good"
NOW = "2026-05-20T15:30:00+00:00"
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Sandbox:
    """A running server and short ways to ask it."""

    url: str
    http: httpx.Client

    def get(self, path: str, token: str = GOOD, **params: Any) -> httpx.Response:
        """A Graph call; lists and objects go out as JSON."""
        texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in params.items()}
        return self.http.get(f"{self.url}/v26.0/{path}", params={"access_token": token, **texts})

    def rows(self, path: str, **params: Any) -> Rows:
        """All rows of an edge, page after page as Meta wants it: only while `next` is there."""
        found: Rows = []
        while True:
            answer = self.get(path, **params)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["data"]
            if "next" not in page.get("paging", {}):
                return found
            params["after"] = page["paging"]["cursors"]["after"]

    def accounts(self) -> list[dict[str, str]]:
        """The accounts with their currencies."""
        found: list[dict[str, str]] = self.http.get(f"{self.url}/__sandbox/accounts").json()
        return found

    def truth(self, account: str, since: str, until: str) -> dict[str, Any]:
        """The exact totals."""
        query = {"account": account, "since": since, "until": until}
        found: dict[str, Any] = self.http.get(f"{self.url}/__sandbox/truth", params=query).raise_for_status().json()
        return found

    def sdk(self, token: str = GOOD) -> FacebookAdsApi:
        """An SDK client of its own, pointed here by the only means there is: the session's class attribute."""
        session = type("SandboxSession", (FacebookSession,), {"GRAPH": self.url})(access_token=token, timeout=10)
        return FacebookAdsApi(session)


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., Sandbox]]:
    """Start a server; the same arguments give the same one. All stop at the end of the session."""
    running: dict[tuple[str, ...], tuple[subprocess.Popen[str], Sandbox]] = {}

    def start(*arguments: str, now: str = NOW) -> Sandbox:
        key = (*arguments, now)
        if key not in running:
            command = [sys.executable, "-m", "sandbox", "--port", "0", "--now", now, *arguments]
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            url = process.stdout.readline().split(" at ")[1].split()[0]
            running[key] = (process, Sandbox(url, _client(url)))
        return running[key][1]

    yield start
    for process, sandbox in running.values():
        sandbox.http.close()
        process.terminate()
    for process, _ in running.values():
        assert process.wait(timeout=10) == 0, "SIGTERM is a clean end"
        assert process.stdout is not None
        process.stdout.close()


def _client(url: str) -> httpx.Client:
    client = httpx.Client(timeout=20, trust_env=False)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            if client.get(f"{url}/__sandbox/health").json()["status"] == "ok":
                return client
        except httpx.TransportError:
            continue
    raise AssertionError("the sandbox did not answer in 15 s")


@pytest.fixture(scope="session")
def sandbox(serve: Callable[..., Sandbox]) -> Sandbox:
    """The usual server: four accounts, so that one currency without decimals is among them."""
    return serve("--accounts", "4", "--days", "400", "--seed", "7")


@pytest.fixture(scope="session")
def account(sandbox: Sandbox) -> str:
    """The first account's id, with its `act_`."""
    return sandbox.accounts()[0]["id"]
