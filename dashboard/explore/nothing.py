"""What stands in the place of an answer without a row, and of one that nobody can give."""

from __future__ import annotations

import streamlit as st

from dashboard import address, states
from dashboard.explore.asking import Answer
from dashboard.explore.view import ExploreView
from dashboard.selection import Selection
from lib.access.viewer import Viewer
from lib.errors import QueryError
from lib.insights.breakdowns import NOT_CHOSEN, SPLITS
from lib.insights.trust import Trust


def breakdown_of(view: ExploreView) -> str:
    """The slug of the breakdown set that the view is about; empty without one, or where Meta reports none such."""
    try:
        return view.breakdown or ""
    except QueryError:
        return ""


def stop_unreported(view: ExploreView) -> None:
    """Stop where Meta reports no such combination of breakdowns: say which rule."""
    try:
        _ = view.breakdown
    except QueryError as error:
        states.empty(":material/block:", "Meta does not report this combination", str(error))
        st.stop()


def stop(viewer: Viewer, selection: Selection, trust: Trust, answer: Answer) -> None:
    """Stop where no row answers: the days or the breakdown were not fetched, or nothing meets the filters."""
    if not answer.frame.is_empty:
        return
    view = answer.view
    if NOT_CHOSEN in (answer.frame.notes.get(name) for name in SPLITS):
        states.empty(":material/cloud_off:", "This breakdown is not fetched", f"{NOT_CHOSEN}.")
        st.stop()
    if not (view.filters or view.having):
        states.stop_without_data(viewer, selection, trust, answer.frame)
    what = "meets these filters" if view.filters or view.having else "was delivered"
    states.empty(":material/filter_alt_off:", "No match", f"Nothing {what} in this period for the accounts chosen.")
    if view.is_narrowed:
        st.button("Clear filters", key="clear_no_match", on_click=address.clear)
    st.stop()
