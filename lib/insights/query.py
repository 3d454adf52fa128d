"""What is asked: a value that checks itself, can be a cache key and holds no viewer."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from lib.errors import QueryError
from lib.insights.filters import MAX_ID, Filter, Order
from lib.insights.metrics import METRICS
from lib.insights.nearest import unknown

__all__ = ["DIMENSIONS", "Filter", "InsightQuery", "Order"]

DIMENSIONS = ("date", "client", "account", "campaign", "adset", "ad")
ONE_AD_ONE_DAY = frozenset({"date", "ad"})


@dataclass(frozen=True)
class InsightQuery:
    """Insights from ``since`` to ``until``, both included, in the days of each account's own time zone.

    ``filters`` pick ad-days, ``having`` picks groups by their sums; all of them must hold. ``account_ids`` None means
    all that the viewer may see; ``currency`` keeps the accounts of one. ``order`` defaults to the dimensions as given.
    Raises QueryError with a sentence for whoever asked.
    """

    since: dt.date
    until: dt.date
    group_by: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    having: tuple[Filter, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    account_ids: frozenset[int] | None = None
    currency: str | None = None

    def __post_init__(self) -> None:
        if self.since > self.until:
            raise QueryError(f"The first day {self.since} is after the last day {self.until}.", "Swap the two.")
        if not self.group_by and not self.metrics:
            raise QueryError("The query names neither a metric nor a dimension.", "Name at least one.")
        _check_words("dimension", self.group_by, DIMENSIONS)
        _check_words("metric", self.metrics, METRICS)
        if self.limit is not None and not 1 <= self.limit <= MAX_ID:
            raise QueryError(f"The limit {self.limit} is not a number of rows.", "Ask for at least 1.")
        self._check_filters()
        for order in self.order:
            if order.key not in (*self.group_by, *METRICS) and not (order.key == "currency" and self.by_currency):
                raise QueryError(unknown("dimension of this query or metric to order by", order.key, self._orders))

    @property
    def _orders(self) -> tuple[str, ...]:
        return (*self.group_by, *METRICS)

    def _check_filters(self) -> None:
        for each in self.filters:
            _refuse_share(each)
        for each in self.having:
            if not each.is_metric:
                raise QueryError(f"Only metrics decide over groups, not {each.name}.", "Use it as a filter.")
            _refuse_share(each)
            if METRICS[each.name].additive == "never" and not self.is_one_ad_one_day:
                raise QueryError(
                    f"{METRICS[each.name].label} holds for one ad and one day only, so it cannot pick these groups.",
                    "Group by date and ad, or use it as a filter.",
                )

    @cached_property
    def is_one_ad_one_day(self) -> bool:
        """Whether every group is a single ad-day, so that people counted by Meta may be shown."""
        return frozenset(self.group_by) >= ONE_AD_ONE_DAY

    @cached_property
    def summed_metrics(self) -> tuple[str, ...]:
        """Every metric that is shown, decides over groups or sorts them, each once."""
        used = (*self.metrics, *(each.name for each in self.having), *(order.key for order in self.order))
        return tuple(slug for slug in dict.fromkeys(used) if slug in METRICS)

    @cached_property
    def by_currency(self) -> bool:
        """Whether money is summed, so that the groups are kept apart by currency."""
        return any(METRICS[slug].needs_money for slug in self.summed_metrics)


def _check_words(kind: str, words: tuple[str, ...], known: Iterable[str]) -> None:
    names = list(known)
    for word, times in Counter(words).items():
        if word not in names:
            raise QueryError(unknown(kind, word, names))
        if times > 1:
            raise QueryError(f"The {kind} {word} is named {times} times.", "Name it once.")


def _refuse_share(each: Filter) -> None:
    if METRICS[each.name].parsed.kind == "share" if each.is_metric else False:
        raise QueryError(
            f"{METRICS[each.name].label} is a share of what is shown, so it cannot decide what is shown.",
            f"Use {METRICS[each.name].parsed.top} instead.",
        )
