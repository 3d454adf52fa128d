"""Long lists are shown fifty at a time, with whatever is open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st

from dashboard.admin.portions import PORTION, shown

LISTED = list(range(3 * PORTION))


@pytest.fixture(autouse=True)
def _session() -> Iterator[None]:
    st.session_state.clear()
    yield
    st.session_state.clear()


def test_the_first_fifty_and_what_is_open() -> None:
    assert shown(LISTED, "rows") == LISTED[:PORTION]
    assert shown(LISTED, "rows", lambda each: each in (3, 120)) == [*LISTED[:PORTION], 120]
    assert shown(LISTED[:3], "rows") == LISTED[:3]


def test_as_many_as_were_asked_for() -> None:
    st.session_state["shown:rows"] = 2 * PORTION
    assert shown(LISTED, "rows") == LISTED[: 2 * PORTION]
    assert shown(LISTED, "others") == LISTED[:PORTION]
