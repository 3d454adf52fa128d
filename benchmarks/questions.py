"""The questions of the benchmark over a store's own days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from benchmarks.store import Made
from lib.insights.periods import previous_period
from lib.insights.query import Filter, InsightQuery, Order

SUMS = ("spend", "impressions", "clicks", "purchases", "revenue")
METRICS = (*SUMS, "ctr", "cpa", "roas")


@dataclass(frozen=True)
class Question:
    """What a person asks at once: one query, or one for each of two periods."""

    name: str
    queries: tuple[InsightQuery, ...]


def questions(made: Made) -> list[Question]:
    """Year by date, month by account, an account's quarter by campaign, the best campaigns, period against period.

    Sums of ad-days that the mirror keeps beside them can answer these five; the two that follow read the ad-days.
    """
    last = made.until

    def days(count: int) -> dt.date:
        return max(made.since, last - dt.timedelta(days=count - 1))

    one = frozenset({int(made.account(0).account_id)})
    best = InsightQuery(
        made.since,
        last,
        ("campaign",),
        METRICS,
        having=(Filter("spend", ">", ("1000",)),),
        order=(Order("roas", descending=True),),
        limit=50,
    )
    ads = InsightQuery(days(30), last, ("ad",), METRICS, order=(Order("spend", descending=True),), limit=50)
    clicked = (Filter("clicks", ">", ("0",)),)
    before = previous_period(days(28), last)
    return [
        Question("year by date", (InsightQuery(made.since, last, ("date",), METRICS),)),
        Question("30 days by account", (InsightQuery(days(30), last, ("account",), METRICS),)),
        Question(
            "one account, 90 days by campaign",
            (InsightQuery(days(90), last, ("campaign",), METRICS, account_ids=one),),
        ),
        Question("year, top 50 campaigns by ROAS, spend > 1000", (best,)),
        Question(
            "28 days against the 28 before, by campaign",
            tuple(InsightQuery(*span, ("campaign",), METRICS) for span in ((days(28), last), before)),
        ),
        Question("30 days, top 50 ads by spend", (ads,)),
        Question(
            "year by date, ad-days with clicks alone",
            (InsightQuery(made.since, last, ("date",), METRICS, filters=clicked),),
        ),
    ]
