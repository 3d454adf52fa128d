"""Whom the agency serves, their ad accounts, and the tokens that open those."""

from __future__ import annotations

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lib.store.models.base import Base, big, created, meta_id, moment


class Client(Base):
    """Whom the agency serves. ``graph_url`` is the Marketing API that its accounts live on.

    ``breakdowns`` are the breakdown sets that its refreshes fetch beside the plain ad-days, and
    ``attribution_windows`` the windows that they ask for beside each account's own setting.

    An archived client is open to nobody who signs in; its numbers stay. Of the others, no two have one name.
    """

    __tablename__ = "client"
    __table_args__ = (
        Index("uq_client_name_lower", text("lower(name)"), unique=True, postgresql_where=text("archived_at IS NULL")),
    )

    id: Mapped[big] = mapped_column(Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    is_sample: Mapped[bool] = mapped_column(server_default="false")
    graph_url: Mapped[str]
    created_at: Mapped[created]
    archived_at: Mapped[moment | None]
    breakdowns: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    attribution_windows: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")

    accounts: Mapped[list[Account]] = relationship(back_populates="client", order_by="Account.account_id")
    credential: Mapped[Credential | None] = relationship(back_populates="client")


class Account(Base):
    """A Meta ad account. Currency and time zone are unknown until Meta has answered once.

    A disconnected one is seen by nobody and refreshed no more; its numbers stay.
    """

    __tablename__ = "account"

    account_id: Mapped[meta_id]
    client_id: Mapped[big] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    currency: Mapped[str | None]
    timezone_name: Mapped[str | None]
    status: Mapped[int | None]
    checked_at: Mapped[moment | None]
    created_at: Mapped[created]
    disconnected_at: Mapped[moment | None]

    client: Mapped[Client] = relationship(back_populates="accounts")


class Credential(Base):
    """A client's Meta token, encrypted with the keys of TOKEN_KEYS.

    ``created_at`` is when this token was stored, were there others before it or not.

    ``app_id`` is the Meta app that it was made by: a limit of the app's holds for all of its tokens.

    ``previous_encrypted`` is the token that it took the place of at ``replaced_at``, as long as that can be undone.
    """

    __tablename__ = "credential"
    __table_args__ = (CheckConstraint("state IN ('unchecked', 'valid', 'dead')", name="state"),)

    client_id: Mapped[big] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), primary_key=True)
    token_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    previous_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    replaced_at: Mapped[moment | None]
    state: Mapped[str] = mapped_column(server_default="unchecked")
    checked_at: Mapped[moment | None]
    created_at: Mapped[created]
    app_id: Mapped[str | None]
    expires_at: Mapped[moment | None]

    client: Mapped[Client] = relationship(back_populates="credential")


class Installation(Base):
    """The one row that says what this store was given at its first start."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, server_default="1")
    samples_added_at: Mapped[moment | None]
