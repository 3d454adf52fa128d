"""Invitations: the form that makes one and shows its link once, those that are open, and what became of the others."""

from __future__ import annotations

import datetime as dt
from functools import partial

import streamlit as st

from dashboard import bridge, formats
from dashboard.admin import deeds, people_words, portions
from dashboard.admin.deeds import deed
from dashboard.admin.people_list import heads
from dashboard.admin.people_roster import Roster, read
from dashboard.gate import guarded_callback
from lib.access import letters
from lib.access.addresses import LONGEST_EMAIL
from lib.access.invitations import LASTS, LONGEST, Invited, invite, revoke_invitation
from lib.access.roster import InvitationFacts
from lib.access.viewer import Role, Viewer
from lib.errors import AppError
from lib.mail import postbox_of, send
from lib.settings import get_settings

WIDTHS = (3.2, 1.2, 2.6, 1.7, 1.5)
HEADS = ("Invited", "Role", "Opens", "Ends", "")
SHOWN = 50
_FORM = "people:invite:form"
"""Which form it is: after an invitation, the next one starts empty."""


def section(viewer: Viewer, roster: Roster) -> None:
    """The form, what is open, and what is over."""
    if _form(viewer, roster):
        roster = bridge.run(read(bridge.store(), viewer))
    _open(roster)
    _past(roster)


def _form(viewer: Viewer, roster: Roster) -> bool:
    """The form; true where an invitation was just made, whose link then stands in its place.

    No callback makes it, so that the link is in no session: it is drawn once and nowhere kept.
    """
    place = st.empty()
    with place.form("people_invite", enter_to_submit=True):
        st.subheader("Invite someone", anchor=False)
        email, role, days, slugs, teams = _fields(roster)
        if not st.form_submit_button("Make the invitation", type="primary", icon=":material/person_add:"):
            return False
    try:
        lasts = dt.timedelta(days=days)
        invited = bridge.run(invite(bridge.store(), viewer, email, role, slugs=slugs, teams=teams, ttl=lasts))
    except AppError as error:
        st.error(formats.plain(str(error)), icon=":material/error:")
        return False
    st.session_state[_FORM] = _number() + 1
    with place.container(border=True, key="people_invited"):
        _hand_over(viewer, invited)
    return True


def _fields(roster: Roster) -> tuple[str, Role, int, list[str], list[str]]:
    first, second, third = st.columns((3, 1.5, 1))
    email = first.text_input("E-mail", key=_key("email"), max_chars=LONGEST_EMAIL, placeholder="name@example.com")
    role = second.selectbox(
        "Role", list(Role), format_func=lambda role: role.value.capitalize(), key=_key("role"), help=_about_roles()
    )
    days = third.number_input("Days it holds", 1, LONGEST.days, LASTS.days, key=_key("days"))
    left, right = st.columns(2)
    slugs = left.multiselect(
        "Clients",
        list(roster.clients),
        format_func=lambda slug: roster.clients.get(slug, slug),
        key=_key("clients"),
        placeholder="None directly",
        wrap=True,
    )
    teams = right.multiselect(
        "Teams", [team.name for team in roster.teams], key=_key("teams"), placeholder="In no team", wrap=True
    )
    return email, role, days, slugs, teams


def _about_roles() -> str:
    return "\n".join(f"- **{role.value.capitalize()}**: {words}" for role, words in people_words.ROLES.items())


def _hand_over(viewer: Viewer, invited: Invited) -> None:
    """Show the link, which is enough, and send it meanwhile."""
    settings = get_settings()
    until = formats.day(invited.expires_at.date())
    st.markdown(f":green[:material/check_circle:] **{formats.plain(invited.email)} is invited until {until}**")
    mailed = st.empty()
    if settings.local_accounts:
        st.code(letters.address_of(settings.base_url, "invitation", invited.token), language=None, wrap_lines=True)
        words = "Copy the link now: it is shown this once, works once, and lets its reader choose a password."
        if settings.has_oidc or settings.has_popup:
            words += " Whoever comes with this address by single sign-on needs no link."
    else:
        words = "Whoever signs in with this address comes in. There is no link: nobody has a password here."
    st.caption(words)
    st.button("Invite someone else", key="people:invite:next", icon=":material/person_add:")
    with mailed, st.spinner("Sending the mail…"):
        said = _mailed(viewer, invited)
    mailed.markdown(said)


def _mailed(viewer: Viewer, invited: Invited) -> str:
    """Send the link where mails are sent at all, and say what became of it."""
    settings = get_settings()
    letter = letters.invitation(
        settings.base_url, invited.token, viewer.email, invited.expires_at, has_passwords=settings.local_accounts
    )
    told = "hand the link over yourself." if settings.local_accounts else "tell them yourself."
    try:
        postbox = postbox_of(settings)
        if postbox is None:
            return f"No mail was sent, because no mail server is set up: {told}"
        bridge.run(send(postbox, invited.email, letter))
    except AppError as error:
        return f":red[:material/error:] {formats.plain(str(error))} The invitation stands: {told}"
    return "The invitation was mailed to that address."


def _open(roster: Roster) -> None:
    st.subheader("Open invitations", anchor=False)
    if not roster.open_invitations:
        st.caption("No invitation is open.")
        return
    with st.container(key="people_rows", gap="xsmall"):
        heads(HEADS, WIDTHS)
        for invitation in portions.shown(roster.open_invitations, "invitations"):
            _row(roster, invitation)
            _revoke_question(invitation)
        portions.more(roster.open_invitations, "invitations")


def _row(roster: Roster, invitation: InvitationFacts) -> None:
    who, role, opens, left, last = st.columns(WIDTHS, vertical_alignment="center")
    who.text(invitation.email)
    role.text(invitation.role.value.capitalize())
    opens.text(people_words.opens_words(roster, invitation))
    left.text(people_words.left_words(invitation, roster.at), help=_about(invitation))
    with last:
        if invitation.state == "open":
            deeds.asking(f"people:revoke:{invitation.id}", "Revoke", ":material/link_off:")
        elif invitation.state != "used":
            st.button(
                "Invite again",
                key=f"people:again:{invitation.id}",
                icon=":material/refresh:",
                on_click=_again,
                args=(roster, invitation),
            )


def _about(invitation: InvitationFacts) -> str:
    made = formats.day(invitation.created_at.date())
    return (
        f"Made on {made} by {formats.plain(invitation.invited_by)}, until {formats.day(invitation.expires_at.date())}"
    )


def _revoke_question(invitation: InvitationFacts) -> None:
    deeds.question(
        f"people:revoke:{invitation.id}",
        f"Revoke the invitation of {invitation.email}? Its link stops working at once. It stays in the list below,"
        " from where you can invite again, with a new link.",
        "Revoke it",
        deed(
            partial(revoke_invitation, invitation_id=invitation.id),
            f"The invitation of {invitation.email} is revoked.",
        ),
    )


def _past(roster: Roster) -> None:
    past = roster.past_invitations
    if not past:
        return
    with (
        st.expander(f"Earlier invitations ({len(past):,})", key="people_past"),
        st.container(key="people_rows_past", gap="xsmall"),
    ):
        for invitation in past[:SHOWN]:
            _row(roster, invitation)
        if len(past) > SHOWN:
            st.caption(f"{len(past) - SHOWN:,} more are in the audit log.")


@guarded_callback
def _again(roster: Roster, invitation: InvitationFacts) -> None:
    """Fill an empty form with what was offered then, as far as it is still there."""
    st.session_state[_FORM] = _number() + 1
    st.session_state[_key("email")] = invitation.email
    st.session_state[_key("role")] = invitation.role
    st.session_state[_key("clients")] = [slug for slug in invitation.client_slugs if slug in roster.clients]
    st.session_state[_key("teams")] = list(invitation.team_names)


def _number() -> int:
    number: int = st.session_state.get(_FORM, 0)
    return number


def _key(field: str) -> str:
    return f"people:invite:{field}:{_number()}"
