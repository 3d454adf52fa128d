"""The questions on the mirror, on PostgreSQL and in pandas: how long each takes, and that all say the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy.engine import URL

from benchmarks.questions import Question, questions
from benchmarks.report import Figure, Section, amount
from benchmarks.rival import Rival, differences
from benchmarks.store import Made
from benchmarks.timing import Taken, timed
from lib.access.viewer import Viewer
from lib.insights.answer import InsightAnswer
from lib.insights.engine import Engine, PostgresEngine
from lib.insights.mirror import opened_mirror
from lib.insights.run import run_query
from lib.insights.scope import operator_viewer
from lib.settings import get_settings
from lib.store.engine import Store

ENGINES = ("mirror", "postgres")


@dataclass(frozen=True)
class Asked:
    """The engines over one store, and whoever sees all of it."""

    engines: dict[str, Engine]
    viewer: Viewer

    async def answers(self, name: str, question: Question) -> list[InsightAnswer]:
        """The question's answers by the engine of this name."""
        return [await run_query(self.engines[name], query, self.viewer) for query in question.queries]


@asynccontextmanager
async def both_engines(url: URL) -> AsyncIterator[Asked]:
    """PostgreSQL and a mirror of it that is up to date."""
    store = Store(url)
    try:
        async with opened_mirror(store, get_settings()) as mirror:
            engines = {"mirror": mirror, "postgres": PostgresEngine(store)}
            yield Asked(engines, await operator_viewer(store))
    finally:
        await store.dispose()


def measure(url: URL, made: Made) -> Section:
    """Each question three ways. AssertionError where two of them disagree."""
    started = time.perf_counter()
    rival = Rival(url)
    loading = time.perf_counter() - started
    found = Section(
        f"Questions over {len(rival.frame):,} ad-days: medians (of so many rounds)",
        ("question", "rows", "mirror", "PostgreSQL", "pandas", "PostgreSQL : mirror", "pandas : mirror"),
    )
    found.notes.append(f"pandas holds {rival.megabytes:,.0f} MB, read in {loading:.0f} s; all three gave the same rows")
    taken = asyncio.run(_measure(url, made, rival, found))
    year = next(iter(taken.values()))
    found.figures = [
        Figure(
            "year by date, mirror against PostgreSQL", year["postgres"].median / year["mirror"].median, "x", least=15
        ),
        Figure("year by date, mirror against pandas", year["pandas"].median / year["mirror"].median, "x"),
        Figure(
            "slowest question on the mirror",
            1000 * max(each["mirror"].median for each in taken.values()),
            "ms",
            most=100,
        ),
    ]
    found.details = {
        "median_s": {question: {name: each.median for name, each in one.items()} for question, one in taken.items()},
        "rounds": {
            question: {name: len(each.seconds) for name, each in one.items()} for question, one in taken.items()
        },
    }
    return found


async def _measure(url: URL, made: Made, rival: Rival, found: Section) -> dict[str, dict[str, Taken]]:
    everything: dict[str, dict[str, Taken]] = {}
    async with both_engines(url) as asked:
        for question in questions(made):
            answers = await check(asked, rival, question)
            taken = everything[question.name] = {
                **await by_engine(asked, question),
                "pandas": await timed(partial(_by_rival, rival, question)),
            }
            mine, *others = (taken[name].median for name in (*ENGINES, "pandas"))
            counted = "+".join(f"{answer.table.num_rows:,}" for answer in answers)
            ratios = (f"{amount(other / mine)}x" for other in others)
            found.rows.append((question.name, counted, *(str(each) for each in taken.values()), *ratios))
    return everything


async def check(asked: Asked, rival: Rival | None, question: Question) -> list[InsightAnswer]:
    """The mirror's answers, once PostgreSQL and the rival have given the same; AssertionError where they have not."""
    mine, theirs = [await asked.answers(name, question) for name in ENGINES]
    for query, one, other in zip(question.queries, mine, theirs, strict=True):
        if one.table != other.table:
            raise AssertionError(f"{question.name}: mirror and PostgreSQL give different rows.")
        apart = differences(query, one.rows, rival.answer(query)) if rival else []
        if apart:
            raise AssertionError(f"{question.name}: pandas gives other rows: {apart[:3]}")
    return mine


async def by_engine(asked: Asked, question: Question) -> dict[str, Taken]:
    """The question's seconds on every engine, which has answered it before."""
    return {name: await timed(partial(asked.answers, name, question)) for name in ENGINES}


async def _by_rival(rival: Rival, question: Question) -> None:
    for query in question.queries:
        rival.answer(query)
