"""One dimension turned into columns: which columns, which rows, and what stands in each cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from dashboard.explore import queries, words
from dashboard.explore.asking import Answer
from dashboard.explore.view import ExploreView, order_of
from lib.insights.metrics import METRICS
from lib.insights.query import DAYS

MOST_COLUMNS = 60
"""So many values of the dimension become columns; with several metrics so many columns in all."""


Cells = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Pivot:
    """``rows`` has a row for each combination of the other dimensions with its totals, in the order of the table.

    ``values`` are the dimension's values by their ids, ``cells`` the metrics by metric: a column for each value and a
    row for each of ``rows``. ``totals`` has the totals of each value, ``left_out`` counts values without a column.
    """

    rows: pd.DataFrame
    values: tuple[object, ...]
    labels: tuple[str, ...]
    cells: Cells
    totals: pd.DataFrame
    left_out: int


def pivoted(answer: Answer) -> Pivot:
    """The answer with the view's pivot as columns."""
    view = answer.view
    column = words.id_column_of(view.pivot)
    totals = answer.totals((view.pivot,)).set_index(column, drop=False)
    totals = totals[~totals.index.duplicated()]
    values = order_of_values(view, totals)
    most = max(1, MOST_COLUMNS // len(view.metrics))
    kept = values[:most]
    rows = _sorted(view, answer.totals(view.rows)).reset_index(drop=True)
    return Pivot(
        rows=rows,
        values=tuple(kept),
        labels=tuple(_label(view.pivot, totals, each) for each in kept),
        cells=_cells(answer.data, view, rows, kept),
        totals=totals.reindex(kept),
        left_out=len(values) - len(kept),
    )


def order_of_values(view: ExploreView, totals: pd.DataFrame) -> list[object]:
    """Days and weekdays in time, anything else by the first metric, the largest first and Other last."""
    values = list(totals.index)
    if view.pivot in DAYS:
        return sorted(values)  # type: ignore[type-var]
    if view.pivot == "weekday":
        return sorted(values, key=lambda each: words.weekday_order(str(each)))
    first = next((slug for slug in view.metrics if totals[slug].notna().any()), view.metrics[0])
    ranked = totals.sort_values(first, ascending=False, kind="stable", na_position="last")
    names = ranked[words.column_of(view.pivot)]
    others = [each for each in ranked.index if queries.is_other(view, view.pivot, each, names[each])]
    return [*(each for each in ranked.index if each not in others), *others]


def _label(dimension: str, totals: pd.DataFrame, value: object) -> str:
    return words.value(dimension, totals.at[value, words.column_of(dimension)])


def _sorted(view: ExploreView, rows: pd.DataFrame) -> pd.DataFrame:
    order = order_of(view)
    if order and order[0].key in METRICS:
        return rows.sort_values(order[0].key, ascending=not order[0].descending, kind="stable", na_position="last")
    keys = [words.column_of(order[0].key)] if order else [words.column_of(name) for name in view.rows]
    ascending = not (order and order[0].descending)
    return rows.sort_values(keys, ascending=ascending, kind="stable", key=_in_time)


def _in_time(column: pd.Series) -> pd.Series:
    return column.map(words.weekday_order) if column.name == "weekday" else column


def _cells(data: pd.DataFrame, view: ExploreView, rows: pd.DataFrame, values: Sequence[object]) -> Cells:
    keys = [words.id_column_of(name) for name in view.rows]
    column = words.id_column_of(view.pivot)
    one_each = data.drop_duplicates([*keys, column])
    wanted = pd.MultiIndex.from_frame(rows[keys]) if len(keys) > 1 else pd.Index(rows[keys[0]])
    found: Cells = {}
    for slug in view.metrics:
        numbers = one_each.assign(**{slug: one_each[slug].astype("float64")})
        wide = numbers.pivot(index=keys, columns=column, values=slug)
        found[slug] = wide.reindex(index=wanted, columns=list(values)).reset_index(drop=True)
    return found
