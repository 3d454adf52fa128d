"""What people did. Rows are added and never changed."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, Date, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.store.models.base import Base, big, created, json_value


class AuditLog(Base):
    """One thing that was done or tried. ``subject`` says to what, ``before`` and ``after`` what was changed.

    ``user_id`` and ``email`` are whose sign-in it was, ``seen_as`` the person whose eyes an administrator looked
    through. They are written down, not pointed at: the row outlives whoever and whatever it is about. ``address`` is
    where it came from, where that is known. ``day`` is set for what is noted once a day.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        CheckConstraint("via IN ('page', 'api', 'cli', 'sign-in')", name="via"),
        # A subject of any length is too long for an index; one that is noted once a day is short.
        Index(
            "uq_audit_log_once_a_day",
            *("user_id", "seen_as", "action", "subject", "day"),
            unique=True,
            postgresql_where=text("day IS NOT NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_audit_log_action_at", "action", text("at DESC")),
    )

    id: Mapped[big] = mapped_column(Identity(), primary_key=True)
    at: Mapped[created] = mapped_column(index=True)
    user_id: Mapped[uuid.UUID | None]
    email: Mapped[str]
    seen_as: Mapped[str] = mapped_column(server_default="")
    action: Mapped[str]
    via: Mapped[str]
    subject: Mapped[str]
    client_id: Mapped[big | None]
    before: Mapped[json_value | None]
    after: Mapped[json_value | None]
    address: Mapped[str] = mapped_column(server_default="")
    day: Mapped[dt.date | None] = mapped_column(Date)
