"""Accounts that wait for a limit of Meta's keep no other waiting, and still hear what befalls their run."""

from __future__ import annotations

import json
import threading
import time
import uuid

import pytest

from lib.refresh.cancelling import stop_run
from lib.refresh.progress import whole_progress
from lib.refresh.queue import worker
from lib.refresh.queue.account import Pace
from lib.refresh.queue.slots import LONG_S
from lib.refresh.run import start_run
from lib.store.engine import Store
from tests.fixtures_database import Database
from tests.fixtures_meta import HandMade
from tests.fixtures_processes import Cli, Start
from tests.fixtures_processes import until as until_true
from tests.fixtures_sandbox import LAST_DAY
from tests.fixtures_wire import Answer, Asked, Wire, refusal
from tests.integration.refresh.refreshing import at_work, until
from tests.integration.refresh.test_queue import add_accounts, rows
from tests.integration.refresh.test_workers import DAY, LIVING

PACE = Pace(look_s=0.2, write_s=0.1)
LONG = 600
STATES = "SELECT state FROM refresh_run_account ORDER BY account_id"
PAUSED = "SELECT account_id FROM refresh_run_account WHERE paused_until > now() AND state = 'running' ORDER BY 1"


class Limits:
    """The wire, where the first question for numbers of some accounts is refused: nothing for ``seconds``.

    Those of ``held`` are answered when ``go_on`` is set; ``most`` is how many were on their way at once.
    """

    def __init__(self, wire: Wire, seconds: float, *account_ids: int) -> None:
        self._reply, self._seconds, self._waiting = wire.reply, seconds, set(account_ids)
        self._lock, self._now = threading.Lock(), 0
        self.most = 0
        self.held: set[int] = set()
        self.go_on = threading.Event()
        self.asked: list[int] = []
        wire.reply = self.answer

    def answer(self, asked: Asked) -> Answer:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return self._answer(asked)
        finally:
            with self._lock:
                self._now -= 1

    def _answer(self, asked: Asked) -> Answer:
        if asked.path.endswith("/insights"):
            account_id = int(asked.path.removeprefix("act_").partition("/")[0])
            self.asked.append(account_id)
            if account_id in self._waiting:
                self._waiting.discard(account_id)
                used = {
                    "x-ad-account-usage": json.dumps({"acc_id_util_pct": 100, "reset_time_duration": self._seconds})
                }
                return refusal(400, 17, 2446079, "User request limit reached", headers=used)
            if account_id in self.held:
                self.go_on.wait(20)
        return self._reply(asked)


async def four_accounts(store: Store, hand_made: HandMade) -> uuid.UUID:
    """A run of four accounts with an ad each."""
    for number in (1, 2, 3, 4):
        hand_made.add_account(number)
        hand_made.add_row(number, LAST_DAY, number)
    await add_accounts(store, 1, 2, 3, 4, graph_url=hand_made.url)
    return await start_run(store, since=LAST_DAY, until=LAST_DAY)


async def two_wait(store: Store) -> bool:
    """Two accounts are paused, and the others are through."""
    states = [state for (state,) in await rows(store, STATES)]
    return states == ["running", "running", "complete", "complete"] and len(await rows(store, PAUSED)) == 2


async def test_an_account_that_waits_lets_another_work_and_hears_that_its_run_is_cancelled(
    store: Store, hand_made: HandMade, wire: Wire
) -> None:
    run_id = await four_accounts(store, hand_made)
    limits = Limits(wire, LONG, 1, 2)
    async with at_work(store, PACE, concurrency=1):
        await until(lambda: two_wait(store))
        assert limits.most == 1, "one account at once, beside those that wait"
        await stop_run(store, run_id)

        async def has_ended() -> bool:
            return (await whole_progress(store, run_id)).state == "cancelled"

        await until(has_ended)
    assert [state for (state,) in await rows(store, STATES)] == ["cancelled", "cancelled", "complete", "complete"]


async def test_a_worker_that_is_told_to_end_hands_back_who_waits(store: Store, hand_made: HandMade, wire: Wire) -> None:
    await four_accounts(store, hand_made)
    Limits(wire, LONG, 1, 2)
    async with at_work(store, PACE, concurrency=1):
        await until(lambda: two_wait(store))
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert await rows(store, "SELECT status::text FROM queue.procrastinate_jobs") == [("todo",), ("todo",)]


async def test_only_so_many_wait_at_once(
    store: Store, hand_made: HandMade, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MOST_AWAY", 1)
    await four_accounts(store, hand_made)
    limits = Limits(wire, LONG, 1, 2, 3, 4)
    async with at_work(store, PACE, concurrency=1):

        async def two_are_paused() -> bool:
            return len(await rows(store, PAUSED)) == 2

        await until(two_are_paused)
    assert limits.asked == [1, 2]


async def comes_back(store: Store) -> list[tuple[object, ...]]:
    """The pause of the first account is over, and was so when it last wrote."""
    waits = "SELECT 1 FROM refresh_run_account WHERE account_id = 1 AND state = 'running' AND paused_until IS NULL"
    return await rows(store, waits)


async def test_who_comes_back_waits_until_a_slot_is_free_and_goes_before_new_ones(
    store: Store, hand_made: HandMade, wire: Wire
) -> None:
    run_id = await four_accounts(store, hand_made)
    limits = Limits(wire, LONG_S + 1, 1)
    limits.held = {2}
    async with at_work(store, PACE, concurrency=1):
        await until(lambda: rows(store, PAUSED))
        await until(lambda: comes_back(store))
        assert list(dict.fromkeys(limits.asked)) == [1, 2], "one account at once"
        limits.go_on.set()

        async def has_ended() -> bool:
            return (await whole_progress(store, run_id)).state == "complete"

        await until(has_ended)
    order = list(dict.fromkeys(limits.asked[1:]))
    assert (order, limits.most) == ([2, 1, 3, 4], 1)


async def test_who_waits_for_a_slot_is_handed_back_too(store: Store, hand_made: HandMade, wire: Wire) -> None:
    await four_accounts(store, hand_made)
    limits = Limits(wire, LONG_S + 1, 1)
    limits.held = {2}
    async with at_work(store, PACE, concurrency=1) as working:
        await until(lambda: rows(store, PAUSED))
        await until(lambda: comes_back(store))
        assert list(dict.fromkeys(limits.asked)) == [1, 2]
        working.stop()
        began = time.monotonic()
    assert time.monotonic() - began < working.place.pace.grace_s + 3, "what is on its way to Meta has that long"
    limits.go_on.set()
    assert await rows(store, "SELECT DISTINCT status::text FROM queue.procrastinate_jobs") == [("todo",)]


@pytest.fixture
def four_of_a_client(
    database: Database, hand_made: HandMade, command: Cli, settings_of_test: dict[str, str]
) -> HandMade:
    """A client with four accounts that have one ad each."""
    for number in (1, 2, 3, 4):
        hand_made.add_account(number)
        hand_made.add_row(number, DAY, number)
    settings_of_test["META_GRAPH_URL"] = hand_made.url
    words = [word for number in (1, 2, 3, 4) for word in ("--account", str(number))]
    done = command("client", "add", "--name", "Four", *words, "--token-stdin", stdin="fine")
    assert done.code == 0, done.stderr
    return hand_made


def test_the_accounts_that_a_killed_worker_had_waiting_are_another_ones(
    four_of_a_client: HandMade, wire: Wire, killable: Start, database: Database
) -> None:
    Limits(wire, LONG, 1, 2, 3)
    first = killable("worker", "--concurrency", "1")
    until_true(lambda: database.one(LIVING) == 1, "a worker lives")
    refresh = killable("refresh", "--since", f"{DAY}", "--until", f"{DAY}")
    until_true(lambda: len(database.rows(PAUSED)) == 3, "three wait")
    first.kill()
    first.join()
    database.owner("DELETE FROM api_pause")  # Meta lets them in again
    killable("worker", "--concurrency", "1")
    done = "SELECT count(*) FROM refresh_run WHERE state = 'complete'"
    until_true(lambda: database.one(done) == 1, "the run is complete", within_s=60)
    refresh.join(20)
    assert refresh.exitcode == 0
    assert database.rows("SELECT account_id FROM insight ORDER BY 1") == [(1,), (2,), (3,), (4,)]
