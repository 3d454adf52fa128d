"""Who took which numbers out, and when. Rows are added and never changed."""

from __future__ import annotations

import uuid

from sqlalchemy import CheckConstraint, Identity
from sqlalchemy.orm import Mapped, mapped_column

from lib.store.models.base import Base, big, created


class ExportLog(Base):
    """One file that was handed out. ``question`` is the query in the command line's words, ``size`` is in bytes.

    The person is written down, not pointed at: the row outlives whoever it is about.
    """

    __tablename__ = "export_log"
    __table_args__ = (CheckConstraint("via IN ('page', 'api', 'cli')", name="via"),)

    id: Mapped[big] = mapped_column(Identity(), primary_key=True)
    at: Mapped[created] = mapped_column(index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(index=True)
    email: Mapped[str]
    via: Mapped[str]
    format: Mapped[str]
    rows: Mapped[big]
    size: Mapped[big]
    sha256: Mapped[str]
    engine: Mapped[str]
    question: Mapped[str]
