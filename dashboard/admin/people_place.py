"""Where on the page of people one is: the address says which section, who is open in it, and what is sought."""

from __future__ import annotations

import streamlit as st

from dashboard import gate
from dashboard.admin import deeds

SECTIONS = {"people": "People", "teams": "Teams", "invitations": "Invitations"}
NEW = "new"
"""Open in the section of teams: the one that is being made."""

_SECTION = "people:section"
_FIND = "people:find"


def section() -> str:
    """The switch between the sections; gives the one that the address asks for."""
    asked = st.query_params.get("section", "people")
    st.session_state[_SECTION] = asked if asked in SECTIONS else "people"
    chosen: str = st.segmented_control(
        "Section",
        list(SECTIONS),
        key=_SECTION,
        format_func=SECTIONS.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=_turn,
    )
    return chosen


def find(what: str) -> str:
    """The box that narrows a list, and what it holds."""
    asked = st.query_params.get("find", "")[:100]
    if st.session_state.get(_FIND) != asked:
        st.session_state[_FIND] = asked
    st.text_input(
        what,
        key=_FIND,
        type="search",
        icon=":material/search:",
        placeholder=what,
        max_chars=100,
        live=True,
        label_visibility="collapsed",
        width=320,
        on_change=_seek,
    )
    return asked


def opened() -> str:
    """The id of whoever or whatever is open; empty where nothing is."""
    return st.query_params.get("open", "")


@gate.guarded_callback
def toggle(each: str) -> None:
    """Open this one, or close it where it is open; a question that was not answered is forgotten."""
    deeds.forget_question()
    if opened() == each:
        st.query_params.pop("open", None)
    else:
        st.query_params["open"] = each


@gate.guarded_callback
def turn_to(section: str, each: str = "") -> None:
    """Show this section, with this one of it open."""
    deeds.forget_question()
    st.query_params.from_dict({"section": section} | ({"open": each} if each else {}))


def _turn() -> None:
    turn_to(st.session_state[_SECTION])


@gate.guarded_callback
def _seek() -> None:
    sought = st.session_state[_FIND]
    deeds.forget_question()
    if sought:
        st.query_params["find"] = sought
    else:
        st.query_params.pop("find", None)
