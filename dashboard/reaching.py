"""Offers to ask Meta for the reach of exactly the periods that a page lacks."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import formats, refreshing
from dashboard.frame import Frame
from dashboard.frames import Reader
from lib.access.viewer import Viewer
from lib.insights.query import InsightQuery
from lib.insights.reach import ASK_AGAIN, NOT_ENDED, NOT_FETCHED, Span

MOST_PERIODS = 12
"""More are a question that is asked otherwise: each period is a few calls for every account."""


def offer(viewer: Viewer, numbers: Reader, query: InsightQuery, frame: Frame) -> Sequence[Span]:
    """A button under an answer whose counts of people were not fetched, for those who may refresh, or why none.

    The periods that the button fetches; none without one.
    """
    said = " ".join(frame.notes.values())
    if not refreshing.may_refresh(viewer) or not any(words in said for words in (NOT_FETCHED, NOT_ENDED, ASK_AGAIN)):
        return ()
    missing = numbers.missing_periods(query)
    spans = sorted({(since, until) for _, _, since, until in missing})
    if words := instead_of_button(spans):
        st.caption(words)
        return ()
    if spans:
        refreshing.reach_button(viewer, frozenset(account for account, *_ in missing), spans)
    return spans


def instead_of_button(spans: Sequence[Span]) -> str:
    """How to ask otherwise, where the page offers no button for so many periods; empty where it does."""
    if len(spans) <= MOST_PERIODS:
        return ""
    return (
        f"Reach of {formats.counted(len(spans), 'period')} is not fetched yet. Meta is asked for each on its own: ask"
        f" for at most {MOST_PERIODS} periods to fetch them from here, as by week in place of by day."
    )
