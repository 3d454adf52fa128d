"""What answers a question: PostgreSQL here, the columnar mirror in ``lib.insights.mirror``.

An engine reads as one viewer. Every question carries the accounts that it touches, and an engine refuses it where
those are not all the viewer's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Integer, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.viewer import Viewer
from lib.errors import AccessError
from lib.insights.dialects import Wide, is_among
from lib.store.engine import Store
from lib.store.models import Slice

BATCH_ROWS = 20_000


@dataclass(frozen=True)
class Bounded:
    """A statement over the models' tables, and the accounts whose rows it may touch.

    ``told_apart_by`` are the columns of the ad-days that the statement groups or filters by, where it does nothing
    but sum the others: sums made by no fewer columns than these may stand in for the ad-days. None where it may not.
    """

    statement: Select[Any]
    accounts: frozenset[int]
    told_apart_by: frozenset[str] | None = None

    def check(self, viewer: Viewer) -> None:
        """AccessError where the statement would reach beyond the viewer's accounts."""
        if not self.accounts <= viewer.account_ids:
            raise AccessError("This question touches accounts that are not open to you.", "Nothing was read.")


class Source(Protocol):
    """One look at the data as one viewer. Columns are named by the statement's labels and typed by ``schema_of``."""

    async def table(self, question: Bounded) -> pa.Table:
        """The whole result."""

    async def tables(self, questions: Sequence[Bounded]) -> list[pa.Table]:
        """The whole result of each, in their order."""

    def batches(self, question: Bounded) -> AsyncGenerator[pa.RecordBatch]:
        """The result piece by piece, in memory that does not grow with it."""


class Engine(Protocol):
    """Where questions are answered; ``name`` is postgres or mirror."""

    @property
    def name(self) -> str:
        """What answers call it by."""

    def reading(self, viewer: Viewer) -> AbstractAsyncContextManager[Source]:
        """One look at the data as this viewer."""

    async def version(self, viewer: Viewer) -> int:
        """The version of the newest slice among the viewer's accounts; 0 without any."""


def schema_of(statement: Select[Any]) -> pa.Schema:
    """The Arrow schema of the statement's result, by its labels and SQL types."""
    return pa.schema([pa.field(column.name, _arrow_type(column.type)) for column in statement.selected_columns])


def _arrow_type(kind: Any) -> pa.DataType:
    if isinstance(kind, Wide):
        return pa.decimal128(38, 0)
    if isinstance(kind, Boolean):
        return pa.bool_()
    if isinstance(kind, (BigInteger, Integer)):
        return pa.int64()
    if isinstance(kind, DateTime):
        return pa.timestamp("us", tz="UTC")
    return pa.date32() if isinstance(kind, Date) else pa.string()


def newest_version(accounts: Iterable[int]) -> Select[Any]:
    """The statement for the version of the newest slice of these accounts."""
    mine = is_among(Slice.__table__.c.account_id, accounts)
    return select(func.coalesce(func.max(Slice.version), 0).label("version")).where(mine)


class PostgresEngine:
    """Answers from the system of record, under row-level security."""

    name = "postgres"

    def __init__(self, store: Store) -> None:
        self.store = store

    @asynccontextmanager
    async def reading(self, viewer: Viewer) -> AsyncIterator[Source]:
        """A transaction as the app, which sees this viewer's accounts and no others."""
        async with self.store.viewing(viewer) as session:
            yield PostgresSource(session, viewer)

    async def version(self, viewer: Viewer) -> int:
        """The version of the newest slice among the viewer's accounts; 0 without any."""
        async with self.store.viewing(viewer) as session:
            return int((await session.execute(newest_version(viewer.account_ids))).scalar_one())


class PostgresSource:
    """One transaction's look at the data."""

    def __init__(self, session: AsyncSession, viewer: Viewer) -> None:
        self.session = session
        self.viewer = viewer

    async def table(self, question: Bounded) -> pa.Table:
        """The whole result."""
        question.check(self.viewer)
        rows = (await self.session.execute(question.statement)).all()
        return pa.Table.from_batches([_batch(rows, schema_of(question.statement))])

    async def tables(self, questions: Sequence[Bounded]) -> list[pa.Table]:
        """The whole result of each, in their order."""
        return [await self.table(question) for question in questions]

    async def batches(self, question: Bounded) -> AsyncGenerator[pa.RecordBatch]:
        """The result by a cursor on the server, ``BATCH_ROWS`` at a time."""
        question.check(self.viewer)
        schema = schema_of(question.statement)
        result = await self.session.stream(question.statement, execution_options={"yield_per": BATCH_ROWS})
        try:
            async for rows in result.partitions():
                yield _batch(rows, schema)
        finally:
            await result.close()


def _batch(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return pa.record_batch(
        [_array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        values = [value if value is None else value.astimezone(dt.UTC) for value in values]
    return pa.array(values, kind)
