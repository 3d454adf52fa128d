"""Small rows for tests. Each function takes a worker's session and fills in what the test does not care about.

async with store.working() as session:
    client_id = await add_client(session, "acme")
    await add_account(session, 11, client_id, currency="JPY")
    await add_insights(session, [insight_row(11, date(2026, 1, 1), ad_id=7, spend="12.34", impressions=100)])
    await add_slice(session, 11, date(2026, 1, 1))
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.viewer import Role, Viewer
from lib.store.models import (
    Account,
    Ad,
    AdSet,
    Campaign,
    Client,
    Creative,
    Insight,
    InsightAttribution,
    InsightBreakdown,
    PeriodInsight,
    PeriodSlice,
    Slice,
)

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
GRAPH_URL = "http://127.0.0.1:9"


def viewer_of(accounts: Iterable[int], clients: Iterable[int] = (), role: Role = Role.ANALYST) -> Viewer:
    """Somebody who is granted these accounts and clients."""
    return Viewer(uuid.uuid4(), "someone@example.com", role, frozenset(clients), frozenset(accounts))


async def add_client(
    session: AsyncSession, slug: str, *, name: str | None = None, is_sample: bool = False, is_archived: bool = False
) -> int:
    """A client; returns its id."""
    values = {"slug": slug, "name": name or slug.title(), "is_sample": is_sample, "graph_url": GRAPH_URL}
    values["archived_at"] = NOW if is_archived else None
    added = await session.execute(insert(Client).values(values).returning(Client.id))
    return int(added.scalar_one())


async def add_account(
    session: AsyncSession,
    account_id: int,
    client_id: int,
    *,
    name: str | None = None,
    currency: str | None = "EUR",
    timezone_name: str | None = "Europe/Berlin",
) -> int:
    """An account of the client; returns its id."""
    named = {"name": name or f"Account {account_id}", "currency": currency, "timezone_name": timezone_name}
    await session.execute(insert(Account).values(account_id=account_id, client_id=client_id, **named))
    return account_id


async def add_campaign(session: AsyncSession, account_id: int, campaign_id: int, **values: Any) -> int:
    """A campaign; returns its id."""
    row = {"name": f"Campaign {campaign_id}", "objective": "OUTCOME_SALES", "effective_status": "ACTIVE", **values}
    await session.execute(insert(Campaign).values(account_id=account_id, campaign_id=campaign_id, seen_at=NOW, **row))
    return campaign_id


async def add_adset(session: AsyncSession, account_id: int, adset_id: int, **values: Any) -> int:
    """An ad set that optimises for purchases, in campaign 1 unless told; returns its id."""
    goal = {"optimization_goal": "OFFSITE_CONVERSIONS", "custom_event_type": "PURCHASE"}
    row = {"name": f"Ad set {adset_id}", "campaign_id": 1, "effective_status": "ACTIVE", **goal, **values}
    await session.execute(insert(AdSet).values(account_id=account_id, adset_id=adset_id, seen_at=NOW, **row))
    return adset_id


async def add_ad(session: AsyncSession, account_id: int, ad_id: int, **values: Any) -> int:
    """An ad, in campaign 1 and ad set 1 unless told; returns its id."""
    row = {"name": f"Ad {ad_id}", "campaign_id": 1, "adset_id": 1, "effective_status": "ACTIVE", **values}
    await session.execute(insert(Ad).values(account_id=account_id, ad_id=ad_id, seen_at=NOW, **row))
    return ad_id


async def put_creative(session: AsyncSession, account_id: int, creative_id: int, **values: Any) -> int:
    """A creative, unless it is there; returns its id."""
    row = {"account_id": account_id, "creative_id": creative_id, "name": f"Creative {creative_id}", "seen_at": NOW}
    await session.execute(insert(Creative).values({**row, **values}).on_conflict_do_nothing())
    return creative_id


def micros(amount: str | int | Decimal) -> int:
    """An amount in major units as it is stored; ValueError where it has more than six decimals."""
    scaled = Decimal(amount).scaleb(6)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more than six decimals")
    return int(scaled)


def insight_row(
    account_id: int,
    date: dt.date,
    ad_id: int,
    *,
    campaign_id: int = 1,
    adset_id: int = 1,
    spend: str | int | Decimal = 0,
    revenue: str | int | Decimal = 0,
    **counts: int | None,
) -> dict[str, Any]:
    """An ad-day; money in major units, counts (and reach) by their columns' names."""
    ids = {"account_id": account_id, "date": date, "ad_id": ad_id, "adset_id": adset_id, "campaign_id": campaign_id}
    return {**ids, "spend_micros": micros(spend), "revenue_micros": micros(revenue), **counts}


async def add_insights(session: AsyncSession, rows: Iterable[dict[str, Any]]) -> None:
    """Store ad-days; all of one call name the same counts."""
    await session.execute(insert(Insight), list(rows))


async def add_slice(session: AsyncSession, account_id: int, date: dt.date, **values: Any) -> None:
    """A complete slice whose account totals, all 0 unless told, are Meta's."""
    totals = ("spend_micros", "impressions", "clicks", "link_clicks", "purchases", "revenue_micros", "leads")
    row = {"fetched_at": NOW, "rows": 0, "is_complete": True, "account_day_ended": True}
    row.update({f"meta_{name}": 0 for name in totals})
    await session.execute(insert(Slice).values(account_id=account_id, date=date, **{**row, **values}))


def breakdown_row(slug: str, key1: str, key2: str = "", **row: Any) -> dict[str, Any]:
    """An ad-day of one segment, from the row of ``insight_row``; counts that are None are not reported by the set."""
    return {"breakdown": slug, "key1": key1, "key2": key2, **row}


async def add_breakdowns(session: AsyncSession, rows: Iterable[dict[str, Any]]) -> None:
    """Store ad-days of segments; all of one call name the same counts."""
    await session.execute(insert(InsightBreakdown), list(rows))


async def add_attributions(session: AsyncSession, rows: Iterable[dict[str, Any]]) -> None:
    """Store what attribution windows credit; all of one call name the same columns."""
    await session.execute(insert(InsightAttribution), list(rows))


async def add_period(
    session: AsyncSession,
    account_id: int,
    level: str,
    since: dt.date,
    until: dt.date,
    rows: Iterable[dict[str, Any]] = (),
    **values: Any,
) -> None:
    """A period of an account's objects of one level, ended and served by Meta unless told; rows have an object_id."""
    keys = {"account_id": account_id, "level": level, "since": since, "until": until}
    found = [{**keys, "spend_micros": 0, "impressions": 0, **row} for row in rows]
    if found:
        await session.execute(insert(PeriodInsight), found)
    state = {"fetched_at": NOW, "rows": len(found), "period_ended": True, **values}
    await session.execute(insert(PeriodSlice).values({**keys, **state}))
