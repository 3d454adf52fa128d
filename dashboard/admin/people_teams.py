"""Teams: people who see the same clients. Whoever is open has its people and clients under its row."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from dashboard import formats
from dashboard.admin import deeds, people_place, people_words, portions
from dashboard.admin.deeds import Deed, Done, deed
from dashboard.admin.people_list import heads, name_button
from dashboard.admin.people_roster import Roster
from dashboard.admin.people_wanted import WantedTeam, removal_words, team_words
from dashboard.gate import guarded_callback
from lib.access.roster import TeamFacts
from lib.access.teams import LONGEST_NAME, change_team, make_team, remove_team, rename_team, restore_team

WIDTHS = (3.4, 1.6, 4.1)
HEADS = ("Team", "People", "Opens")
_NEW_NAME = "people:team:name"


def section(roster: Roster) -> None:
    """The way to a new team, and the teams."""
    if people_place.opened() == people_place.NEW:
        _new(roster)
    else:
        st.button(
            "New team", key="people:team:new", icon=":material/group_add:", type="primary",
            on_click=people_place.toggle, args=(people_place.NEW,),
        )  # fmt: skip
    if not roster.teams:
        st.caption("There is no team yet. A team opens the same clients to all of its people.")
        return
    with st.container(key="people_rows", gap="xsmall"):
        heads(HEADS, WIDTHS)
        for team in portions.shown(roster.teams, "teams", _is_open):
            _row(roster, team)
        portions.more(roster.teams, "teams")


def _is_open(team: TeamFacts) -> bool:
    return people_place.opened() == str(team.id)


def _row(roster: Roster, team: TeamFacts) -> None:
    name, people, opens = st.columns(WIDTHS, vertical_alignment="center")
    with name:
        name_button(str(team.id), team.name, is_open=_is_open(team))
    people.text(people_words.members_words(team))
    opens.text(people_words.clients_words(roster.names(team.client_slugs)))
    if _is_open(team):
        with st.container(key="people_open", border=True):
            _panel(roster, team)


def _panel(roster: Roster, team: TeamFacts) -> None:
    emails, slugs = _choices(roster, team.emails, team.client_slugs, f"{team.id}:{hash(team)}")
    wanted = WantedTeam(team, tuple(emails), tuple(slugs))
    with st.container(horizontal=True, gap="small", key="people_panel_buttons"):
        _save_button(roster, wanted)
        _rename(team)
        deeds.asking(_key("remove", team), "Remove", ":material/delete:")
    _save_question(roster, wanted)
    _remove_question(roster, team)


def _choices(roster: Roster, emails: tuple[str, ...], slugs: tuple[str, ...], key: str) -> tuple[list[str], list[str]]:
    left, right = st.columns(2)
    chosen = left.multiselect(
        "People",
        sorted({person.email for person in roster.people} | set(emails), key=str.casefold),
        default=emails,
        key=f"people:team:people:{key}",
        placeholder="Nobody yet",
        wrap=True,
    )
    opened = right.multiselect(
        "Clients",
        roster.slugs_and(slugs),
        default=slugs,
        format_func=lambda slug: roster.clients.get(slug, slug),
        key=f"people:team:clients:{key}",
        placeholder="No client yet",
        wrap=True,
    )
    return chosen, opened


def _save_button(roster: Roster, wanted: WantedTeam) -> None:
    if wanted.takes_away:
        deeds.asking(_key("save", wanted.team), "Save", ":material/save:", kind="primary")
        return
    st.button(
        "Save",
        key=_key("save", wanted.team),
        icon=":material/save:",
        type="primary",
        disabled=not wanted.is_change,
        on_click=deeds.do,
        args=(_saving(roster, wanted),),
    )


def _save_question(roster: Roster, wanted: WantedTeam) -> None:
    if not wanted.is_change:
        return
    words = team_words(wanted, roster)
    if wanted.takes_away:
        asks = f"{words} What is taken away is gone at the next click of those people, and can be given back."
        deeds.question(_key("save", wanted.team), asks, "Save it", _saving(roster, wanted))
    st.caption(f"Not saved yet: {formats.plain(words)}")


def _saving(roster: Roster, wanted: WantedTeam) -> Deed:
    team = wanted.team
    change = partial(change_team, team_id=team.id)
    return deed(
        partial(change, slugs=wanted.slugs, emails=wanted.emails, seen=team),
        team_words(wanted, roster),
        partial(
            change,
            slugs=team.client_slugs,
            emails=team.emails,
            seen=replace(team, client_slugs=wanted.slugs, emails=wanted.emails),
        ),
    )


def _rename(team: TeamFacts) -> None:
    with st.popover("Rename", icon=":material/edit:", key=_key("rename", team)):
        key = f"people:team:rename:{team.id}:{team.name}"
        st.text_input("Name", value=team.name, key=key, max_chars=LONGEST_NAME)
        st.button("Rename", key=_key("renamed", team), type="primary", on_click=_renamed, args=(team, key))


@guarded_callback
def _renamed(team: TeamFacts, key: str) -> None:
    name = st.session_state[key]
    deeds.do(
        deed(
            partial(rename_team, which=team.id, new_name=name, seen=team.name),
            f"The team {team.name} is now called {name.strip()}.",
            partial(rename_team, which=team.id, new_name=team.name, seen=name.strip()),
        )
    )


def _remove_question(roster: Roster, team: TeamFacts) -> None:
    deeds.question(
        _key("remove", team),
        removal_words(team, roster),
        "Remove the team",
        deed(
            partial(remove_team, which=team.id, seen=team),
            f"The team {team.name} is removed.",
            partial(restore_team, team_id=team.id),
        ),
    )


def _new(roster: Roster) -> None:
    with st.form("people_new", enter_to_submit=True):
        st.subheader("New team", anchor=False)
        st.text_input("Name", key=_NEW_NAME, max_chars=LONGEST_NAME, placeholder="North")
        _choices(roster, (), (), people_place.NEW)
        with st.container(horizontal=True, gap="small"):
            st.form_submit_button("Make the team", type="primary", on_click=_make)
            st.form_submit_button("Cancel", on_click=people_place.turn_to, args=("teams",))


@guarded_callback
def _make() -> None:
    name = st.session_state[_NEW_NAME].strip()
    emails, slugs = (
        tuple(st.session_state[f"people:team:{what}:{people_place.NEW}"]) for what in ("people", "clients")
    )
    is_done, team_id = deeds.attempt(partial(make_team, name=name, slugs=slugs, emails=emails))
    if is_done and team_id is not None:
        made = TeamFacts(team_id, name, emails, slugs)
        deeds.tell(Done(f"The team {name} is made.", partial(remove_team, which=team_id, seen=made)))
        people_place.turn_to("teams")


def _key(what: str, team: TeamFacts) -> str:
    return f"people:team:{what}:{team.id}"
