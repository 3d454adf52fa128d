"""Answers that go out wrong: a body cut short, one that never comes, one that drips."""

from __future__ import annotations

import asyncio
import logging

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.graph import Answer

_CUT = "ASGI callable returned without completing response."


class Spoilt(Response):
    """One answer, delivered as its `delivery` says. `stopping` is set when the server stops: nothing hangs longer."""

    def __init__(self, answer: Answer, stopping: asyncio.Event) -> None:
        super().__init__(answer.body, answer.status, dict(answer.headers), answer.media)
        self._answer, self._stopping = answer, stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise the whole body; whoever returns without having sent it has the connection closed."""
        gone = asyncio.create_task(_disconnected(receive))
        try:
            body = self.body
            if self._answer.delivery == "hang":
                await self._wait(gone, self._answer.seconds)
                body = b""
            start = {"type": "http.response.start", "status": self.status_code, "headers": self._promised()}
            await send(start)
            if self._answer.delivery == "drip":
                await self._drip(gone, send)
            else:
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        finally:
            gone.cancel()

    def _promised(self) -> list[tuple[bytes, bytes]]:
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        return [*headers, (b"content-length", str(max(2, len(self.body))).encode()), (b"connection", b"close")]

    async def _drip(self, gone: asyncio.Task[None], send: Send) -> None:
        for position in range(len(self.body)):
            if not await self._wait(gone, self._answer.seconds):
                return
            await send({"type": "http.response.body", "body": self.body[position : position + 1], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _wait(self, gone: asyncio.Task[None], seconds: float) -> bool:
        """Whether the time went by with the client still there and the server still running."""
        stopping = asyncio.create_task(self._stopping.wait())
        done, _ = await asyncio.wait({gone, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        return not done


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Meant(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return record.getMessage() != _CUT


def hush() -> None:
    """Keep the server from calling a body that was cut on purpose an error; for after logging is set up."""
    logging.getLogger("uvicorn.error").addFilter(_Meant())
