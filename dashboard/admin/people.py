"""People, teams and invitations, for administrators: what the page is made of."""

from __future__ import annotations

from dashboard import bridge
from dashboard.admin import people_invitations, people_list, people_place, people_roster, people_teams
from lib.access.viewer import Viewer

FOR_OTHERS = "It says who may come in and what they see. Ask an administrator of this dashboard for what you need."
"""What people read whom the page is not for."""


def sections(viewer: Viewer) -> None:
    """The switch, and under it the section that the address asks for."""
    section = people_place.section()
    roster = bridge.run(people_roster.read(bridge.store(), viewer))
    if section == "teams":
        people_teams.section(roster)
    elif section == "invitations":
        people_invitations.section(viewer, roster)
    else:
        people_list.section(viewer, roster)
