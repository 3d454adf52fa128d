"""Saved views of the pages: where somebody looked, and no number of what they saw."""

from __future__ import annotations

import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from lib.store.models.base import Base, created


class SavedView(Base):
    """The address of a page under a name. ``address`` is the query string, which holds the whole state of the page.

    ``client_ids`` are the clients of which name and address may tell: all that their author could see.
    """

    __tablename__ = "saved_view"
    __table_args__ = (CheckConstraint("page IN ('overview', 'explore')", name="page"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    page: Mapped[str]
    address: Mapped[str]
    is_shared: Mapped[bool] = mapped_column(server_default="false")
    client_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    created_at: Mapped[created]
    updated_at: Mapped[created]
