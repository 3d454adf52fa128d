"""`/__sandbox/faults`: POST adds rules, GET tells them with their counts, DELETE forgets them."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults.layer import Faults
from sandbox.faults.rules import BadRule

METHODS = ["GET", "POST", "DELETE"]
_JSON = "application/json; charset=UTF-8"


class FaultRoutes:
    """The page of one server's faults."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    async def answer(self, request: Request) -> Response:
        """Answer with all rules after whatever was asked."""
        if request.method == "DELETE":
            self._faults.clear()
        elif request.method == "POST":
            try:
                given: Any = orjson.loads(await request.body())
                if not isinstance(given, list):
                    raise BadRule("the rules must be a JSON list")
                self._faults.add(given)
            except (orjson.JSONDecodeError, BadRule) as wrong:
                return Response(orjson.dumps({"error": {"message": str(wrong)}}), 400, media_type=_JSON)
        told = {"rules": [rule.told() for rule in self._faults.rules], "calls": dict(self._faults.calls)}
        return Response(orjson.dumps(told), media_type=_JSON)
