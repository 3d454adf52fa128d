"""Campaigns, ad sets, ads and creatives as Meta last described them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from lib.store.models.base import Base, big, meta_id, moment


class _Entity:
    """What every object inside an account has. The key starts with the account."""

    @declared_attr
    def account_id(cls) -> Mapped[int]:  # noqa: N805 (SQLAlchemy calls it with the class)
        return mapped_column(
            ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True, autoincrement=False, sort_order=-2
        )

    name: Mapped[str]
    status: Mapped[str | None]
    effective_status: Mapped[str | None]
    created_time: Mapped[moment | None]
    seen_at: Mapped[moment]


class Campaign(_Entity, Base):
    """Budgets are in the currency's minor units, as Meta gives them."""

    __tablename__ = "campaign"

    campaign_id: Mapped[meta_id] = mapped_column(sort_order=-1)
    objective: Mapped[str | None]
    buying_type: Mapped[str | None]
    daily_budget_minor: Mapped[big | None]
    lifetime_budget_minor: Mapped[big | None]


class AdSet(_Entity, Base):
    """``custom_event_type`` is the event of the promoted object, such as PURCHASE."""

    __tablename__ = "adset"

    adset_id: Mapped[meta_id] = mapped_column(sort_order=-1)
    campaign_id: Mapped[big]
    optimization_goal: Mapped[str | None]
    custom_event_type: Mapped[str | None]
    billing_event: Mapped[str | None]
    daily_budget_minor: Mapped[big | None]
    lifetime_budget_minor: Mapped[big | None]


class Ad(_Entity, Base):
    """One ad; its creative may be missing where Meta calls it broken."""

    __tablename__ = "ad"

    ad_id: Mapped[meta_id] = mapped_column(sort_order=-1)
    adset_id: Mapped[big]
    campaign_id: Mapped[big]
    creative_id: Mapped[big | None]


class Creative(_Entity, Base):
    """What the ad shows. ``thumbnail_url`` is Meta's own and expires."""

    __tablename__ = "creative"

    creative_id: Mapped[meta_id] = mapped_column(sort_order=-1)
    title: Mapped[str | None]
    body: Mapped[str | None]
    object_type: Mapped[str | None]
    thumbnail_url: Mapped[str | None]


class CreativePicture(Base):
    """A creative's thumbnail, kept by us: Meta's links expire. ``content_type`` is an image's."""

    __tablename__ = "creative_picture"

    account_id: Mapped[big] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    creative_id: Mapped[meta_id]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    content_type: Mapped[str]
    source_key: Mapped[str]
    fetched_at: Mapped[moment]
