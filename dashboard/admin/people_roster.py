"""Everyone who may come in, the teams, the invitations and the clients, as the page of people shows them."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from lib.access.roster import InvitationFacts, Person, TeamFacts, invitations_of, people_of, teams_of
from lib.access.viewer import Role, Viewer
from lib.insights.scope import clients_in_scope
from lib.store.engine import Store


@dataclass(frozen=True)
class Roster:
    """What there is at the moment ``at``; ``clients`` are the names of all clients by slug."""

    people: tuple[Person, ...]
    teams: tuple[TeamFacts, ...]
    invitations: tuple[InvitationFacts, ...]
    clients: Mapping[str, str]
    at: dt.datetime

    @cached_property
    def sorted_people(self) -> list[Person]:
        """By address; whoever may not come in any more stands at the end."""
        return sorted(self.people, key=lambda person: (not person.is_active, person.email.casefold()))

    @cached_property
    def open_invitations(self) -> list[InvitationFacts]:
        """Those that can still be used, the one that ends first before the others."""
        return sorted((each for each in self.invitations if each.state == "open"), key=lambda each: each.expires_at)

    @cached_property
    def past_invitations(self) -> list[InvitationFacts]:
        """Those that were used, revoked or not used in time, the newest first."""
        past = (each for each in self.invitations if each.state != "open")
        return sorted(past, key=lambda each: each.created_at, reverse=True)

    def names(self, slugs: Iterable[str]) -> list[str]:
        """The names of these clients in their order; one that is archived or brand-new goes by its slug."""
        return sorted((self.clients.get(slug, slug) for slug in set(slugs)), key=str.casefold)

    def slugs_and(self, slugs: Iterable[str]) -> list[str]:
        """What a choice of clients offers: all of them by name, and those of ``slugs`` that were made just now."""
        return [*self.clients, *sorted(set(slugs) - self.clients.keys())]

    def teams_of(self, person: Person) -> list[TeamFacts]:
        """The teams that this person belongs to."""
        return [team for team in self.teams if team.name in person.team_names]

    def slugs_by_teams(self, person: Person) -> set[str]:
        """The clients that teams open to this person."""
        return {slug for team in self.teams_of(person) for slug in team.client_slugs}

    def sees(self, person: Person) -> list[str] | None:
        """The names of the clients that this person sees, by grants and by teams; None where it is every client."""
        if person.role is Role.ADMIN:
            return None
        return self.names((set(person.client_slugs) | self.slugs_by_teams(person)) & self.clients.keys())


async def read(store: Store, viewer: Viewer) -> Roster:
    """All of it at once; AccessError for everyone but administrators."""
    people, teams, invitations, clients = await asyncio.gather(
        people_of(store, viewer),
        teams_of(store, viewer),
        invitations_of(store, viewer),
        clients_in_scope(store, viewer),
    )
    named = {client.slug: client.name for client in clients}
    return Roster(people, teams, invitations, named, dt.datetime.now(dt.UTC))
