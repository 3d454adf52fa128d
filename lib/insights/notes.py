"""Why a metric has no value where it is not for a divisor that is zero, and why there is no row at all."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from lib.insights.attribution import not_fetched
from lib.insights.breakdowns import SPLITS, unreported
from lib.insights.goals import RULE
from lib.insights.metrics import METRICS, leaves
from lib.insights.picking import Picked
from lib.insights.query import InsightQuery
from lib.insights.reach import NEVER_ADDED, NONE, NOT_ENDED, level_of
from lib.store.models import ATTRIBUTED, UNIQUES


def notes(query: InsightQuery, picked: Picked, tables: Iterable[pa.Table]) -> dict[str, str]:
    """The rule of each metric that has no value in ``tables``, and of the breakdown that not every account has."""
    names = (*query.group_by, *(each.name for each in query.filters))
    found = {name: picked.lacking for name in names if picked.lacking and name in SPLITS}
    empty = {key for table in tables for key in table.column_names if table[key].null_count}
    for slug in query.metrics:
        rule = _of_people(query, picked, slug, empty) if _is_of_people(slug) else _of_sums(query, picked, slug, empty)
        if rule:
            found[slug] = rule
    return found


def _is_of_people(slug: str) -> bool:
    return any(METRICS[leaf].parsed.column in UNIQUES for leaf in leaves(slug))


def _of_people(query: InsightQuery, picked: Picked, slug: str, empty: set[str]) -> str:
    if query.breakdown is not None and not query.breakdown.has_uniques:
        return unreported(query.breakdown)
    if query.is_one_ad_one_day:
        return ""
    if level_of(query) is None:
        return NEVER_ADDED
    if any(f"sum_{leaf}" in empty for leaf in leaves(slug)):
        return picked.reached.rule or (NONE if query.top is None else NEVER_ADDED)
    return NOT_ENDED if picked.reached.early else ""


def _of_sums(query: InsightQuery, picked: Picked, slug: str, empty: set[str]) -> str:
    parts = ("sum", "total") if METRICS[slug].parsed.kind == "share" else ("sum",)
    lacking = {leaf for leaf in leaves(slug) if any(f"{part}_{leaf}" in empty for part in parts)}
    if not lacking:
        return ""
    said = [RULE] if METRICS[slug].additive == "within_goal" else []
    if query.attribution is not None and (said or any(METRICS[leaf].parsed.column in ATTRIBUTED for leaf in lacking)):
        said.append(not_fetched(query.attribution, picked.window_chosen, len(picked.accounts)))
    if query.breakdown is not None and (not said or not query.breakdown.off_meta_reported):
        said.append(unreported(query.breakdown))
    return "; or ".join(said)
