"""COPY of a slice's rows: into the connection's own waiting room, and from there into the tables.

PostgreSQL refuses COPY into a table with row-level security; a temporary table has none and writes no log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import AsyncConnection
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

LISTS = ("actions", "action_values")
"""Columns of the lines that go into a table of their own, beside that of the numbers."""


async def copy_numbers(session: AsyncSession, table: str, columns: Sequence[str], lines: Iterable[bytes]) -> None:
    """Lines of ``columns`` into ``table`` and, as far as they have any of LISTS, into its table of actions."""
    waiting = await _copy(session, table, columns, lines, also=", actions jsonb, action_values jsonb")
    await session.execute(_spread(waiting, table, tuple(name for name in columns if name not in LISTS)))
    listed = tuple(name for name in LISTS if name in columns)
    if listed:
        keys = _KEYS[table]
        anything = " OR ".join(f"{name} IS NOT NULL" for name in listed)
        await session.execute(_spread(waiting, f"{table}_actions", (*keys, *listed), anything))


async def copy_plain(session: AsyncSession, table: str, columns: Sequence[str], lines: Iterable[bytes]) -> None:
    """Lines of ``columns`` into ``table``."""
    await session.execute(_spread(await _copy(session, table, columns, lines), table, columns))


_KEYS = {
    "insight": ("account_id", "date", "ad_id"),
    "insight_breakdown": ("account_id", "date", "breakdown", "ad_id", "key1", "key2"),
}


async def _copy(
    session: AsyncSession, table: str, columns: Sequence[str], lines: Iterable[bytes], also: str = ""
) -> str:
    """Fill the waiting room of ``table``; its name."""
    waiting = f"incoming_{table}"
    made = f"CREATE TEMPORARY TABLE IF NOT EXISTS {waiting} (LIKE {table}{also}) ON COMMIT DELETE ROWS"
    await session.execute(text(made))
    await session.execute(text(f"DELETE FROM {waiting}"))  # noqa: S608 (ours)
    raw = await (await session.connection()).get_raw_connection()
    driver: AsyncConnection[tuple[object, ...]] = raw.driver_connection  # type: ignore[assignment]  # psycopg's, by the URL
    listed = ", ".join(columns)
    async with driver.cursor() as cursor, cursor.copy(f"COPY {waiting} ({listed}) FROM STDIN") as copy:
        await copy.write(b"".join(lines))
    return waiting


def _spread(waiting: str, table: str, columns: Sequence[str], condition: str = "true") -> TextClause:
    listed = ", ".join(columns)
    return text(f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {waiting} WHERE {condition}")  # noqa: S608 (ours)
