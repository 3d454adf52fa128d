"""/api/v1/metrics: the registry."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from api.envelope import Data, Page
from api.openapi import errors
from api.paging import Paging
from api.routes import Reader, subject
from api.schemas.metrics import Metric
from lib.errors import NotFound
from lib.insights.metrics import METRICS
from lib.insights.nearest import unknown

router = subject("metrics")
Slug = Annotated[str, Path(description="what questions call the metric by", examples=["ctr"])]


@router.get("/metrics", summary="What can be asked for", response_description="A page of the registry.")
async def list_metrics(user: Reader, paging: Annotated[Paging, Query()]) -> Page[Metric]:
    """Every metric with its formula, in the order of the registry."""
    return paging.of([Metric.of(metric) for metric in METRICS.values()])


@router.get("/metrics/{slug}", summary="One metric", response_description="The metric.", responses=errors(404))
async def get_metric(user: Reader, slug: Slug) -> Data[Metric]:
    """How a metric is made and how it is read."""
    if slug not in METRICS:
        raise NotFound(unknown("metric", slug, METRICS))
    return Data(data=Metric.of(METRICS[slug]))
