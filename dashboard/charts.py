"""The trend: a metric by day, the comparison period dashed behind it, days that still mature shaded."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard import filters, formats, states
from dashboard.frame import Frame
from dashboard.frames import Reader
from dashboard.kpis import MATURING, conversion_metrics
from dashboard.selection import Selection
from dashboard.views import View
from lib.insights.currency import exponent
from lib.insights.metrics import METRICS, Metric

ACCENT = "#1a9484"  # three to one or better on both themes's backgrounds, without asking which one is on
BEHIND = "rgba(128, 140, 138, 0.95)"
SHADE = "rgba(128, 140, 138, 0.13)"
_DAY_MS = 86_400_000
CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False}


@dataclass(frozen=True)
class Drawing:
    """The trend as it is shown: the figure, and the table behind it."""

    figure: go.Figure
    table: pd.DataFrame


def trend(
    view: View, selection: Selection, numbers: Reader, daily: Frame, before: Frame | None, *, whole: bool
) -> None:
    """The chosen metric by day with its table; ``whole`` tells that no day of the period is missing."""
    metric, ink = METRICS[view.metric], states.text_colour()
    with st.container(key="trend", border=True):
        with st.container(key="trend_head", horizontal=True, vertical_alignment="center"):
            st.subheader("Trend", anchor=False, width="stretch")
            filters.choice("Metric", "metric", METRICS, view.metric, words=_label, width=220, is_labelled=False)
        if metric.slug in daily.notes:
            states.not_reported(metric, daily.notes[metric.slug])
            return
        drawing = numbers.drawn(
            "trend",
            (metric.slug, selection.asked, whole, ink),
            lambda: _drawing(metric, selection, daily, before, whole=whole, ink=ink),
        )
        st.plotly_chart(
            drawing.figure,
            key="trend_chart",
            config=CONFIG,
            alt=f"{metric.label} by day, {formats.span(selection.since, selection.until)}",
        )
        if maturing_from(metric, selection) is not None:
            st.caption("Shaded days are still maturing: Meta may credit more conversions to them for 28 days.")
        with st.expander("Show as a table"):
            _table(metric, drawing.table)


def _drawing(
    metric: Metric, selection: Selection, daily: Frame, before: Frame | None, *, whole: bool, ink: str
) -> Drawing:
    lines = by_day(metric, selection, daily, before, whole=whole)
    return Drawing(figure(metric, selection, lines, ink), as_table(metric, selection, lines))


def _label(slug: str) -> str:
    return METRICS[slug].label


def by_day(metric: Metric, selection: Selection, daily: Frame, before: Frame | None, *, whole: bool) -> pd.DataFrame:
    """A row for each day of the period: date, value, and with a comparison the date and value set against it.

    A day without rows is 0 for a sum where no day is missing; otherwise it has no value.
    """
    empty = 0.0 if metric.additive == "sum" and whole else None
    dates = pd.date_range(selection.since, selection.until, freq="D")
    lines = pd.DataFrame({"date": dates, "value": _values(daily, metric.slug, dates, empty)})
    if before is not None and selection.compared is not None:
        earlier = pd.date_range(*selection.compared, freq="D")
        lines["compared_date"] = earlier
        lines["compared"] = _values(before, metric.slug, earlier, None)
    return lines


def _values(frame: Frame, slug: str, dates: pd.DatetimeIndex, empty: float | None) -> list[float | None]:
    if frame.is_empty or slug not in frame.data:
        return [None] * len(dates)
    values = frame.data[slug].to_numpy("float64", na_value=float("nan")).tolist()
    known = {day: None if math.isnan(value) else value for day, value in zip(frame.data["date"], values, strict=True)}
    return [known.get(day, empty) for day in dates]


def maturing_from(metric: Metric, selection: Selection) -> dt.date | None:
    """The first day of the period whose conversions may still rise; None for metrics that are not restated."""
    first = max(selection.since, selection.today - MATURING)
    return first if metric.slug in conversion_metrics() and first <= selection.until else None


def figure(metric: Metric, selection: Selection, lines: pd.DataFrame, ink: str) -> go.Figure:
    """The trend: the metric, the comparison period dashed behind it, maturing days shaded."""
    behind = [_line(metric, selection, lines, "compared", "Comparison period")] if "compared" in lines else []
    shaded = maturing_from(metric, selection)
    ticks = {"tickfont": {"color": ink}, "fixedrange": True}
    layout = {
        "height": 320,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "reversed"},
        "shapes": [] if shaded is None else [_shade(shaded, selection.until)],
        "xaxis": {
            "tickformat": "%-d %b",
            "showgrid": False,
            "tick0": selection.since.isoformat(),
            "dtick": _DAY_MS * -(-selection.days // 8),
            "range": _around(selection.since, selection.until),
            **ticks,
        },
        "yaxis": {"rangemode": "tozero", "nticks": 6, **ticks, **axis(metric, selection.currency)},
    }
    # Put together piece by piece, plotly would look over everything again at each piece.
    return go.Figure({"data": [*behind, _line(metric, selection, lines, "value", metric.label)], "layout": layout})


def _around(since: dt.date, until: dt.date) -> list[str]:
    """From half a day before the first day to half a day after the last."""
    half = dt.timedelta(hours=12)
    return [(dt.datetime.combine(day, dt.time()) + shift).isoformat() for day, shift in ((since, -half), (until, half))]


def _shade(since: dt.date, until: dt.date) -> dict[str, Any]:
    first, last = _around(since, until)
    across = {"type": "rect", "xref": "x", "x0": first, "x1": last}
    return {**across, "yref": "y domain", "y0": 0, "y1": 1, "fillcolor": SHADE, "line": {"width": 0}, "layer": "below"}


def _line(metric: Metric, selection: Selection, lines: pd.DataFrame, column: str, name: str) -> dict[str, Any]:
    is_main = column == "value"
    values = lines[column].tolist()
    words = [
        f"{formats.day(day)}: {number_words(metric, value, selection.currency)}"
        for day, value in zip(lines["date" if is_main else "compared_date"], values, strict=True)
    ]
    dots = "lines+markers" if len(lines) < 46 else "lines"
    style = {"width": 2.5, "color": ACCENT} if is_main else {"width": 2, "dash": "dash", "color": BEHIND}
    return {
        "type": "scatter",
        "x": [day.date().isoformat() for day in lines["date"]],
        "y": values,
        "name": name,
        "mode": dots if is_main else "lines",
        "line": style,
        "marker": {"size": 5},
        "customdata": words,
        "hovertemplate": "%{customdata}<extra></extra>",
        "connectgaps": False,
    }


def axis(metric: Metric, currency: str | None) -> dict[str, str]:
    """How an axis writes the metric: €12K, 3.4%, 2.1x."""
    if metric.format == "percent":
        return {"tickformat": ".1%"}
    if metric.format == "multiple":
        return {"ticksuffix": "x"}
    if metric.format == "money":
        return {"tickformat": ",.3~s", "tickprefix": formats.with_currency("", currency)}
    return {"tickformat": ",.3~s"}


def number_words(metric: Metric, value: float | None, currency: str | None) -> str:
    """A drawn value in words, as exact as people read it."""
    if value is None or pd.isna(value):
        return formats.MISSING
    if metric.format == "money":
        return formats.with_currency(f"{value:,.{exponent(currency)}f}", currency)
    if metric.format == "count":
        return f"{value:,.0f}"
    return f"{value * 100:.2f}%" if metric.format == "percent" else f"{value:.2f}x"


def as_table(metric: Metric, selection: Selection, lines: pd.DataFrame) -> pd.DataFrame:
    """What the chart draws, in words: a row a day."""

    def words(column: str) -> list[str]:
        return [number_words(metric, value, selection.currency) for value in lines[column].tolist()]

    shown = {"Day": [formats.day(day) for day in lines["date"]], metric.label: words("value")}
    if "compared" in lines:
        shown["Compared day"] = [formats.day(day) for day in lines["compared_date"]]
        shown["Comparison"] = words("compared")
    return pd.DataFrame(shown)


def _table(metric: Metric, shown: pd.DataFrame) -> None:
    st.dataframe(
        shown,
        hide_index=True,
        key="trend_table",
        alt=f"{metric.label} by day",
        column_config={name: st.column_config.TextColumn(alignment="right") for name in (metric.label, "Comparison")},
    )
