"""Refresh runs: what was asked for, how far each account is, and why one failed."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lib.store.models.base import Base, big, created, moment


class RefreshRun(Base):
    """One refresh, by a person, a command or the first start."""

    __tablename__ = "refresh_run"
    __table_args__ = (CheckConstraint("state IN ('running', 'complete', 'partial', 'failed')", name="state"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    state: Mapped[str] = mapped_column(server_default="running")
    requested_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app_user.id", ondelete="SET NULL"))
    since: Mapped[dt.date | None]
    until: Mapped[dt.date | None]
    started_at: Mapped[created] = mapped_column(index=True)
    heartbeat_at: Mapped[created]
    finished_at: Mapped[moment | None]

    accounts: Mapped[list[RefreshRunAccount]] = relationship(order_by="RefreshRunAccount.account_id")


class RefreshRunAccount(Base):
    """One account in a refresh run: days, rows and calls so far, and the failure with its remedy."""

    __tablename__ = "refresh_run_account"
    __table_args__ = (CheckConstraint("state IN ('waiting', 'running', 'complete', 'failed')", name="state"),)

    account_id: Mapped[big] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    run_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("refresh_run.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    state: Mapped[str] = mapped_column(server_default="waiting")
    days_total: Mapped[int] = mapped_column(server_default="0")
    days_done: Mapped[int] = mapped_column(server_default="0")
    rows: Mapped[big] = mapped_column(server_default="0")
    api_calls: Mapped[int] = mapped_column(server_default="0")
    seconds: Mapped[float] = mapped_column(server_default="0")
    error_code: Mapped[int | None]
    error_subcode: Mapped[int | None]
    error_message: Mapped[str | None]
    error_remedy: Mapped[str | None]
    trace_id: Mapped[str | None]
