"""Long lists on the pages of administration: so many rows, and as many more at each click."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from dashboard import gate

T = TypeVar("T")
PORTION = 50


def shown(listed: Sequence[T], key: str, is_open: Callable[[T], bool] = lambda _: False) -> list[T]:
    """The first of them, as many as were asked for, and whatever is open even where it comes later."""
    count = _count(key)
    return [*listed[:count], *(each for each in listed[count:] if is_open(each))]


def more(listed: Sequence[T], key: str) -> None:
    """The button that shows more of them, where there are more."""
    left = len(listed) - _count(key)
    if left > 0:
        st.button(
            f"Show {min(left, PORTION)} more of {left:,}",
            key=f"more:{key}",
            icon=":material/expand_more:",
            type="tertiary",
            on_click=_show_more,
            args=(key,),
        )


def _count(key: str) -> int:
    count: int = st.session_state.get(f"shown:{key}", PORTION)
    return count


@gate.guarded_callback
def _show_more(key: str) -> None:
    st.session_state[f"shown:{key}"] = _count(key) + PORTION
