"""Chats that a bot posts to."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Identity
from sqlalchemy.orm import Mapped, mapped_column

from lib.store.models.base import Base, big, created


class Group(Base):
    """A chat. ``channel_id`` is the chat service's own id of it; an inactive one is posted nothing."""

    __tablename__ = "chat_group"

    id: Mapped[big] = mapped_column(Identity(), primary_key=True)
    client_id: Mapped[big] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    title: Mapped[str]
    channel_id: Mapped[str] = mapped_column(unique=True)
    is_active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[created]
