"""The list of people, one row each; whoever is open has their panel under the row."""

from __future__ import annotations

import streamlit as st

from dashboard import formats
from dashboard.admin import people_panel, people_place, people_words
from dashboard.admin.people_roster import Roster
from lib.access.roster import Person
from lib.access.viewer import Viewer

WIDTHS = (3.4, 1.3, 3, 1.4)
HEADS = ("Person", "Role", "Sees", "Last here")
SHOWN = 50


def section(viewer: Viewer, roster: Roster) -> None:
    """The box that narrows the list, the way to invite, and the rows."""
    with st.container(key="people_tools", horizontal=True, vertical_alignment="center", gap="small"):
        sought = people_place.find("Find by address, role, team or client")
        st.button(
            "Invite someone",
            key="people:invite",
            icon=":material/person_add:",
            type="primary",
            on_click=people_place.turn_to,
            args=("invitations",),
        )
    listed = people_words.found(roster.sorted_people, sought, roster)
    if not listed:
        st.caption("Nobody fits. People are found by address, role, team or client.")
        return
    with st.container(key="people_rows", gap="xsmall"):
        heads(HEADS, WIDTHS)
        for person in shown_of(listed, sought):
            _row(viewer, roster, person)
    if len(listed) > SHOWN:
        st.caption(f"{len(listed) - SHOWN:,} more: type a part of an address, a role, a team or a client.")


def shown_of(listed: list[Person], sought: str) -> list[Person]:
    """The first of them, and whoever is open even where they come later."""
    later = [] if sought else [each for each in listed[SHOWN:] if str(each.user_id) == people_place.opened()]
    return [*listed[:SHOWN], *later]


def heads(words: tuple[str, ...], widths: tuple[float, ...]) -> None:
    """The heads of the columns; on a phone there are none."""
    with st.container(key="people_heads"):
        for column, word in zip(st.columns(widths), words, strict=True):
            column.caption(word)


def name_button(each: str, name: str, *, is_open: bool) -> None:
    """The name in the first column, which opens and closes what is under the row."""
    st.button(
        formats.plain(name),
        key=f"people:row:{each}",
        type="tertiary",
        icon=":material/expand_more:" if is_open else ":material/chevron_right:",
        wrap=True,
        on_click=people_place.toggle,
        args=(each,),
    )


def _row(viewer: Viewer, roster: Roster, person: Person) -> None:
    is_open = people_place.opened() == str(person.user_id)
    name, role, sees, seen = st.columns(WIDTHS, vertical_alignment="center")
    with name:
        name_button(str(person.user_id), person.email, is_open=is_open)
    role.markdown(_role(viewer, person))
    sees.text(people_words.sees_words(roster, person))
    seen.caption(people_words.seen_words(person.last_seen_at, roster.at))
    if is_open:
        people_panel.panel(viewer, roster, person)


def _role(viewer: Viewer, person: Person) -> str:
    if not person.is_active:
        return ":red-badge[Disabled]"
    return f"{person.role.value.capitalize()}{' (you)' if person.user_id == viewer.user_id else ''}"
