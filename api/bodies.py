"""How bodies are read: as JSON in UTF-8 that says so, whole and of a sane depth."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

from api.deps import get_current_user
from api.negotiation import JSON

_HINT = f"Send it as {JSON} in UTF-8."


class _JsonRequest(Request):
    async def json(self) -> Any:
        try:
            return json.loads((await self.body()).decode(), parse_constant=_refuse_constant)
        except RecursionError as error:
            raise HTTPException(400, "The body cannot be read: it is nested too deeply.") from error
        except ValueError as error:
            # A number of thousands of digits is one too.
            raise HTTPException(400, f"The body cannot be read as JSON. {_HINT}") from error


class JsonRoute(APIRoute):
    """A route that takes bodies of JSON only: 415 for another type, 400 for what is none.

    Who sends a body is looked at before it is read: strangers get a 401 whatever they send.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the check."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            if self.body_field is None:
                return await handle(request)
            await get_current_user(request)
            if _has_body(request) and not _is_json(request.headers.get("content-type")):
                raise HTTPException(415, f"The body is of a type that is not read here. {_HINT}")
            return await handle(_JsonRequest(request.scope, request.receive))

        return checked


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def _is_json(content_type: str | None) -> bool:
    message = Message()
    message["content-type"] = content_type or "text/plain"
    charset = message.get_content_charset("utf-8")
    return message.get_content_type() == JSON and charset.lower().replace("-", "") in ("utf8", "usascii")
