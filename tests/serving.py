"""An ASGI app on a real socket, served by uvicorn on the test's own loop."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp


@dataclass(frozen=True)
class Served:
    """A running server."""

    port: int
    server: uvicorn.Server
    task: asyncio.Task[None]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """The same for websockets."""
        return f"ws://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """End it as a signal would, and wait for it."""
        self.server.should_exit = True
        await asyncio.wait_for(self.task, 20)


async def arrives(holds: Callable[[], Any], what: str, *, within_s: float = 20) -> Any:
    """The first true answer of ``holds``, while the loop goes on; the test fails with ``what`` where none comes."""
    deadline = time.monotonic() + within_s
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        await asyncio.sleep(0.002)
    return answer


@asynccontextmanager
async def serving(app: ASGIApp, **options: object) -> AsyncIterator[Served]:
    """Serve ``app`` on a free port of the loopback as long as the block runs."""
    # Where the protocol is not named, asyncio leaves out TCP_NODELAY, and each answer takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        chosen: dict[str, Any] = {"log_config": None, "lifespan": "off", "timeout_graceful_shutdown": 5, **options}
        server = uvicorn.Server(uvicorn.Config(app, **chosen))
        # ``serve`` would take the signals, which are pytest's.
        task = asyncio.create_task(server._serve(sockets=[listener]))
        served = Served(listener.getsockname()[1], server, task)
        await arrives(lambda: server.started or task.done(), "the server has started")
        try:
            yield served
        finally:
            await served.stop()
