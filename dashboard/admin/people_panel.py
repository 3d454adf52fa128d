"""One person: role and clients, looking through their eyes, closing the door to them, and their tokens."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import partial

import streamlit as st

from dashboard import bridge, formats, gate, navigation
from dashboard.admin import deeds, people_tokens, people_words
from dashboard.admin.deeds import Deed, deed
from dashboard.admin.people_roster import Roster
from dashboard.admin.people_wanted import Wanted, person_words
from dashboard.admin.people_words import ROLES
from lib.access import letters
from lib.access.people import change_person
from lib.access.roster import Person
from lib.access.seeing import see_as
from lib.access.sessions import HANDED_LINK_AGE, make_link_for
from lib.access.viewer import Role, Viewer
from lib.errors import AppError
from lib.settings import get_settings

_LINK_MINUTES = HANDED_LINK_AGE // dt.timedelta(minutes=1)


def panel(viewer: Viewer, roster: Roster, person: Person) -> None:
    """What is known of this person, and what may be done."""
    is_me = person.user_id == viewer.user_id
    with st.container(key="people_open", border=True):
        st.caption(formats.plain(people_words.about_person(roster, person)))
        if is_me:
            st.caption("This is you: another administrator can change your role or disable you.")
        elif person.is_active:
            wanted = _choices(roster, person)
            _buttons(roster, wanted)
            _save_question(roster, wanted)
            _disable_question(person)
            _link_question(person)
        else:
            _enable(person)
        if person.is_active:
            people_tokens.section(viewer, person, roster.at)


def _choices(roster: Roster, person: Person) -> Wanted:
    """The role and the clients that are chosen; boxes start anew where something else was stored meanwhile."""
    left, right = st.columns((1, 2))
    role: Role = left.selectbox(
        "Role",
        list(Role),
        index=list(Role).index(person.role),
        format_func=lambda role: role.value.capitalize(),
        key=f"people:role:{person.user_id}:{person.role.value}",
    )
    left.caption(ROLES[role])
    stored = person.client_slugs
    slugs: list[str] = right.multiselect(
        "Clients",
        roster.slugs_and(stored),
        default=stored,
        format_func=lambda slug: roster.clients.get(slug, slug),
        key=f"people:clients:{person.user_id}:{hash(stored)}",
        placeholder="No client is open to this person directly",
        wrap=True,
    )
    if role is Role.ADMIN:
        right.caption("Administrators see every client; these count once the person is none any more.")
    return Wanted(person, role, tuple(slugs))


def _buttons(roster: Roster, wanted: Wanted) -> None:
    person = wanted.person
    with st.container(horizontal=True, gap="small", key="people_panel_buttons"):
        if wanted.takes_away:
            deeds.asking(_key("save", person), "Save", ":material/save:", kind="primary")
        else:
            st.button(
                "Save",
                key=_key("save", person),
                icon=":material/save:",
                type="primary",
                disabled=not wanted.is_change,
                on_click=deeds.do,
                args=(_saving(roster, wanted),),
            )
        _see_as_button(person)
        deeds.asking(_key("link", person), "Sign-in link", ":material/link:")
        deeds.asking(_key("disable", person), "Disable", ":material/block:")


def _save_question(roster: Roster, wanted: Wanted) -> None:
    words = person_words(wanted, roster)
    if wanted.takes_away:
        withdrawn = " Their open invitations to others are withdrawn." if wanted.person.role is Role.ADMIN else ""
        asks = f"{words}{withdrawn} This holds from the next click in every window of theirs, and can be undone."
        deeds.question(_key("save", wanted.person), asks, "Save it", _saving(roster, wanted))
    if wanted.is_change:
        st.caption(f"Not saved yet: {formats.plain(words)}")


def _saving(roster: Roster, wanted: Wanted) -> Deed:
    person = wanted.person
    return deed(
        partial(change_person, user_id=person.user_id, role=wanted.role, slugs=wanted.slugs, seen=person),
        person_words(wanted, roster, is_done=True),
        partial(
            change_person,
            user_id=person.user_id,
            role=person.role,
            slugs=person.client_slugs,
            seen=replace(person, role=wanted.role, client_slugs=wanted.slugs),
        ),
    )


def _disable_question(person: Person) -> None:
    deeds.question(
        _key("disable", person),
        f"Disable {person.email}? They are signed out everywhere at once, and their personal tokens, sign-in links"
        " and invitations to others stop working for good. Role, clients, teams and saved views are kept: enabling lets"
        " them in again.",
        "Disable",
        deed(
            partial(change_person, user_id=person.user_id, is_active=False),
            f"{person.email} is disabled.",
            partial(change_person, user_id=person.user_id, is_active=True),
        ),
    )


def _link_question(person: Person) -> None:
    """Ask, and show the link in the place of the question.

    No callback makes it, so that the link is in no session: it is drawn once and nowhere kept.
    """
    if not deeds.is_asked(_key("link", person)):
        return
    place = st.empty()
    with place.container(key="deed_question", border=True):
        st.markdown(
            f"A link that signs {formats.plain(person.email)} in once, for {_LINK_MINUTES} minutes."
            " Whoever opens it is signed in as this person, so hand it to them alone. The audit log will say that you"
            " made it."
        )
        with st.container(horizontal=True, gap="small"):
            is_wanted = st.button("Make the link", key=_key("link:yes", person), type="primary")
            st.button("Cancel", key=_key("link:no", person), on_click=deeds.ask, args=(None,))
    if not is_wanted:
        return
    deeds.forget_question()
    with place.container(key="people_link", border=True):
        _show_link(person)


def _show_link(person: Person) -> None:
    try:
        token = bridge.run(make_link_for(bridge.store(), gate.current_viewer(), person.user_id))
    except AppError as error:
        st.error(formats.plain(str(error)), icon=":material/error:")
        return
    st.code(letters.address_of(get_settings().base_url, "sign-in", token), language=None, wrap_lines=True)
    st.caption(
        f"Copy it now and hand it to {formats.plain(person.email)}: it is shown this once, works once, and ends in"
        f" {_LINK_MINUTES} minutes."
    )


def _enable(person: Person) -> None:
    st.caption(f"Cannot come in. Was {person.role.value}; enabling gives back what was open then.")
    enabling = deed(
        partial(change_person, user_id=person.user_id, is_active=True),
        f"{person.email} may come in again.",
        partial(change_person, user_id=person.user_id, is_active=False),
    )
    st.button("Enable", key=_key("enable", person), icon=":material/lock_open:", on_click=deeds.do, args=(enabling,))


def _see_as_button(person: Person) -> None:
    is_admin = person.role is Role.ADMIN
    about = (
        "Administrators see what you see" if is_admin else "Look at the pages as this person finds them; it is noted"
    )
    if st.button("See as", key=_key("see", person), icon=":material/visibility:", disabled=is_admin, help=about):
        _see(person)


def _see(person: Person) -> None:
    try:
        bridge.run(see_as(bridge.store(), gate.current_viewer(), person.user_id))
    except AppError as error:
        deeds.problem(str(error))
        st.rerun()
    # What was chosen and found with one's own eyes is not for the other's.
    st.session_state.clear()
    st.switch_page(navigation.page(navigation.PAGES[0].path))


def _key(what: str, person: Person) -> str:
    return f"people:{what}:{person.user_id}"
