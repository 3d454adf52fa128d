"""`/__sandbox/calls`: when each call came and was answered, for which account, by which connection; DELETE forgets."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from starlette.requests import Request
from starlette.responses import Response

METHODS = ["GET", "DELETE"]
MOST_CALLS = 20_000
_JSON = "application/json; charset=UTF-8"


class Journal:
    """The last calls of one server, the oldest first; moments are seconds of its own clock."""

    def __init__(self) -> None:
        self._calls: deque[dict[str, str | int | float]] = deque(maxlen=MOST_CALLS)

    @contextmanager
    def noting(self, request: Request) -> Iterator[None]:
        """Note the call that is answered inside."""
        begun = time.monotonic()
        try:
            yield
        finally:
            account = next((part for part in request.url.path.split("/") if part.startswith("act_")), "")
            port = request.client.port if request.client else 0
            about = {"account": account.removeprefix("act_"), "connection": port}
            self._calls.append({**about, "begun": begun, "ended": time.monotonic()})

    async def answer(self, request: Request) -> Response:
        """Answer with all calls that are known, after whatever was asked."""
        if request.method == "DELETE":
            self._calls.clear()
        return Response(orjson.dumps({"calls": list(self._calls)}), media_type=_JSON)
