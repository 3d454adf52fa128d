"""Which chart an answer gets. People may choose another one that fits; where theirs does not fit, this one is drawn.

a day, week, month or quarter                  line, a line for each group of the other dimensions
a weekday and something else                   heat map
one dimension, over thirty groups, two metrics scatter: bars could not be told apart
one dimension                                  bars
two or three, and the metric adds up           stacked bars
two or three, and it does not                  heat map
no dimension                                   none: one row is one row
"""

from __future__ import annotations

from dashboard.explore.view import CHARTS, ExploreView
from lib.insights.metrics import METRICS
from lib.insights.query import DAYS

MOST_BARS = 30

REASONS = {
    "line": "Lines need a day, week, weekday, month or quarter in the grouping.",
    "stacked": "Stacked bars need two dimensions and a metric that adds up.",
    "scatter": "A scatter needs a dimension and two metrics.",
    "heat": "A heat map needs two dimensions.",
    "bar": "Bars need a dimension.",
}


def time_of(view: ExploreView) -> str:
    """The first dimension that runs along time; empty where there is none."""
    return next((name for name in view.group_by if name in DAYS), "")


def fitting(view: ExploreView, groups: int) -> str:
    """The chart for this view of ``groups`` rows: the one that is asked for where it fits, else the natural one."""
    if view.chart != "auto" and can_draw(view, view.chart):
        return view.chart
    return natural(view, groups)


def natural(view: ExploreView, groups: int) -> str:
    """The chart by the rule above."""
    if not view.group_by:
        return "none"
    if time_of(view):
        return "line"
    if len(view.group_by) == 1:
        return "scatter" if groups > MOST_BARS and _is_pair(view) else "bar"
    if "weekday" in view.group_by or not can_draw(view, "stacked"):
        return "heat"
    return "stacked"


def can_draw(view: ExploreView, chart: str) -> bool:
    """Whether ``chart`` can show this view."""
    dimensions = len(view.group_by)
    adds_up = METRICS[view.drawn].additive == "sum"
    fits = {
        "none": True,
        "auto": True,
        "line": bool(time_of(view)) or "weekday" in view.group_by,
        "bar": dimensions >= 1,
        "stacked": dimensions >= 2 and adds_up,
        "scatter": dimensions >= 1 and len(view.metrics) >= 2,
        "heat": dimensions >= 2,
    }
    return fits[chart]


def offered(view: ExploreView) -> list[str]:
    """The charts that fit, in the order of the menu; the one that is asked for is among them."""
    return [chart for chart in CHARTS if can_draw(view, chart) or chart == view.chart]


def other_metric(view: ExploreView) -> str:
    """What a scatter sets the drawn metric against: the next of the metrics that is not it."""
    return next(slug for slug in view.metrics if slug != view.drawn)


def _is_pair(view: ExploreView) -> bool:
    """Whether there are just two metrics, which both have values for groups."""
    return len(view.metrics) == 2 and all(METRICS[slug].additive != "never" for slug in view.metrics)
