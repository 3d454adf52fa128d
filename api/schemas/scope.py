"""Clients and accounts as /api/v1 shows them."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, Field

from api.paging import Paging
from api.schemas import MetaId
from lib.insights.scope import AccountScope, ClientScope


class Client(BaseModel):
    """Whom the agency serves. ``id`` is what ``client_id`` is in answers and conditions of insights."""

    id: str = Field(description="its short name", examples=["acme"])
    name: str = Field(description="its name", examples=["Acme"])
    is_sample: bool = Field(description="whether its numbers are made up", examples=[False])
    account_ids: list[MetaId] = Field(
        description="those of its accounts that are open to you", examples=[["1234567890123456"]]
    )

    @classmethod
    def of(cls, client: ClientScope) -> Client:
        """The client as it is shown."""
        ids = [str(account.account_id) for account in client.accounts]
        return cls(id=client.slug, name=client.name, is_sample=client.is_sample, account_ids=ids)


class Account(BaseModel):
    """A Meta ad account. Currency and time zone are null until Meta has answered once."""

    id: MetaId
    name: str = Field(description="its name at Meta", examples=["Acme EU"])
    currency: str | None = Field(description="the currency of all its money", examples=["EUR"])
    timezone_name: str | None = Field(description="where its days begin and end", examples=["Europe/Berlin"])
    today: dt.date = Field(description="the day that it is there now", examples=["2026-11-21"])
    client_id: str = Field(description="whose it is", examples=["acme"])
    is_sample: bool = Field(description="whether its numbers are made up", examples=[False])

    @classmethod
    def of(cls, account: AccountScope, client: ClientScope) -> Account:
        """The account of this client as it is shown."""
        return cls(
            id=str(account.account_id),
            name=account.name,
            currency=account.currency,
            timezone_name=account.timezone_name,
            today=account.today,
            client_id=client.slug,
            is_sample=client.is_sample,
        )


class AccountsPaging(Paging):
    """A page of the accounts, or of one client's."""

    client_id: str | None = Field(None, description="only the accounts of this client", examples=["acme"])
