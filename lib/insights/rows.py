"""The rows that a query sums: plain ad-days, those of one breakdown set, or those with another attribution window.

All three have the ad-days' columns. A number that Meta does not report by a breakdown is NULL there; one of an
attribution window is NULL on the days that the window was not fetched for. No sum is made of the rest then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Subquery,
    Table,
    and_,
    case,
    false,
    func,
    literal,
    not_,
    select,
)

from lib.insights.breakdowns import SPLITS
from lib.insights.dialects import holds, is_among
from lib.insights.filters import LIST_OPERATORS, Filter
from lib.insights.metrics import METRICS
from lib.insights.query import InsightQuery
from lib.store.models import ATTRIBUTED, Insight, InsightAttribution, InsightBreakdown, Slice

Element = ColumnElement[Any]
_PLAIN: Any = Insight.__table__
_SPLIT: Any = InsightBreakdown.__table__
_CREDITED = InsightAttribution.__table__.c
_SLICES = Slice.__table__.c
UNKNOWN = "sum_unknown"


def whole_sum(numbers: Element) -> Element:
    """The sum, NULL where any of the numbers is."""
    return case((func.count(numbers) == func.count(), func.sum(numbers)))


@dataclass(frozen=True)
class Rows:
    """The rows of one query."""

    query: InsightQuery

    @property
    def table(self) -> Table:
        """What the ids and days are read from."""
        found: Table = _PLAIN if self.query.breakdown is None else _SPLIT
        return found

    @property
    def c(self) -> Any:
        """Its columns by their names."""
        return self.table.c

    @property
    def source(self) -> FromClause:
        """The table, with what its numbers are read from besides."""
        window = self.query.attribution
        if window is None:
            return self.table
        of_day = and_(
            _SLICES.account_id == self.c.account_id,
            _SLICES.date == self.c.date,
            _SLICES.breakdown == literal(""),
            holds(_SLICES.attribution_windows, literal(window)),
        )
        credited = and_(
            _CREDITED.account_id == self.c.account_id,
            _CREDITED.date == self.c.date,
            _CREDITED.ad_id == self.c.ad_id,
            _CREDITED.attribution_window == literal(window),
        )
        return self.table.outerjoin(Slice.__table__, of_day).outerjoin(InsightAttribution.__table__, credited)

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """What picks these rows from their table."""
        breakdown = self.query.breakdown
        return [] if breakdown is None else [self.c.breakdown == literal(breakdown.slug)]

    @property
    def is_plain(self) -> bool:
        """Whether they are the ad-days as they are."""
        return self.query.breakdown is None and self.query.attribution is None

    def number(self, column: str) -> Element:
        """A number of one row."""
        if not self._is_attributed(column):
            return self.c[column]  # type: ignore[no-any-return]
        return case((self._was_fetched, self._credited(column)))

    def total(self, column: str) -> Element:
        """The sum of a number over rows; of an attribution window only what is known, for ``whole`` to look after."""
        if self._is_attributed(column):
            return func.sum(self._credited(column))
        return self.summed(self.c[column])

    def summed(self, numbers: Element) -> Element:
        """The sum of numbers of rows, or of sums of them; of a breakdown none where any of them is not reported."""
        return func.sum(numbers) if self.query.breakdown is None else whole_sum(numbers)

    @property
    def unknown(self) -> dict[str, Element]:
        """How many rows lack the attribution window, under the name that ``whole`` takes it by; nothing without one."""
        lacks = case((self._was_fetched, 0), else_=1)
        return {} if self.query.attribution is None else {UNKNOWN: func.sum(lacks)}

    def whole(self, sums: Subquery) -> Subquery:
        """``sums`` without those that lack the attribution window of a row."""
        if self.query.attribution is None:
            return sums
        attributed = {f"sum_{slug}" for slug, metric in METRICS.items() if self._is_attributed(metric.parsed.column)}
        attributed.add("sum_results")
        kept = [
            case((sums.c[UNKNOWN] == 0, column)).label(column.name) if column.name in attributed else column
            for column in sums.c
            if column.name != UNKNOWN
        ]
        return select(*kept).subquery("whole")

    def _is_attributed(self, column: str) -> bool:
        return self.query.attribution is not None and column in ATTRIBUTED

    @property
    def _was_fetched(self) -> ColumnElement[bool]:
        """Whether the row's day was fetched with the window: only then a slice is joined to it."""
        return _SLICES.date.is_not(None)

    def _credited(self, column: str) -> Element:
        return func.coalesce(_CREDITED[column], 0)

    def split(self, name: str) -> Element:
        """The value of a dimension of the breakdown set."""
        return self.c[SPLITS[name][1]]  # type: ignore[no-any-return]

    def meets(self, each: Filter, met: frozenset[str] | None) -> ColumnElement[bool]:
        """The condition on a dimension of the breakdown set; ``met`` are the values that meet one that is no list."""
        value = self.split(each.name)
        if each.operator in LIST_OPERATORS:
            listed = is_among(value, each.values)
            return listed if each.operator == "=" else not_(listed)
        return is_among(value, sorted(met)) if met else false()
