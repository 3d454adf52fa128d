"""From a view and what it means for a viewer to the queries that answer it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dashboard.explore import sums, words
from dashboard.explore.view import ExploreView, order_of
from dashboard.selection import Selection, Span
from lib.insights.grouping import OTHER
from lib.insights.query import NAMED, Filter, InsightQuery, Order

MOST_ROWS = 50_000
"""So many groups are taken to the page; a file has them all."""


def rows(view: ExploreView, selection: Selection) -> InsightQuery:
    """The rows of the page, one more than it takes where there are too many, with what their totals are made of."""
    metrics = sums.needed(view.metrics)
    order = order_of(view) if not view.pivot else ()
    return _query(view, selection, view.group_by, metrics, having=view.having, order=order, limit=MOST_ROWS + 1)


def whole(view: ExploreView, selection: Selection) -> InsightQuery:
    """Every row, with the metrics as they were chosen: what files hold."""
    order = order_of(view) if not view.pivot else ()
    return _query(view, selection, view.group_by, view.metrics, having=view.having, order=order)


def totals(view: ExploreView, selection: Selection, by: Sequence[str], span: Span | None = None) -> InsightQuery:
    """The groups of ``by``, as many as ``rows`` has at most, over everything that the filters leave.

    Conditions on sums are not asked.
    """
    return _query(view, selection, by, view.metrics, span=span, limit=MOST_ROWS + 1)


def ranking(view: ExploreView, selection: Selection) -> InsightQuery | None:
    """The groups that the top keeps, whether their sums meet conditions or not; None without a top."""
    if view.top is None:
        return None
    order = (Order(view.top.by, descending=True),)
    return _query(
        view, selection, (view.top.dimension,), (view.top.by,), order=order, limit=view.top.n, is_folded=False
    )


def kept_of(view: ExploreView, ranked: pd.DataFrame) -> tuple[str, ...]:
    """What tells the groups of the ranking apart; nothing without an id stays apart, an empty word does."""
    if view.top is None:
        return ()
    ids = [str(each) for each in ranked[words.id_column_of(view.top.dimension)]]
    return tuple(each for each in ids if each or view.top.dimension not in NAMED)


def compared(view: ExploreView, selection: Selection, by: Sequence[str], kept: tuple[str, ...]) -> InsightQuery:
    """The same groups in the period before, whatever their sums were then.

    The top is that of this period: of its dimension, the groups ``kept`` are asked for by name.
    """
    filters = view.filters
    if view.top is not None and view.top.dimension in by:
        filters = (*filters, _among(view.top.dimension, kept))
    return _query(
        view, selection, by, _parts(view), filters=filters, span=selection.compared, is_folded=False,
        limit=MOST_ROWS + 1,
    )  # fmt: skip


def compared_others(
    view: ExploreView, selection: Selection, by: Sequence[str], kept: tuple[str, ...]
) -> InsightQuery | None:
    """In the period before, what is folded into one in this one; None where nothing is."""
    if view.top is None or view.top.dimension not in by:
        return None
    rest = [name for name in by if name != view.top.dimension]
    filters = (*view.filters, _among(view.top.dimension, kept, operator="!="))
    return _query(view, selection, rest, _parts(view), filters=filters, span=selection.compared, limit=MOST_ROWS + 1)


def _parts(view: ExploreView) -> tuple[str, ...]:
    """What is asked of a part of the groups: a share of it would not be one of the whole."""
    return tuple(slug for slug in sums.needed(view.metrics) if not sums.is_share(slug))


def other_keys(view: ExploreView) -> dict[str, str]:
    """The columns of the view's top dimension in the row that the small groups were folded into."""
    name = view.top.dimension if view.top else ""
    return {f"{name}_id": "", f"{name}_name": OTHER} if name in NAMED else {name: OTHER}


def is_other(view: ExploreView, dimension: str, group_id: object, name: object) -> bool:
    """Whether this group is the one that the small ones were folded into."""
    if view.top is None or view.top.dimension != dimension:
        return False
    return name == OTHER and (dimension not in NAMED or group_id == "")


def _among(dimension: str, kept: tuple[str, ...], operator: str = "=") -> Filter:
    return Filter(words.id_column_of(dimension), operator, kept or ("0",))


def _query(
    view: ExploreView,
    selection: Selection,
    by: Sequence[str],
    metrics: Sequence[str],
    *,
    filters: tuple[Filter, ...] | None = None,
    having: tuple[Filter, ...] = (),
    order: tuple[Order, ...] = (),
    span: Span | None = None,
    limit: int | None = None,
    is_folded: bool = True,
) -> InsightQuery:
    since, until = span or (selection.since, selection.until)
    return InsightQuery(
        since=since,
        until=until,
        group_by=tuple(by),
        metrics=tuple(metrics),
        filters=view.filters if filters is None else filters,
        having=having,
        order=order,
        limit=limit,
        account_ids=selection.account_ids,
        currency=selection.currency,
        top=view.top if is_folded and view.top is not None and view.top.dimension in by else None,
        attribution=view.attribution or None,
        rows_of=view.breakdown,
    )
