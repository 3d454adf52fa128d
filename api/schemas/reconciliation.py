"""Where the ads of a day do not add up to Meta's own number, as /api/v1 shows it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

from api.envelope import PageMeta
from api.paging import Paging
from api.schemas import MetaId
from api.schemas.runs import AccountId, Day
from lib.insights.currency import exponent
from lib.insights.filters import as_id
from lib.insights.words import parse_date
from lib.refresh.reasons import Reason
from lib.refresh.reconciliation import DayApart, Pair, Reconciliation

Money = Annotated[str, Field(description="in major units of the currency", examples=["1234.56"])]
UNKNOWN = "null where Meta would not serve it"
Kind = Annotated[Reason, Field(description="the kind of the likely reason", examples=["still_running"])]


class ReconciliationWords(Paging):
    """Which days of which accounts."""

    since: Day = Field(description="first day", examples=["2026-10-01"])
    until: Day = Field(description="last day, included", examples=["2026-10-31"])
    account: list[AccountId] = Field(
        [], max_length=500, description="only this account, repeatable", examples=[["act_1234567890123456"]]
    )

    def days(self) -> tuple[dt.date, dt.date]:
        """Both days; QueryError with a sentence."""
        return parse_date(self.since), parse_date(self.until)

    def account_ids(self) -> frozenset[int] | None:
        """The accounts, None for all of them; QueryError with a sentence."""
        return frozenset(as_id(text) for text in self.account) or None


class CountPair(BaseModel):
    """A count: what the ads add up to, Meta's own number of the account, and the difference."""

    ads: int = Field(description="the ads added up", examples=[42])
    meta: int | None = Field(description=f"Meta's own number, {UNKNOWN}", examples=[44])
    difference: int | None = Field(description=f"the ads' less Meta's, {UNKNOWN}", examples=[-2])

    @classmethod
    def of(cls, pair: Pair) -> CountPair:
        """The pair as it is shown."""
        meta, difference = (None if number is None else int(number) for number in (pair.meta, pair.difference))
        return cls(ads=int(pair.ads), meta=meta, difference=difference)


class MoneyPair(BaseModel):
    """Money: what the ads add up to, Meta's own number of the account, and the difference."""

    ads: Money = Field(description="the ads added up", examples=["1234.56"])
    meta: Money | None = Field(description=f"Meta's own number, {UNKNOWN}", examples=["1240.00"])
    difference: Money | None = Field(description=f"the ads' less Meta's, {UNKNOWN}", examples=["-5.44"])

    @classmethod
    def of(cls, pair: Pair, currency: str | None) -> MoneyPair:
        """The pair as it is shown."""
        meta, difference = (
            None if amount is None else _money(amount, currency) for amount in (pair.meta, pair.difference)
        )
        return cls(ads=_money(pair.ads, currency), meta=meta, difference=difference)


def _money(amount: int | Decimal, currency: str | None) -> str:
    """With the currency's decimals, or more where Meta gave more."""
    value = Decimal(amount)
    short = value.quantize(Decimal(1).scaleb(-exponent(currency)))
    return f"{short if short == value else value.normalize():f}"


class ApartDay(BaseModel):
    """An account's day on which any number differs from Meta's own."""

    account_id: MetaId
    account_name: str = Field(description="its name at Meta", examples=["Acme EU"])
    currency: str | None = Field(description="the currency of its money", examples=["EUR"])
    date: dt.date = Field(description="the day, in the account's own time zone", examples=["2026-10-07"])
    fetched_at: dt.datetime = Field(description="when both were read from Meta", examples=["2026-10-08T02:03:20Z"])
    spend: MoneyPair = Field(description="spend")
    impressions: CountPair = Field(description="impressions")
    clicks: CountPair = Field(description="all clicks")
    link_clicks: CountPair = Field(description="clicks on links")
    purchases: CountPair = Field(description="purchases")
    revenue: MoneyPair = Field(description="value of the purchases")
    leads: CountPair = Field(description="leads")
    reason: Kind
    explanation: str = Field(
        description="the likely reason in plain words",
        examples=["The day was not over when it was fetched, so Meta went on counting between the two answers."],
    )

    @classmethod
    def of(cls, day: DayApart) -> ApartDay:
        """The day as it is shown."""
        counts = ("impressions", "clicks", "link_clicks", "purchases", "leads")
        return cls(
            account_id=str(day.account_id),
            account_name=day.account_name,
            currency=day.currency,
            date=day.date,
            fetched_at=day.fetched_at,
            reason=day.reason,
            explanation=day.words,
            spend=MoneyPair.of(day.numbers["spend"], day.currency),
            revenue=MoneyPair.of(day.numbers["revenue"], day.currency),
            **{slug: CountPair.of(day.numbers[slug]) for slug in counts},
        )


class ReconciliationMeta(PageMeta):
    """Which page this is, and how many days there are."""

    days: int = Field(ge=0, description="stored account-days that were compared", examples=[56])
    equal_days: int = Field(ge=0, description="those of them that are Meta's to the last digit", examples=[55])
    unknown_days: int = Field(
        ge=0,
        description="stored account-days that were not compared: Meta would not serve its own number",
        examples=[0],
    )


class ReconciliationPage(BaseModel):
    """The days that differ, by currency, the largest gap in money first."""

    data: list[ApartDay] = Field(description="the days of this page")
    meta: ReconciliationMeta = Field(description="which page this is, and how many days there are")

    @classmethod
    def of(cls, found: Reconciliation, words: Paging) -> ReconciliationPage:
        """The page that was asked for."""
        page = words.of(found.apart)
        days = {"days": found.days, "equal_days": found.equal_days, "unknown_days": found.unknown_days}
        meta = ReconciliationMeta(**page.meta.model_dump(), **days)
        return cls(data=[ApartDay.of(day) for day in page.data], meta=meta)
