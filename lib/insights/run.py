"""Runs a query for a viewer on an engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace

import pyarrow as pa

from lib.access.viewer import Viewer
from lib.errors import SumTooLarge
from lib.insights.answer import Column, InsightAnswer, columns_of, finish, nothing
from lib.insights.engine import Engine, Source
from lib.insights.notes import notes
from lib.insights.picking import Known, Picked, pick
from lib.insights.query import InsightQuery, Order
from lib.insights.sql import compile_query

__all__ = ["AnswerStream", "Column", "InsightAnswer", "open_query", "run_queries", "run_query"]


async def run_query(engine: Engine, query: InsightQuery, viewer: Viewer) -> InsightAnswer:
    """The answer over the viewer's accounts; without accounts it has no rows.

    It takes two statements, one more for the top, for a breakdown and for an attribution window, and two for each kind
    of object that texts are looked for in.
    Raises StoreError where the engine gives up.
    """
    return (await run_queries(engine, [query], viewer))[0]


async def run_queries(engine: Engine, queries: Sequence[InsightQuery], viewer: Viewer) -> list[InsightAnswer]:
    """The answers in the order of ``queries``, all of one look at the data; the accounts are read once for all.

    Raises StoreError where the engine gives up on any of them.
    """
    try:
        return await _answers(engine, queries, viewer, is_wide=False)
    except SumTooLarge:
        return await _answers(engine, queries, viewer, is_wide=True)


async def _answers(
    engine: Engine, queries: Sequence[InsightQuery], viewer: Viewer, *, is_wide: bool
) -> list[InsightAnswer]:
    known = Known()
    async with engine.reading(viewer) as source:
        picked = [await picked_for(source, query, viewer, known) for query in queries]
        asked = [place for place, each in enumerate(picked) if each.accounts]
        questions = [compile_query(queries[place], picked[place], is_wide=is_wide) for place in asked]
        tables = dict(zip(asked, await source.tables(questions), strict=True))
    return [
        _answer(engine, query, picked[place], tables[place]) if place in tables else nothing(query, engine.name)
        for place, query in enumerate(queries)
    ]


def _answer(engine: Engine, query: InsightQuery, picked: Picked, raw: pa.Table) -> InsightAnswer:
    return InsightAnswer(
        columns_of(query),
        finish(query, raw),
        notes(query, picked, [raw]),
        engine.name,
        is_sample=picked.is_sample and raw.num_rows > 0,
    )


async def picked_for(source: Source, query: InsightQuery, viewer: Viewer, known: Known | None = None) -> Picked:
    """What is worked out before the query's own statement, the groups that stay of a top included.

    ``known`` has what this look has read for other queries, and takes what it reads for this one.
    """
    picked = await pick(source, query, viewer, known or Known())
    if query.top is None or not picked.accounts:
        return picked
    top = query.top
    ranking = replace(
        query,
        group_by=(top.dimension,),
        metrics=(top.by,),
        having=(),
        order=(Order(top.by, descending=True),),
        limit=None if len(picked.currencies) > 1 else top.n,
        top=None,
        rows_of=query.breakdown.slug if query.breakdown else None,
    )
    found = await source.table(compile_query(ranking, picked, is_wide=True))
    return replace(picked, kept=_kept(top.dimension, _largest(found, top.n), picked))


def _largest(ranked: pa.Table, n: int) -> pa.Table:
    """The first ``n`` rows of each currency: a yen is no larger than a euro, and no currency takes another's places."""
    if "currency" not in ranked.column_names:
        return ranked.slice(0, n)
    places: Counter[str | None] = Counter()
    stays = []
    for currency in ranked["currency"].to_pylist():
        places[currency] += 1
        stays.append(places[currency] <= n)
    return ranked.filter(pa.array(stays, pa.bool_()))


def _kept(dimension: str, found: pa.Table, picked: Picked) -> tuple[int, ...] | tuple[str, ...]:
    """The groups of the ranking by what the statement tells them apart by."""
    if dimension in found.column_names:
        return tuple(dict.fromkeys(found[dimension].to_pylist()))
    ids = dict.fromkeys(found[f"{dimension}_id"].to_pylist())
    if dimension == "client":
        by_slug = {account.client_slug or str(account.client_id): account.client_id for account in picked.accounts}
        return tuple(by_slug[slug] for slug in ids)
    return tuple(int(each) for each in ids if each)


@dataclass
class AnswerStream:
    """An answer that is read piece by piece; ``notes`` and ``rows`` are whole once the last batch was read.

    ``first`` is what the engine gave before anything was finished, None where it gave nothing; ``rest`` follows.
    """

    columns: tuple[Column, ...]
    engine: str
    is_sample: bool
    query: InsightQuery
    picked: Picked
    first: pa.RecordBatch | None = None
    rest: AsyncGenerator[pa.RecordBatch] | None = None
    notes: dict[str, str] = field(default_factory=dict)
    rows: int = 0

    async def batches(self) -> AsyncGenerator[pa.RecordBatch]:
        """The finished rows, once, in memory that does not grow with them."""
        first, self.first = self.first, None
        self.notes |= notes(self.query, self.picked, [])
        if first is None or self.rest is None:
            return
        for finished in self._finished(first):
            yield finished
        async for batch in self.rest:
            for finished in self._finished(batch):
                yield finished

    def _finished(self, batch: pa.RecordBatch) -> list[pa.RecordBatch]:
        raw = pa.Table.from_batches([batch])
        self.notes |= notes(self.query, self.picked, [raw])
        done = finish(self.query, raw)
        self.rows += done.num_rows
        return list(done.combine_chunks().to_batches())


@asynccontextmanager
async def open_query(engine: Engine, query: InsightQuery, viewer: Viewer) -> AsyncIterator[AnswerStream]:
    """The answer as a stream, for as long as the block runs.

    Both engines sort before they give the first rows, so a sum beyond 64 bits shows before anything was handed on, and
    the question is put again with wider sums. SumTooLarge where a ratio of them cannot be written.
    """
    try:
        stream, reading = await _opened(engine, query, viewer, is_wide=False)
    except SumTooLarge:
        stream, reading = await _opened(engine, query, viewer, is_wide=True)
    async with reading:
        yield stream


async def _opened(
    engine: Engine, query: InsightQuery, viewer: Viewer, *, is_wide: bool
) -> tuple[AnswerStream, AsyncExitStack]:
    """The stream with its first rows, and what ends the reading of it."""
    async with AsyncExitStack() as reading:
        source = await reading.enter_async_context(engine.reading(viewer))
        picked = await picked_for(source, query, viewer)
        stream = AnswerStream(columns_of(query), engine.name, picked.is_sample, query, picked)
        if picked.accounts:
            question = compile_query(query, picked, is_wide=is_wide)
            # Closed before the transaction ends: a reader who leaves half-way leaves no cursor behind.
            stream.rest = await reading.enter_async_context(aclosing(source.batches(question)))
            stream.first = await anext(stream.rest, None)
        return stream, reading.pop_all()
