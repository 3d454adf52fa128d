"""What is asked: a value that checks itself, can be a cache key and holds no viewer."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from lib.errors import QueryError
from lib.insights.attribution import WINDOWS
from lib.insights.breakdowns import SPLITS, dimensions_of, set_of
from lib.insights.filters import MAX_ID, Filter, Order
from lib.insights.metrics import METRICS, leaves
from lib.insights.nearest import unknown
from lib.meta.fields import BREAKDOWNS, BreakdownSet
from lib.store.models import UNIQUES

__all__ = ["DIMENSIONS", "Filter", "InsightQuery", "Order", "Top"]

DAYS = ("date", "week", "month", "quarter")
"""Dimensions whose value is a day: the day itself, or the first one of its week (a Monday), month or quarter."""

NAMED = ("client", "account", "campaign", "adset", "ad", "creative")
"""Dimensions with an id and a name."""

WORDS = ("objective", "status", "goal")
"""Dimensions whose value is a word of Meta's: a campaign's objective, an ad's status, an ad set's goal."""

TEXTUAL = (*WORDS, *SPLITS)
"""Dimensions whose value is a text without an id: Meta's words, and what it splits ad-days by."""

DIMENSIONS = (*DAYS, "weekday", *NAMED, *TEXTUAL)
FIRST_DAY, LAST_DAY = dt.date(1900, 1, 1), dt.date(2100, 12, 31)
"""Between which questions are asked: wide enough for whatever a page compares with, and few enough to be counted."""
ONE_AD_ONE_DAY = frozenset({"date", "ad"})
MAX_TOP = 1000


@dataclass(frozen=True)
class Top:
    """The ``n`` groups of ``dimension`` with the most of the metric ``by`` stay; the others become one, “Other”.

    Money is ranked within each currency: a group stays that is among the first ``n`` of any.
    """

    dimension: str
    by: str
    n: int

    def __post_init__(self) -> None:
        if self.dimension not in (*NAMED, *TEXTUAL):
            raise QueryError(unknown("dimension to keep the top of", self.dimension, (*NAMED, *TEXTUAL)))
        if self.by not in METRICS:
            raise QueryError(unknown("metric", self.by, METRICS))
        if METRICS[self.by].additive == "never":
            raise QueryError(
                f"{METRICS[self.by].label} cannot be added up, so it has no top.", "Choose another metric."
            )
        if not 1 <= self.n <= MAX_TOP:
            raise QueryError(f"The top {self.n} cannot be shown.", f"Ask for 1 to {MAX_TOP:,}.")


@dataclass(frozen=True)
class InsightQuery:
    """Insights from ``since`` to ``until``, both included, in the days of each account's own time zone.

    ``filters`` pick ad-days, ``having`` picks groups by their sums; all of them must hold. ``account_ids`` None means
    all that the viewer may see; ``currency`` keeps the accounts of one. ``order`` defaults to the dimensions as given.
    ``top`` folds the small groups of one dimension into one before ``having`` looks at them. ``attribution`` None
    counts conversions by each account's own setting, else by one of WINDOWS.

    Dimensions and filters of a breakdown (country, age …) make it a query of that set's rows; one query has one set.
    ``rows_of`` is the slug of a set whose rows are asked although none is named: totals of such a query are of them.
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
    top: Top | None = None
    attribution: str | None = None
    rows_of: str | None = None

    def __post_init__(self) -> None:
        if self.since > self.until:
            raise QueryError(f"The first day {self.since} is after the last day {self.until}.", "Swap the two.")
        if self.since < FIRST_DAY or self.until > LAST_DAY:
            raise QueryError(
                f"The days {self.since} to {self.until} are not all between {FIRST_DAY} and {LAST_DAY}.",
                "Ask for days between the two.",
            )
        if not self.group_by and not self.metrics:
            raise QueryError("The query names neither a metric nor a dimension.", "Name at least one.")
        _check_words("dimension", self.group_by, DIMENSIONS)
        _check_words("metric", self.metrics, METRICS)
        if self.limit is not None and not 1 <= self.limit <= MAX_ID:
            raise QueryError(f"The limit {self.limit} is not a number of rows.", "Ask for at least 1.")
        if self.top is not None and self.top.dimension not in self.group_by:
            raise QueryError(f"The query has no {self.top.dimension} to keep the top of.", "Add it to the dimensions.")
        self._check_rows()
        self._check_filters()
        for order in self.order:
            if order.key not in (*self.group_by, *METRICS) and not (order.key == "currency" and self.by_currency):
                raise QueryError(unknown("dimension of this query or metric to order by", order.key, self._orders))

    @property
    def _orders(self) -> tuple[str, ...]:
        return (*self.group_by, *METRICS)

    def _check_rows(self) -> None:
        if self.rows_of is not None and self.rows_of not in BREAKDOWNS:
            raise QueryError(unknown("breakdown", self.rows_of, BREAKDOWNS))
        breakdown = self.breakdown
        if self.attribution is not None and self.attribution not in WINDOWS:
            raise QueryError(unknown("attribution window", self.attribution, WINDOWS))
        if self.attribution is not None and breakdown is not None:
            raise QueryError(
                "Attribution windows are not kept by breakdown.", "Leave out either the window or the breakdown."
            )

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
    def breakdown(self) -> BreakdownSet | None:
        """The breakdown set whose rows are asked; None for the plain ad-days."""
        named = set_of((*self.group_by, *(each.name for each in self.filters)))
        return named or (BREAKDOWNS[self.rows_of] if self.rows_of else None)

    @cached_property
    def is_one_ad_one_day(self) -> bool:
        """Whether every group is a single ad-day (of one segment), so that people counted by Meta may be shown."""
        apart = ONE_AD_ONE_DAY | (dimensions_of(self.breakdown) if self.breakdown else frozenset())
        return self.top is None and frozenset(self.group_by) >= apart

    @cached_property
    def summed_metrics(self) -> tuple[str, ...]:
        """Every metric that is shown, decides over groups or sorts them, each once."""
        used = (*self.metrics, *(each.name for each in self.having), *(order.key for order in self.order))
        return tuple(slug for slug in dict.fromkeys(used) if slug in METRICS)

    @cached_property
    def counts_people(self) -> bool:
        """Whether any metric is made of people counted by Meta, who are never added up."""
        made_of = (METRICS[leaf].parsed.column for slug in self.summed_metrics for leaf in leaves(slug))
        return any(column in UNIQUES for column in made_of)

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
