"""A sandbox whose faults a test asks for over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from tests.sandbox.conftest import Sandbox

WEEK = {"since": "2026-05-01", "until": "2026-05-07"}


class Faulty:
    """A server with short ways to ask for faults and to be struck by them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.account = sandbox.accounts()[0]["id"]
        self.other = sandbox.accounts()[1]["id"]

    def ask(self, *rules: dict[str, Any]) -> list[dict[str, Any]]:
        """Add rules; all that there are now."""
        answer = self.sandbox.http.post(f"{self.sandbox.url}/__sandbox/faults", json=list(rules))
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["rules"]
        return found

    def told(self) -> dict[str, Any]:
        """The rules with their counts."""
        found: dict[str, Any] = self.sandbox.http.get(f"{self.sandbox.url}/__sandbox/faults").json()
        return found

    def struck(self) -> list[int]:
        """How often each rule has struck."""
        return [rule["struck"] for rule in self.told()["rules"]]

    def clear(self) -> None:
        """Forget all rules."""
        assert self.sandbox.http.delete(f"{self.sandbox.url}/__sandbox/faults").json() == {"rules": [], "calls": {}}

    def post(self, path: str, **params: str) -> httpx.Response:
        """A Graph call by POST."""
        return self.sandbox.http.post(f"{self.sandbox.url}/v26.0/{path}", data={"access_token": "good", **params})

    def insights(self, **params: Any) -> httpx.Response:
        """A plain read of the first account's ad-days of a week."""
        asked = {"level": "ad", "time_range": WEEK, "time_increment": "1", "fields": "ad_id,spend", **params}
        return self.sandbox.get(f"{self.account}/insights", **asked)

    def run(self, **params: str) -> str:
        """The id of a new report of the first account's campaigns."""
        asked = {"level": "campaign", "time_range": '{"since":"2026-05-01","until":"2026-05-07"}',
                 "fields": "campaign_id,spend", **params}  # fmt: skip
        answer = self.post(f"{self.account}/insights", **asked)
        assert answer.status_code == 200, answer.text
        found: str = answer.json()["report_run_id"]
        return found

    def polls(self, run_id: str, count: int) -> list[tuple[str, int]]:
        """Status and percent of so many polls."""
        states = [self.sandbox.get(run_id).json() for _ in range(count)]
        return [(state["async_status"], state["async_percent_completion"]) for state in states]
