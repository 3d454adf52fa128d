"""The metric registry: ``metrics.csv`` beside this module, read once; its formulas drive the SQL.

A formula is one of four kinds:

    stored    `spend`, `action purchase`    a column of the insight rows, named by the slug (money: slug_micros)
    ratio     `1000 * spend / impressions`  made of two other metrics, after those were summed
    share     `spend / total spend`         of the total of everything that is shown, in one currency
    results   what the ad set optimises for, which lib.insights.goals looks up
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

from lib.store.models import COUNTS, MONEY, UNIQUES

Additive = Literal["sum", "ratio", "never", "within_goal"]
Format = Literal["money", "count", "percent", "multiple"]
Direction = Literal["up", "down", "neutral"]

_RATIO = re.compile(r"(?:(?P<factor>\d+) \* )?(?P<top>\w+) / (?P<total>total )?(?P<bottom>\w+)")


@dataclass(frozen=True)
class Formula:
    """How a metric is made; ``top`` and ``bottom`` are slugs, ``column`` a stored column."""

    kind: Literal["stored", "ratio", "share", "results"]
    column: str = ""
    factor: int = 1
    top: str = ""
    bottom: str = ""


@dataclass(frozen=True)
class Metric:
    """One row of the registry. ``needs_money`` tells that it holds within one currency only."""

    slug: str
    label: str
    formula: str
    additive: Additive
    format: Format
    direction: Direction
    note: str
    needs_money: bool
    parsed: Formula

    @property
    def parts(self) -> tuple[str, ...]:
        """The metrics that this one is made of; none for a stored one and for results."""
        return (self.parsed.top, self.parsed.bottom) if self.parsed.top else ()


def parse(slug: str, formula: str, additive: str) -> Formula:
    """The parsed formula of the metric ``slug``; ValueError where it names no stored column."""
    found = _RATIO.fullmatch(formula)
    if found:
        kind: Literal["share", "ratio"] = "share" if found["total"] else "ratio"
        return Formula(kind, factor=int(found["factor"] or 1), top=found["top"], bottom=found["bottom"])
    if additive == "within_goal":
        return Formula("results")
    for column in (slug, f"{slug}_micros"):
        if column in (*COUNTS, *UNIQUES, *MONEY):
            return Formula("stored", column=column)
    raise ValueError(f"the formula of {slug} names no stored column: {formula}")


def _load(path: Path) -> Mapping[str, Metric]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["slug"]: row for row in csv.DictReader(file)}
    parsed = {slug: parse(slug, row["formula"], row["additive"]) for slug, row in rows.items()}

    def needs_money(slug: str) -> bool:
        formula = parsed[slug]
        return formula.column in MONEY or (
            bool(formula.top) and (needs_money(formula.top) or needs_money(formula.bottom))
        )

    metrics = {
        slug: Metric(
            slug=slug,
            label=row["label"],
            formula=row["formula"],
            additive=cast(Additive, row["additive"]),
            format=cast(Format, row["format"]),
            direction=cast(Direction, row["direction"]),
            note=row["note"],
            needs_money=needs_money(slug),
            parsed=parsed[slug],
        )
        for slug, row in rows.items()
    }
    return MappingProxyType(metrics)


METRICS: Mapping[str, Metric] = _load(Path(__file__).with_name("metrics.csv"))
"""Every metric by its slug, in the order of the registry."""


def leaves(slug: str) -> frozenset[str]:
    """The stored metrics (and ``results``) that ``slug`` is made of in the end."""
    metric = METRICS[slug]
    if not metric.parts:
        return frozenset({slug})
    return frozenset().union(*(leaves(part) for part in metric.parts))
