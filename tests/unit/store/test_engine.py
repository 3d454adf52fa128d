"""Addresses of databases, and what a driver's error becomes."""

from __future__ import annotations

import traceback

import psycopg
import pytest
from sqlalchemy import text

from lib.errors import SettingsError, StoreError, StoreFull, StoreUnavailable, TooMuchAsked
from lib.store.engine import Store, store_url, translate


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
def test_any_postgresql_address_is_psycopgs(scheme: str) -> None:
    url = store_url(f"{scheme}://ann:p%40ss@db.example/ads?sslmode=require")
    assert (url.drivername, url.password, url.database) == ("postgresql+psycopg", "p@ss", "ads")
    assert url.query == {"sslmode": "require"}


@pytest.mark.parametrize("address", ["", "ads", "http//x", "mysql://x/ads", "sqlite:///ads.db"])
def test_another_address_is_a_sentence(address: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        store_url(address)


KINDS: list[tuple[Exception, type[StoreError]]] = [
    (psycopg.errors.DiskFull("full"), StoreFull),
    (psycopg.errors.AdminShutdown("bye"), StoreUnavailable),
    (psycopg.OperationalError("lost"), StoreUnavailable),
    (ConnectionRefusedError(), StoreUnavailable),
    (psycopg.errors.QueryCanceled("slow"), TooMuchAsked),
    (psycopg.errors.UniqueViolation("twice"), StoreError),
    (psycopg.errors.InvalidPassword("who"), StoreUnavailable),
    (psycopg.errors.TooManyConnections("full"), StoreUnavailable),
    (psycopg.errors.ProgramLimitExceeded("too long for an index"), StoreError),
    (psycopg.errors.DeadlockDetected("crossed"), StoreError),
    (psycopg.errors.SerializationFailure("at once"), StoreError),
]


@pytest.mark.parametrize(("error", "kind"), KINDS, ids=[type(error).__name__ for error, _ in KINDS])
def test_a_drivers_error_is_a_sentence(error: psycopg.Error | OSError, kind: type[StoreError]) -> None:
    found = translate(error)
    assert type(found) is kind
    assert found.remedy


async def test_a_slow_query_is_stopped(store: Store) -> None:
    async def wait() -> None:
        async with store.working(timeout_s=1) as session:
            await session.execute(text("SET LOCAL statement_timeout = '20ms'"))
            await session.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(StoreError, match="too long"):
        await wait()


async def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    add = text("INSERT INTO client (slug, name, graph_url) VALUES ('a', 'A', '')")

    async def add_twice() -> None:
        async with store.working() as session:
            await session.execute(add)
            await session.execute(add)

    with pytest.raises(StoreError):
        await add_twice()
    async with store.working() as session:
        assert await session.scalar(text("SELECT count(*) FROM client")) == 0


async def test_what_a_statement_was_sent_with_is_not_in_its_error(store: Store) -> None:
    add = text("INSERT INTO app_user (email, hashed_password) VALUES (:email, :hashed_password)")
    hashed = "$argon2id$v=19$m=65536,t=3,p=4$a-salt$a-hash"

    async def add_twice() -> None:
        async with store.working() as session:
            for _ in range(2):
                await session.execute(add, {"email": "ana@example.com", "hashed_password": hashed})

    with pytest.raises(StoreError) as refused:
        await add_twice()
    told = "".join(traceback.format_exception(refused.value))
    assert "INSERT INTO app_user" in told
    assert "argon2id" not in told
