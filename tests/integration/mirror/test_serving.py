"""A mirror that keeps itself current: before it stands, while it is renewed, when connections break, at its end."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import sys
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from dashboard import bridge
from lib.errors import AppError
from lib.insights.asking import EngineFailed
from lib.insights.engine import PostgresEngine
from lib.insights.mirror import Mirror
from lib.insights.mirror.errors import MirrorAside, MirrorBroken
from lib.insights.query import InsightQuery
from lib.insights.run import InsightAnswer, open_query, run_query
from lib.store.engine import Store
from tests import factories
from tests.fixtures_database import Database
from tests.integration.insights import world
from tests.integration.mirror.holding import EVERYONE, QUERY, held, stored, told
from tests.integration.mirror.test_killed import shut
from tests.locking import HERE
from tests.serving import arrives

BY_AD = InsightQuery(world.FIRST, world.LAST, ("date", "ad"), ("spend",))
NEXT_VERSION = text("UPDATE slice SET version = nextval('slice_version') WHERE account_id = 103 AND date = :day")
RENAME = "UPDATE campaign SET name = %s WHERE account_id = 101"
BUILDING = "The mirror is being built; answers come from PostgreSQL until it stands."
SILENTLY = "SET session_replication_role = replica"
"""No trigger fires in such a session, so nobody is told of its changes."""


async def name_on(mirror: Mirror) -> str:
    """What the mirror calls the first campaign of account 101."""
    with mirror.reading() as reader:
        found = reader.do(lambda cursor: cursor.execute("SELECT name FROM campaign WHERE account_id = 101").fetchone())
    return str(found[0]) if found else ""


async def comes_true(holds: Callable[[], Any], what: str) -> None:
    """Until the coroutine gives true; a mirror that does not stand just now has not arrived yet."""

    async def wait() -> None:
        while True:
            with contextlib.suppress(EngineFailed):
                if await holds():
                    return
            await asyncio.sleep(0.01)

    try:
        await asyncio.wait_for(wait(), 60)
    except TimeoutError:
        raise AssertionError(f"{what}: not within 60 s") from None


async def is_called(mirror: Mirror, name: str) -> None:
    """Until the mirror tells this name."""

    async def holds() -> bool:
        return await name_on(mirror) == name

    await comes_true(holds, f"the mirror has heard of {name}")


async def test_postgres_answers_until_it_stands(kept: Mirror, store: Store, database_of_worker: Database) -> None:
    with shut(database_of_worker, "creative"):
        await kept.start()
        await arrives(lambda: kept.status().reason == BUILDING and waits(database_of_worker), "it is being built")
        for _ in range(5):
            assert kept.engine() is None
            before = await told(kept, store)
            assert before.engine == "postgres"
    await arrives(kept.engine, "the mirror stands", within_s=60)
    after = await told(kept, store)
    assert (after.engine, after.rows) == ("mirror", before.rows)


def waits(database: Database) -> bool:
    """Whether the mirror has come to the table that is shut."""
    return bool(
        database.owner(f"SELECT pid FROM pg_locks WHERE relation = 'creative'::regclass AND NOT granted AND {HERE}")
    )


async def test_a_rebuild_disturbs_nobody(kept: Mirror, store: Store, database_of_worker: Database) -> None:
    await kept.start()
    await arrives(kept.engine, "the mirror stands")
    right = (await run_query(PostgresEngine(store), QUERY, EVERYONE)).rows
    answers: list[InsightAnswer] = []
    with shut(database_of_worker, "creative"):
        rebuilding = asyncio.create_task(kept.rebuild())
        await arrives(lambda: waits(database_of_worker), "the rebuild has begun")
        answers.extend([await told(kept, store) for _ in range(5)])
        assert {answer.engine for answer in answers} == {"mirror"}, "the file of before goes on"
    while not rebuilding.done():
        answers.extend(await asyncio.gather(*(told(kept, store) for _ in range(4))))
    await rebuilding
    answers.append(await told(kept, store))
    assert answers[-1].engine == "mirror"
    assert all(answer.rows == right for answer in answers)


async def test_a_condemned_file_is_renewed_while_postgres_answers(
    kept: Mirror, store: Store, database_of_worker: Database
) -> None:
    await kept.start()
    await arrives(kept.engine, "the mirror stands")
    right = await told(kept, store)
    with shut(database_of_worker, "creative"):
        kept.condemn(MirrorBroken("The mirror's file cannot be read."))
        assert kept.engine() is None
        assert "It is built anew" in kept.status().reason
        await arrives(lambda: waits(database_of_worker), "it is being built")
        answer = await told(kept, store)
        assert (answer.engine, answer.rows) == ("postgres", right.rows)
    await arrives(kept.engine, "the mirror stands again", within_s=60)
    assert (await told(kept, store)).rows == right.rows


async def test_whoever_asks_while_it_goes_up_and_down_is_answered(kept: Mirror, store: Store) -> None:
    right = (await run_query(PostgresEngine(store), BY_AD, EVERYONE)).rows
    await kept.start()
    await arrives(kept.engine, "the mirror stands")
    stopped, engines, wrong = asyncio.Event(), set[str](), 0

    async def read_on() -> None:
        nonlocal wrong
        while not stopped.is_set():
            answer = await told(kept, store, BY_AD)
            engines.add(answer.engine)
            wrong += answer.rows != right

    readers = [asyncio.create_task(read_on()) for _ in range(8)]
    for _ in range(6):
        await arrives(kept.engine, "the mirror stands", within_s=60)
        engines.clear()
        await arrives(lambda: "mirror" in engines, "the mirror answers", within_s=60)
        kept.condemn(MirrorBroken("The mirror's file cannot be read."))
        await arrives(lambda: "postgres" in engines, "PostgreSQL answers", within_s=60)
    await arrives(kept.engine, "the mirror stands", within_s=60)
    await kept.close()
    engines.clear()
    await arrives(lambda: engines, "they are answered after its end, too")
    stopped.set()
    await asyncio.gather(*readers)
    assert wrong == 0
    assert engines == {"postgres"}


@pytest.mark.parametrize("how", ["closed", "condemned"])
async def test_a_stream_that_is_read_while_the_file_is_closed(kept: Mirror, store: Store, how: str) -> None:
    await kept.catch_up()
    engine = kept.engine()
    assert engine is not None
    async with open_query(engine, BY_AD, EVERYONE) as stream:
        if how == "closed":
            await kept.close()
        else:
            kept.condemn(MirrorBroken("The mirror's file cannot be read."))
            await kept.catch_up()
        with pytest.raises(MirrorAside, match="does not stand just now"):
            _ = [batch async for batch in stream.batches()]
    assert (await told(kept, store)).engine == ("postgres" if how == "closed" else "mirror")


async def test_a_question_that_runs_is_stopped_by_the_end_of_the_file(kept: Mirror) -> None:
    await kept.catch_up()
    with kept.reading() as reader:
        endless = "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range * b.range % 7 = 9"
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def work() -> object:
            loop.call_soon_threadsafe(begun.set)
            return reader.do(lambda cursor: cursor.execute(endless).fetchall())

        asked = asyncio.create_task(kept.threads.run(work, reader))
        await begun.wait()
        await asyncio.wait_for(kept.close(), 30)
        with pytest.raises(Exception, match=r"(?i)interrupt|does not stand just now"):
            await asyncio.wait_for(asked, 30)


async def test_a_question_that_takes_too_long_is_stopped(kept: Mirror) -> None:
    await kept.catch_up()
    endless = "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range * b.range % 7 = 9"
    with kept.reading() as reader, pytest.raises(AppError, match="took too long and was stopped"):
        await kept.threads.run(lambda: reader.do(lambda cursor: cursor.execute(endless)), reader, limit_s=0.2)
    assert (await run_query_on(kept)).engine == "mirror"


async def run_query_on(mirror: Mirror) -> InsightAnswer:
    """The answer of the mirror, which has to stand."""
    engine = mirror.engine()
    assert engine is not None
    return await run_query(engine, QUERY, EVERYONE)


async def test_what_no_notice_tells_is_found_by_the_poll(kept: Mirror, database_of_worker: Database) -> None:
    await kept.start()
    await arrives(kept.engine, "the mirror stands")
    with database_of_worker.connect() as connection:
        connection.execute(SILENTLY)
        connection.execute(RENAME, ["Changed in silence"])
    await is_called(kept, "Changed in silence")


async def test_a_page_can_wait_for_what_was_stored(kept: Mirror, store: Store, database_of_worker: Database) -> None:
    await kept.catch_up()  # it is not started, so nothing tells it of changes
    bridge.attach(asyncio.get_running_loop(), store, kept)
    try:
        await asyncio.to_thread(database_of_worker.owner, RENAME, ["Renamed"])
        assert await name_on(kept) != "Renamed"
        await asyncio.to_thread(bridge.take_in)
        assert await name_on(kept) == "Renamed"
    finally:
        bridge.detach()


async def test_a_listening_connection_that_is_cut(kept: Mirror, database_of_worker: Database) -> None:
    listening = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    await kept.start()
    await arrives(lambda: kept.engine() and database_of_worker.owner(listening), "the mirror stands and listens")
    ((pid,),) = database_of_worker.owner(listening)
    database_of_worker.owner("SELECT pg_terminate_backend(%s)", [pid])
    database_of_worker.owner(RENAME, ["Changed when nobody listened"])
    await is_called(kept, "Changed when nobody listened")
    await arrives(lambda: set(database_of_worker.owner(listening)) - {(pid,)}, "it listens again")
    database_of_worker.owner(RENAME, ["Changed afterwards"])
    await is_called(kept, "Changed afterwards")


async def test_every_connection_is_cut(kept: Mirror, store: Store, database_of_worker: Database) -> None:
    await kept.start()
    await arrives(kept.engine, "the mirror stands")
    for number in range(3):
        database_of_worker.owner(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        database_of_worker.owner(RENAME, [f"Cut {number} times"])
        await is_called(kept, f"Cut {number} times")
    await arrives(kept.engine, "the mirror stands")
    assert await held(kept) == stored(database_of_worker)
    await store.dispose()


async def test_a_migration_that_holds_the_tables_is_waited_for(kept: Mirror, database_of_worker: Database) -> None:
    await kept.start()
    await arrives(kept.engine, "the mirror stands")
    with shut(database_of_worker, "campaign"):
        database_of_worker.owner("UPDATE adset SET name = 'Changed' WHERE account_id = 101")
        waiting = f"SELECT pid FROM pg_locks WHERE relation = 'campaign'::regclass AND NOT granted AND {HERE}"
        await arrives(lambda: database_of_worker.owner(waiting), "the mirror waits")
    database_of_worker.owner(RENAME, ["Changed by a migration"])
    await is_called(kept, "Changed by a migration")


async def test_four_weeks_of_an_account_arrive(kept: Mirror, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    await kept.start()
    engine = await arrives(kept.engine, "the mirror stands")
    days = [world.FIRST + dt.timedelta(days=number) for number in range(28)]
    for day in days:
        async with store.working() as session:
            rows = [factories.insight_row(103, day, 900_000 + ad, spend=1, impressions=9) for ad in range(100)]
            await factories.add_insights(session, rows)
            if day > world.LAST:
                await factories.add_slice(session, 103, day)
            else:
                await session.execute(NEXT_VERSION, {"day": day})
    query = InsightQuery(days[0], days[-1], (), ("spend",), account_ids=frozenset({103}))
    right = (await run_query(PostgresEngine(store), query, EVERYONE)).rows

    async def is_there() -> bool:
        return (await run_query(engine, query, EVERYONE)).rows == right

    await comes_true(is_there, "the mirror has the new numbers")
    assert kept.status().catch_up_ms is not None
    newest = await PostgresEngine(store).version(EVERYONE)

    async def is_said() -> bool:
        return await engine.version(EVERYONE) >= newest

    await comes_true(is_said, "the mirror's version follows its numbers")
    with capsys.disabled():
        sys.stdout.write(f" the last catch-up took {kept.status().catch_up_ms} ms")
