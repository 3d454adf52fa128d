"""What a PostgreSQL server says of itself, whatever is or is not in the database."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from lib.store.engine import Store, translate

_ABOUT = text(
    "SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,"
    " clock_timestamp() AS now"
)

_ASKS = 3
"""The quickest answer says the most of its clock: of a slow one nobody knows which way was the slow one."""


@dataclass(frozen=True)
class ServerFacts:
    """``number`` is the version as 180001; ``clock_ahead_s`` is how far its clock is ahead of ours."""

    version: str
    number: int
    answered_in_s: float
    clock_ahead_s: float


async def server_facts(store: Store) -> ServerFacts:
    """Ask the server; StoreUnavailable where it does not answer."""
    try:
        async with store.engine.connect() as connection:
            return min([await _asked(connection) for _ in range(_ASKS)], key=lambda facts: facts.answered_in_s)
    except (DBAPIError, OSError) as error:
        raise translate(error) from error


async def _asked(connection: AsyncConnection) -> ServerFacts:
    began = time.monotonic()
    row = (await connection.execute(_ABOUT)).one()
    took = time.monotonic() - began
    ahead = (row.now - dt.datetime.now(dt.UTC)).total_seconds() + took / 2
    return ServerFacts(str(row.version).split()[0], row.number, took, ahead)
