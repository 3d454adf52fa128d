"""What refreshes have learned of the API and keep for the next one."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from lib.store.models.base import Base, big, moment


class LearnedSpan(Base):
    """How many days of one account and breakdown set (``''`` is none) go into one call.

    ``most_days`` is the longest span that the API still refused last, less one; NULL where none was refused.
    """

    __tablename__ = "learned_span"

    account_id: Mapped[big] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    breakdown: Mapped[str] = mapped_column(primary_key=True, server_default="")
    rows_a_day: Mapped[int]
    most_days: Mapped[int | None]
    learned_at: Mapped[moment]


class ApiPause(Base):
    """Until when nobody calls: ``scope`` is ``account:ID`` or ``app:KEY``. Every worker holds to it."""

    __tablename__ = "api_pause"

    scope: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[moment]
    reason: Mapped[str]
