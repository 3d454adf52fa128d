"""Insight rows (one ad, one day) and the slices (one account, one day) that they are replaced by.

Rows have no foreign key: a check of each would be a third of what storing them costs. Their slice has one, is written
in the same transaction, and a trigger removes the rows of an account that is removed.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ARRAY, BigInteger, Column, ForeignKey, Index, Sequence, Text
from sqlalchemy.orm import Mapped, mapped_column

from lib.store.models.base import Base, big, json_value, meta_id, moment

MONEY = ("spend_micros", "revenue_micros")
"""Money in millionths of a major unit of the account's currency: exact in a bigint, whatever the currency."""

COUNTS = (
    "impressions",
    "clicks",
    "link_clicks",
    "outbound_clicks",
    "landing_page_views",
    "content_views",
    "add_to_cart",
    "checkouts",
    "purchases",
    "leads",
    "app_installs",
    "conversations",
    "engagements",
    "video_plays",
    "video_3s_plays",
    "thruplays",
    "video_15s_plays",
    "video_p25",
    "video_p50",
    "video_p75",
    "video_p100",
)
"""Additive counts; Meta leaves a zero out, so an absent one is stored as 0."""

UNIQUES = ("reach", "unique_link_clicks")
"""Counts of people: they hold for this ad and this day only and are never added up."""

ATTRIBUTED = (
    "landing_page_views",
    "content_views",
    "add_to_cart",
    "checkouts",
    "purchases",
    "revenue_micros",
    "leads",
    "app_installs",
    "conversations",
)
"""What is kept for each attribution window that a client asks for."""

slice_version = Sequence("slice_version", metadata=Base.metadata)
"""Every replaced slice takes the next number, so the largest one tells whether anything changed."""


class Insight(Base):
    """One ad on one day of its account's time zone. Columns of COUNTS, MONEY and UNIQUES are added below."""

    __tablename__ = "insight"
    __table_args__ = (Index(None, "account_id", "campaign_id", "date"),)

    account_id: Mapped[meta_id]
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    ad_id: Mapped[meta_id]
    adset_id: Mapped[big]
    campaign_id: Mapped[big]


for _name in (*MONEY, *COUNTS):
    setattr(Insight, _name, Column(_name, BigInteger, nullable=False, server_default="0"))
for _name in UNIQUES:
    setattr(Insight, _name, Column(_name, BigInteger, nullable=True))


class InsightActions(Base):
    """What Meta listed as ``actions`` and ``action_values`` of an ad-day, as it came; no row where there is neither."""

    __tablename__ = "insight_actions"

    account_id: Mapped[meta_id]
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    ad_id: Mapped[meta_id]
    actions: Mapped[json_value | None]
    action_values: Mapped[json_value | None]


class Slice(Base):
    """One account on one day in one breakdown set (``''`` is none), replaced whole.

    The ``meta_`` columns are Meta's own account-level numbers of that day: the yardstick for the sum of the rows; NULL
    where Meta would not serve them.
    ``account_day_ended`` is false while the account's day was still running when it was fetched.
    ``looked_twice_for`` is the difference from Meta's own numbers (by column) that the slice was fetched once more for:
    as long as it stays the same, that is not done again.
    """

    __tablename__ = "slice"

    account_id: Mapped[big] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    breakdown: Mapped[str] = mapped_column(primary_key=True, server_default="")
    version: Mapped[big] = mapped_column(slice_version, server_default=slice_version.next_value(), index=True)
    run_id: Mapped[uuid.UUID | None]
    fetched_at: Mapped[moment]
    rows: Mapped[int]
    is_complete: Mapped[bool]
    incomplete_reason: Mapped[str | None]
    account_day_ended: Mapped[bool]
    meta_spend_micros: Mapped[big | None]
    meta_impressions: Mapped[big | None]
    meta_clicks: Mapped[big | None]
    meta_link_clicks: Mapped[big | None]
    meta_purchases: Mapped[big | None]
    meta_revenue_micros: Mapped[big | None]
    meta_leads: Mapped[big | None]
    meta_reach: Mapped[big | None]
    attribution_windows: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    looked_twice_for: Mapped[json_value | None]


class InsightBreakdown(Base):
    """One ad on one day in one segment of a breakdown set; ``key1`` and ``key2`` are its values as Meta names them.

    ``key2`` is ``''`` where the set has one column. A number that Meta does not report by this set is NULL, never 0.
    """

    __tablename__ = "insight_breakdown"
    __table_args__ = (Index(None, "account_id", "breakdown", "campaign_id", "date"),)

    account_id: Mapped[meta_id]
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    breakdown: Mapped[str] = mapped_column(primary_key=True)
    ad_id: Mapped[meta_id]
    key1: Mapped[str] = mapped_column(primary_key=True)
    key2: Mapped[str] = mapped_column(primary_key=True, server_default="")
    adset_id: Mapped[big]
    campaign_id: Mapped[big]


for _name in (*MONEY, *COUNTS, *UNIQUES):
    setattr(InsightBreakdown, _name, Column(_name, BigInteger, nullable=True))


class InsightBreakdownActions(Base):
    """What Meta listed as ``actions`` and ``action_values`` of a row of ``insight_breakdown``, as it came."""

    __tablename__ = "insight_breakdown_actions"

    account_id: Mapped[meta_id]
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    breakdown: Mapped[str] = mapped_column(primary_key=True)
    ad_id: Mapped[meta_id]
    key1: Mapped[str] = mapped_column(primary_key=True)
    key2: Mapped[str] = mapped_column(primary_key=True, server_default="")
    actions: Mapped[json_value | None]
    action_values: Mapped[json_value | None]


class InsightAttribution(Base):
    """What one attribution window alone credits to an ad on a day, beside the account's own setting.

    Windows nest, so they are never added up. There is a row only where Meta listed the window.
    """

    __tablename__ = "insight_attribution"

    account_id: Mapped[meta_id]
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    ad_id: Mapped[meta_id]
    attribution_window: Mapped[str] = mapped_column(primary_key=True)


for _name in ATTRIBUTED:
    setattr(InsightAttribution, _name, Column(_name, BigInteger, nullable=False, server_default="0"))
