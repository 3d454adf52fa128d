"""What a result is: the stored column that an ad set's optimisation goal stands for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal

from lib.store.models import AdSet, Insight

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

RULE = "not summable: holds within one optimisation goal whose result is stored"
_BY_EVENT = "OFFSITE_CONVERSIONS"


def goal() -> ColumnElement[str]:
    """The goal of an ad-day's ad set, with its event where that decides; '' where nothing is known."""
    event = func.coalesce(AdSet.custom_event_type, "")
    with_event = literal(f"{_BY_EVENT} ") + event
    return case((AdSet.optimization_goal == _BY_EVENT, with_event), else_=func.coalesce(AdSet.optimization_goal, ""))


def result() -> ColumnElement[Any]:
    """The result of one ad-day; NULL where its goal has none."""
    columns = Insight.__table__.c
    by_event = [
        (and_(AdSet.optimization_goal == _BY_EVENT, AdSet.custom_event_type == event), columns[name])
        for event, name in EVENTS.items()
    ]
    by_goal = [(AdSet.optimization_goal == goal, columns[name]) for goal, name in GOALS.items()]
    return case(*by_event, *by_goal, else_=None)


def summed_result() -> ColumnElement[Any]:
    """The result of a group; NULL where its ad-days have several goals or one without a result."""
    return case((func.min(goal()) == func.max(goal()), func.sum(result())), else_=None)
