"""Insight rows (one ad, one day) and the slices (one account, one day) that they are replaced by."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Sequence
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

slice_version = Sequence("slice_version", metadata=Base.metadata)
"""Every replaced slice takes the next number, so the largest one tells whether anything changed."""


class Insight(Base):
    """One ad on one day of its account's time zone. Columns of COUNTS, MONEY and UNIQUES are added below."""

    __tablename__ = "insight"
    __table_args__ = (Index(None, "account_id", "campaign_id", "date"),)

    account_id: Mapped[big] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    ad_id: Mapped[meta_id]
    adset_id: Mapped[big]
    campaign_id: Mapped[big]
    actions: Mapped[json_value | None]
    action_values: Mapped[json_value | None]


for _name in (*MONEY, *COUNTS):
    setattr(Insight, _name, Column(_name, BigInteger, nullable=False, server_default="0"))
for _name in UNIQUES:
    setattr(Insight, _name, Column(_name, BigInteger, nullable=True))


class Slice(Base):
    """One account on one day in one breakdown set (``''`` is none), replaced whole.

    The ``meta_`` columns are Meta's own account-level numbers of that day: the yardstick for the sum of the rows.
    ``account_day_ended`` is false while the account's day was still running when it was fetched.
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
    meta_spend_micros: Mapped[big]
    meta_impressions: Mapped[big]
    meta_clicks: Mapped[big]
    meta_link_clicks: Mapped[big]
    meta_purchases: Mapped[big]
    meta_revenue_micros: Mapped[big]
    meta_leads: Mapped[big]
    meta_reach: Mapped[big | None]
