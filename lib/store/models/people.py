"""Users, their sessions, one-time links and grants. Tokens are stored as SHA-256 only."""

from __future__ import annotations

import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, func, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.store.models.base import Base, big, created, moment


class User(Base):
    """A person. Column names follow fastapi-users; ``hashed_password`` is '' where none was set."""

    __tablename__ = "app_user"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'analyst', 'manager', 'admin')", name="role"),
        Index("uq_app_user_email_lower", text("lower(email)"), unique=True),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    email: Mapped[str]
    role: Mapped[str]
    hashed_password: Mapped[str] = mapped_column(server_default="")
    is_active: Mapped[bool] = mapped_column(server_default="true")
    is_superuser: Mapped[bool] = mapped_column(server_default="false")
    is_verified: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[created]


class UserSession(Base):
    """A sign-in that can be revoked. ``provider`` is local, link, oidc or popup.

    ``seen_at`` is when it was last used, to the minute; ``seen_as_id`` whose eyes an administrator looks through by it.
    """

    __tablename__ = "user_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str]
    created_at: Mapped[created]
    expires_at: Mapped[moment]
    revoked_at: Mapped[moment | None]
    seen_at: Mapped[created]
    seen_as_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app_user.id", ondelete="SET NULL"))


class SignInLink(Base):
    """A link that signs one person in, once."""

    __tablename__ = "sign_in_link"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[moment]
    used_at: Mapped[moment | None]


class ClientGrant(Base):
    """This person may see this client's numbers."""

    __tablename__ = "client_grant"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), primary_key=True)
    client_id: Mapped[big] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), primary_key=True, index=True)
    created_at: Mapped[created]
