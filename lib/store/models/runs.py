"""Refresh runs: what was asked for, how far each account is, and why one failed."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lib.store.models.base import Base, big, created, moment


class RefreshRun(Base):
    """One refresh: ``kind`` is asked (by a person or a command), hourly or nightly (by the clock), or reach: what holds
    for exactly the period from ``since`` to ``until``, and no ad-day.

    ``heartbeat_at`` is when whoever works on it last wrote. A run that is cancelled ends where its accounts are.
    """

    __tablename__ = "refresh_run"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'complete', 'partial', 'failed', 'cancelled')", name="state"),
        CheckConstraint("kind IN ('asked', 'hourly', 'nightly', 'reach')", name="kind"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    state: Mapped[str] = mapped_column(server_default="running")
    kind: Mapped[str] = mapped_column(server_default="asked")
    requested_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app_user.id", ondelete="SET NULL"))
    since: Mapped[dt.date | None]
    until: Mapped[dt.date | None]
    started_at: Mapped[created] = mapped_column(index=True)
    heartbeat_at: Mapped[created]
    finished_at: Mapped[moment | None]
    cancel_requested_at: Mapped[moment | None]

    accounts: Mapped[list[RefreshRunAccount]] = relationship(order_by="RefreshRunAccount.account_id")


class RefreshRunAccount(Base):
    """One account in a refresh run: slices, rows and calls so far, and the failure with its remedy.

    A slice is a day in one breakdown set; ``days_`` counts those of the plain set alone. ``quota_left`` is what is left
    of the tightest limit of Meta's, in percent. While it waits for a limit, ``paused_until`` says how long.
    ``finished_at`` is when nothing more was to come of it.
    """

    __tablename__ = "refresh_run_account"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'complete', 'failed', 'cancelled')", name="state"),
    )

    account_id: Mapped[big] = mapped_column(
        ForeignKey("account.account_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    run_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("refresh_run.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    state: Mapped[str] = mapped_column(server_default="waiting")
    days_total: Mapped[int] = mapped_column(server_default="0")
    days_done: Mapped[int] = mapped_column(server_default="0")
    slices_total: Mapped[int] = mapped_column(server_default="0")
    slices_done: Mapped[int] = mapped_column(server_default="0")
    slices_incomplete: Mapped[int] = mapped_column(server_default="0")
    rows: Mapped[big] = mapped_column(server_default="0")
    api_calls: Mapped[int] = mapped_column(server_default="0")
    seconds: Mapped[float] = mapped_column(server_default="0")
    error_code: Mapped[int | None]
    error_subcode: Mapped[int | None]
    error_message: Mapped[str | None]
    error_remedy: Mapped[str | None]
    trace_id: Mapped[str | None]
    quota_left: Mapped[int | None]
    paused_until: Mapped[moment | None]
    finished_at: Mapped[moment | None]
    pause_reason: Mapped[str | None]
