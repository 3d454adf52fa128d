"""The cards: a number, its change against the comparison period, and its course by day."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

import streamlit as st

from dashboard import formats
from dashboard.formats import Delta
from dashboard.frame import Frame
from dashboard.selection import Selection
from lib.insights.metrics import METRICS, Metric

CARDS = (
    "spend",
    "impressions",
    "link_clicks",
    "link_ctr",
    "link_cpc",
    "purchases",
    "revenue",
    "roas",
    "cpa",
    "cpm",
)
_INCOMPARABLE = Delta("", "off", "neutral", "No change to show: not every day of both periods is complete.")
_COLOURS = {"good": "green", "bad": "red", "neutral": "gray"}


def cards(totals: Frame, before: Frame | None, daily: Frame, selection: Selection, *, is_comparable: bool) -> None:
    """One card for each of CARDS. ``before`` is None without a comparison; ``daily`` has a row a day.

    Without ``is_comparable`` no change is shown: days of one of the periods are missing.
    """
    with st.container(key="kpis"):
        for slug in CARDS:
            before_value = before.first.get(slug) if before else None
            change = None
            if before:
                change = formats.delta(totals.first.get(slug), before_value, METRICS[slug].direction)
                change = change if is_comparable else _INCOMPARABLE
            _card(METRICS[slug], totals, before, daily, selection=selection, change=change)


def _card(
    metric: Metric, totals: Frame, before: Frame | None, daily: Frame, *, selection: Selection, change: Delta | None
) -> None:
    value = totals.first.get(metric.slug)
    course = course_of(daily, metric.slug)
    st.metric(
        metric.label,
        formats.plain(formats.compact(value, metric.format, selection.currency)),
        change.text if change and change.text else None,
        delta_color=_COLOURS[change.tone] if change else "gray",  # type: ignore[arg-type]
        delta_arrow=change.arrow if change else "off",
        delta_description=_against(metric, before, change, selection),
        help=explain(metric, value, change, totals.notes, selection.currency),
        border=True,
        height="stretch",
        chart_data=course if len(course) > 1 else None,
        chart_type="line",
    )


def course_of(daily: Frame, slug: str) -> list[float]:
    """The values by day, without the days that have none."""
    if daily.is_empty or slug not in daily.data:
        return []
    values = daily.data[slug].to_numpy("float64", na_value=math.nan)
    return [value for value in values.tolist() if not math.isnan(value)]


def _against(metric: Metric, before: Frame | None, change: Delta | None, selection: Selection) -> str | None:
    if before is None or change is None:
        return None
    if not change.text:
        return "no comparison"
    return f"vs {formats.compact(before.first.get(metric.slug), metric.format, selection.currency)}"


def explain(
    metric: Metric,
    value: int | Decimal | None,
    change: Delta | None,
    notes: Mapping[str, str],
    currency: str | None,
) -> str:
    """What hovering over a card tells: the exact number, what it is made of, and why something is missing."""
    sentences = [f"{formats.exact(value, metric.format, currency)}" if value is not None else missing(metric, notes)]
    made = " divided by ".join(METRICS[part].label.lower() for part in metric.parts)
    if made:
        sentences.append(f"{metric.label}: {made}{' times 1,000' if metric.parsed.factor == 1000 else ''}")
    if metric.note:
        sentences.append(metric.note[0].upper() + metric.note[1:])
    if change and change.reason and value is not None:
        sentences.append(change.reason.rstrip("."))
    return formats.plain(". ".join(sentences) + ".")


def missing(metric: Metric, notes: Mapping[str, str]) -> str:
    """Why a metric has no value, without a full stop."""
    if metric.slug in notes:
        return notes[metric.slug][0].upper() + notes[metric.slug][1:]
    if metric.parts:
        return f"No value: there were no {METRICS[metric.parts[1]].label.lower()} to divide by"
    return "No value: nothing was delivered in this period"


def conversion_metrics(slugs: Sequence[str] = tuple(METRICS)) -> frozenset[str]:
    """The metrics that Meta restates for 28 days, as purchases are credited to earlier days."""
    return frozenset(slug for slug in slugs if _RESTATED & ({slug} | set(METRICS[slug].parts)))


_RESTATED = {
    "landing_page_views",
    "content_views",
    "add_to_cart",
    "checkouts",
    "purchases",
    "revenue",
    "leads",
    "results",
    "app_installs",
    "conversations",
}
MATURING = dt.timedelta(days=28)
