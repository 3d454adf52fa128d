"""Answers questions from an open mirror: each look has a transaction of its own, so it sees one state of the data."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import duckdb
import pyarrow as pa

from lib.access.viewer import Viewer
from lib.errors import AccessError, AppError, SumTooLarge
from lib.insights.asking import EngineFailed
from lib.insights.dialects import duckdb_sql
from lib.insights.engine import BATCH_ROWS, Bounded, Engine, Source, schema_of
from lib.insights.mirror.errors import MirrorAside, MirrorBroken, of_question, of_stream, too_long
from lib.insights.mirror.reader import NUDGE_S, Reader
from lib.insights.mirror.rollups import stand_ins

T = TypeVar("T")
_log = logging.getLogger(__name__)
LIMIT_S = 60.0
"""As long as PostgreSQL is given for a statement."""


class Threads:
    """Where DuckDB works while the loop goes on. DuckDB uses every core for each question, so a few threads do."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max(4, 2 * (os.cpu_count() or 1)), "mirror-read")

    async def run(self, work: Callable[[], T], reader: Reader, limit_s: float = LIMIT_S) -> T:
        """What ``work`` gives; whoever stops waiting, by a limit or by leaving, stops the reader's query too."""
        try:
            job = self._pool.submit(work)
        except RuntimeError as error:
            raise MirrorAside from error
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.shield(asyncio.wrap_future(job))
        except TimeoutError as error:
            await _stop(job, reader)
            raise too_long() from error
        except asyncio.CancelledError:
            await _stop(job, reader)
            raise

    def close(self) -> None:
        """Take no more work; what waits is still looked at, and ends at once where its reader was closed."""
        self._pool.shutdown(wait=False)


async def _stop(job: Future[Any], reader: Reader) -> None:
    """Interrupt until the thread is free: an interrupt that comes before the query has begun is lost."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    job.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
    while not job.cancel() and not job.done():
        reader.interrupt()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), NUDGE_S)


class Readable(Protocol):
    """What the engine needs of a mirror."""

    threads: Threads

    stand_in: Engine

    def reading(self) -> contextlib.AbstractContextManager[Reader]:
        """A reader of one look; EngineFailed where the mirror does not stand."""

    def condemn(self, error: MirrorBroken) -> None:
        """Note that the file let a question down."""

    def version_of(self, accounts: frozenset[int]) -> int:
        """What grows with each change among these accounts."""


class MirrorEngine:
    """Answers from the mirror. It holds everyone's rows, so nobody reads without a viewer."""

    name = "mirror"

    def __init__(self, mirror: Readable) -> None:
        self._mirror = mirror

    @property
    def stand_in(self) -> Engine:
        """PostgreSQL, where the mirror fails under a question."""
        return self._mirror.stand_in

    @contextlib.asynccontextmanager
    async def reading(self, viewer: Viewer) -> AsyncIterator[Source]:
        """One state of the data, as this viewer; AccessError without one."""
        if not isinstance(viewer, Viewer):
            raise AccessError("The mirror answers signed-in people only.", "Nothing was read.")
        with self._mirror.reading() as reader:
            yield MirrorSource(self._mirror, reader, viewer)

    async def version(self, viewer: Viewer) -> int:
        """The newest slice version among the viewer's accounts, or more where older ones became visible later."""
        return self._mirror.version_of(viewer.account_ids)


class MirrorSource:
    """One transaction's look at the mirror."""

    def __init__(self, mirror: Readable, reader: Reader, viewer: Viewer) -> None:
        self._mirror = mirror
        self._reader = reader
        self._has_begun = False
        self.viewer = viewer

    async def table(self, question: Bounded) -> pa.Table:
        """The whole result."""
        return (await self.tables([question]))[0]

    async def tables(self, questions: Sequence[Bounded]) -> list[pa.Table]:
        """The whole result of each, in their order; a thread takes them all, as each change of threads costs time."""
        if not questions:
            return []
        asked = [(self._asked(question), schema_of(question.statement)) for question in questions]
        return await self._run(
            lambda: self._reader.do(
                lambda cursor: [ask(cursor).to_arrow_table().cast(schema) for ask, schema in asked]
            ),
            LIMIT_S * len(asked),
        )

    async def batches(self, question: Bounded) -> AsyncGenerator[pa.RecordBatch]:
        """The result ``BATCH_ROWS`` at a time; DuckDB works on the next ones only when they are asked for."""
        asked = self._asked(question)
        schema = schema_of(question.statement)
        rows = await self._run(lambda: self._reader.stream(lambda cursor: asked(cursor).to_arrow_reader(BATCH_ROWS)))
        while (batch := await self._run(lambda: self._reader.do(lambda _: next(rows, None)))) is not None:
            for cast in pa.Table.from_batches([batch]).cast(schema).to_batches():
                yield cast

    def _asked(self, question: Bounded) -> Callable[[duckdb.DuckDBPyConnection], duckdb.DuckDBPyRelation]:
        question.check(self.viewer)
        text, values = duckdb_sql(question.statement, stand_ins(question.told_apart_by))

        def asked(cursor: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
            if not self._has_begun:
                cursor.execute("BEGIN TRANSACTION READ ONLY")
                self._has_begun = True
            return cursor.sql(text, params=values)

        return asked

    async def _run(self, work: Callable[[], T], limit_s: float = LIMIT_S) -> T:
        try:
            return await self._mirror.threads.run(work, self._reader, limit_s)
        except (duckdb.Error, pa.ArrowInvalid, OSError) as error:
            failure = _failure(error)
            if isinstance(failure, MirrorBroken):
                self._mirror.condemn(failure)
            elif isinstance(failure, EngineFailed):
                _log.warning("%s", failure, exc_info=error)
            raise failure from error


def _failure(error: Exception) -> AppError:
    if isinstance(error, duckdb.Error):
        return of_question(error)
    return of_stream(error) if isinstance(error, OSError) else SumTooLarge()
