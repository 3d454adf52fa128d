"""A server in a thread that answers over the wire whatever a test puts into its hands."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

Params = dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What goes out. ``missing`` bytes are promised and never sent; ``silent`` waits until the server stops; with
    ``drip_s`` each byte comes that much later than the last.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0
    silent: bool = False
    drip_s: float = 0.0


def ok(body: Any) -> Answer:
    """An answer with ``body`` as JSON."""
    return Answer(200, json.dumps(body).encode())


def refusal(
    status: int = 400, code: int | None = None, subcode: int | None = None, message: str = "Refused", **more: Any
) -> Answer:
    """An error body as the Graph has it; ``headers`` among ``more`` go where they belong."""
    headers = more.pop("headers", {})
    named = {"message": message, "type": "OAuthException", "code": code, "error_subcode": subcode, **more}
    error = {name: value for name, value in named.items() if value is not None}
    return Answer(status, json.dumps({"error": error}).encode(), headers)


@dataclass(frozen=True)
class Asked:
    """A request that came in: ``path`` behind the version, ``params`` of the address and of the body."""

    path: str
    params: Params
    method: str = "GET"


class Wire:
    """The server. Set ``reply``, or give ``answers`` that are sent one after the other, the last one for ever.

    ``clock_ahead_s`` is how far its clock is ahead of ours.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.clock_ahead_s = 0.0
        self.reply: Callable[[Asked], Answer] = lambda asked: Answer(404, b"nothing here")
        self.stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"wire": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answers(self, *answers: Answer) -> None:
        """Send these one after the other, the last one for ever."""
        waiting = list(answers)
        self.reply = lambda asked: waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def stop(self) -> None:
        """Let every hanging answer go and close the door."""
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    wire: Wire
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        params = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(parse_qsl(body, keep_blank_values=True))
        asked = Asked(parts.path.removeprefix("/v26.0/"), params, self.command)
        self.wire.asked.append(asked)
        answer = self.wire.reply(asked)
        if answer.silent:
            self.wire.stopped.wait(30)
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body) + answer.missing))
        self.send_header("connection", "close")
        self.end_headers()
        with suppress(OSError):
            self._send(answer)
        self.close_connection = True

    def do_POST(self) -> None:
        self.do_GET()

    def _send(self, answer: Answer) -> None:
        if not answer.drip_s:
            self.wfile.write(answer.body)
            return
        for number in range(len(answer.body)):
            self.wfile.write(answer.body[number : number + 1])
            if self.wire.stopped.wait(answer.drip_s):
                return

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The time by the server's clock."""
        return super().date_time_string((timestamp or time.time()) + self.wire.clock_ahead_s)

    def log_message(self, *words: Any) -> None:
        """Say nothing: request lines hold tokens."""


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A server of this test's own."""
    server = Wire()
    yield server
    server.stop()
