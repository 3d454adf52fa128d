"""Which periods Meta still has to be asked for, so that a question's counts of people are whole."""

from __future__ import annotations

from lib.access.viewer import Viewer
from lib.insights.engine import Engine
from lib.insights.picking import Known, pick
from lib.insights.query import InsightQuery
from lib.insights.reach import Period


async def missing_periods(engine: Engine, query: InsightQuery, viewer: Viewer) -> list[Period]:
    """Account, level, first and last day of each period that is not stored, or not since it ended; in that order.

    None where the query's counts of people hold for no single objects, or where it asks for none: nothing that could
    be fetched would be shown. A period that Meta does not serve is not missing, unless it refused it a day ago or more.
    Nor is one that has not begun.
    """
    async with engine.reading(viewer) as source:
        picked = await pick(source, query, viewer, Known())
    return sorted((*picked.reached.missing, *picked.reached.early, *picked.reached.again))
