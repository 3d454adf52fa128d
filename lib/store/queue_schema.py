"""The tables of the queue, in a schema of their own: made and brought up to date by procrastinate's own scripts.

Source: https://procrastinate.readthedocs.io (how-to guides, production, migrations).
"""

from __future__ import annotations

from typing import Any

from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncSession

SCHEMA = "queue"
SEARCH_PATH = f"{SCHEMA}, public"
"""Procrastinate's statements name none of their tables with a schema, so whoever runs them says where they are."""


def create(connection: Connection) -> None:
    """Make the schema and its tables, and let the worker's role use them."""
    connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    connection.execute(text(f"SET LOCAL search_path TO {SEARCH_PATH}"))
    connection.exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    connection.execute(text("SET LOCAL search_path TO public"))
    for statement in (
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO ads_worker",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO ads_worker",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO ads_worker",
    ):
        connection.execute(text(statement))


def drop(connection: Connection) -> None:
    """Remove the schema with every waiting job."""
    connection.execute(text(f"DROP SCHEMA {SCHEMA} CASCADE"))


async def driver_of(session: AsyncSession) -> Any:
    """psycopg's connection of this transaction, for which the queue's tables come before all others from now on."""
    await session.execute(text("SELECT set_config('search_path', :path, true)"), {"path": SEARCH_PATH})
    return (await (await session.connection()).get_raw_connection()).driver_connection
