"""A small client that does what Meta's error table says, to hold that a storm can be survived with exact numbers."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from typing import Any

import httpx

from sandbox.faults.presets import PRESETS
from tests.sandbox.conftest import Sandbox
from tests.sandbox.test_numbers import EVERYTHING

GROUPS = {(one.code, one.subcode): one.group for one in PRESETS.values()}
TRIES = 4
Rows = dict[tuple[str, str], dict[str, Any]]


class TooMuch(Exception):
    """The call is to be split."""


class Sick(Exception):
    """The account, or what was asked of it, cannot be had."""


class Honest:
    """Reads ad-days. `worst` is the longest row of failures that one call met."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.met: Counter[str] = Counter()
        self.worst = 0

    def ad_days(self, account: str, since: dt.date, until: dt.date, *, jobs: bool) -> Rows:
        """Rows by day and ad, whole whatever comes in between."""
        return self._report(account, since, until, [], jobs)

    def creative(self, creative_id: str) -> dict[str, Any]:
        """A creative with its text."""
        return self._call("GET", creative_id, {"fields": "name,body"})

    def _report(self, account: str, since: dt.date, until: dt.date, campaigns: list[str], jobs: bool) -> Rows:
        filtering = [*EVERYTHING]
        if campaigns:
            filtering.append({"field": "campaign.id", "operator": "IN", "value": campaigns})
        asked = {"level": "ad", "fields": "ad_id,spend,impressions", "time_increment": "1", "limit": "100",
                 "time_range": json.dumps({"since": since.isoformat(), "until": until.isoformat()}),
                 "filtering": json.dumps(filtering)}  # fmt: skip
        try:
            path = f"{self._run(account, asked)}/insights" if jobs else f"{account}/insights"
            return {(row["date_start"], row["ad_id"]): row for row in self._rows(path, {} if jobs else asked)}
        except TooMuch:
            assert not campaigns, "campaigns are the way out"
        if since < until:
            middle = since + (until - since) // 2
            return self._report(account, since, middle, [], jobs) | self._report(
                account, middle + dt.timedelta(days=1), until, [], jobs
            )
        status = json.dumps(["ACTIVE", "PAUSED", "ARCHIVED", "DELETED"])
        ids = [one["id"] for one in self._rows(f"{account}/campaigns", {"effective_status": status, "limit": "9"})]
        ids = list(dict.fromkeys(ids))
        return {key: row for part in (ids[::2], ids[1::2])
                for key, row in self._report(account, since, until, part, jobs).items()}  # fmt: skip

    def _rows(self, path: str, params: dict[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for _ in range(500):
            page = self._call("GET", path, params)
            found += page["data"]
            if "next" not in page.get("paging", {}):
                return found
            params = {**params, "after": page["paging"]["cursors"]["after"]}
        raise AssertionError("a report without an end")

    def _run(self, account: str, asked: dict[str, str]) -> str:
        for _ in range(2):
            run_id: str = self._call("POST", f"{account}/insights", asked)["report_run_id"]
            for _ in range(60):
                status = self._call("GET", run_id, {})["async_status"]
                if status == "Job Completed":
                    return run_id
                if status in ("Job Failed", "Job Skipped"):
                    self.met[status] += 1
                    break
        raise AssertionError("a job that fails is to be started once more, and then works")

    def _call(self, method: str, path: str, params: dict[str, str]) -> dict[str, Any]:
        failures = 0
        for _ in range(10_000):
            found, what = self._once(method, path, params)
            if found is not None:
                self.worst = max(self.worst, failures)
                return found
            self.met[what] += 1
            if what != "rate":
                failures += 1
                assert failures < TRIES, (what, path)
        raise AssertionError("an honest wait that does not end")

    def _once(self, method: str, path: str, params: dict[str, str]) -> tuple[dict[str, Any] | None, str]:
        try:
            answer = self._sandbox.http.request(
                method, f"{self._sandbox.url}/v26.0/{path}", params={"access_token": "good", **params}
            )
        except httpx.TransportError as broken:
            return None, type(broken).__name__
        try:
            body = answer.json()
        except ValueError:
            return None, "no JSON"
        if answer.status_code == 200 and isinstance(body, dict):
            return body, ""
        if "error" not in body:
            return None, "no words"
        return None, self._group(body["error"], path)

    def _group(self, error: dict[str, Any], path: str) -> str:
        pair = error["code"], error.get("error_subcode")
        if pair == (100, 33) and path.isdecimal():
            return "lost"
        group = GROUPS[pair]
        if group == "too_much":
            self.met["too_much"] += 1
            raise TooMuch
        if group not in ("rate", "transient"):
            raise Sick(group)
        return group
