"""What a result is: the stored column that an ad set's optimisation goal stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal

from lib.store.models import AdSet

EVENTS = {
    "PURCHASE": "purchases",
    "LEAD": "leads",
    "ADD_TO_CART": "add_to_cart",
    "INITIATED_CHECKOUT": "checkouts",
    "CONTENT_VIEW": "content_views",
}
"""By the event that an ad set with the goal OFFSITE_CONVERSIONS promotes."""

GOALS = {
    "VALUE": "purchases",
    "LINK_CLICKS": "link_clicks",
    "LANDING_PAGE_VIEWS": "landing_page_views",
    "LEAD_GENERATION": "leads",
    "QUALITY_LEAD": "leads",
    "APP_INSTALLS": "app_installs",
    "POST_ENGAGEMENT": "engagements",
    "THRUPLAY": "thruplays",
    "CONVERSATIONS": "conversations",
    "REPLIES": "conversations",
    "IMPRESSIONS": "impressions",
}
"""Goals that need no event. REACH and the goals that stand nowhere have no result here."""

COLUMNS = tuple(dict.fromkeys((*EVENTS.values(), *GOALS.values())))
"""The stored columns that results are taken from."""

RULE = "not summable: holds within one optimisation goal whose result is stored"
_BY_EVENT = "OFFSITE_CONVERSIONS"


def goal() -> ColumnElement[str]:
    """The goal of an ad set, with its event where that decides; '' where nothing is known."""
    event = func.coalesce(AdSet.custom_event_type, "")
    with_event = literal(f"{_BY_EVENT} ") + event
    return case((AdSet.optimization_goal == _BY_EVENT, with_event), else_=func.coalesce(AdSet.optimization_goal, ""))


def result(column: Callable[[str], ColumnElement[Any]]) -> ColumnElement[Any]:
    """The result among the columns that ``column`` gives by their names; NULL where the goal has none."""
    by_event = [
        (and_(AdSet.optimization_goal == _BY_EVENT, AdSet.custom_event_type == event), column(name))
        for event, name in EVENTS.items()
    ]
    by_goal = [(AdSet.optimization_goal == goal, column(name)) for goal, name in GOALS.items()]
    return case(*by_event, *by_goal, else_=None)


def summed_result(
    column: Callable[[str], ColumnElement[Any]], summed: Callable[[ColumnElement[Any]], ColumnElement[Any]]
) -> ColumnElement[Any]:
    """The result of a group of ad sets, as ``summed`` adds up; NULL where they have several goals or one without."""
    return case((func.min(goal()) == func.max(goal()), summed(result(column))), else_=None)
