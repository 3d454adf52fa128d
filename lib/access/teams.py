"""Teams: people who see the same clients.

Pages know a team by its id and say how it was when they were drawn: where somebody else has changed it since, nothing
is stored. Commands know it by its name.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.administration import By, administering
from lib.access.audit import Action, note
from lib.access.people import client_ids_of
from lib.access.roster import TeamFacts
from lib.access.standing import still_stands
from lib.errors import Conflict, NotFound, UsageError, changed_meanwhile
from lib.store.engine import Store
from lib.store.models import Team
from lib.store.repositories import teams

LONGEST_NAME = 100
Which = int | str
"""A team by its id, or by its name, whatever its case."""


def checked_name(name: str) -> str:
    """The name without blanks around it; UsageError where nothing is left, or what does not belong into a name."""
    name = name.strip()
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise UsageError(f"A team needs a name of up to {LONGEST_NAME} printable characters; nothing was stored.")
    return name


async def put_team(
    store: Store, viewer: By, name: str, *, slugs: Sequence[str] | None = None, emails: Sequence[str] | None = None
) -> list[str]:
    """Make a team, or bring one that exists to exactly these clients and people, and say in words what was changed.

    It is for commands. ``None`` leaves what is there. AccessError for all but administrators, UsageError for a bad
    name, an unknown client or person; then nothing is changed.
    """
    actor, via = administering(viewer)
    name = checked_name(name)
    async with store.working() as session:
        await still_stands(session, viewer)
        await teams.lock_names(session, name)
        team = await teams.locked_team(session, name)
        before = None if team is None else await _facts(session, team)
        team = team or await _add(session, name)
        after = await _bring(session, team, slugs, emails)
        changes = _changes(before, after)
        if changes:
            action = Action.ADDED_TEAM if before is None else Action.CHANGED_TEAM
            await note(session, actor, action, via=via, subject=team.name, before=before, after=after)
    return changes


async def make_team(store: Store, viewer: By, name: str, *, slugs: Sequence[str], emails: Sequence[str]) -> int:
    """A new team; its id.

    AccessError for all but administrators, Conflict where there is one of this name, UsageError for a bad name, an
    unknown client or person; then nothing is changed.
    """
    actor, via = administering(viewer)
    name = checked_name(name)
    async with store.working() as session:
        await still_stands(session, viewer)
        await teams.lock_names(session, name)
        await _refuse_taken(session, name)
        team = await _add(session, name)
        after = await _bring(session, team, slugs, emails)
        await note(session, actor, Action.ADDED_TEAM, via=via, subject=name, after=after)
        return team.id


async def change_team(
    store: Store, viewer: By, team_id: int, *, slugs: Sequence[str], emails: Sequence[str], seen: TeamFacts
) -> None:
    """Bring a team to exactly these clients and people.

    AccessError for all but administrators, NotFound where it was removed, Conflict where it is not as it was ``seen``
    any more, UsageError for an unknown client or person; then nothing is changed.
    """
    actor, via = administering(viewer)
    async with store.working() as session:
        await still_stands(session, viewer)
        team, before = await _held(session, team_id, seen)
        after = await _bring(session, team, slugs, emails)
        if after != before:
            await note(session, actor, Action.CHANGED_TEAM, via=via, subject=team.name, before=before, after=after)


async def _add(session: AsyncSession, name: str) -> Team:
    team = Team(name=name)
    session.add(team)
    await session.flush()
    return team


async def _bring(
    session: AsyncSession, team: Team, slugs: Sequence[str] | None, emails: Sequence[str] | None
) -> dict[str, Any]:
    if slugs is not None:
        await teams.set_grants(session, team.id, await client_ids_of(session, slugs))
    if emails is not None:
        await teams.set_members(session, team.id, await _user_ids_of(session, emails))
    return await _facts(session, team)


def _changes(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    was = before or {"clients": [], "people": []}
    changed = [what for what in ("clients", "people") if after[what] != was[what]]
    told = [f"{what} now {', '.join(after[what]) or 'none'}" for what in changed]
    return told if before is not None else ["made", *told]


async def _facts(session: AsyncSession, team: Team) -> dict[str, Any]:
    clients, people = await teams.slugs_of(session, team.id), await teams.emails_of(session, team.id)
    return {"name": team.name, "clients": list(clients), "people": list(people)}


async def _user_ids_of(session: AsyncSession, emails: Sequence[str]) -> frozenset[uuid.UUID]:
    known = await teams.users_by_email(session, emails)
    unknown = sorted(set(emails) - known.keys())
    if unknown:
        raise UsageError(
            f"Nobody here has the address {' or '.join(unknown)}.", "Invite them first. Nothing was stored."
        )
    return frozenset(known.values())


async def rename_team(store: Store, viewer: By, which: Which, new_name: str, *, seen: str | None = None) -> None:
    """Give a team another name; its people and clients stay.

    AccessError for all but administrators, NotFound where there is no such team, Conflict where another has the name
    or where it is not called ``seen`` any more, UsageError for a bad name.
    """
    actor, via = administering(viewer)
    new_name = checked_name(new_name)
    async with store.working() as session:
        await still_stands(session, viewer)
        name = await teams.name_of(session, which) if isinstance(which, int) else which
        await teams.lock_names(session, name, new_name)
        team = await _team(session, which)
        # The one whose name is locked: of an id, that was read before.
        seen = seen or (name if isinstance(which, int) else team.name)
        if team.name != seen:
            raise changed_meanwhile(f"The team {seen}")
        await _refuse_taken(session, new_name, but=team.id)
        before = {"name": team.name}
        if team.name == new_name:
            return
        team.name = new_name
        await note(
            session, actor, Action.CHANGED_TEAM, via=via, subject=new_name, before=before, after={"name": new_name}
        )


async def remove_team(store: Store, viewer: By, which: Which, *, seen: TeamFacts | None = None) -> None:
    """Remove a team: its people stay and lose what only the team opened to them. ``restore_team`` brings it back.

    AccessError for all but administrators, NotFound where there is no such team, Conflict where it is not as it was
    ``seen`` any more.
    """
    actor, via = administering(viewer)
    async with store.working() as session:
        await still_stands(session, viewer)
        team, before = await _held(session, which, seen)
        team.removed_at = dt.datetime.now(dt.UTC)
        await note(session, actor, Action.REMOVED_TEAM, via=via, subject=team.name, before=before)


async def restore_team(store: Store, viewer: By, team_id: int) -> None:
    """Bring a removed team back, with its people and clients.

    AccessError for all but administrators, NotFound where there is none, Conflict where another has its name by now.
    """
    actor, via = administering(viewer)
    async with store.working() as session:
        await still_stands(session, viewer)
        # A removed team is not renamed.
        await teams.lock_names(session, await teams.name_of(session, team_id))
        team = await teams.locked_team_of_id(session, team_id)
        if team is None:
            raise NotFound("This team is not there any more; nothing was changed.")
        if team.removed_at is None:
            return
        await _refuse_taken(session, team.name)
        team.removed_at = None
        after = await _facts(session, team)
        await note(session, actor, Action.RESTORED_TEAM, via=via, subject=team.name, after=after)


async def _held(session: AsyncSession, which: Which, seen: TeamFacts | None) -> tuple[Team, dict[str, Any]]:
    """The team, locked, with what belongs to it; Conflict where that is not as it was seen."""
    team = await _team(session, which)
    facts = await _facts(session, team)
    is_same = seen is None or (team.name, set(facts["clients"]), set(facts["people"])) == (
        seen.name,
        set(seen.client_slugs),
        set(seen.emails),
    )
    if not is_same:
        raise changed_meanwhile(f"The team {team.name}")
    return team, facts


async def _team(session: AsyncSession, which: Which) -> Team:
    if isinstance(which, str):
        team = await teams.locked_team(session, which)
    else:
        team = await teams.locked_team_of_id(session, which)
    if team is None or team.removed_at is not None:
        named = f"There is no team {which}" if isinstance(which, str) else "This team was removed meanwhile"
        raise NotFound(f"{named}; nothing was changed.")
    return team


async def _refuse_taken(session: AsyncSession, name: str, but: int | None = None) -> None:
    same = await teams.locked_team(session, name)
    if same is not None and same.id != but:
        raise Conflict(f"Another team is called {same.name}; nothing was changed.", "Choose another name.")
