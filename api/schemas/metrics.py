"""Metrics as /api/v1 shows them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from lib.insights import metrics
from lib.insights.metrics import Additive, Direction, Format


class Metric(BaseModel):
    """One row of the registry."""

    slug: str = Field(description="what questions call it by", examples=["ctr"])
    label: str = Field(description="what people call it", examples=["CTR (all)"])
    formula: str = Field(description="made of sums, never of averages", examples=["clicks / impressions"])
    additive: Additive = Field(
        description="sum: adds up; ratio: made of two sums; never: holds for one object and one period only;"
        " within_goal: adds up within one optimisation goal",
        examples=["ratio"],
    )
    format: Format = Field(description="a percent is a fraction: 0.0123 is 1.23 %", examples=["percent"])
    direction: Direction = Field(description="whether more of it is good", examples=["up"])
    note: str = Field(description="what else to know", examples=["Counts every click, on links and elsewhere."])
    by_currency: bool = Field(description="whether it is kept apart by currency", examples=[False])

    @classmethod
    def of(cls, metric: metrics.Metric) -> Metric:
        """The metric as it is shown."""
        return cls(
            slug=metric.slug,
            label=metric.label,
            formula=metric.formula,
            additive=metric.additive,
            format=metric.format,
            direction=metric.direction,
            note=metric.note,
            by_currency=metric.needs_money,
        )
