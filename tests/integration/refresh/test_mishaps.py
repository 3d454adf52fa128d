"""What befalls a queue at work: accounts that vanish, workers that stall and wake up, strokes that fail."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from lib.refresh.progress import whole_progress
from lib.refresh.queue.account import AccountJob, Pace, Place
from lib.refresh.queue.attending import attend
from lib.refresh.queue.pauses import SharedPacer
from lib.refresh.run import start_run
from lib.store.engine import Store
from lib.store.repositories import queue, runs
from lib.store.repositories.queue import Hold
from tests.fixtures_meta import HandMade
from tests.fixtures_sandbox import LAST_DAY
from tests.fixtures_wire import Wire
from tests.integration.refresh.refreshing import at_work, strike_at, until
from tests.integration.refresh.test_queue import NOW, add_accounts, lose, rows
from tests.integration.refresh.test_workers import Watched

PACE = Pace(look_s=0.1, write_s=0.1, heartbeat_s=60)
STALE = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '60 s'"
BEATING = "SELECT count(*) FROM queue.procrastinate_workers WHERE last_heartbeat > now() - interval '30 s'"


async def in_queue(store: Store, statement: str) -> None:
    """A change of the queue's own rows, whose triggers look for their tables by the path."""
    async with store.working() as session:
        await session.execute(text("SELECT set_config('search_path', 'queue,public', true)"))
        await session.execute(text(statement))


async def half_done(store: Store) -> None:
    """The first of two accounts is through; the client of the second was removed while that one waited."""
    await rows(store, "UPDATE refresh_run_account SET state = 'complete' WHERE account_id = 1")
    await in_queue(store, "DELETE FROM procrastinate_jobs WHERE args->>'account_id' = '1'")
    async with store.engine.begin() as connection:
        await connection.execute(text("DELETE FROM client WHERE slug = 'c2'"))


async def two_accounts(store: Store) -> None:
    await add_accounts(store, 1)
    await add_accounts(store, 2)


async def test_the_job_of_a_removed_account_ends_the_run_of_the_others(store: Store) -> None:
    await two_accounts(store)
    run_id = await start_run(store)
    await half_done(store)
    await AccountJob(Place(store, SharedPacer(store)), Hold(1, 1, 0), run_id, 2).work()
    report = await whole_progress(store, run_id)
    assert (report.state, [one.account_id for one in report.accounts]) == ("complete", [1])


async def test_a_run_of_which_nothing_is_left_to_do_is_closed_by_whoever_looks_around(store: Store) -> None:
    await two_accounts(store)
    run_id = await start_run(store)
    other = await start_run(store, since=LAST_DAY, until=LAST_DAY)
    await rows(store, "UPDATE refresh_run_account SET state = 'complete' WHERE run_id = :run", run=run_id)
    async with store.working() as session:
        await runs.close_abandoned_runs(session)
    assert [(await whole_progress(store, one)).state for one in (run_id, other)] == ["complete", "running"]


async def test_whoever_attends_a_run_of_which_an_account_was_removed_sees_its_end(store: Store) -> None:
    await two_accounts(store)
    run_id = await start_run(store)
    await half_done(store)
    await in_queue(store, "DELETE FROM procrastinate_jobs")
    async with asyncio.timeout(20):
        assert (await attend(store, run_id, pace=PACE)).state == "complete"


async def test_a_stroke_whose_worker_was_killed_is_noted_by_another(store: Store) -> None:
    await add_accounts(store, 1)
    await strike_at(store, NOW.replace(second=30))
    await lose(store)
    async with at_work(store, PACE, strikes=True):
        await until(lambda: rows(store, "SELECT 1 FROM refresh_run"))
    assert await rows(store, "SELECT kind FROM refresh_run") == [("nightly",)]


async def test_a_stroke_that_could_not_be_stored_is_tried_again(store: Store) -> None:
    await add_accounts(store, 1)
    await strike_at(store, NOW.replace(second=30))
    async with store.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE api_pause RENAME TO elsewhere"))
    waits = (
        "SELECT 1 FROM queue.procrastinate_jobs WHERE queue_name = 'clock' AND scheduled_at > now() + interval '9 s'"
    )
    try:
        async with at_work(store, PACE, strikes=True):
            await until(lambda: rows(store, waits))
    finally:
        async with store.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE elsewhere RENAME TO api_pause"))
    assert await rows(store, "SELECT 1 FROM refresh_run") == []
    await in_queue(store, "UPDATE procrastinate_jobs SET scheduled_at = NULL")
    async with at_work(store, PACE, strikes=True):
        await until(lambda: rows(store, "SELECT 1 FROM refresh_run"))


async def test_a_job_that_its_own_worker_took_up_again_is_not_the_first_ones(store: Store) -> None:
    await add_accounts(store, 1)
    await start_run(store)
    job_id = (await rows(store, "SELECT id FROM queue.procrastinate_jobs"))[0][0]
    await in_queue(store, "INSERT INTO procrastinate_workers (id, last_heartbeat) OVERRIDING SYSTEM VALUE"
                          " VALUES (7, now())")  # fmt: skip
    take = "UPDATE procrastinate_jobs SET status = 'doing', worker_id = 7"
    await in_queue(store, take)
    async with store.working() as session:
        assert await queue.take_up_stalled(session, 20, working=[job_id]) == 0
        assert await queue.take_up_stalled(session, 20) == 1
    await in_queue(store, take)
    first, second = Hold(job_id, 7, 0), Hold(job_id, 7, 1)
    async with store.working() as session:
        await queue.end_job(session, first)
        await queue.hand_back(session, first)
        assert [await queue.is_mine(session, one) for one in (first, second)] == [False, True]
        await queue.end_job(session, second)
    assert await rows(store, "SELECT 1 FROM queue.procrastinate_jobs") == []


@pytest.fixture
async def held(store: Store, hand_made: HandMade, wire: Wire) -> Watched:
    """An account of one ad, whose insights wait on the wire."""
    hand_made.add_account(1)
    hand_made.add_row(1, LAST_DAY, 1)
    await add_accounts(store, 1, graph_url=hand_made.url)
    watched = Watched(wire)
    watched.go_on.clear()
    return watched


async def ends(store: Store) -> list[tuple[object, ...]]:
    return await rows(store, "SELECT 1 FROM refresh_run WHERE state <> 'running'")


async def test_a_worker_that_takes_up_its_own_job_works_on_it_once(store: Store, held: Watched) -> None:
    run_id = await start_run(store, since=LAST_DAY, until=LAST_DAY)
    async with at_work(store, PACE):
        assert await asyncio.to_thread(held.arrived.wait, 20)
        async with store.working() as session:
            await session.execute(text("SELECT set_config('search_path', 'queue,public', true)"))
            await session.execute(text(STALE))
            assert await queue.take_up_stalled(session, 20) == 1
        again = "SELECT 1 FROM queue.procrastinate_jobs WHERE status = 'doing' AND attempts = 1"
        await until(lambda: rows(store, again))
        held.go_on.set()
        await until(lambda: ends(store))
    report = await whole_progress(store, run_id)
    assert (report.state, report.rows, held.most["act_1"]) == ("complete", 1, 1)
    assert await rows(store, "SELECT 1 FROM queue.procrastinate_jobs") == []


async def test_a_worker_that_wakes_up_leaves_itself_what_it_works_on(store: Store, held: Watched) -> None:
    await start_run(store, since=LAST_DAY, until=LAST_DAY)
    async with at_work(store, PACE) as working:
        assert await asyncio.to_thread(held.arrived.wait, 20)
        assert working._manager._presence is not None
        await working._manager._presence.leave()
        for _ in range(2):  # the second time, a whole look lies in between
            await in_queue(store, STALE)
            await until(lambda: one_beats(store))
        found = await rows(store, "SELECT status::text, attempts FROM queue.procrastinate_jobs")
        held.go_on.set()
    assert found == [("doing", 0)]


class Defective(SharedPacer):
    """The fourth call meets a defect: the account was described, and its ads are asked for."""

    calls = 0

    def before(self, app: str, account_id: int | None) -> None:
        self.calls += 1
        if self.calls == 4:
            raise ValueError("nobody thought of this")
        super().before(app, account_id)


async def test_a_defect_is_told_as_one_and_logged_whole(
    store: Store, hand_made: HandMade, caplog: pytest.LogCaptureFixture
) -> None:
    hand_made.add_account(1)
    hand_made.add_row(1, LAST_DAY, 1)
    await add_accounts(store, 1, graph_url=hand_made.url)
    run_id = await start_run(store, since=LAST_DAY, until=LAST_DAY)
    async with at_work(store, PACE) as working:
        working.place.pacer = Defective(store)
        await until(lambda: ends(store))
    report = await whole_progress(store, run_id)
    (account,) = report.accounts
    assert (report.state, account.state, account.api_calls) == ("failed", "failed", 3)
    assert account.error_message == "An unexpected fault of this program ended the refresh of this account."
    assert "What was stored until then is whole and stays." in str(account.error_remedy)
    assert "log" in str(account.error_remedy)
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.getMessage() == "act_1: an unexpected fault of this program ended the refresh"
    assert record.exc_info is not None
    assert "nobody thought of this" in caplog.text
    assert "in before" in caplog.text, "the trace"
    assert await rows(store, "SELECT 1 FROM queue.procrastinate_jobs WHERE status = 'failed'") == []


async def one_beats(store: Store) -> bool:
    return await rows(store, BEATING) == [(1,)]


@pytest.mark.parametrize(
    ("statement", "accounts"),
    [
        ("UPDATE account SET disconnected_at = now()", [("cancelled", runs.DISCONNECTED)]),
        ("UPDATE client SET archived_at = now()", [("cancelled", runs.DISCONNECTED)]),
        ("DELETE FROM client", []),
    ],
)
async def test_an_account_that_goes_while_it_is_fetched_is_fetched_no_further(
    store: Store, held: Watched, statement: str, accounts: list[tuple[str, str]]
) -> None:
    run_id = await start_run(store, since=LAST_DAY, until=LAST_DAY)
    async with at_work(store, PACE):
        assert await asyncio.to_thread(held.arrived.wait, 20)
        async with store.engine.begin() as connection:
            await connection.execute(text(statement))
            moment = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        written = "SELECT 1 FROM refresh_run WHERE heartbeat_at > CAST(:moment AS timestamptz) + interval '0.1 s'"
        await until(lambda: rows(store, written, moment=moment))
        held.go_on.set()
        await until(lambda: ends(store))
    report = await whole_progress(store, run_id)
    assert [(one.state, one.error_message) for one in report.accounts] == accounts
    assert await rows(store, "SELECT 1 FROM slice") == []
