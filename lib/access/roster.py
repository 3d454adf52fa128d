"""Who is there, for administrators: people, teams and invitations."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Literal

from lib.access.administration import By, administering
from lib.access.viewer import Role
from lib.store.engine import Store
from lib.store.models import Invitation
from lib.store.repositories import invitations, roster

InvitationState = Literal["open", "used", "expired", "revoked"]


@dataclass(frozen=True)
class Person:
    """A person. ``providers`` is ``local`` where there is a password, then the issuers that they came by.

    ``client_slugs`` are those granted to the person; teams open theirs besides.
    """

    user_id: uuid.UUID
    email: str
    role: Role
    is_active: bool
    created_at: dt.datetime
    last_seen_at: dt.datetime | None
    client_slugs: tuple[str, ...]
    team_names: tuple[str, ...]
    providers: tuple[str, ...]


@dataclass(frozen=True)
class TeamFacts:
    """A team with the addresses of its people and the clients that it opens."""

    id: int
    name: str
    emails: tuple[str, ...]
    client_slugs: tuple[str, ...]


@dataclass(frozen=True)
class InvitationFacts:
    """An invitation, without its token. Clients and teams that are gone are left out."""

    id: uuid.UUID
    email: str
    role: Role
    client_slugs: tuple[str, ...]
    team_names: tuple[str, ...]
    invited_by: str
    created_at: dt.datetime
    expires_at: dt.datetime
    state: InvitationState


async def people_of(store: Store, viewer: By) -> tuple[Person, ...]:
    """Everyone, by address; AccessError for all but administrators."""
    administering(viewer)
    async with store.working(timeout_s=30) as session:
        rows = await roster.people(session)
    return tuple(
        Person(
            user_id=row.id,
            email=row.email,
            role=Role(row.role),
            is_active=row.is_active,
            created_at=row.created_at,
            last_seen_at=row.seen_at,
            client_slugs=tuple(row.clients or ()),
            team_names=tuple(row.teams or ()),
            providers=(*(("local",) if row.has_password else ()), *(row.issuers or ())),
        )
        for row in rows
    )


async def teams_of(store: Store, viewer: By) -> tuple[TeamFacts, ...]:
    """Every team, by name; AccessError for all but administrators."""
    administering(viewer)
    async with store.working(timeout_s=30) as session:
        rows = await roster.teams(session)
    return tuple(TeamFacts(row.id, row.name, tuple(row.emails or ()), tuple(row.clients or ())) for row in rows)


async def invitations_of(store: Store, viewer: By) -> tuple[InvitationFacts, ...]:
    """Every invitation, the newest first; AccessError for all but administrators."""
    administering(viewer)
    async with store.working(timeout_s=30) as session:
        found = await invitations.all_invitations(session)
        slugs, teams = await roster.names(session)
    return tuple(invitation_facts(invitation, slugs, teams) for invitation in found)


def invitation_facts(invitation: Invitation, slugs: dict[int, str], teams: dict[int, str]) -> InvitationFacts:
    """What may be told of an invitation, with the slugs of clients and the names of teams by id."""
    return InvitationFacts(
        id=invitation.id,
        email=invitation.email,
        role=Role(invitation.role),
        client_slugs=tuple(sorted(slugs[number] for number in invitation.client_ids if number in slugs)),
        team_names=tuple(sorted(teams[number] for number in invitation.team_ids if number in teams)),
        invited_by=invitation.invited_by,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        state=_state(invitation),
    )


def _state(invitation: Invitation) -> InvitationState:
    if invitation.used_at is not None:
        return "used"
    if invitation.revoked_at is not None:
        return "revoked"
    return "expired" if invitation.expires_at <= dt.datetime.now(dt.UTC) else "open"
