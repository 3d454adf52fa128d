"""The columns of the results table: what stands in them, how it is written, and what is coloured.

The first row holds the totals. A column's ``key`` tells what a click on its head or on one of its cells is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import formats, tables
from dashboard.explore import changes, sums, words
from dashboard.explore.arranging import sort_of
from dashboard.explore.asking import Answer
from dashboard.explore.view import ExploreView
from dashboard.formats import Delta
from dashboard.tables import wide_enough
from lib.insights.metrics import METRICS
from lib.insights.query import DAYS

SHARE, CHANGE = "share", "change"
_FIRST_PX, _NAME_PX, _DAY_PX, _BAR_PX, _CHANGE_PX = 208, 150, 128, 146, 84


@dataclass(frozen=True)
class Column:
    """``values`` has the total first; ``styles`` is CSS for each, empty for none. ``group`` stands above the head."""

    key: str
    values: list[Any]
    config: Any
    styles: list[str] = field(default_factory=list)
    group: str = ""


def dimensions(answer: Answer, shown: pd.DataFrame, total: str) -> list[Column]:
    """The names of each row, the first of them frozen."""
    found = []
    for number, name in enumerate(answer.view.rows):
        width = _DAY_PX if name in (*DAYS, "weekday") else _NAME_PX if number else _FIRST_PX
        head = _head(answer.view, name, words.dimension(name))
        said = [words.value(name, _as_date(each)) for each in shown[words.column_of(name)]]
        config = st.column_config.TextColumn(head, pinned=number == 0 or None, width=wide_enough(head, width))
        found.append(Column(name, [total if number == 0 else "", *said], config))
    return found


def _under(total: float, values: pd.Series) -> pd.Series:
    """The total and the rows under it as floats; a count that is missing is no number."""
    return pd.Series([total, *values.astype("float64")], dtype="float64")


def numbers(answer: Answer, slug: str, values: pd.Series, total: float, *, group: str = "") -> Column:
    """A metric, with bars where the table is sorted by it."""
    view, metric, currency = answer.view, METRICS[slug], answer.selection.currency
    label = _head(view, slug, metric.label)
    written = tables.drawn(_under(total, values), metric)
    rows = written.iloc[1:]
    has_bars = sort_of(view)[0] == slug and not group and rows.notna().any() and rows.max() > 0
    config = (
        st.column_config.ProgressColumn(
            label,
            format=tables.digits(metric, currency),
            min_value=0,
            max_value=float(rows.max()),
            width=wide_enough(label, _BAR_PX),
        )
        if has_bars
        else tables.number_column(metric, currency, answer.frame.notes, label)
    )
    return Column(slug, with_gaps(written), config, group=group)


def share(answer: Answer, slug: str, values: pd.Series, total: float, *, group: str = "") -> Column:
    """What part of the total each row is."""
    parts = sums.share_of(_under(total, values), total) * 100
    label = f"% of {METRICS[slug].label.lower()}"
    about = "Part of the total in the first row"
    largest = parts.iloc[1:].max()
    config = st.column_config.ProgressColumn(
        label,
        format="%.1f%%",
        min_value=0,
        max_value=float(largest) if largest > 0 else 100,
        width=wide_enough(label, _BAR_PX),
        help=about,
    )
    return Column(f"{slug}:{SHARE}", with_gaps(parts), config, group=group)


def change(answer: Answer, slug: str, deltas: Sequence[Delta], *, group: str = "") -> Column:
    """The change of each row against the period before, coloured by whether it is good; its head says what lacks."""
    colours = {"good": f"color: {theme('greenTextColor')}", "bad": f"color: {theme('redTextColor')}", "neutral": ""}
    compared = answer.selection.compared
    against = [f"{METRICS[slug].label} against {formats.span(*compared)}."] if compared else []
    reasons = dict.fromkeys(each.reason for each in deltas if each.reason)
    about = " ".join([*against, *reasons]) or None
    head = f"Δ {METRICS[slug].label}"
    width = wide_enough(head, _CHANGE_PX)
    config = st.column_config.TextColumn(head, help=about, width=width, alignment="right")
    values = [changes.text(each) for each in deltas]
    return Column(f"{slug}:{CHANGE}", values, config, [colours[each.tone] for each in deltas], group)


def of_metric(
    answer: Answer, slug: str, values: pd.Series, total: float, deltas: Sequence[Delta] | None, *, group: str = ""
) -> list[Column]:
    """A metric as the view wants it: itself, its share of the total, its change."""
    view = answer.view
    adds_up = METRICS[slug].additive == "sum"
    found = []
    if view.share != "instead" or not adds_up:
        found.append(numbers(answer, slug, values, total, group=group))
    if view.share != "none" and adds_up:
        found.append(share(answer, slug, values, total, group=group))
    if deltas is not None:
        found.append(change(answer, slug, deltas, group=group))
    return found


def theme(option: str) -> str:
    """A colour of the theme that is on."""
    kind = "dark" if st.context.theme.type == "dark" else "light"
    return str(st.get_option(f"theme.{kind}.{option}"))


def _head(view: ExploreView, key: str, label: str) -> str:
    now, descending = sort_of(view)
    return f"{label} {'↓' if descending else '↑'}" if key == now else label


def _as_date(value: object) -> object:
    return value.date() if isinstance(value, pd.Timestamp) else value


def with_gaps(values: pd.Series) -> list[float | None]:
    """The values as cells have them: None where there is none."""
    return [None if pd.isna(value) else float(value) for value in values]
