"""One engine on one loop in each process, and the roles that its transactions take.

Every transaction names its role and, for the app's, whose accounts it may see, with ``set_config(…, true)``:
when the transaction ends, both are gone, so nothing leaks to the next user of the pooled connection.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing

import psycopg
from psycopg import errors
from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from lib.access.viewer import Viewer
from lib.errors import AppError, SettingsError, StoreError, StoreFull, StoreUnavailable, SumTooLarge, TooMuchAsked

APP_ROLE = "ads_app"
GATE_ROLE = "ads_gate"
WORKER_ROLE = "ads_worker"
MIRROR_ROLE = "ads_mirror_reader"
ROLES = (APP_ROLE, GATE_ROLE, WORKER_ROLE, MIRROR_ROLE)

LONGEST_STATEMENT = 300
"""So many letters of a statement are logged."""
WAITING_ROOM_MB = 64
"""PostgreSQL takes it as far as it is used, and only in connections that rows wait in."""

_NETWORK = {
    "connect_timeout": "10",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""A connection whose network is gone is given up after half a minute, not after the kernel's quarter of an hour."""

_log = logging.getLogger(__name__)
_UNREACHED = ("08", "28", "3D", "57P")
"""What a server says that lets nobody in, is not the right one, or ends: the beginnings of its SQLSTATEs."""
_LATER = "Nothing was lost. Try again."
_SENTENCES: dict[tuple[type[Exception], ...], Callable[[], AppError]] = {
    (errors.NumericValueOutOfRange,): SumTooLarge,
    (errors.DiskFull,): lambda: StoreFull("PostgreSQL has no space left on its disk."),
    (errors.QueryCanceled,): lambda: TooMuchAsked("The query took too long and was stopped."),
    (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable): lambda: StoreError(
        "Others changed the same at that moment.", "Nothing was changed. Try again."
    ),
    (PoolTimeout,): lambda: StoreUnavailable("The database is too busy: no connection was free.", _LATER),
    (errors.TooManyConnections,): lambda: StoreUnavailable("The database takes no more connections.", _LATER),
}
"""What is said of the kinds of errors that something can be done about."""

_BECOME = text(
    "SELECT set_config('role', :role, true), set_config('ads.account_ids', :accounts, true),"
    " set_config('ads.client_ids', :clients, true), set_config('ads.user_id', :user, true),"
    " set_config('statement_timeout', :timeout, true)"
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


def libpq_url(url: URL) -> str:
    """The address with its password for what speaks to libpq itself; what ``url`` says of the network counts more."""
    plain = url.set(drivername="postgresql", query={**_NETWORK, **url.query})
    return plain.render_as_string(hide_password=False)


def translate(error: DBAPIError | psycopg.Error | PoolTimeout | OSError) -> AppError:
    """The sentence for a driver's error: SumTooLarge where a number does not fit, else a StoreError.

    Where the sentence can only say that there is a reason, the log gets it.
    """
    cause = getattr(error, "orig", error)
    for kinds, sentence in _SENTENCES.items():
        if isinstance(cause, kinds) or isinstance(error, kinds):
            return sentence()
    if _is_lost(error, cause):
        return StoreUnavailable("The database cannot be reached.")
    _log.error("The database refused a request: %s", _reason(error, cause))
    return StoreError("The database refused the request.", "Nothing was changed. The log has the reason.")


def _reason(error: Exception, cause: object) -> str:
    """What the server said, and of which statement, on one line; the lines after its first one quote rows."""
    said = str(cause).partition("\n")[0] or type(cause).__name__
    state = getattr(cause, "sqlstate", None)
    statement = " ".join((getattr(error, "statement", None) or "").split())
    parts = (said, f"({state})" if state else "", f"[{statement[:LONGEST_STATEMENT]}]" if statement else "")
    return " ".join(part for part in parts if part)


def _is_lost(error: Exception, cause: object) -> bool:
    """Whether the connection is gone or never was; the server's own words about a request say that it is there."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    said = getattr(cause, "sqlstate", None) or ""
    lost = isinstance(error, (OSError, OperationalError, InterfaceError, psycopg.OperationalError))
    return lost and (not said or said.startswith(_UNREACHED))


def _csv(ids: Iterable[int]) -> str:
    return ",".join(str(number) for number in sorted(ids))


def _make_room(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Let a part of a refresh wait in memory: with the server's own 8 MB half of the time goes into its disk."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"SET temp_buffers = '{WAITING_ROOM_MB}MB'")
    connection.commit()


class Store:
    """The engine of this process. Make it on the loop that uses it, and ``dispose`` it there."""

    def __init__(self, url: str | URL, *, pool_size: int = 8) -> None:
        self.url = store_url(url) if isinstance(url, str) else url
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={name: said for name, said in _NETWORK.items() if name not in self.url.query},
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._statements = 0
        event.listen(self.engine.sync_engine, "before_cursor_execute", self._count)
        event.listen(self.engine.sync_engine, "connect", _make_room)

    def _count(self, *_: object) -> None:
        self._statements += 1

    @property
    def statements(self) -> int:
        """Statements sent so far; tests assert how many a path takes."""
        return self._statements

    @asynccontextmanager
    async def _transaction(
        self, role: str, accounts: Iterable[int], clients: Iterable[int], timeout_s: int, user: str = ""
    ) -> AsyncIterator[AsyncSession]:
        try:
            async with self._sessions() as session, session.begin():
                values = {
                    "role": role,
                    "accounts": _csv(accounts),
                    "clients": _csv(clients),
                    "user": user,
                    "timeout": f"{timeout_s}s",
                }
                await session.execute(_BECOME, values)
                yield session
        except (DBAPIError, psycopg.Error, PoolTimeout) as error:
            raise translate(error) from error

    def viewing(self, viewer: Viewer, *, timeout_s: int = 60) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction as the app for this viewer: their accounts, their saved views and those they may find."""
        return self._transaction(APP_ROLE, viewer.account_ids, viewer.client_ids, timeout_s, str(viewer.user_id))

    def gatekeeping(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction as the gate before anyone is known: it looks people up and ends and stores their sign-ins."""
        return self._transaction(GATE_ROLE, (), (), 30)

    def working(self, *, timeout_s: int = 600) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction as the worker, which sees every client: for refreshes and commands."""
        return self._transaction(WORKER_ROLE, (), (), timeout_s)

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
