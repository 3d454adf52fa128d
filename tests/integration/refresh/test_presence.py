"""A worker's presence while its network breaks: the server goes on with old sessions, and lines fall silent."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sqlalchemy.engine import URL

from lib.store.engine import Store
from lib.store.presence import Presence
from lib.store.repositories import queue
from tests.integration.refresh.refreshing import until
from tests.integration.refresh.test_queue import rows
from tests.locking import HERE

SEVENTH = f"FROM pg_locks WHERE locktype = 'advisory' AND classid = 20651 AND objid = 7 AND {HERE}"
HELD = f"SELECT count(*) {SEVENTH}"


async def living(store: Store) -> int:
    """Workers that live, after the seventh has said that it does."""
    async with store.working() as session:
        await queue.beat(session, 7)
        return await queue.living_workers(session, 20)


async def test_a_worker_is_present_by_a_new_connection_while_the_server_keeps_the_old_one(store: Store) -> None:
    async def is_alone() -> bool:
        return await rows(store, HELD) == [(1,)]

    old, new = Presence(store.url, 7), Presence(store.url, 7)
    await old.hold()
    try:
        async with asyncio.timeout(10):
            await new.hold()
        assert await living(store) == 1
        await old.leave()
        await until(is_alone)
        assert await living(store) == 1
    finally:
        await old.leave()
        await new.leave()


async def test_a_session_that_the_server_ended_is_followed_by_another(store: Store) -> None:
    presence = Presence(store.url, 7)
    await presence.hold()
    async with store.engine.begin() as connection:
        await connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {SEVENTH}")
    await presence.hold()
    assert await living(store) == 1
    await presence.leave()


async def test_who_leaves_off_while_it_waits_for_the_lock_keeps_no_connection(store: Store) -> None:
    async def waiting() -> bool:
        return await rows(store, f"{HELD} AND NOT granted") == [(1,)]

    async def none() -> bool:
        return await rows(store, f"{HELD} AND NOT granted") == [(0,)]

    presence = Presence(store.url, 7)
    async with store.engine.begin() as connection:
        await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20651, 7)")
        holding = asyncio.create_task(presence.hold())
        await until(waiting)
        holding.cancel()
        await asyncio.wait({holding})
        await until(none)
    assert holding.cancelled()
    assert await rows(store, HELD) == [(0,)]


class Line:
    """A way to the database that can fall silent: nothing passes any more, and neither end is told."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._passes = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> URL:
        """The address of the database by this line."""
        self._passes.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        here = self._server.sockets[0].getsockname()[1]
        return self._url.set(host="127.0.0.1", port=here).difference_update_query(["host", "port"])

    def fall_silent(self) -> None:
        """Who is connected hears nothing any more; new connections are fine."""
        self._passes.clear()
        self._passes = asyncio.Event()
        self._passes.set()

    async def close(self) -> None:
        """Hang up."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        folder, port = self._url.query.get("host"), self._url.port or 5432
        far = (
            await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
            if folder
            else await asyncio.open_connection(self._url.host, port)
        )
        for source, target in ((reader, far[1]), (far[0], writer)):
            self._tasks.add(asyncio.create_task(self._carry(source, target, self._passes)))

    @staticmethod
    async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, passes: asyncio.Event) -> None:
        try:
            with suppress(OSError):
                while some := await source.read(65536):
                    await passes.wait()
                    target.write(some)
                    await target.drain()
        finally:
            target.close()


async def test_a_line_that_fell_silent_is_given_up_within_seconds(store: Store) -> None:
    line = Line(store.url)
    presence = Presence(await line.open(), 7)
    try:
        await presence.hold()
        line.fall_silent()
        async with asyncio.timeout(19):  # less than after which it is taken for gone
            await presence.hold()
        assert await rows(store, HELD) == [(2,)]
        assert await living(store) == 1
    finally:
        await presence.leave()
        await line.close()
