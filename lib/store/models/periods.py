"""Numbers that hold for one object and one period only: Meta is asked for exactly these, and nobody adds them up."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from lib.store.models.base import Base, big, meta_id, moment

LEVELS = ("account", "campaign", "adset", "ad")


class PeriodInsight(Base):
    """Reach and its kin of one object from ``since`` to ``until``, both inclusive. ``level`` is one of LEVELS.

    NULL is what Meta did not report. The rankings are Meta's words, of ads only.
    """

    __tablename__ = "period_insight"

    account_id: Mapped[big] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    level: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[dt.date] = mapped_column(primary_key=True)
    until: Mapped[dt.date] = mapped_column(primary_key=True)
    object_id: Mapped[meta_id]
    spend_micros: Mapped[big]
    impressions: Mapped[big]
    reach: Mapped[big | None]
    unique_clicks: Mapped[big | None]
    unique_link_clicks: Mapped[big | None]
    quality_ranking: Mapped[str | None]
    engagement_rate_ranking: Mapped[str | None]
    conversion_rate_ranking: Mapped[str | None]


class PeriodSlice(Base):
    """One account, level and period of ``period_insight``, replaced whole.

    ``unavailable_reason`` says in plain words why Meta serves no reach for it, or which objects have no row in it.
    ``period_ended`` is false while the account's last day of it was still running.
    """

    __tablename__ = "period_slice"
    __table_args__ = (CheckConstraint("level IN ('account', 'campaign', 'adset', 'ad')", name="level"),)

    account_id: Mapped[big] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    level: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[dt.date] = mapped_column(primary_key=True)
    until: Mapped[dt.date] = mapped_column(primary_key=True)
    fetched_at: Mapped[moment]
    rows: Mapped[int]
    period_ended: Mapped[bool]
    unavailable_reason: Mapped[str | None]
