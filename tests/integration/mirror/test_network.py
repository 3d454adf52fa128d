"""A network that is cut without a word: the connections notice it, and do not wait for the kernel to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from lib.errors import StoreUnavailable
from lib.insights.mirror.origin import Origin
from lib.store.engine import Store, libpq_url, store_url
from lib.store.notices import notices
from tests.fixtures_processes import until


def look(url: URL) -> None:
    """As a catch-up does."""
    with closing(Origin(url, threading.Event())) as origin, origin.snapshot():
        pass


def listen(url: URL) -> None:
    """As the keeping does."""

    async def first() -> None:
        async for _ in notices(url, "channel"):
            return

    asyncio.run(first())


def ask(url: URL) -> None:
    """As PostgreSQL is asked by everything else."""

    async def once() -> None:
        store = Store(url)
        try:
            async with store.working():
                pass
        finally:
            await store.dispose()

    asyncio.run(once())


def end_of(peer: tuple[str, int]) -> socket.socket | None:
    """This process's own end of the connection that another end of it calls ``peer``."""
    for name in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError, ValueError):
            mine = socket.socket(fileno=os.dup(int(name.name)))
            if mine.family == socket.AF_INET and mine.getsockname() == peer:
                return mine
            mine.close()
    return None


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize("connect", [look, listen, ask])
def test_a_connection_that_died_in_silence_is_given_up(silent: socket.socket, connect: Callable[[URL], None]) -> None:
    failures: list[Exception] = []

    def work() -> None:
        try:
            connect(store_url(f"postgresql://me:secret@127.0.0.1:{silent.getsockname()[1]}/ads"))
        except StoreUnavailable as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    accepted, peer = silent.accept()
    with accepted:
        mine = until(lambda: end_of(peer), "the connection is found")
        with mine:
            said = [mine.getsockopt(socket.IPPROTO_TCP, each) for each in (
                socket.TCP_USER_TIMEOUT, socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT
            )]  # fmt: skip
            assert mine.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert said == [30_000, 15, 5, 3]
    thread.join(30)
    assert [str(failure).startswith("The database cannot be reached.") for failure in failures] == [True]


def test_who_runs_the_database_may_say_otherwise() -> None:
    address = libpq_url(store_url("postgresql://me@db/ads?sslmode=require&tcp_user_timeout=1000"))
    assert "tcp_user_timeout=1000" in address
    assert "sslmode=require" in address
    assert "keepalives_idle=15" in address
