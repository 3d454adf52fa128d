"""How the time of each question grows with the store: medians on a store of an eleventh beside those of the whole."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping

from sqlalchemy.engine import URL

from benchmarks.queries import ENGINES, both_engines, by_engine, check
from benchmarks.questions import questions
from benchmarks.report import Figure, Section, ms
from benchmarks.store import Made

SHARE = 11
Medians = Mapping[str, Mapping[str, float]]
"""Seconds by question and engine."""


def medians(url: URL, made: Made) -> Medians:
    """Of every question on the mirror and on PostgreSQL, which have to agree."""

    async def ask() -> Medians:
        found = {}
        async with both_engines(url) as asked:
            for question in questions(made):
                await check(asked, None, question)
                taken = await by_engine(asked, question)
                found[question.name] = {name: each.median for name, each in taken.items()}
        return found

    return asyncio.run(ask())


def compare(few: int, small: Medians, many: int, large: Medians) -> Section:
    """The slopes of time over rows, both as logarithms: 1 is linear, 0 takes no longer."""
    heads = [word for name in ENGINES for word in (f"{name}, {few:,}", f"{name}, {many:,}", "slope")]
    found = Section(f"Growth from {few:,} to {many:,} ad-days (1 is linear)", ("question", *heads))
    slopes: dict[str, dict[str, float]] = {}
    for question, before in small.items():
        after = large[question]
        slope = {name: math.log(after[name] / before[name]) / math.log(many / few) for name in ENGINES}
        cells = [word for name in ENGINES for word in (ms(before[name]), ms(after[name]), f"{slope[name]:.2f}")]
        found.rows.append((question, *cells))
        slopes[question] = slope
    steepest = max(each["mirror"] for each in slopes.values())
    found.figures = [Figure(f"growth on the mirror from {few:,} rows, steepest (1 is linear)", steepest, most=1)]
    found.details = {"slopes": slopes, "few_rows": few, "median_s_of_few": small}
    return found
