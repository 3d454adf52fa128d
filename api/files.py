"""Whole answers as files: written and logged first, in a nameless file on disk, then sent.

So a slow reader holds a file and never a connection of the store, a failure is an answer of its own and never a part
that looks whole, and nothing leaves that is not in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any, BinaryIO, TypeVar

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from lib.insights.export import nameless

T = TypeVar("T")
CHUNK = 262_144


async def written(request: Request, write: Callable[[BinaryIO], Coroutine[Any, Any, T]]) -> tuple[BinaryIO, T] | None:
    """A file with what ``write`` puts into it, and what that gives; ``None`` where the reader leaves first."""
    with nameless() as file:
        result = await _unless_gone(request, write(file))
        if result is not None:
            return file, result
    file.close()
    return None


async def _unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    working, leaving = asyncio.create_task(work), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
    return None if working.cancelled() else working.result()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Sent(StreamingResponse):
    """The answer that reads ``file`` from its beginning, and closes it whatever becomes of the reader."""

    def __init__(self, file: BinaryIO, size: int, media_type: str, headers: dict[str, str]) -> None:
        self._file = file
        super().__init__(_chunks(file), media_type=media_type, headers={**headers, "Content-Length": str(size)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    file.seek(0)
    while chunk := await asyncio.to_thread(file.read, CHUNK):
        yield chunk
