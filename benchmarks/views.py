"""What people look at: addresses of the pages over the store's own days, drawn by chance from a fixed seed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from benchmarks.store import Made

Address = dict[str, str]
Choices = Mapping[str, Sequence[str]]
SPANS = (7, 14, 28, 28, 28, 90)
_SHARED = {"currency": ("EUR", "USD", "GBP"), "compare": ("previous_period", "none")}
OVERVIEW = {
    **_SHARED,
    "metric": ("spend", "revenue", "roas", "purchases", "impressions", "clicks", "cpa", "cpm"),
    "sort": ("-spend", "-roas", "-revenue", "name", "-purchases", "cpa"),
}
EXPLORE = {
    **_SHARED,
    "group_by": ("campaign", "date", "account", "campaign,week", "objective,weekday", "client,campaign"),
    "metrics": ("spend,purchases,roas", "spend,impressions,clicks,ctr", "revenue,purchases,cpa", "spend,cpm,cpc,roas"),
    "order": ("-spend", "-revenue", "spend"),
    "having": ("spend>100", "impressions>1000", "spend>0"),
    "chart": ("auto", "bar", "none"),
}
"""Parameters of the pages' addresses, and values of them."""


def days(made: Made, count: int = 28, back: int = 0) -> Address:
    """``count`` days that end ``back`` days before the store's last."""
    until = made.until - dt.timedelta(days=back)
    since = max(made.since, until - dt.timedelta(days=count - 1))
    return {"since": since.isoformat(), "until": until.isoformat()}


def never_asked(made: Made, start: int = 0) -> Iterator[Address]:
    """28 days of which each time another one is the last, then 27, and so on: no answer to them is kept anywhere."""
    ends = ((count, back) for count in range(28, 0, -1) for back in range(made.days - 2 * 28))
    return (days(made, count, back) for count, back in islice(ends, start, None))


def walk(made: Made, seed: int, choices: Choices) -> Iterator[Address]:
    """One person's way through a page: each step changes one thing, as a click does."""
    chance = random.Random(seed)
    span, chosen = days(made), dict[str, str]()
    while True:
        yield {**span, **chosen}
        change = chance.choice(("span", *choices))
        if change == "span":
            span = days(made, chance.choice(SPANS), chance.randrange(min(60, made.days)))
        else:
            chosen = {**chosen, change: chance.choice(choices[change])}
