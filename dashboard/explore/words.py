"""What the Explore page calls things: dimensions, groups of metrics, conditions and the values in a cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

from dashboard import formats
from lib.insights.answer import DIMENSION_LABELS, WEEKDAYS
from lib.insights.filters import NUMBER_WORDS, TEXT_WORDS, Filter
from lib.insights.metrics import METRICS
from lib.insights.query import DAYS, NAMED

DIMENSIONS: Mapping[str, str] = {**DIMENSION_LABELS, "date": "Day"}
"""Dimension to label, in the order of the menu."""

JOINT = " · "
"""Stands between the names of a group of several dimensions."""

NOTHING = "(none)"
"""Stands where Meta gave an empty name."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Delivery": ("spend", "spend_share", "impressions", "reach", "frequency", "cpm", "cpp"),
    "Clicks": (
        "clicks", "ctr", "cpc", "link_clicks", "link_ctr", "link_cpc", "unique_link_clicks", "outbound_clicks",
        "outbound_ctr", "cost_per_outbound_click",
    ),
    "Site": (
        "landing_page_views", "lpv_rate", "cost_per_lpv", "content_views", "add_to_cart", "cost_per_add_to_cart",
        "cart_rate", "checkouts", "cost_per_checkout", "checkout_completion",
    ),
    "Purchases": (
        "purchases", "cpa", "cvr", "revenue", "revenue_share", "roas", "aov", "value_per_click",
    ),
    "Leads and results": ("leads", "cpl", "lead_rate", "results", "cost_per_result", "conversations",
                          "cost_per_conversation"),
    "App": ("app_installs", "cpi"),
    "Engagement": ("engagements", "engagement_rate", "cost_per_engagement"),
    "Video": (
        "video_plays", "video_3s_plays", "thruplays", "cost_per_thruplay", "hook_rate", "hold_rate_15s",
        "video_15s_plays", "video_p25", "video_p50", "video_p75", "video_p100", "completion_rate",
    ),
}  # fmt: skip
"""Every metric of the registry under what it tells about."""

MENU: tuple[str, ...] = tuple(slug for group in GROUPS.values() for slug in group)


def metric(slug: str) -> str:
    """The label of a metric."""
    return METRICS[slug].label


def inside(label: str) -> str:
    """A label as it stands inside a sentence: Link clicks as link clicks, ROAS and CTR as they are."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def dimension(name: str) -> str:
    """The label of a dimension."""
    return DIMENSIONS[name]


def by(names: Sequence[str]) -> str:
    """``by campaign and week``; empty without dimensions."""
    return f"by {formats.listed([dimension(name).lower() for name in names])}" if names else ""


def column_of(name: str) -> str:
    """The column of a frame that people read for a dimension."""
    return f"{name}_name" if name in NAMED else name


def id_column_of(name: str) -> str:
    """The column of a frame that tells the groups of a dimension apart."""
    return f"{name}_id" if name in NAMED else name


def value(name: str, found: object) -> str:
    """A value of a dimension as people read it."""
    if name in DAYS and isinstance(found, dt.date):
        return day(name, found)
    text = str(found)
    if name in ("objective", "status", "goal"):
        return word(text)
    return text or NOTHING


def day(name: str, first: dt.date) -> str:
    """20 Nov 2026, Week of 16 Nov 2026, Nov 2026, Q4 2026."""
    if name == "quarter":
        return f"Q{(first.month + 2) // 3} {first.year}"
    if name == "month":
        return f"{first:%b} {first.year}"
    return f"Week of {formats.day(first)}" if name == "week" else formats.day(first)


def tick(name: str, first: dt.date) -> str:
    """The same as short as an axis has it: 20 Nov, Nov 2026, Q4 2026."""
    return day(name, first) if name in ("month", "quarter") else f"{first.day} {first:%b}"


def word(text: str) -> str:
    """OUTCOME_SALES as Sales, WITH_ISSUES as With issues; Meta's words are capitals."""
    if not text:
        return NOTHING
    if text != text.upper():
        return text
    return text.removeprefix("OUTCOME_").replace("_", " ").capitalize()


def weekday_order(name: str) -> int:
    """The position of a weekday in the week, Monday first."""
    return WEEKDAYS.index(name) if name in WEEKDAYS else len(WEEKDAYS)


def field(name: str) -> str:
    """The label of what a condition is about."""
    if name in METRICS:
        return metric(name)
    if name == "currency":
        return "Currency"
    return dimension(name.removesuffix("_id"))


def operator(each: Filter) -> str:
    """What the condition's operator reads as; that of a list of several values as one of them."""
    if each.is_metric:
        return NUMBER_WORDS[each.operator]
    if len(each.values) > 1:
        return "is one of" if each.operator == "=" else "is none of"
    return TEXT_WORDS[each.operator]


def condition(each: Filter, names: Mapping[str, str]) -> str:
    """Campaign contains Sale; ``names`` has what ids are called."""
    shown = [value_of_condition(each, one, names) for one in each.values]
    return f"{field(each.name)} {operator(each)} {formats.listed(shown, 2)}"


def value_of_condition(each: Filter, one: str, names: Mapping[str, str]) -> str:
    """One value of a condition as people read it."""
    if each.is_metric:
        return f"{percent(one)}%" if METRICS[each.name].format == "percent" else one
    if each.name.endswith("_id"):
        return names.get(one, one)
    if each.operator in ("=", "!="):
        return value(each.name, one)
    return f"“{one}”"


def percent(fraction: str) -> str:
    """0.0125 as 1.25."""
    return f"{(Decimal(fraction) * 100).normalize():f}"
