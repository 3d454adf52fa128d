"""What a panel was set to beside what holds now, and the difference in words; nothing here draws."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard import formats
from dashboard.admin.people_roster import Roster
from lib.access.roster import Person, TeamFacts
from lib.access.viewer import Role


@dataclass(frozen=True)
class Wanted:
    """What the person's panel was set to, beside what held when it was drawn."""

    person: Person
    role: Role
    slugs: tuple[str, ...]

    @property
    def new_role(self) -> Role | None:
        """The role where it is another one."""
        return None if self.role is self.person.role else self.role

    @property
    def added(self) -> set[str]:
        """The clients that are to be opened."""
        return set(self.slugs) - set(self.person.client_slugs)

    @property
    def removed(self) -> set[str]:
        """The clients that are to be taken away."""
        return set(self.person.client_slugs) - set(self.slugs)

    @property
    def is_change(self) -> bool:
        """Whether there is anything to store."""
        return self.new_role is not None or bool(self.added or self.removed)

    @property
    def takes_away(self) -> bool:
        """Whether the person may do or see less afterwards."""
        return bool(self.removed) or self.role.rank < self.person.role.rank


_A_ROLE = {
    Role.VIEWER: "a viewer",
    Role.ANALYST: "an analyst",
    Role.MANAGER: "a manager",
    Role.ADMIN: "an administrator",
}


def person_words(wanted: Wanted, roster: Roster, *, is_done: bool = False) -> str:
    """ana@example.com becomes (``is_done``: is now) an analyst and loses Acme. Empty where nothing changes."""
    parts = []
    if wanted.new_role is not None:
        parts.append(f"{'is now' if is_done else 'becomes'} {_A_ROLE[wanted.new_role]}")
    if wanted.added:
        parts.append(f"also sees {formats.listed(roster.names(wanted.added), 5)}")
    if wanted.removed:
        parts.append(f"loses {formats.listed(roster.names(wanted.removed), 5)}")
    still = wanted.removed & roster.slugs_by_teams(wanted.person)
    if still:
        parts.append(f"still sees {formats.listed(roster.names(still), 5)} through a team")
    return f"{wanted.person.email} {formats.listed(parts, len(parts))}." if parts else ""


@dataclass(frozen=True)
class WantedTeam:
    """What a team's panel was set to, beside what held when it was drawn."""

    team: TeamFacts
    emails: tuple[str, ...]
    slugs: tuple[str, ...]

    @property
    def is_change(self) -> bool:
        """Whether there is anything to store."""
        return set(self.emails) != set(self.team.emails) or set(self.slugs) != set(self.team.client_slugs)

    @property
    def takes_away(self) -> bool:
        """Whether anybody sees less afterwards."""
        return bool(set(self.team.emails) - set(self.emails) or set(self.team.client_slugs) - set(self.slugs))


def team_words(wanted: WantedTeam, roster: Roster) -> str:
    """North: with ana@example.com, no longer opens Acme."""
    team = wanted.team
    parts = [
        ("with", sorted(set(wanted.emails) - set(team.emails))),
        ("without", sorted(set(team.emails) - set(wanted.emails))),
        ("now opens", roster.names(set(wanted.slugs) - set(team.client_slugs))),
        ("no longer opens", roster.names(set(team.client_slugs) - set(wanted.slugs))),
    ]
    return f"{team.name}: {', '.join(f'{verb} {formats.listed(names, 5)}' for verb, names in parts if names)}."


def removal_words(team: TeamFacts, roster: Roster) -> str:
    """The question before a team is removed: who loses what by it."""
    asked = f"Remove the team {team.name}?"
    if not team.emails:
        return f"{asked} Nobody is in it. It can be undone."
    kept = "Nobody is removed, and it can be undone."
    if not team.client_slugs:
        return f"{asked} It opens no client. {kept}"
    loses = formats.listed(roster.names(team.client_slugs), 5)
    people = formats.counted(len(team.emails), "person", "people")
    return f"{asked} {people} in it will lose {loses} as far as nothing else opens it to them. {kept}"
