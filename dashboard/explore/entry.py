"""The way from the overview into Explore: the same period, filters, metric and order, by day or by campaign."""

from __future__ import annotations

import streamlit as st

from dashboard import navigation, tables, views
from dashboard.explore.view import PAGE, ExploreView, write
from dashboard.views import View
from lib.insights.filters import Filter


def link(label: str, view: View, group_by: tuple[str, ...]) -> None:
    """A link to the same question on the Explore page, grouped by these dimensions."""
    st.page_link(
        navigation.page(PAGE.name),
        label=label,
        icon=":material/query_stats:",
        query_params=write(from_overview(view, group_by)),
    )


def from_overview(view: View, group_by: tuple[str, ...]) -> ExploreView:
    """What the overview shows, as a question grouped by these dimensions."""
    key, descending = views.sort_of(view)
    is_named = key == "name"
    metrics = tuple(dict.fromkeys((*tables.COLUMNS, view.metric, *(() if is_named else (key,)))))
    order = f"{'-' if descending else ''}{'campaign' if is_named else key}"
    return ExploreView(
        **views.shared_parts(view),  # type: ignore[arg-type]
        group_by=group_by,
        metrics=metrics,
        filters=(Filter("campaign", "~", (view.name,)),) if view.name else (),
        order=order if group_by[0] == "campaign" else "",
        metric=view.metric if view.metric != metrics[0] else "",
        limit=view.limit,
    )
