"""What waits and what does not: one job an account, one waiting for each ask, both noted or neither; and the clock."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from typing import Any

import pytest
from sqlalchemy import text

from lib.access.audit import Actor, Via
from lib.errors import StoreError, UsageError
from lib.history import earliest
from lib.refresh import clockwork
from lib.refresh.cancelling import stop_run
from lib.refresh.progress import whole_progress
from lib.refresh.queue import jobs
from lib.refresh.queue.attending import attend
from lib.refresh.queue.connecting import connector_of
from lib.refresh.queue.jobs import Ask
from lib.refresh.queue.pauses import SharedPacer
from lib.refresh.queue.worker import Working
from lib.refresh.run import note_run, start_run
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.repositories import queue, runs
from lib.store.secrets import TokenVault
from lib.zones import today_in
from tests.factories import add_account, add_client
from tests.fixtures_meta import HandMade
from tests.fixtures_sandbox import LAST_DAY
from tests.integration.refresh.refreshing import stop_the_clock, strike_at, until

NOW = dt.datetime(2026, 11, 20, 12, 17, tzinfo=dt.UTC)
JOBS = "SELECT args->>'ask', status::text, priority FROM queue.procrastinate_jobs ORDER BY id"


async def rows(store: Store, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    async with store.working() as session:
        found = await session.execute(text(statement), values)
        return [tuple(row) for row in found] if found.returns_rows else []


async def add_accounts(store: Store, *account_ids: int, graph_url: str = "", zone: str = "Europe/Berlin") -> int:
    """A client of these accounts, with a token."""
    async with store.working() as session:
        client_id = await add_client(session, f"c{account_ids[0]}")
        for account_id in account_ids:
            await add_account(session, account_id, client_id)
        sealed = TokenVault(get_settings()).seal("fine")
        values = {"id": client_id, "token": sealed, "zone": zone, "url": graph_url}
        await session.execute(text("INSERT INTO credential (client_id, token_encrypted) VALUES (:id, :token)"), values)
        await session.execute(text("UPDATE account SET timezone_name = :zone WHERE client_id = :id"), values)
        await session.execute(text("UPDATE client SET graph_url = :url WHERE id = :id"), values)
        return client_id


async def begin_and_leave(store: Store) -> None:
    """A worker has begun every job, and is gone."""
    await rows(store, "UPDATE queue.procrastinate_jobs SET queueing_lock = NULL")


async def test_a_run_of_twenty_accounts_is_noted_in_few_statements(store: Store) -> None:
    await add_accounts(store, *range(1, 21))
    before = store.statements
    run_id = await start_run(store)
    assert store.statements - before == 11, "however many accounts there are"
    report = await whole_progress(store, run_id)
    assert (len(report.accounts), {one.state for one in report.accounts}) == (20, {"waiting"})
    assert len(await rows(store, JOBS)) == 20


async def test_a_run_and_its_jobs_are_noted_together_or_not_at_all(store: Store) -> None:
    await add_accounts(store, 1)
    async with store.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE queue.procrastinate_jobs RENAME TO elsewhere"))
    try:
        with pytest.raises(StoreError):
            await start_run(store)
        assert await rows(store, "SELECT count(*) FROM refresh_run") == [(0,)]
    finally:
        async with store.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE queue.elsewhere RENAME TO procrastinate_jobs"))


async def test_whoever_asks_for_what_waits_is_told_where(store: Store) -> None:
    await add_accounts(store, 1, 2, 3)
    first = await note_run(store, account_ids=frozenset({1, 2}))
    again = await note_run(store, account_ids=frozenset({1, 2}))
    assert (again.run_id, again.waiting_elsewhere) == (first.run_id, {1: first.run_id, 2: first.run_id})
    more = await note_run(store)
    assert more.run_id != first.run_id
    assert more.waiting_elsewhere == {1: first.run_id, 2: first.run_id}
    assert [one.account_id for one in (await whole_progress(store, more.run_id)).accounts] == [3]
    assert [ask for ask, *_ in await rows(store, JOBS)] == ["asked:1::", "asked:2::", "asked:3::"]


async def test_named_days_are_not_swallowed_by_what_the_clock_asks_for(store: Store) -> None:
    await add_accounts(store, 1)
    await clockwork.note_due(store, NOW)
    await start_run(store, since=LAST_DAY, until=LAST_DAY)
    await start_run(store)
    found = await rows(store, JOBS)
    assert found == [
        ("nightly:1::", "todo", 0),
        (f"asked:1:{LAST_DAY}:{LAST_DAY}", "todo", 20),
        ("asked:1::", "todo", 20),
    ]


async def test_what_was_begun_and_lies_still_gives_way_to_the_same_asked_anew(store: Store) -> None:
    await add_accounts(store, 1)
    old = await start_run(store)
    await begin_and_leave(store)
    new = await start_run(store)
    assert new != old
    ended = await whole_progress(store, old)
    assert (ended.state, ended.accounts[0].state) == ("cancelled", "cancelled")
    assert "asked for again" in str(ended.accounts[0].error_message)
    assert len(await rows(store, JOBS)) == 1


@pytest.mark.parametrize(("via", "first"), [("cli", "--since"), ("api", "since"), ("page", "The first day")])
async def test_days_that_cannot_be_asked_for_are_called_as_their_door_does(store: Store, via: Via, first: str) -> None:
    with pytest.raises(UsageError) as told:
        await start_run(store, via=via, since=dt.date(2001, 1, 1))
    assert told.value.message.startswith(f"{first} 2001-01-01 is more than")


async def test_a_day_that_none_of_the_accounts_could_serve_is_told_and_notes_nothing(store: Store) -> None:
    await add_accounts(store, 1, zone="Pacific/Kiritimati")
    await add_accounts(store, 2, zone="Etc/GMT+12")
    too_old = earliest(today_in("Pacific/Kiritimati")) - dt.timedelta(days=1)
    with pytest.raises(UsageError, match="37 months ago"):
        await start_run(store, account_ids=frozenset({1}), since=too_old, until=too_old)
    assert await rows(store, "SELECT count(*) FROM refresh_run") == [(0,)]
    first = earliest(today_in("Etc/GMT+12"))
    report = await whole_progress(store, await start_run(store, since=first, until=first))
    assert [one.account_id for one in report.accounts] == [1, 2], "one of them can serve it"


async def test_two_who_ask_at_once_note_one_run(store: Store) -> None:
    await add_accounts(store, 1, 2)
    noted = await asyncio.gather(*(note_run(store, actor=Actor("ana@example.com")) for _ in range(5)))
    assert len({one.run_id for one in noted}) == 1
    assert await rows(store, "SELECT count(*) FROM refresh_run") == [(1,)]


async def test_a_stopped_run_leaves_nothing_waiting(store: Store) -> None:
    await add_accounts(store, 1, 2)
    run_id = await start_run(store)
    await stop_run(store, run_id)
    report = await whole_progress(store, run_id)
    assert (report.state, {one.state for one in report.accounts}) == ("cancelled", {"cancelled"})
    assert await rows(store, JOBS) == []


async def test_who_is_cancelled_while_its_worker_ends_waits_for_it(store: Store, hand_made: HandMade) -> None:
    hand_made.add_account(1)
    await add_accounts(store, 1, graph_url=hand_made.url)
    before = asyncio.all_tasks()
    attending = asyncio.create_task(attend(store, await start_run(store)))

    async def is_worked_on() -> bool:
        return await rows(store, "SELECT count(*) FROM queue.procrastinate_workers") == [(1,)]

    await until(is_worked_on)
    while not attending.done():
        attending.cancel()
        await asyncio.sleep(0)
    assert attending.cancelled()
    assert asyncio.all_tasks() == before, "nothing works on behind its back"
    assert await rows(store, "SELECT count(*) FROM queue.procrastinate_workers") == [(0,)]


async def test_a_job_that_never_gets_any_further_is_given_up(store: Store, hand_made: HandMade) -> None:
    hand_made.add_account(1)
    await add_accounts(store, 1, graph_url=hand_made.url)
    run_id = await start_run(store)
    taken = f'{{"takes": {jobs.MOST_TAKES + 1}}}'
    await rows(store, "UPDATE queue.procrastinate_jobs SET args = args || CAST(:taken AS jsonb)", taken=taken)
    report = await attend(store, run_id)
    assert (report.state, hand_made.asked) == ("failed", [])
    assert f"broken off {jobs.MOST_TAKES} times" in str(report.accounts[0].error_message)


async def test_takes_are_counted_from_the_last_progress_on(store: Store) -> None:
    await add_accounts(store, 1)
    run_id = await start_run(store)
    takes = "SELECT (args->>'takes')::int FROM queue.procrastinate_jobs"
    for expected in (1, 2):
        await lose(store)
        async with store.working() as session:
            assert await queue.take_up_stalled(session, 20) == 1
            assert await queue.take_up_stalled(session, 20) == 0
        assert await rows(store, takes) == [(expected,)]
    await rows(
        store,
        "INSERT INTO slice (account_id, date, run_id, fetched_at, rows, is_complete, account_day_ended)"
        " VALUES (1, '2026-11-01', :run, now(), 0, true, true)",
        run=run_id,
    )
    await lose(store)
    async with store.working() as session:
        await queue.take_up_stalled(session, 20)
    assert await rows(store, takes) == [(1,)]


async def lose(store: Store) -> None:
    """A worker that is gone had every job."""
    async with store.working() as session:
        await session.execute(text("SELECT set_config('search_path', 'queue,public', true)"))
        await session.execute(text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL"))


async def test_an_account_that_is_gone_meanwhile_is_left_alone(store: Store, hand_made: HandMade) -> None:
    await add_accounts(store, 1, graph_url=hand_made.url)
    run_id = await start_run(store)
    await rows(store, "UPDATE account SET disconnected_at = now()")
    report = await attend(store, run_id)
    assert (report.state, report.accounts[0].error_message) == ("cancelled", runs.DISCONNECTED)
    assert hand_made.asked == []


async def test_what_meta_says_of_a_token_is_learned_once(store: Store, hand_made: HandMade) -> None:
    hand_made.add_account(1)
    await add_accounts(store, 1, graph_url=hand_made.url)
    for _ in range(2):
        assert (await attend(store, await start_run(store, since=LAST_DAY, until=LAST_DAY))).state == "complete"
    assert [asked.path for asked in hand_made.asked].count("debug_token") == 1
    assert await rows(store, "SELECT app_id, state FROM credential") == [("1", "valid")]


async def kinds(store: Store, noted: list[uuid.UUID]) -> list[tuple[str, list[int]]]:
    found = [await whole_progress(store, run_id) for run_id in noted]
    return [(one.kind, [account.account_id for account in one.accounts]) for one in found]


async def done(store: Store) -> None:
    """Every job was done."""
    async with store.working() as session:
        await session.execute(text("SELECT set_config('search_path', 'queue,public', true)"))
        await session.execute(text("DELETE FROM procrastinate_jobs"))
        await session.execute(text("UPDATE refresh_run_account SET state = 'complete'"))
        await session.execute(text("UPDATE refresh_run SET state = 'complete'"))


async def test_the_clock_asks_nightly_once_a_night_and_hourly_else(store: Store) -> None:
    await add_accounts(store, 1, zone="Europe/Berlin")
    await add_accounts(store, 2, zone="America/Los_Angeles")
    assert await kinds(store, await clockwork.note_due(store, NOW)) == [("nightly", [1, 2])]
    # The night is being done; what the hour asks for waits behind it, once.
    await rows(store, "UPDATE refresh_run SET started_at = :now", now=NOW)
    hour = dt.timedelta(hours=1)
    assert await kinds(store, await clockwork.note_due(store, NOW + hour)) == [("hourly", [1, 2])]
    assert await clockwork.note_due(store, NOW + 2 * hour) == []
    await done(store)
    assert await kinds(store, await clockwork.note_due(store, NOW + 3 * hour)) == [("hourly", [1, 2])]
    await done(store)
    # 03:17 in Berlin; in Los Angeles it is evening.
    at_night = dt.datetime(2026, 11, 21, 2, 17, tzinfo=dt.UTC)
    assert await kinds(store, await clockwork.note_due(store, at_night)) == [("nightly", [1]), ("hourly", [2])]


async def test_the_clock_leaves_out_dead_tokens_archived_clients_and_disconnected_accounts(store: Store) -> None:
    dead = await add_accounts(store, 1)
    archived = await add_accounts(store, 2)
    await add_accounts(store, 3, 4)
    await rows(store, "UPDATE credential SET state = 'dead' WHERE client_id = :id", id=dead)
    await rows(store, "UPDATE client SET archived_at = now() WHERE id = :id", id=archived)
    await rows(store, "UPDATE account SET disconnected_at = now() WHERE account_id = 4")
    assert await kinds(store, await clockwork.note_due(store, NOW)) == [("nightly", [3])]
    assert [one.account_id for one in (await whole_progress(store, await start_run(store))).accounts] == [1, 3]


async def test_a_pause_that_one_worker_met_is_held_by_the_others(store: Store) -> None:
    here, there = SharedPacer(store), SharedPacer(store)
    here.pause("account:7", 120.0, "used up")
    await asyncio.sleep(0)  # until it is on its way
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=20)
    assert there.wait_s("app", 7) == 0
    await there.take_in()
    assert 100 < there.wait_s("app", 7) <= 120
    assert there.reason("app", 7) == "used up"
    assert there.wait_s("app", 8) == 0
    assert await rows(store, "SELECT scope, reason FROM api_pause") == [("account:7", "used up")]


def test_an_ask_has_one_name() -> None:
    assert Ask("hourly").of(7) == "hourly:7::"
    assert Ask(since=LAST_DAY).by_name([1]) == {f"asked:1:{LAST_DAY}:": 1}


async def test_one_of_all_workers_strikes_and_one_notes_what_is_due(store: Store) -> None:
    await add_accounts(store, 1)
    strikes = "SELECT args->>'timestamp' FROM queue.procrastinate_jobs WHERE queue_name = 'clock'"
    for _ in range(2):
        await strike_at(store, NOW.replace(second=30))
        assert await rows(store, strikes) == [(f"{int(NOW.timestamp())}",)], "once, whoever strikes"
    working = Working(store, strikes=True)
    stop_the_clock(working)
    task = asyncio.create_task(working.run())
    async with asyncio.timeout(20):
        while not await rows(store, "SELECT kind FROM refresh_run"):
            await working.place.ended.wait()
    working.stop()
    await task
    assert await rows(store, "SELECT kind FROM refresh_run") == [("nightly",)]


async def test_connections_are_the_workers_whatever_else_the_address_asks_for(store: Store) -> None:
    asked = store.url.update_query_dict({"options": "-c statement_timeout=12345 -c search_path=elsewhere"})
    connector = connector_of(asked)
    await connector.open_async()
    names = ("role", "search_path", "statement_timeout")
    said = ", ".join(f"current_setting('{name}') AS {name}" for name in names)
    found = await connector.execute_query_one_async(f"SELECT {said}")
    await connector.close_async()
    assert [found[name] for name in names] == ["ads_worker", "queue,public", "12345ms"]
