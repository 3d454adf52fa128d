"""The boxes in which a condition is written: what it asks, and the text, the number or the values it asks for.

What they hold is kept beside the condition that they show, so that a half-written text is not written over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard import formats
from dashboard.explore import drafts, values, words
from dashboard.explore.drafts import Field
from dashboard.frames import Reader
from dashboard.selection import Selection
from lib.errors import QueryError
from lib.insights.filters import Filter

_PROBLEM = "explore:problem"
_LONGEST, _MOST_VALUES = 200, 100
_WIDTH = 320


@dataclass(frozen=True)
class Boxes:
    """The boxes for a condition about ``field``, told apart by ``key``."""

    key: str
    field: Field

    @property
    def _operator(self) -> str:
        return f"{self.key}:operator:{self.field.kind}"

    @property
    def _typed(self) -> str:
        return f"{self.key}:typed"

    @property
    def _chosen(self) -> str:
        return f"{self.key}:chosen:{self.field.name}"

    @property
    def _of(self) -> str:
        return f"{self.key}:of"

    def show(self, each: Filter) -> None:
        """Put the condition into the boxes, unless they show it already."""
        state = st.session_state
        if state.get(self._of) == each and self._operator in state:
            return
        is_list = self.field.takes_list(each.operator)
        state[self._of] = each
        state[self._operator] = each.operator
        state[self._typed] = "" if is_list else drafts.typed_of(each, self.field)
        state[self._chosen] = list(each.values) if is_list else []

    def draw(self, selection: Selection, numbers: Reader, then: Callable[..., None] | None = None, *args: Any) -> None:
        """Draw the boxes; ``then`` is called with ``args`` on every change, in a text once the typing stops."""
        on_change = {"on_change": then, "args": args} if then else {}
        choices = self.field.operators
        operator = st.selectbox(
            "How", list(choices), format_func=choices.__getitem__, key=self._operator, width=_WIDTH, **on_change
        )
        if self.field.takes_list(operator):
            self._draw_list(selection, numbers, on_change)
            return
        is_name = self.field.kind == drafts.NAMES
        st.text_input(
            "Percent" if self.field.is_percent else "Text" if is_name else "Number",
            key=self._typed,
            max_chars=_LONGEST,
            live=then is not None,
            width=_WIDTH,
            placeholder="Part of a name" if is_name else "100",
            help="A regular expression in RE2's syntax" if operator == "=~" else None,
            **on_change,  # type: ignore[arg-type]
        )

    def _draw_list(self, selection: Selection, numbers: Reader, on_change: dict[str, Any]) -> None:
        offered = values.offered(self.field.name, selection, numbers)
        kept = st.session_state.get(self._chosen, [])
        st.multiselect(
            "Values",
            [*offered, *(each for each in kept if each not in offered)],
            format_func=lambda each: offered.get(each, each) or words.NOTHING,
            key=self._chosen,
            placeholder="Type a name",
            width=_WIDTH,
            max_selections=_MOST_VALUES,
            **on_change,
        )
        if len(offered) == values.MOST_OFFERED:
            st.caption(f"The {values.MOST_OFFERED} with the most spend are offered.")

    def condition(self) -> Filter | None:
        """What the boxes say; None, and a sentence under them, where that is no condition yet."""
        state = st.session_state
        typed, chosen = state.get(self._typed) or "", state.get(self._chosen) or ()
        try:
            found = drafts.condition(self.field, state[self._operator], typed, chosen)
        except QueryError as error:
            state[_PROBLEM] = (self.key, str(error))
            return None
        state[self._of] = found
        return found

    def shown(self) -> Filter | None:
        """The condition that the boxes stand for."""
        found: Filter | None = st.session_state.get(self._of)
        return found

    def empty(self) -> None:
        """Take out what was written."""
        st.session_state[self._typed] = ""
        st.session_state[self._chosen] = []

    def problem(self) -> None:
        """Why what stands in the boxes is no condition yet."""
        told = st.session_state.get(_PROBLEM)
        if told and told[0] == self.key:
            del st.session_state[_PROBLEM]
            st.caption(f":red[{formats.plain(told[1])}]")
