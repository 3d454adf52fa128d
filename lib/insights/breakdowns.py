"""Dimensions by which Meta splits ad-days. Each belongs to a breakdown set, whose rows a query that names it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lib.errors import QueryError
from lib.meta.fields import BREAKDOWNS, BreakdownSet

SPLITS: Mapping[str, tuple[str, str]] = {
    "age": ("age_gender", "key1"),
    "gender": ("age_gender", "key2"),
    "country": ("country", "key1"),
    "region": ("region", "key1"),
    "platform": ("platform_position", "key1"),
    "position": ("platform_position", "key2"),
    "device": ("device", "key1"),
    "hour": ("hour", "key1"),
}
"""Dimension to the slug of its set and the column of ``insight_breakdown`` that holds its value."""

NOT_CHOSEN = "Not fetched: choose the breakdown for the client under Clients"
NOT_YET = "Not fetched yet: refresh these days"


def set_of(names: Iterable[str]) -> BreakdownSet | None:
    """The breakdown set of the dimensions among ``names``; None without one, QueryError where no set has them all."""
    split = list(dict.fromkeys(name for name in names if name in SPLITS))
    slugs = {SPLITS[name][0] for name in split}
    if len(slugs) > 1:
        raise QueryError(
            f"Meta does not report this combination: {', '.join(split)}.",
            "One breakdown at a time: age and gender may go together, and so may platform and position.",
        )
    return BREAKDOWNS[slugs.pop()] if slugs else None


def dimensions_of(breakdown: BreakdownSet) -> frozenset[str]:
    """The dimensions that the set's rows are told apart by."""
    return frozenset(name for name, (slug, _) in SPLITS.items() if slug == breakdown.slug)


def unreported(breakdown: BreakdownSet) -> str:
    """Why a metric has no value in a query of this set."""
    return f"Meta does not report it by {breakdown.label.lower()}"
