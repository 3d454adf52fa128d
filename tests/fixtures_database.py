"""This worker's database for tests that have no loop, read as the worker and as the app."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL

from tests.emptying import emptying

Rows = list[tuple[Any, ...]]


class Database:
    """Short ways to ask. Every statement is a transaction of its own."""

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)

    def connect(self, **more: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of the owner."""
        return psycopg.connect(self._url, autocommit=True, **more)

    def owner(self, statement: str, values: Iterable[Any] = ()) -> Rows:
        """What the owner gets; no row where there is none."""
        with self.connect() as connection:
            found = connection.execute(statement, tuple(values) or None)
            return found.fetchall() if found.description else []

    def rows(self, query: str, values: Iterable[Any] = ()) -> Rows:
        """What the worker reads, who sees every client."""
        with self.connect() as connection:
            connection.execute("SET ROLE ads_worker")
            found = connection.execute(query, tuple(values) or None)
            return found.fetchall() if found.description else []

    def one(self, query: str, values: Iterable[Any] = ()) -> Any:
        """The only cell of the only row."""
        ((cell,),) = self.rows(query, values)
        return cell

    def empty(self) -> None:
        """Empty every table."""
        self.owner(emptying())


@pytest.fixture(scope="session")
def database_of_worker(database_url: URL) -> Database:
    """This worker's database as the last test left it."""
    return Database(database_url)


@pytest.fixture
def database(database_of_worker: Database) -> Database:
    """This worker's database with empty tables."""
    database_of_worker.empty()
    return database_of_worker
