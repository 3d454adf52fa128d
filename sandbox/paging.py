"""Pages of rows: Meta's cursors, and a next link only while there is more."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from sandbox import errors
from sandbox.params import Params, limit

Position = tuple[int, int]
"""Which chunk, and which row inside it."""


@dataclass(frozen=True)
class Caller:
    """Where the call came in: needed to write links that lead back to this server."""

    base_url: str
    path: str
    token: str


def encode(position: Position) -> str:
    """A cursor that says nothing to its reader."""
    return base64.urlsafe_b64encode(b"QVFI%dZ%d" % position).decode()


def decode(cursor: str) -> Position:
    """The position behind a cursor of `encode`."""
    try:
        text = base64.b64decode(cursor, altchars=b"-_", validate=True).removeprefix(b"QVFI")
        chunk, row = text.split(b"Z")
        position = int(chunk), int(row)
        if min(position) < 0:
            raise ValueError(cursor)
        return position
    except (binascii.Error, ValueError) as broken:
        raise errors.bad_parameter("Invalid cursors values") from broken


def page(chunks: int, rows_of: Callable[[int], list[bytes]], params: Params, caller: Caller,
         more: Iterable[bytes] = ()) -> bytes:  # fmt: skip
    """One page of an edge as JSON text.

    Chunks are only worked out when a page reaches them, so a page of a long report costs what it shows.
    """
    wanted = limit(params)
    start = decode(params["after"]) if params.get("after") else (0, -1)
    taken: list[bytes] = []
    first: Position | None = None
    last = start
    has_more = False
    for chunk, offset, rows in _from(start, chunks, rows_of):
        if len(taken) == wanted:
            has_more = True
            break
        part = rows[offset : offset + wanted - len(taken)] if offset or len(rows) > wanted - len(taken) else rows
        first = first or (chunk, offset)
        taken += part
        last = (chunk, offset + len(part) - 1)
        if offset + len(part) < len(rows):
            has_more = True
            break
    parts = [b'{"data":[', b",".join(taken), b"]"]
    if first is not None:
        cursors = {"before": encode(first), "after": encode(last)}
        paging: dict[str, object] = {"cursors": cursors}
        if has_more:
            query = {k: v for k, v in params.items() if k not in ("after", "before", "access_token")}
            query |= {"access_token": caller.token, "after": cursors["after"]}
            paging["next"] = f"{caller.base_url}{caller.path}?{urlencode(query)}"
        parts += [b',"paging":', orjson.dumps(paging)]
    return b"".join([*parts, *more, b"}"])


def _from(
    start: Position, chunks: int, rows_of: Callable[[int], list[bytes]]
) -> Iterator[tuple[int, int, list[bytes]]]:
    for chunk in range(max(0, start[0]), chunks):
        rows, offset = rows_of(chunk), start[1] + 1 if chunk == start[0] else 0
        if offset < len(rows):
            yield chunk, offset, rows
