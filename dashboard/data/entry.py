"""The way from a page's trust line to what stands behind it: the same period, clients and accounts."""

from __future__ import annotations

import streamlit as st

from dashboard import navigation, views
from dashboard.data.view import PAGE, DataView, write
from dashboard.states import Head
from dashboard.views import Shared


def link(head: Head, view: Shared) -> None:
    """A link at the end of the line on how far the page's numbers can be trusted."""
    with head.trust:
        st.page_link(
            navigation.page(PAGE.name),
            label="Behind these numbers",
            icon=":material/fact_check:",
            query_params=write(DataView(**views.shared_parts(view))),  # type: ignore[arg-type]
        )
