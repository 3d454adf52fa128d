"""The charts as figures. Colours hold three to one on both themes' backgrounds; names are escaped for Plotly's HTML.

The custom data of every mark is its words and what a click on it opens: a dimension and a value.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard import formats
from dashboard.charts import ACCENT, BEHIND, SHADE, axis
from dashboard.explore import words
from lib.insights.metrics import Metric

COLOURS = (
    ACCENT, "#c8701a", "#6b7ad6", "#d2504a", "#9a7d12", "#3387c4", "#b0609a", "#5f9437",
)  # fmt: skip
_REST = "#7d8a88"
_HOVER = "%{customdata[0]}<extra></extra>"
_FAINT, _FULL = "rgba(26, 148, 132, 0.06)", "rgba(26, 148, 132, 1)"
_LINE_PX, _LEAST_PX, _MOST_PX = 24, 240, 900
_LONGEST_LABEL, _LONGEST_PART = 34, 22


@dataclass(frozen=True)
class Look:
    """What figures share: the metric that is drawn, its currency, the text's colour, and what runs along time."""

    metric: Metric
    currency: str | None
    ink: str
    time: str = ""

    def tick(self, place: object) -> str:
        """A place on an axis."""
        return words.tick(self.time, place) if isinstance(place, dt.date) else _short(str(place))


def lines(marks: pd.DataFrame, look: Look, *, before: pd.DataFrame | None = None) -> go.Figure:
    """A line a series; ``before`` (``place``, ``value``, ``words``) is drawn dashed behind a single one."""
    chart = go.Figure()
    if before is not None:
        chart.add_trace(_before(before))
    places = list(dict.fromkeys(marks["place"]))
    for number, (_, part) in enumerate(marks.groupby("of", sort=False)):
        chart.add_trace(
            go.Scatter(
                x=part["place"],
                y=part["value"],
                name=_short(part["series"].iloc[0] or look.metric.label),
                mode="lines+markers",
                line={"width": 2.5 if number == 0 else 2, "color": COLOURS[number % len(COLOURS)]},
                marker={"size": 6 if len(places) < 46 else 4},
                customdata=_custom(part),
                hovertemplate=_HOVER,
                connectgaps=False,
            )
        )
    is_dated = isinstance(places[0], dt.date)
    ticks: dict[str, Any] = {
        "tickvals": _ticks(places),
        "ticktext": [look.tick(each) for each in _ticks(places)],
    }
    across = ticks if is_dated else {"categoryorder": "array", "categoryarray": places}
    chart.update_layout(
        **_layout(look.ink, 340),
        xaxis={**_plain_axis(look.ink), "showgrid": False, **across},
        yaxis={**_plain_axis(look.ink), "rangemode": "tozero", "nticks": 6, **axis(look.metric, look.currency)},
    )
    return chart


def bars(marks: pd.DataFrame, look: Look, *, upright: bool) -> go.Figure:
    """A bar a place, with a part for each series; upright along time, else lying with room for names."""
    order = _places(marks, look, upright=upright)
    at = marks["at"].map(order["number"])
    chart = go.Figure()
    for number, (_, part) in enumerate(marks.groupby(["of", "series"], sort=False)):
        is_rest = bool(part["of"].iloc[0] == "" and part["series"].iloc[0])
        values, places = part["value"], at[part.index]
        chart.add_trace(
            go.Bar(
                x=places if upright else values,
                y=values if upright else places,
                orientation="v" if upright else "h",
                name=_short(part["series"].iloc[0] or look.metric.label),
                marker={"color": _REST if is_rest else COLOURS[number % len(COLOURS)]},
                customdata=_custom(part),
                hovertemplate=_HOVER,
            )
        )
    shown = order.iloc[:: max(1, -(-len(order) // 12))] if upright else order
    names = {
        **_plain_axis(look.ink),
        "showgrid": False,
        "tickvals": shown["number"].tolist(),
        "ticktext": shown["label"].tolist(),
    }
    amounts = {**_plain_axis(look.ink), "nticks": 6, **axis(look.metric, look.currency)}
    if not upright:
        names["autorange"] = "reversed"
    chart.update_layout(
        **_layout(look.ink, 340 if upright else _tall(len(order))),
        barmode="relative",
        bargap=0.25,
        showlegend=marks["of"].nunique() > 1 or marks["series"].nunique() > 1,
        xaxis=names if upright else amounts,
        yaxis=amounts if upright else names,
    )
    return chart


def scatter(marks: pd.DataFrame, look: Look, up: Metric) -> go.Figure:
    """A point a mark: ``value`` across, ``other`` up."""
    chart = go.Figure(
        go.Scatter(
            x=marks["value"],
            y=marks["other"],
            mode="markers",
            marker={"size": 10, "color": ACCENT, "opacity": 0.75, "line": {"width": 0}},
            customdata=_custom(marks),
            hovertemplate=_HOVER,
        )
    )
    chart.update_layout(
        **_layout(look.ink, 420),
        xaxis={
            **_plain_axis(look.ink),
            "title": {"text": look.metric.label},
            "nticks": 8,
            **axis(look.metric, look.currency),
        },
        yaxis={**_plain_axis(look.ink), "title": {"text": up.label}, "nticks": 6, **axis(up, look.currency)},
    )
    return chart


def heat(marks: pd.DataFrame, look: Look, places: Sequence[Any]) -> go.Figure:
    """A cell for each place and series; ``places`` is their order across.

    Plotly tells nothing of clicks on a heat map, so invisible squares lie on its cells and take them.
    """
    down = marks.drop_duplicates("of").reset_index(drop=True)
    row = marks["of"].map({of: number for number, of in enumerate(down["of"])})
    column = marks["place"].map({place: number for number, place in enumerate(places)})
    known = marks.assign(row=row, column=column).drop_duplicates(["row", "column"])
    grid = known.pivot(index="row", columns="column", values="value").reindex(columns=range(len(places)))
    chart = go.Figure(
        go.Heatmap(
            z=grid.to_numpy(),
            colorscale=[[0, _FAINT], [1, _FULL]],
            hoverinfo="skip",
            xgap=2,
            ygap=2,
            colorbar={
                "thickness": 12,
                "tickfont": {"color": look.ink},
                "outlinewidth": 0,
                **axis(look.metric, look.currency),
            },
        )
    )
    invisible = {"marker": {"opacity": 0}}
    chart.add_trace(
        go.Scatter(
            x=known["column"],
            y=known["row"],
            mode="markers",
            marker={"symbol": "square", "size": 22, "opacity": 0},
            selected=invisible,
            unselected=invisible,
            customdata=_custom(known),
            hovertemplate=_HOVER,
            showlegend=False,
        )
    )
    labels = [look.tick(place) for place in places]
    every = max(1, -(-len(places) // 14))
    chart.update_layout(
        **_layout(look.ink, _tall(len(down))),
        xaxis={
            **_plain_axis(look.ink), "showgrid": False, "side": "top",
            "tickvals": list(range(len(places)))[::every], "ticktext": labels[::every],
        },
        yaxis={
            **_plain_axis(look.ink), "showgrid": False, "autorange": "reversed",
            "tickvals": down.index.tolist(), "ticktext": [_short(each or look.metric.label) for each in down["series"]],
        },
    )  # fmt: skip
    return chart


def shade(chart: go.Figure, since: dt.date, until: dt.date) -> None:
    """Shade the days from ``since`` to ``until``."""
    half = dt.timedelta(hours=12)
    start, end = dt.datetime.combine(since, dt.time()) - half, dt.datetime.combine(until, dt.time()) + half
    chart.add_vrect(x0=start, x1=end, fillcolor=SHADE, line_width=0, layer="below")


def _before(before: pd.DataFrame) -> go.Scatter:
    return go.Scatter(
        x=before["place"],
        y=before["value"],
        name="Comparison period",
        mode="lines",
        line={"width": 2, "dash": "dash", "color": BEHIND},
        customdata=[[words, "", ""] for words in before["words"]],
        hovertemplate=_HOVER,
        connectgaps=False,
    )


def _places(marks: pd.DataFrame, look: Look, *, upright: bool) -> pd.DataFrame:
    """The places by ``at``: their numbers along the axis and their labels."""
    found = marks.drop_duplicates("at")
    if upright and found["place"].map(lambda place: isinstance(place, dt.date)).all():
        found = found.sort_values("place")
    labels = [look.tick(place) for place in found["place"]]
    return pd.DataFrame({"number": range(len(found)), "label": labels}, index=found["at"])


def _custom(marks: pd.DataFrame) -> list[list[str]]:
    return marks[["words", "dimension", "target"]].values.tolist()


def _short(label: str) -> str:
    """The label with each of its parts cut to what there is room for: the last ones tell groups apart."""
    parts = label.split(words.JOINT)
    room = max(_LONGEST_LABEL, _LONGEST_PART * len(parts)) // len(parts)
    return escape(words.JOINT.join(formats.short(part, room) for part in parts), quote=False)


def _ticks(places: Sequence[Any]) -> list[Any]:
    return list(places[:: max(1, -(-len(places) // 8))])


def _tall(count: int) -> int:
    return min(_MOST_PX, max(_LEAST_PX, 90 + _LINE_PX * count))


def _plain_axis(ink: str) -> dict[str, Any]:
    return {"fixedrange": True, "tickfont": {"color": ink}, "automargin": True, "zeroline": False}


def _layout(ink: str, height: int) -> dict[str, Any]:
    return {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hovermode": "closest",
        "clickmode": "event+select",
        "dragmode": False,
        "font": {"color": ink},
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    }
