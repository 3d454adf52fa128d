"""The columns of a table whose last dimension runs across: totals first, then the metrics of each of its values."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from dashboard import formats, tables
from dashboard.explore import changes, grid, sums
from dashboard.explore.asking import Answer
from dashboard.explore.grid import Column
from dashboard.explore.pivot import Pivot, pivoted
from lib.insights.metrics import METRICS

TOTAL = "Total"
_FAINTEST, _STRONGEST = 0.03, 0.42


def columns(answer: Answer) -> tuple[pd.DataFrame, list[Column], int]:
    """The rows that are on the page and all their columns; how many rows there are; what has no column.

    With one metric the values stand in the heads, with several above them.
    """
    pivot = pivoted(answer)
    first, last = tables.window(answer.view, len(pivot.rows))
    shown = pivot.rows.iloc[first:last]
    found = grid.dimensions(answer, shown, f"Total of {formats.counted(len(pivot.rows), 'row')}")
    return pivot.rows, [*found, *_totals(answer, shown), *_values(answer, pivot, first, last)], pivot.left_out


def _totals(answer: Answer, shown: pd.DataFrame) -> list[Column]:
    view = answer.view
    total = answer.total.iloc[0]
    deltas = changes.of_answer(answer, shown)
    group = TOTAL if len(view.metrics) > 1 else ""
    found: list[Column] = []
    for slug in view.metrics:
        found += grid.of_metric(answer, slug, shown[slug], _number(total[slug]), deltas.get(slug), group=group)
    return found if group else [replace(found[0], config={**found[0].config, "label": TOTAL}), *found[1:]]


def _values(answer: Answer, pivot: Pivot, first: int, last: int) -> list[Column]:
    view, currency = answer.view, answer.selection.currency
    total = answer.total.iloc[0]
    found = []
    for number, (value, label) in enumerate(zip(pivot.values, pivot.labels, strict=True)):
        for slug in view.metrics:
            metric = METRICS[slug]
            cells = pivot.cells[slug][value].iloc[first:last]
            of_value = _number(pivot.totals.at[value, slug])
            is_share = view.share == "instead" and metric.additive == "sum"
            written = pd.Series([of_value, *cells], dtype="float64")
            written = sums.share_of(written, _number(total[slug])) * 100 if is_share else tables.drawn(written, metric)
            head = label if len(view.metrics) == 1 else metric.label
            config = (
                st.column_config.NumberColumn(
                    head, format="%.1f%%", width=tables.wide_enough(head, 96), help="Part of the total of all"
                )
                if is_share
                else tables.number_column(metric, currency, answer.frame.notes, head)
            )
            group = label if len(view.metrics) > 1 else ""
            css = ["", *_shades(cells, pivot.cells[slug])]
            found.append(Column(f"{slug}|{number}", grid.with_gaps(written), config, css, group))
    return found


def _shades(cells: pd.Series, of: pd.DataFrame) -> list[str]:
    """The larger a cell among all of its metric, the stronger its background."""
    least, most = of.min().min(), of.max().max()
    if pd.isna(most) or most <= least:
        return [""] * len(cells)
    strengths = _FAINTEST + (cells - least) / (most - least) * (_STRONGEST - _FAINTEST)
    return ["" if pd.isna(each) else f"background-color: rgba(26, 148, 132, {each:.2f})" for each in strengths]


def _number(value: object) -> float:
    return float("nan") if pd.isna(value) else float(value)  # type: ignore[arg-type, call-overload]
