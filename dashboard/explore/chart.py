"""The answer as a chart: what is drawn and how can be changed, a click on a mark opens what it stands for."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard import address, charts, filters, formats, states
from dashboard.charts import number_words
from dashboard.explore import charted, figures, fitting, marks, opening, words
from dashboard.explore.asking import Answer
from dashboard.explore.figures import Look
from dashboard.explore.view import CHARTS, ExploreView
from dashboard.selection import Selection
from lib.insights.metrics import METRICS
from lib.insights.query import DAYS

_KEY = "explore_chart"
_SAME = " The table below has the same numbers."


def draw(answer: Answer, *, whole: bool) -> None:
    """The chart under its controls; ``whole`` tells that no day of the period is missing."""
    view = answer.view
    chart = fitting.fitting(view, len(answer.data))
    if not view.group_by:
        return
    with st.container(key="chart", border=True):
        _head(view, chart)
        if chart == "none":
            return
        shown = charted.charted(answer, chart)
        if shown is None:
            st.caption(charted.TOO_MANY)
            return
        if shown.data[view.drawn].isna().all():
            _nothing(shown)
            return
        ink = states.text_colour()
        figure = shown.drawn("chart", lambda: _figure(shown, chart, ink, whole=whole), chart, whole, ink)
        st.plotly_chart(
            figure,
            key=_KEY,
            config=charts.CONFIG,
            on_select=partial(_clicked, answer.selection),
            selection_mode="points",
            alt=f"{CHARTS[chart]}: {title(view, chart)}.{'' if answer.is_cut else _SAME}",
        )
        said = answer.drawn("remarks", lambda: _remarks(answer, shown, chart), chart)
        if said:
            st.caption(said)


def title(view: ExploreView, chart: str) -> str:
    """Spend by campaign and week; of a scatter both metrics."""
    drawn = words.metric(view.drawn)
    if chart == "scatter":
        drawn = f"{drawn} and {words.inside(words.metric(fitting.other_metric(view)))}"
    return f"{drawn} {words.by(view.group_by)}".strip()


def _head(view: ExploreView, chart: str) -> None:
    with st.container(key="chart_head", horizontal=True, vertical_alignment="center"):
        st.subheader(formats.plain(title(view, chart)), anchor=False, width="stretch")
        if len(view.metrics) > 1 and chart != "none":
            filters.choice(
                "Metric", "metric", view.metrics, view.drawn, words=words.metric, width=190, is_labelled=False
            )
        filters.choice(
            "Chart", "chart", fitting.offered(view), view.chart, words=CHARTS.__getitem__, width=170, is_labelled=False
        )


def _figure(answer: Answer, chart: str, ink: str, *, whole: bool) -> go.Figure:
    view, selection = answer.view, answer.selection
    look = Look(METRICS[view.drawn], selection.currency, ink, fitting.time_of(view))
    if chart == "line":
        return _lines(answer, look, whole=whole)
    if chart == "heat":
        found = marks.cells(answer)
        return figures.heat(found, look, places_across(answer, found, whole=whole))
    if chart == "scatter":
        return figures.scatter(marks.points(answer), look, METRICS[fitting.other_metric(view)])
    if chart == "stacked":
        return figures.bars(marks.stacks(answer), look, upright=bool(look.time))
    upright = len(view.group_by) == 1 and view.group_by[0] in (*DAYS, "weekday")
    return figures.bars(marks.groups(answer).assign(of="", series=""), look, upright=upright)


def _lines(answer: Answer, look: Look, *, whole: bool) -> go.Figure:
    found = marks.along_time(answer, whole=whole)
    chart = figures.lines(found, look, before=_before(answer, look))
    first = charts.maturing_from(look.metric, answer.selection) if look.time == "date" else None
    if first is not None:
        figures.shade(chart, max(first, min(found["place"])), max(found["place"]))
    return chart


def _before(answer: Answer, look: Look) -> pd.DataFrame | None:
    """The course of the period before, under the days of this one; only beside a single line."""
    if answer.view.group_by != (look.time,):
        return None
    before = answer.before((look.time,))
    if before is None:
        return None
    days = [day.date() for day in before[look.time]]
    values = before[look.metric.slug].astype("float64")
    said = [
        f"{words.day(look.time, day - answer.days_apart)}<br>{look.metric.label}: "
        f"{number_words(look.metric, value, look.currency)}"
        for day, value in zip(days, values, strict=True)
    ]
    return pd.DataFrame({"place": days, "value": values.to_numpy(), "words": said})


def places_across(answer: Answer, found: pd.DataFrame, *, whole: bool) -> list[object]:
    """The places of a heat map in their order: days without a gap, weekdays from Monday, the rest as they come."""
    view = answer.view
    places = list(dict.fromkeys(found["place"]))
    time = view.pivot if view.pivot in DAYS else fitting.time_of(view) if not view.pivot else ""
    if time:
        return list(marks.axis(answer, time, whole=whole))
    if all(place in words.WEEKDAYS for place in places):
        return [day for day in words.WEEKDAYS if day in places]
    return places


def is_ragged(answer: Answer) -> bool:
    """Whether the period cuts its first or last week, month or quarter."""
    time, selection = fitting.time_of(answer.view), answer.selection
    if time in ("", "date"):
        return False
    day = dt.timedelta(days=1)
    first = marks.steps(time, selection.since, selection.since)[0]
    after = marks.steps(time, selection.until, selection.until + day)[-1]
    return first < selection.since or after <= selection.until


def _nothing(answer: Answer) -> None:
    metric = METRICS[answer.view.drawn]
    rule = answer.frame.notes.get(metric.slug)
    if rule:
        states.not_reported(metric, rule, words.by(answer.view.group_by))
    else:
        st.caption(f"{metric.label} has no value in any of these rows.")


def _remarks(answer: Answer, shown: Answer, chart: str) -> str:
    view = answer.view
    said = []
    if view.chart not in ("auto", chart):
        said.append(fitting.REASONS[view.chart])
    if not marks.is_whole(answer, chart):
        whole = "a file" if answer.is_cut else "the table"
        said.append(f"The {_which(answer, shown, chart)} are drawn; {whole} has them all.")
    if (
        chart == "line"
        and fitting.time_of(view) == "date"
        and charts.maturing_from(METRICS[view.drawn], answer.selection)
    ):
        said.append("Shaded days are still maturing: Meta may credit more conversions to them for 28 days.")
    if is_ragged(answer):
        said.append(f"The first or last {words.dimension(fitting.time_of(view)).lower()} is not whole in this period.")
    if any(opening.can_open(name, "1", is_other=False) for name in view.group_by):
        said.append("Click a mark to open it.")
    return " ".join(said)


def _which(answer: Answer, shown: Answer, chart: str) -> str:
    """The groups that found a place on the chart; ``shown`` is what it was drawn from."""
    if chart == "scatter":
        among = f" among the first {len(answer.data):,}" if answer.is_cut else ""
        return f"first {marks.MOST_POINTS:,} groups that have both numbers{among}"
    if chart == "bar":
        return f"first {marks.MOST_PLACES} {'groups' if answer.view.pivot else 'rows of the table'}"
    top = shown.view.top
    if shown is answer or top is None:
        return "largest groups"
    of, by = words.dimension(top.dimension).lower(), words.inside(words.metric(top.by))
    return f"largest groups of the top {top.n} ({of}, by {by})"


def _clicked(selection: Selection) -> None:
    points = st.session_state[_KEY].selection.points
    _, dimension, value = (points[0].get("customdata") or ("", "", "")) if points else ("", "", "")
    if dimension:
        address.apply(lambda view: opening.clicked(view, selection, dimension, value))
