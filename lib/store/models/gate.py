"""Who comes in and by what: identities at sign-in services, invitations, teams."""

from __future__ import annotations

import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from lib.store.models.base import Base, big, created, moment


class UserIdentity(Base):
    """The account at a sign-in service (``issuer``, ``subject``) that a person first came by."""

    __tablename__ = "user_identity"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[created]


class Invitation(Base):
    """Whoever holds its token, or signs in under its address, becomes a person with this role and these clients."""

    __tablename__ = "invitation"
    __table_args__ = (CheckConstraint("role IN ('viewer', 'analyst', 'manager', 'admin')", name="role"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    email: Mapped[str]
    role: Mapped[str]
    client_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    team_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    invited_by: Mapped[str]
    created_at: Mapped[created]
    expires_at: Mapped[moment]
    used_at: Mapped[moment | None]
    revoked_at: Mapped[moment | None]


class Team(Base):
    """People who see the same clients. One that was removed opens nothing, and its name is free."""

    __tablename__ = "team"
    __table_args__ = (
        Index("uq_team_name_lower", text("lower(name)"), unique=True, postgresql_where=text("removed_at IS NULL")),
    )

    id: Mapped[big] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    created_at: Mapped[created]
    removed_at: Mapped[moment | None]


class TeamMember(Base):
    """This person belongs to this team."""

    __tablename__ = "team_member"

    team_id: Mapped[big] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("app_user.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class TeamGrant(Base):
    """Whoever belongs to this team may see this client's numbers."""

    __tablename__ = "team_grant"

    team_id: Mapped[big] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True)
    client_id: Mapped[big] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), primary_key=True, index=True)
    created_at: Mapped[created]
