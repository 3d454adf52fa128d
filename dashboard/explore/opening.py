"""What a click on a row or a mark leads to: the filter narrows to it, and the grouping goes one step further down."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from dashboard import views
from dashboard.explore import words
from dashboard.explore.view import ExploreView, settled
from dashboard.selection import Selection
from lib.errors import QueryError
from lib.insights.breakdowns import SPLITS
from lib.insights.query import DAYS, NAMED, TEXTUAL, Filter

NEXT: Mapping[str, str] = {
    "client": "account",
    "account": "campaign",
    "campaign": "adset",
    "adset": "ad",
    "ad": "date",
    "creative": "ad",
    "objective": "campaign",
    "goal": "adset",
    "status": "ad",
    "age": "gender",
    "gender": "campaign",
    "country": "campaign",
    "region": "campaign",
    "platform": "position",
    "position": "campaign",
    "device": "campaign",
    "hour": "campaign",
    "quarter": "month",
    "month": "week",
    "week": "date",
    "date": "campaign",
}
"""What a dimension opens into; a weekday opens into nothing, as no filter picks weekdays."""

LEVELS = ("client", "account", "campaign", "adset", "ad")
"""From the widest to the narrowest: the trail that drilling leaves."""


@dataclass(frozen=True)
class Step:
    """One level of the trail: what was opened."""

    level: str
    value: str


def can_open(dimension: str, group_id: str, *, is_other: bool) -> bool:
    """Whether a click on this group leads anywhere."""
    return dimension in NEXT and not is_other and bool(group_id or dimension not in NAMED)


def opened(view: ExploreView, selection: Selection, dimension: str, value: str) -> ExploreView:
    """``view`` narrowed to the group ``value`` of ``dimension`` (an id, a word, or a day as 2026-01-31)."""
    if dimension in DAYS:
        narrowed = _in_days(view, selection, dimension, dt.date.fromisoformat(value))
    elif dimension == "client":
        narrowed = replace(view, clients=views.SHARED_PARSERS["clients"]((value,)))  # type: ignore[arg-type]
    elif dimension == "account":
        narrowed = replace(view, accounts=views.SHARED_PARSERS["accounts"]((value,)))  # type: ignore[arg-type]
    else:
        narrowed = _filtered(view, Filter(words.id_column_of(dimension), "=", (value,)))
    return settled(replace(_stepped(narrowed, dimension, NEXT[dimension]), page=1))[0]


def clicked(view: ExploreView, selection: Selection, dimension: str, value: str) -> ExploreView:
    """The same for what a browser sends: ``view`` as it is where that makes no sense."""
    if dimension not in view.group_by or dimension not in NEXT:
        return view
    try:
        return opened(view, selection, dimension, value)
    except (QueryError, ValueError):
        return view


def trail(view: ExploreView) -> tuple[Step, ...]:
    """What the view is narrowed to, from client to ad; empty before anything of campaigns was opened."""
    steps = [Step(level, value) for level in LEVELS if (value := _only(view, level))]
    return tuple(steps) if any(step.level in LEVELS[2:] for step in steps) else ()


def back_to(view: ExploreView, step: Step | None) -> ExploreView:
    """``view`` as it was when ``step`` was opened; None is before the first."""
    keep = LEVELS.index(step.level) + 1 if step else 0
    gone = LEVELS[keep:]
    wider = replace(
        view,
        clients=() if "client" in gone else view.clients,
        accounts=() if "account" in gone else view.accounts,
        filters=tuple(each for each in view.filters if each.name not in {f"{level}_id" for level in gone}),
        page=1,
    )
    first = trail(view)[0].level if trail(view) else "campaign"
    return settled(_at_level(wider, NEXT[step.level] if step else first))[0]


def _only(view: ExploreView, level: str) -> str:
    if level in ("client", "account"):
        chosen: tuple[object, ...] = view.clients if level == "client" else view.accounts
        return str(chosen[0]) if len(chosen) == 1 else ""
    found = [each for each in view.filters if each.name == f"{level}_id" and each.operator == "="]
    return found[0].values[0] if len(found) == 1 and len(found[0].values) == 1 else ""


def _filtered(view: ExploreView, condition: Filter) -> ExploreView:
    others = tuple(each for each in view.filters if (each.name, each.operator) != (condition.name, condition.operator))
    return replace(view, filters=(*others, condition))


def _in_days(view: ExploreView, selection: Selection, dimension: str, first: dt.date) -> ExploreView:
    since, until = max(first, selection.since), min(_last_day(dimension, first), selection.until)
    if since > until:
        raise ValueError(f"{first} lies outside the period")
    return replace(view, period="custom", since=since, until=until)


def _last_day(dimension: str, first: dt.date) -> dt.date:
    if dimension == "date":
        return first
    if dimension == "week":
        return first + dt.timedelta(days=6)
    month = first.month if dimension == "month" else first.month + 2
    return first.replace(month=month, day=calendar.monthrange(first.year, month)[1])


def _stepped(view: ExploreView, dimension: str, into: str) -> ExploreView:
    """``dimension`` gives way to ``into``, or just goes where the grouping says as much already."""
    is_told = into in view.group_by or (
        into in DAYS and any(name in DAYS for name in view.group_by if name != dimension)
    )
    alone = view.group_by == (dimension,)
    is_word = dimension in TEXTUAL and into not in SPLITS
    if is_told or ((is_word or dimension in ("date", "ad")) and not alone):
        group_by = tuple(name for name in view.group_by if name != dimension)
        return replace(view, group_by=group_by, pivot="" if view.pivot == dimension else view.pivot)
    group_by = tuple(into if name == dimension else name for name in view.group_by)
    return replace(view, group_by=group_by, pivot=into if view.pivot == dimension else view.pivot)


def _at_level(view: ExploreView, level: str) -> ExploreView:
    now = next((name for name in view.group_by if name in LEVELS), None)
    if now is None:
        group_by = (level,) if len(view.group_by) < 2 else (level, *view.group_by[:2])
        return replace(view, group_by=group_by)
    if level in view.group_by:
        return view
    swapped = tuple(level if name == now else name for name in view.group_by)
    return replace(view, group_by=swapped, pivot=level if view.pivot == now else view.pivot)
