"""Personal tokens, by which programs ask as the person who made them."""

from __future__ import annotations

import uuid

from sqlalchemy import ForeignKey, LargeBinary, String, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from lib.store.models.base import Base, created, moment


class PersonalToken(Base):
    """A token of a person's, of which the store knows the SHA-256 only. ``expires_at`` NULL: it holds until revoked."""

    __tablename__ = "personal_token"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String))
    created_at: Mapped[created]
    expires_at: Mapped[moment | None]
    last_used_at: Mapped[moment | None]
    revoked_at: Mapped[moment | None]
