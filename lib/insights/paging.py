"""A page of an answer, and how many rows the whole of it has."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa
from sqlalchemy import BigInteger, func, literal

from lib.access.viewer import Viewer
from lib.errors import SumTooLarge
from lib.insights.answer import InsightAnswer, columns_of, finish, nothing
from lib.insights.engine import Bounded, Engine, Source
from lib.insights.notes import notes
from lib.insights.query import InsightQuery
from lib.insights.run import picked_for
from lib.insights.sql import compile_query
from lib.insights.trust import Completeness, completeness

_ROWS = "rows_in_all"


@dataclass(frozen=True)
class AnswerPage:
    """Some rows of an answer in its order; ``total`` counts all of them, ``days`` tells how complete its days are."""

    answer: InsightAnswer
    total: int
    days: Completeness


async def read_page(engine: Engine, query: InsightQuery, viewer: Viewer, *, offset: int, limit: int) -> AnswerPage:
    """The rows from ``offset`` on, ``limit`` at most, by one look; nothing beyond them leaves the engine.

    Raises StoreError where the engine gives up.
    """
    try:
        return await _page(engine, query, viewer, offset, limit, is_wide=False)
    except SumTooLarge:
        return await _page(engine, query, viewer, offset, limit, is_wide=True)


async def _page(
    engine: Engine, query: InsightQuery, viewer: Viewer, offset: int, limit: int, *, is_wide: bool
) -> AnswerPage:
    async with engine.reading(viewer) as source:
        days = await completeness(source, viewer, query)
        picked = await picked_for(source, query, viewer)
        if not picked.accounts:
            return AnswerPage(nothing(query, engine.name), 0, days)
        question = compile_query(query, picked, is_wide=is_wide)
        wanted = limit if query.limit is None else max(0, min(limit, query.limit - offset))
        raw = await _cut(source, question, offset, wanted)
        # Beyond the last row there is none to carry the count.
        counted = raw if raw.num_rows else await _cut(source, question, 0, 1)
    total = counted[_ROWS][0].as_py() if counted.num_rows else 0
    is_sample = picked.is_sample and raw.num_rows > 0
    answer = InsightAnswer(columns_of(query), finish(query, raw), notes(query, picked, [raw]), engine.name, is_sample)
    return AnswerPage(answer, total if query.limit is None else min(total, query.limit), days)


async def _cut(source: Source, question: Bounded, offset: int, limit: int) -> pa.Table:
    counted = question.statement.add_columns(func.count().over().label(_ROWS))
    cut = counted.limit(literal(limit, BigInteger)).offset(literal(offset, BigInteger))
    return await source.table(replace(question, statement=cut))
