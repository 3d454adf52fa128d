"""Notices of PostgreSQL, on a connection of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from lib.errors import StoreUnavailable
from lib.store.engine import libpq_url

MIRROR_CHANNEL = "ads_mirror"
"""Whoever changes what a mirror holds says here which account it was; an empty notice may mean any."""


async def notices(url: URL, channel: str) -> AsyncIterator[str | None]:
    """None once the channel is listened to, then each notice; StoreUnavailable when the connection is lost."""
    try:
        async with await psycopg.AsyncConnection.connect(libpq_url(url), autocommit=True) as connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            yield None
            async for notice in connection.notifies():
                yield notice.payload
    except psycopg.OperationalError as error:
        raise StoreUnavailable("The database cannot be reached.") from error
