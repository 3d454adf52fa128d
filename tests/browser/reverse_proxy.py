"""A reverse proxy that says where people come from, as those in front of an installation do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any


class _Proxy:
    """Hands every connection on; the first request of each, which for a websocket is its only one, says ``address``."""

    def __init__(self, port: int, address: str) -> None:
        self._port, self._said = port, f"\r\nX-Forwarded-For: {address}\r\n".encode()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            line = await reader.readuntil(b"\r\n")
            there = await asyncio.open_connection("127.0.0.1", self._port)
            there[1].write(line.removesuffix(b"\r\n") + self._said)
            for carrying in (_carry(reader, there[1]), _carry(there[0], writer)):
                self._start(carrying)
            return
        writer.close()

    def _start(self, carrying: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(carrying)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def hang_up(self) -> None:
        """Close every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            while some := await source.read(65536):
                target.write(some)
                await target.drain()
    finally:
        target.close()


@contextmanager
def reverse_proxy(port: int, address: str) -> Iterator[str]:
    """The address of a proxy before this port, for as long as the block runs; to the server all come from ``address``.

    It has a loop and a thread of its own: Playwright keeps the test's.
    """
    opened, url, over = threading.Event(), [], asyncio.Event()

    async def run() -> None:
        proxy = _Proxy(port, address)
        async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
            url.append(f"http://localhost:{server.sockets[0].getsockname()[1]}")
            opened.set()
            await over.wait()
            await proxy.hang_up()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert opened.wait(20)
        yield url[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
