"""Runs the migrations as the owner of the database, on the async engine's driver.

``lib.store.migrate`` hands over the address; by hand, ``alembic`` takes it from DATABASE_URL.
"""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from lib.errors import SettingsError
from lib.settings import get_settings
from lib.store.engine import store_url
from lib.store.models import Base

LOCK = 7_205_411
"""Two programs that start at once migrate one after the other."""


def migrate(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
    connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def connect() -> None:
    url = context.config.attributes.get("url") or get_settings().database_url.get_secret_value()
    if not url:
        raise SettingsError("DATABASE_URL is not set.", "The embedded store migrates itself: use `python -m lib`.")
    address = store_url(str(url)) if isinstance(url, str) else url
    engine = create_async_engine(address, poolclass=pool.NullPool, hide_parameters=True)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


asyncio.run(connect())
