"""Meta's status of each campaign, as last seen."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select

from lib.access.viewer import Viewer
from lib.insights.dialects import is_among
from lib.insights.engine import Bounded, Engine
from lib.store.models import Campaign


async def campaign_statuses(engine: Engine, viewer: Viewer, account_ids: frozenset[int]) -> Mapping[str, str]:
    """Campaign id to effective status (ACTIVE, PAUSED…) among the viewer's accounts; '' where Meta gave none."""
    wanted = account_ids & viewer.account_ids
    status = func.coalesce(Campaign.effective_status, "").label("status")
    mine = is_among(Campaign.__table__.c.account_id, sorted(wanted))
    async with engine.reading(viewer) as source:
        found = await source.table(Bounded(select(Campaign.campaign_id, status).where(mine), wanted))
    return dict(zip(map(str, found["campaign_id"].to_pylist()), found["status"].to_pylist(), strict=True))
