"""The trend: a metric by day, the comparison period dashed behind it, days that still mature shaded."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard import filters, formats, states
from dashboard.frames import Frame
from dashboard.kpis import MATURING, conversion_metrics
from dashboard.selection import Selection
from dashboard.views import View
from lib.insights.currency import exponent
from lib.insights.metrics import METRICS, Metric

_LINE = "#1a9484"  # three to one or better on both themes's backgrounds, without asking which one is on
_BEHIND = "rgba(128, 140, 138, 0.95)"
_SHADE = "rgba(128, 140, 138, 0.13)"
_DAY_MS = 86_400_000
_CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False}


def trend(view: View, selection: Selection, daily: Frame, before: Frame | None, *, whole: bool) -> None:
    """The chosen metric by day with its table; ``whole`` tells that no day of the period is missing."""
    metric = METRICS[view.metric]
    with st.container(key="trend", border=True):
        with st.container(key="trend_head", horizontal=True, vertical_alignment="center"):
            st.subheader("Trend", anchor=False, width="stretch")
            filters.choice("Metric", "metric", METRICS, view.metric, words=_label, width=220, is_labelled=False)
        if metric.slug in daily.notes:
            states.not_reported(metric, daily.notes[metric.slug])
            return
        lines = by_day(metric, selection, daily, before, whole=whole)
        st.plotly_chart(
            figure(metric, selection, lines, states.text_colour()),
            key="trend_chart",
            config=_CONFIG,
            alt=f"{metric.label} by day, {formats.span(selection.since, selection.until)}",
        )
        if maturing_from(metric, selection) is not None:
            st.caption("Shaded days are still maturing: Meta may credit more conversions to them for 28 days.")
        with st.expander("Show as a table"):
            _table(metric, selection, lines)


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
    known = frame.data.set_index("date")[slug].astype("float64")
    found = known.reindex(dates)
    return [_value(value, day in known.index, empty) for day, value in found.items()]


def _value(value: float, is_known: bool, empty: float | None) -> float | None:
    if pd.isna(value):
        return None if is_known else empty
    return float(value)


def maturing_from(metric: Metric, selection: Selection) -> dt.date | None:
    """The first day of the period whose conversions may still rise; None for metrics that are not restated."""
    first = max(selection.since, selection.today - MATURING)
    return first if metric.slug in conversion_metrics() and first <= selection.until else None


def figure(metric: Metric, selection: Selection, lines: pd.DataFrame, ink: str) -> go.Figure:
    """The trend: the metric, the comparison period dashed behind it, maturing days shaded."""
    chart = go.Figure()
    if "compared" in lines:
        chart.add_trace(_line(metric, selection, lines, "compared", "Comparison period"))
    chart.add_trace(_line(metric, selection, lines, "value", metric.label))
    shaded = maturing_from(metric, selection)
    if shaded is not None:
        half = dt.timedelta(hours=12)
        start = dt.datetime.combine(shaded, dt.time()) - half
        end = dt.datetime.combine(selection.until, dt.time()) + half
        chart.add_vrect(x0=start, x1=end, fillcolor=_SHADE, line_width=0, layer="below")
    ticks = {"tickfont": {"color": ink}}
    chart.update_layout(
        height=320,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "reversed"},
        xaxis={
            "tickformat": "%-d %b",
            "showgrid": False,
            "tick0": selection.since,
            "dtick": _DAY_MS * -(-selection.days // 8),
            "fixedrange": True,
            **ticks,
        },
        yaxis={"rangemode": "tozero", "nticks": 6, "fixedrange": True, **ticks, **_axis(metric, selection.currency)},
    )
    return chart


def _line(metric: Metric, selection: Selection, lines: pd.DataFrame, column: str, name: str) -> go.Scatter:
    is_main = column == "value"
    dates = lines["date"] if is_main else lines["compared_date"]
    words = [
        f"{formats.day(day)}: {number_words(metric, value, selection.currency)}"
        for day, value in zip(dates, lines[column], strict=True)
    ]
    dots = "lines+markers" if len(lines) < 46 else "lines"
    style = {"width": 2.5, "color": _LINE} if is_main else {"width": 2, "dash": "dash", "color": _BEHIND}
    return go.Scatter(
        x=lines["date"],
        y=lines[column],
        name=name,
        mode=dots if is_main else "lines",
        line=style,
        marker={"size": 5},
        customdata=words,
        hovertemplate="%{customdata}<extra></extra>",
        connectgaps=False,
    )


def _axis(metric: Metric, currency: str | None) -> dict[str, str]:
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


def _table(metric: Metric, selection: Selection, lines: pd.DataFrame) -> None:
    def words(column: str) -> list[str]:
        return [number_words(metric, value, selection.currency) for value in lines[column]]

    shown = pd.DataFrame({"Day": [formats.day(day) for day in lines["date"]], metric.label: words("value")})
    if "compared" in lines:
        shown["Compared day"] = [formats.day(day) for day in lines["compared_date"]]
        shown["Comparison"] = words("compared")
    st.dataframe(
        shown,
        hide_index=True,
        key="trend_table",
        alt=f"{metric.label} by day",
        column_config={name: st.column_config.TextColumn(alignment="right") for name in (metric.label, "Comparison")},
    )
