"""How the rows are arranged: their order, the dimension that becomes columns, and the top that stays apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from dashboard import address, filters, formats
from dashboard.explore import words
from dashboard.explore.view import PAGE, ExploreView, order_of, settled
from lib.insights.metrics import METRICS
from lib.insights.query import DAYS, Top

TOPS = (0, 3, 5, 10, 20, 50, 100)


def set_parts(**parts: Any) -> None:
    """Change these parts of the view; what does not go with them any more is left out, and said."""
    address.apply(lambda view: with_parts(view, **parts))


def with_parts(view: ExploreView, **parts: Any) -> ExploreView:
    """``view`` with these parts, from its first row on; says what had to be left out."""
    changed, lost = settled(replace(view, **{"page": 1, **parts}))
    lost = tuple(name for name in lost if name not in ("order", "metric", "pivot"))
    if lost:
        names = formats.listed([PAGE.words[name] for name in lost], 5)
        address.notice(f"Left out, as it does not go with this grouping: {names}.")
    return changed


def sort(view: ExploreView) -> None:
    """What the rows are sorted by, and which way."""
    key, descending = sort_of(view)
    options = (*view.rows, *view.metrics) or ("",)
    filters.choice("Sort by", "sort", options, key, words=_sort_words, width=170, then=sort_by)
    st.button(
        _direction(key, descending),
        key="sort_direction",
        icon=":material/arrow_downward:" if descending else ":material/arrow_upward:",
        help="Turn the order round",
        on_click=sort_by,
        disabled=not view.rows,
    )


def _sort_words(key: str) -> str:
    return words.metric(key) if key in METRICS else words.dimension(key)


def _direction(key: str, descending: bool) -> str:
    if key in METRICS:
        return "Largest first" if descending else "Smallest first"
    if key in (*DAYS, "weekday"):
        return "Latest first" if descending else "Earliest first"
    return "Z to A" if descending else "A to Z"


def sort_of(view: ExploreView) -> tuple[str, bool]:
    """What the rows are sorted by, and whether the largest come first."""
    order = order_of(view)
    if order:
        return order[0].key, order[0].descending
    return (view.rows or view.metrics)[0], False


def sort_by(key: str | None = None) -> None:
    """Sort by ``key``, metrics from the largest on; without one, or by the one that holds, turn the order round."""
    address.apply(lambda view: sorted_by(view, key))


def sorted_by(view: ExploreView, key: str | None) -> ExploreView:
    """``view`` in another order, from its first row on."""
    now, descending = sort_of(view)
    falls = not descending if key is None or key == now else key in METRICS
    return with_parts(view, order=f"{'-' if falls else ''}{key or now}")


def pivot(view: ExploreView) -> None:
    """Which dimension becomes columns."""
    options = ("", *view.group_by) if len(view.group_by) > 1 else ("",)
    filters.choice("As columns", "pivot", options, view.pivot, words=_pivot_words, width=150, then=_changed_pivot)


def _pivot_words(name: str) -> str:
    return words.dimension(name) if name else "Nothing"


def _changed_pivot(name: str) -> None:
    set_parts(pivot=name)


def top(view: ExploreView) -> None:
    """How many of the largest groups stay apart."""
    able = [name for name in view.group_by if name not in (*DAYS, "weekday")]
    said = f"Top {view.top.n} by {words.metric(view.top.by)}" if view.top else "All groups"
    with st.popover(said, icon=":material/filter_list:", key="top_menu", disabled=not able):
        if not able:
            return
        filters.choice(
            "Keep", "top_n", sorted({*TOPS, _n(view)}), _n(view), words=_top_words, width=280, then=_changed_top
        )
        if view.top is None:
            st.caption("The largest groups stay, all others become one row, “Other”.")
            return
        filters.choice("Of", "top_dimension", able, view.top.dimension, words=words.dimension, width=280, then=_top_of)
        by = [slug for slug in words.MENU if METRICS[slug].additive != "never"]
        filters.choice("By", "top_by", by, view.top.by, words=words.metric, width=280, then=_top_by)


def _n(view: ExploreView) -> int:
    return view.top.n if view.top else 0


def _top_words(number: int) -> str:
    return f"The top {number}" if number else "All groups"


def _changed_top(number: int) -> None:
    address.apply(lambda view: with_parts(view, top=top_of(view, number)))


def _top_of(dimension: str) -> None:
    address.apply(lambda view: with_parts(view, top=view.top and replace(view.top, dimension=dimension)))


def _top_by(slug: str) -> None:
    address.apply(lambda view: with_parts(view, top=view.top and replace(view.top, by=slug)))


def top_of(view: ExploreView, number: int) -> Top | None:
    """The top of so many of what the view names first, by the first metric that adds up; None for 0."""
    if not number:
        return None
    if view.top is not None:
        return replace(view.top, n=number)
    dimension = next(name for name in view.group_by if name not in (*DAYS, "weekday"))
    by = next((slug for slug in view.metrics if METRICS[slug].additive == "sum"), "spend")
    return Top(dimension, by, number)
