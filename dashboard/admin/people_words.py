"""What the page of people says; nothing here draws."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from dashboard import formats
from dashboard.admin.people_roster import Roster
from lib.access.personal_tokens import TokenInfo
from lib.access.roster import InvitationFacts, Person, TeamFacts
from lib.access.viewer import Role

ROLES = {
    Role.VIEWER: "Sees the numbers of the clients that are open to them.",
    Role.ANALYST: "Also downloads files, and saves views and shares them.",
    Role.MANAGER: "Also refreshes from Meta, and looks after clients and groups.",
    Role.ADMIN: "Sees every client, and looks after people, tokens and the audit log.",
}
STATES = {"open": "Open", "used": "Used", "expired": "Not used in time", "revoked": "Revoked"}


def sees_words(roster: Roster, person: Person) -> str:
    """Every client; Acme, Bolt and 3 more; No client."""
    names = roster.sees(person)
    return "Every client" if names is None else clients_words(names)


def clients_words(names: list[str]) -> str:
    """Acme, Bolt and 3 more; No client."""
    return formats.listed([formats.short(name, 36) for name in names], 2) or "No client"


def seen_words(moment: dt.datetime | None, now: dt.datetime) -> str:
    """When a person was last here."""
    return "Never here" if moment is None else formats.ago(moment, now).capitalize()


def about_person(roster: Roster, person: Person) -> str:
    """Added 3 Nov 2026 · signs in by password · in the team North, which opens Acme."""
    parts = [f"Added {formats.day(person.created_at.date())}"]
    if person.providers:
        parts.append(f"signs in by {formats.listed([provider_words(name) for name in person.providers])}")
    for team in roster.teams_of(person):
        opened = formats.listed(roster.names(team.client_slugs)) or "no client"
        parts.append(f"in the team {team.name}, which opens {opened}")
    return " · ".join(parts)


def provider_words(provider: str) -> str:
    """password; or the host of the service that the person signs in at."""
    return "password" if provider == "local" else urlsplit(provider).hostname or provider


def members_words(team: TeamFacts) -> str:
    """3 people; Nobody yet."""
    return formats.counted(len(team.emails), "person", "people") if team.emails else "Nobody yet"


def left_words(invitation: InvitationFacts, now: dt.datetime) -> str:
    """In 6 days; In 3 h; Used; Revoked."""
    if invitation.state != "open":
        return STATES.get(invitation.state, invitation.state)
    left = max(0.0, (invitation.expires_at - now).total_seconds())
    days = round(left / 86400)
    return f"In {formats.counted(days, 'day')}" if days >= 2 else f"In {formats.lasting(left)}"


def opens_words(roster: Roster, invitation: InvitationFacts) -> str:
    """What whoever accepts it will see: Every client; Acme and team North."""
    if invitation.role is Role.ADMIN:
        return "Every client"
    teams = [f"team {name}" for name in invitation.team_names]
    return formats.listed([*roster.names(invitation.client_slugs), *teams], 3) or "No client"


def token_name(token: TokenInfo) -> str:
    """Nightly import (2c65ca5d…): its own name, where it has one, and the first digits of its id."""
    digits = f"{str(token.id)[:8]}…"
    return f"{token.name} ({digits})" if token.name.strip() else digits


def about_token(token: TokenInfo, now: dt.datetime) -> str:
    """For read and write · made 3 Nov 2026 · last used 2 h ago · ends 1 Feb 2027."""
    used = "never used" if token.last_used_at is None else f"last used {formats.ago(token.last_used_at, now)}"
    ends = "without end" if token.expires_at is None else f"ends {formats.day(token.expires_at.date())}"
    return f"For {formats.listed(list(token.scopes))} · made {formats.day(token.created_at.date())} · {used} · {ends}"


def found(people: Iterable[Person], sought: str, roster: Roster) -> list[Person]:
    """Those whose address, role, team or clients have every word of ``sought``."""
    words = sought.casefold().split()
    return [person for person in people if _has_all(words, _sought_in(roster, person))]


def _sought_in(roster: Roster, person: Person) -> Collection[str]:
    state = () if person.is_active else ("disabled",)
    named = (person.email, person.role.value, *person.team_names, *(roster.sees(person) or ()), *state)
    return [each.casefold() for each in named]


def _has_all(words: Iterable[str], texts: Collection[str]) -> bool:
    return all(any(word in text for text in texts) for word in words)
