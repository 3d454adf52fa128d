"""Every metric of the registry has a formula that works, or a rule."""

from __future__ import annotations

import pytest

from lib.insights.metrics import METRICS, leaves, parse
from lib.insights.query import DIMENSIONS
from lib.store.models import COUNTS, MONEY, UNIQUES

STORED = (*COUNTS, *MONEY, *UNIQUES)


@pytest.mark.parametrize("slug", METRICS)
def test_every_metric_is_made_of_stored_columns(slug: str) -> None:
    metric = METRICS[slug]
    assert metric.slug == slug
    assert metric.label
    for leaf in leaves(slug):
        assert leaf == "results" or METRICS[leaf].parsed.column in STORED
    people = {leaf for leaf in leaves(slug) if METRICS[leaf].parsed.column in UNIQUES}
    assert bool(people) == (metric.additive == "never")
    assert ("results" in leaves(slug)) == (metric.additive == "within_goal")


def test_every_stored_column_has_its_metric() -> None:
    assert {metric.parsed.column for metric in METRICS.values()} - {""} == set(STORED)


def test_money_is_needed_by_what_is_made_of_it() -> None:
    needing = {slug for slug, metric in METRICS.items() if metric.needs_money}
    assert {"spend", "revenue", "roas", "cpa", "cpp", "aov", "spend_share", "cost_per_result"} <= needing
    assert not needing & {"impressions", "ctr", "cvr", "reach", "frequency", "results", "hook_rate"}
    assert {slug for slug, metric in METRICS.items() if metric.format == "money"} <= needing


def test_the_order_is_that_of_the_registry() -> None:
    assert list(METRICS)[:3] == ["spend", "impressions", "reach"]
    assert list(METRICS)[-1] == "revenue_share"
    assert not set(METRICS) & set(DIMENSIONS)


def test_formulas_are_read() -> None:
    assert METRICS["cpm"].parsed.factor == 1000
    assert METRICS["cpm"].parts == ("spend", "impressions")
    assert METRICS["spend_share"].parsed.kind == "share"
    assert METRICS["revenue"].parsed.column == "revenue_micros"
    with pytest.raises(ValueError, match="names no stored column"):
        parse("novelty", "action novelty", "sum")
