"""What the overview asks of the data: all of it at once, so that it is one state of the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from dashboard import kpis, tables
from dashboard.selection import Selection
from dashboard.views import View
from lib.insights.query import InsightQuery


@dataclass(frozen=True)
class Asked:
    """The cards, the days of the trend, the same of the period before where one is compared, and the campaigns."""

    totals: InsightQuery
    daily: InsightQuery
    earlier: InsightQuery | None
    earlier_daily: InsightQuery | None
    campaigns: InsightQuery
    campaign_totals: InsightQuery

    def __iter__(self) -> Iterator[InsightQuery | None]:
        return (getattr(self, field.name) for field in fields(self))


def asked(view: View, selection: Selection) -> Asked:
    """The questions of this view."""
    before = selection.compared
    # Without a part of a name the totals of the cards and of the campaigns are one question.
    summed = (*kpis.CARDS, *tables.COLUMNS)
    return Asked(
        totals=selection.query(summed),
        daily=selection.query([*kpis.CARDS, view.metric], ["date"]),
        earlier=selection.query(kpis.CARDS, span=before) if before else None,
        earlier_daily=selection.query([view.metric], ["date"], span=before) if before else None,
        campaigns=selection.query(tables.COLUMNS, tables.BY, order=tables.order_of(view), name=view.name),
        campaign_totals=selection.query(summed, name=view.name),
    )
