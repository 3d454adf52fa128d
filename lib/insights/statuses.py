"""Meta's status of each campaign, as last seen."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from lib.access.viewer import Viewer
from lib.store.engine import Store
from lib.store.models import Campaign


async def campaign_statuses(store: Store, viewer: Viewer, account_ids: frozenset[int]) -> Mapping[str, str]:
    """Campaign id to effective status (ACTIVE, PAUSED…) among the viewer's accounts; '' where Meta gave none."""
    wanted = account_ids & viewer.account_ids
    statement = select(Campaign.campaign_id, Campaign.effective_status).where(Campaign.account_id.in_(wanted))
    async with store.viewing(viewer) as session:
        return {str(campaign_id): status or "" for campaign_id, status in await session.execute(statement)}
