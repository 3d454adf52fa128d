"""A storm: an honest client reads exact numbers through it, it repeats by its seed, and the sick stay sick."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal

import httpx
import pytest

from tests.sandbox.conftest import Sandbox
from tests.sandbox.faulty import Faulty
from tests.sandbox.honest import Honest, Rows, Sick

SINCE, UNTIL = dt.date(2026, 5, 5), dt.date(2026, 5, 18)
WORLD = ("--accounts", "6", "--days", "40", "--ads", "40")
BRIEF = {"kind": "storm", "block_s": 0.05, "hang_s": 0.05, "rate": 0.33}


@pytest.fixture
def calm(serve: Callable[..., Sandbox]) -> Iterator[Faulty]:
    faulty = Faulty(serve(*WORLD))
    yield faulty
    faulty.clear()


def _held_to_the_truth(sandbox: Sandbox, account: str, rows: Rows) -> None:
    truth = sandbox.truth(account, SINCE.isoformat(), UNTIL.isoformat())
    assert sum((Decimal(row["spend"]) for row in rows.values()), Decimal(0)) == Decimal(truth["totals"]["spend"])
    assert sum(int(row["impressions"]) for row in rows.values()) == truth["totals"]["impressions"]
    assert len(rows) == truth["ad_days"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_honest_client_reads_exact_numbers_through_a_storm(calm: Faulty, seed: int) -> None:
    calm.ask({**BRIEF, "seed": seed})
    sandbox, honest = calm.sandbox, Honest(calm.sandbox)
    for number, one in enumerate(sandbox.accounts()):
        rows = honest.ad_days(one["id"], SINCE, UNTIL, jobs=number % 2 == 0)
        _held_to_the_truth(sandbox, one["id"], rows)
    assert 1 < honest.worst <= 3
    [storm] = calm.told()["rules"]
    assert 0.2 < storm["struck"] / storm["seen"] < 0.45
    assert {"transient", "rate", "no JSON", "RemoteProtocolError"} <= set(honest.met), honest.met


def test_all_kinds_that_can_be_survived_are_in_the_storm(calm: Faulty) -> None:
    calm.ask({**BRIEF, "seed": 11})
    honest = Honest(calm.sandbox)
    for one in calm.sandbox.accounts():
        for days in (0, 2, 3, 5, 8, 13):
            honest.ad_days(one["id"], SINCE, SINCE + dt.timedelta(days=days), jobs=True)
            honest.ad_days(one["id"], SINCE, SINCE + dt.timedelta(days=days), jobs=False)
    [storm] = calm.told()["rules"]
    assert set(storm["kinds"]) == {
        "error", "html_502", "html_500", "no_error_object", "word_error", "empty", "cut", "hang", "rate", "repeat_page",
        "repeat_rows", "job_lost", "job_results_late", "job_failed", "job_failed_plain", "job_skipped",
        "job_stuck_100"}  # fmt: skip
    assert {"too_much", "lost", "no words"} <= set(honest.met)


def _outcomes(faulty: Faulty, seed: int) -> list[object]:
    faulty.ask({**BRIEF, "seed": seed, "rate": 0.4, "block_s": 0.0})
    found: list[object] = []
    for number in range(60):
        try:
            answer = faulty.sandbox.get(f"{faulty.account}/ads", limit=str(1 + number % 20))
            found.append((answer.status_code, len(answer.content)))
        except httpx.TransportError as broken:
            found.append(type(broken).__name__)
    faulty.clear()
    return found


def test_a_seed_repeats_its_storm(serve: Callable[..., Sandbox]) -> None:
    faulty = Faulty(serve("--accounts", "2", "--days", "30", "--ads", "30"))
    first = _outcomes(faulty, 7)
    assert _outcomes(faulty, 7) == first
    assert _outcomes(faulty, 8) != first


def test_the_sick_stay_sick_and_the_others_are_read(serve: Callable[..., Sandbox]) -> None:
    sandbox = serve(
        *WORLD,
        "--faults",
        "storm",
        "--fault-seed",
        "4",
        "--fault-rate",
        "0.2",
        "--sick",
        "dead=1,forbidden=1,broken_creative=1",
    )
    rules = {rule["kind"]: rule for rule in Faulty(sandbox).told()["rules"]}
    ids = [one["id"] for one in sandbox.accounts()]
    assert [rules[kind]["account"] for kind in ("dead_token", "forbidden_account", "broken_creative")] == [
        ids[5], ids[4], ids[3]]  # fmt: skip
    honest = Honest(sandbox)
    for account, group in ((ids[5], "dead"), (ids[4], "denied")):
        with pytest.raises(Sick, match=group):
            honest.ad_days(account, SINCE, UNTIL, jobs=False)
    for account in ids[:4]:
        _held_to_the_truth(sandbox, account, honest.ad_days(account, SINCE, UNTIL, jobs=False))
    [broken] = rules["broken_creative"]["ids"]
    with pytest.raises(Sick, match="broken"):
        honest.creative(broken)


def test_a_storm_strikes_calls_inside_batches_and_batches(serve: Callable[..., Sandbox]) -> None:
    faulty = Faulty(serve("--accounts", "2", "--days", "30", "--ads", "30"))
    faulty.ask({"kind": "storm", "rate": 0.5})
    calls = [f'{{"method":"GET","relative_url":"{faulty.account}/ads?limit={n}"}}' for n in range(1, 30)]
    seen: set[object] = set()
    for _ in range(12):
        try:
            answer = faulty.post("", batch=f"[{','.join(calls)}]")
            seen.add(answer.status_code)
            if answer.status_code == 200 and answer.headers["content-type"].startswith("application/json"):
                seen |= {one and one["code"] for one in answer.json()} if answer.content else set()
        except httpx.TransportError as broken:
            seen.add(type(broken))
    faulty.clear()
    assert {None, 200, 500, 502} <= seen
