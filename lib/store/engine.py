"""One engine on one loop in each process, and the roles that its transactions take.

Every transaction names its role and, for the app's, whose accounts it may see, with ``set_config(…, true)``:
when the transaction ends, both are gone, so nothing leaks to the next user of the pooled connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import psycopg
from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from lib.access.viewer import Viewer
from lib.errors import AppError, QueryError, SettingsError, StoreError, StoreFull, StoreUnavailable

APP_ROLE = "ads_app"
WORKER_ROLE = "ads_worker"
MIRROR_ROLE = "ads_mirror_reader"
ROLES = (APP_ROLE, WORKER_ROLE, MIRROR_ROLE)

_BECOME = text(
    "SELECT set_config('role', :role, true), set_config('ads.account_ids', :accounts, true),"
    " set_config('ads.client_ids', :clients, true), set_config('statement_timeout', :timeout, true)"
)


def store_url(url: str) -> URL:
    """``url`` for psycopg 3, whatever driver or none it names; SettingsError where it is not an address."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise SettingsError(
            "DATABASE_URL is not the address of a database.", "Write postgresql://USER:PASSWORD@HOST/DATABASE."
        ) from error
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise SettingsError(f"DATABASE_URL names {parsed.get_backend_name()}; the store is PostgreSQL.")
    return parsed.set(drivername="postgresql+psycopg")


def translate(error: DBAPIError | psycopg.Error | PoolTimeout | OSError) -> AppError:
    """The sentence for a driver's error: QueryError where it is about what a person wrote, else a StoreError."""
    cause = getattr(error, "orig", error)
    if isinstance(cause, psycopg.errors.InvalidRegularExpression):
        reason = (cause.diag.message_primary or "").removeprefix("invalid regular expression: ")
        return QueryError(
            f"A regular expression of the filters cannot be read: {reason}.",
            "Correct it, or use ~ to look for plain text.",
        )
    if isinstance(cause, psycopg.errors.DiskFull):
        return StoreFull("PostgreSQL has no space left on its disk.")
    if isinstance(cause, psycopg.errors.QueryCanceled):
        return StoreError("The query took too long and was stopped.", "Nothing was changed. Ask for a shorter period.")
    if isinstance(error, PoolTimeout):
        return StoreUnavailable("The database is too busy: no connection was free.", "Nothing was lost. Try again.")
    lost = isinstance(error, (OSError, OperationalError, InterfaceError, psycopg.OperationalError))
    if lost or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return StoreUnavailable("The database cannot be reached.")
    return StoreError("The database refused the request.", "Nothing was changed. The log has the reason.")


def _csv(ids: Iterable[int]) -> str:
    return ",".join(str(number) for number in sorted(ids))


class Store:
    """The engine of this process. Make it on the loop that uses it, and ``dispose`` it there."""

    def __init__(self, url: str | URL, *, pool_size: int = 8) -> None:
        self.url = store_url(url) if isinstance(url, str) else url
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 10},
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._statements = 0
        event.listen(self.engine.sync_engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self._statements += 1

    @property
    def statements(self) -> int:
        """Statements sent so far; tests assert how many a path takes."""
        return self._statements

    @asynccontextmanager
    async def _transaction(
        self, role: str, accounts: Iterable[int], clients: Iterable[int], timeout_s: int
    ) -> AsyncIterator[AsyncSession]:
        try:
            async with self._sessions() as session, session.begin():
                values = {
                    "role": role,
                    "accounts": _csv(accounts),
                    "clients": _csv(clients),
                    "timeout": f"{timeout_s}s",
                }
                await session.execute(_BECOME, values)
                yield session
        except (DBAPIError, psycopg.Error, PoolTimeout) as error:
            raise translate(error) from error

    def viewing(self, viewer: Viewer, *, timeout_s: int = 60) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction as the app, which sees this viewer's accounts and no others."""
        return self._transaction(APP_ROLE, viewer.account_ids, viewer.client_ids, timeout_s)

    def gatekeeping(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction as the app before anyone is known: people and sessions, but no number of any client."""
        return self._transaction(APP_ROLE, (), (), 30)

    def working(self, *, timeout_s: int = 600) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction as the worker, which sees every client: for refreshes and commands."""
        return self._transaction(WORKER_ROLE, (), (), timeout_s)

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
