"""Airbyte's connector and Singer's tap, unchanged, read ten days of the sandbox and deliver what its truth says."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures_sandbox import LAST_DAY, Sandbox, Serve
from tests.peers.environments import AIRBYTE, TAP, Peer, messages

SINCE, UNTIL = LAST_DAY - dt.timedelta(days=9), LAST_DAY
SERVED = ("--accounts", "2", "--days", "60", "--seed", "7", "--ads", "1800", "--job-polls", "1")
Rows = list[dict[str, Any]]


def _truth(sandbox: Sandbox) -> dict[str, Any]:
    query = {"account": str(sandbox.ids[0]), "since": SINCE.isoformat(), "until": UNTIL.isoformat()}
    found: dict[str, Any] = sandbox.http.get(f"{sandbox.url}/__sandbox/truth", params=query, timeout=60).json()
    return found


def _airbyte(sandbox: Sandbox, folder: Path) -> Callable[[], Rows]:
    """A full read of `ads_insights` with all of its fields, ready to be run."""
    config, catalog = folder / "config.json", folder / "catalog.json"
    config.write_text(json.dumps({
        "account_ids": [str(sandbox.ids[0])], "credentials": {"auth_type": "Service", "access_token": "good"},
        "start_date": f"{SINCE}T00:00:00Z", "end_date": f"{UNTIL}T00:00:00Z"}))  # fmt: skip
    assert "SUCCEEDED" in AIRBYTE.run(sandbox.url, "check", "--config", str(config))
    [found] = messages(AIRBYTE.run(sandbox.url, "discover", "--config", str(config)), "CATALOG")
    stream = next(one for one in found["catalog"]["streams"] if one["name"] == "ads_insights")
    asked = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append"}
    catalog.write_text(json.dumps({"streams": [asked]}))

    def read() -> Rows:
        output = AIRBYTE.run(sandbox.url, "read", "--config", str(config), "--catalog", str(catalog))
        return [one["record"]["data"] for one in messages(output, "RECORD")]

    return read


def _tap(sandbox: Sandbox, folder: Path) -> Callable[[], Rows]:
    """A read of `ads_insights` with all of its fields, ready to be run. The tap begins a day before its start."""
    config, catalog = folder / "config.json", folder / "catalog.json"
    config.write_text(json.dumps({
        "account_id": str(sandbox.ids[0]), "access_token": "good", "insights_buffer_days": 1,
        "start_date": f"{SINCE + dt.timedelta(days=1)}T00:00:00Z", "end_date": f"{UNTIL}T00:00:00Z"}))  # fmt: skip
    found = json.loads(TAP.run(sandbox.url, "--config", str(config), "--discover"))
    stream = next(one for one in found["streams"] if one["stream"] == "ads_insights")
    for one in stream["metadata"]:
        one["metadata"]["selected"] = True
    catalog.write_text(json.dumps({"streams": [stream]}))

    def read() -> Rows:
        output = TAP.run(sandbox.url, "--config", str(config), "--properties", str(catalog))
        return [one["record"] for one in messages(output, "RECORD")]

    return read


@pytest.mark.parametrize("peer", [AIRBYTE, TAP], ids=lambda peer: peer.package)
def test_the_packages_are_the_ones_that_are_meant(peer: Peer) -> None:
    peer.install()
    told = peer.metadata()
    assert told["Version"] == [peer.version]
    for name, part in peer.says:
        values = {key.title(): value for key, value in told.items()}[name]
        assert any(part in value for value in values), (name, values)


@pytest.mark.parametrize(
    ("peer", "prepare", "of"), [(AIRBYTE, _airbyte, "everything"), (TAP, _tap, "shown")],
    ids=lambda value: getattr(value, "package", "")
)  # fmt: skip
def test_a_peer_delivers_what_the_truth_says(
    serve_sandbox: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str], peer: Peer,
    prepare: Callable[[Sandbox, Path], Callable[[], Rows]], of: str,
) -> None:  # fmt: skip
    """Airbyte's names every status; the tap names none, so that deleted and archived ads are missing from its rows."""
    peer.install()
    sandbox = serve_sandbox(*SERVED)
    truth = _truth(sandbox)
    meant = {"everything": {"ad_days": truth["ad_days"], "spend": truth["totals"]["spend"]}, "shown": truth["shown"]}
    read = prepare(sandbox, tmp_path)
    started = time.perf_counter()
    rows = read()
    seconds = time.perf_counter() - started
    with capsys.disabled():
        print(f"\n{peer.package} {peer.version}: {len(rows)} rows, {len(rows) / seconds:.0f} rows/s")  # noqa: T201
    assert len({(str(row["date_start"])[:10], row["ad_id"]) for row in rows}) == len(rows) == meant[of]["ad_days"]
    assert sum((Decimal(row["spend"]) for row in rows), Decimal(0)) == Decimal(meant[of]["spend"])
    assert truth["shown"]["ad_days"] < truth["ad_days"], "some ads are gone"
