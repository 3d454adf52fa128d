"""Brings a database to the newest migration, and makes the embedded one."""

from __future__ import annotations

import asyncio

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg import sql
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from lib.errors import StoreError, StoreUnavailable
from lib.settings import ROOT
from lib.store.engine import Store, translate


def _config(url: URL) -> Config:
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    return config


def head() -> str:
    """The newest migration there is."""
    revision = ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).get_current_head()
    return str(revision)


def is_known(revision: str) -> bool:
    """Whether this program has that migration."""
    found = ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).walk_revisions()
    return revision in {script.revision for script in found}


async def current(store: Store) -> str | None:
    """The migration that the database stands at; ``None`` where it has none."""

    async def read(connection: AsyncConnection) -> str | None:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())

    try:
        async with store.engine.connect() as connection:
            return await read(connection)
    except (DBAPIError, OSError) as error:
        raise translate(error) from error


def _stands_at(url: URL) -> str | None:
    """The migration of the database, without Alembic's machinery: every command asks."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, connect_timeout=30) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def bring_up_to_date(url: URL) -> None:
    """Migrate where the database is behind; call it where no event loop runs.

    StoreError where the database was made by a newer program, StoreUnavailable where it does not answer.
    """
    try:
        revision = _stands_at(url)
    except psycopg.OperationalError as error:
        raise StoreUnavailable("The database cannot be reached.") from error
    if revision == head():
        return
    try:
        upgrade(url)
    except CommandError as error:
        raise StoreError(
            f"The database stands at the migration {revision}, which this program does not know; it was left alone.",
            "Start the newer version that made it, or name another database in DATABASE_URL.",
        ) from error


def upgrade(url: URL, revision: str = "head") -> None:
    """Run the migrations up to ``revision``; call it where no event loop runs.

    StoreError names what the owner of the database has to be allowed.
    """
    try:
        command.upgrade(_config(url), revision)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise StoreError(
                f"The user {url.username} of DATABASE_URL may not migrate it: {error.orig.diag.message_primary}.",
                "Give it CREATEROLE and the ownership of the database, then start again. Nothing was changed.",
            ) from error
        raise translate(error) from error


def downgrade(url: URL, revision: str = "base") -> None:
    """Run the migrations down to ``revision``; call it where no event loop runs."""
    command.downgrade(_config(url), revision)


def ensure_database(url: URL) -> None:
    """Create the database of ``url`` where the server has none of that name."""

    async def create() -> None:
        admin = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
        async with await psycopg.AsyncConnection.connect(admin, autocommit=True, connect_timeout=30) as connection:
            found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [url.database])
            if await found.fetchone() is None:
                await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(url.database or "ads")))

    try:
        asyncio.run(create())
    except psycopg.errors.DuplicateDatabase:
        return
    except psycopg.OperationalError as error:
        raise StoreUnavailable("The database cannot be reached.") from error
