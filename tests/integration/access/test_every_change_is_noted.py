"""Whatever changes something notes one entry with it: what was done, to what, from what to what.

Every function of these modules that takes a store is found here, as one that changes something or as one that does not.
"""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import pkgutil
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

import lib.access
from lib.access import (
    admission,
    identities,
    invitations,
    mail_links,
    people,
    personal_tokens,
    seeing,
    sessions,
    teams,
)
from lib.access.audit import OPERATOR_ACTOR
from lib.access.mail_links import Purpose
from lib.access.roster import teams_of
from lib.access.viewer import Role, Viewer
from lib.insights import saved_views
from lib.settings import get_settings
from lib.store.engine import Store
from tests.people import noted, signed_in, viewer_by

ANA, NEW, PASSWORD = "ana@example.com", "new@example.com", "correct horse battery"
HOUR = dt.timedelta(hours=1)
LOOKS_ONLY = {
    *("audit_reading.clients_of_log", "audit_reading.read_audit", "invitations.open_invitation", "mail_links.owner"),
    *("mail_links.unverified", "mail_links.with_password", "personal_tokens.holder_of", "personal_tokens.list_tokens"),
    *("roster.invitations_of", "roster.people_of", "roster.teams_of", "sessions.viewer_of", "sessions.viewer_of_hash"),
    *("audit_reading.account_names", "audit_reading.read_entry", "personal_tokens.live_tokens_of"),
    *("sessions.owner_of_unused", "saved_views.count_views", "saved_views.get_view", "saved_views.list_views"),
}
ELSEWHERE = {
    "audit_file.write_audit": "test_audit",
    "bearer.viewer_of": "test_jwt_shared",
    "popup.sign_in": "test_popup_forged",
    "sessions.session_of_oidc": "by admission.admit",
    "sign_in_notes.failed": "test_sign_in_notes",
    "sign_in_notes.over": "test_personal_tokens",
    "sign_in_notes.refused": "test_jwt_shared",
}


@dataclass
class World:
    """An administrator and Ana, both signed in."""

    store: Store
    boss: Viewer
    ana: Viewer

    async def view(self) -> uuid.UUID:
        """A view that Ana shares."""
        made = await saved_views.create_view(self.store, self.ana, "Mine", "overview", "", is_shared=True)
        return made.id


@pytest.fixture
async def world(store: Store, clients: dict[str, int]) -> World:
    boss, _ = await signed_in(store)
    ana, _ = await signed_in(store, ANA, Role.ANALYST, slugs=["acme"])
    return World(store, boss, ana)


Deed = Callable[[], Awaitable[Any]]
Values = dict[str, Any] | None
Change = tuple[Callable[[World], Awaitable[Deed]], str, str, Values, Values]
"""What prepares a deed, and its note: action, subject, before and after (``...`` is anything)."""
CHANGES: dict[str, Change] = {}


def noting(name: str, action: str, subject: str = ANA, *, before: Values = None, after: Values = None) -> Any:
    """Let the function below prepare the deed of this name."""

    def taken(prepare: Callable[[World], Awaitable[Deed]]) -> Callable[[World], Awaitable[Deed]]:
        CHANGES[name] = (prepare, action, subject, before, after)
        return prepare

    return taken


PERSON = {"role": "viewer", "clients": [], "is_active": True}


@noting("admission.admit", "added person", NEW, after={**PERSON, "role": "analyst", "by": "role analyst"})
async def _(world: World) -> Deed:
    now = int(time.time())
    claims = {"iss": "https://issuer.example.com/", "sub": "a|1", "iat": now, "email": NEW, "email_verified": True}
    return lambda: admission.admit(world.store, {**claims, "roles": ["analyst"]}, b"digest", HOUR)


@noting("identities.forget_identities", "changed person", before={"accounts": ["https://issuer.example.com"]},
        after={"accounts": [], "sign-ins ended": 1})  # fmt: skip
async def _(world: World) -> Deed:
    async with world.store.working() as session:
        who = admission.Vouched("https://issuer.example.com", "a|1", ANA)
        await admission.known(session, who)
    return lambda: identities.forget_identities(world.store, world.boss, world.ana.user_id)


@noting("invitations.invite", "invited", NEW, after={"role": "viewer", "clients": ["acme"], "teams": [], "until": ...})
async def _(world: World) -> Deed:
    return lambda: invitations.invite(world.store, world.boss, NEW, Role.VIEWER, slugs=["acme"])


@noting("invitations.revoke_invitation", "revoked invitation", NEW, before={"role": "viewer"})
async def _(world: World) -> Deed:
    made = await invitations.invite(world.store, world.boss, NEW, Role.VIEWER)
    return lambda: invitations.revoke_invitation(world.store, world.boss, made.id)


@noting("invitations.accept", "added person", NEW, after={**PERSON, "invited_by": "root@example.com"})
async def _(world: World) -> Deed:
    made = await invitations.invite(world.store, world.boss, NEW, Role.VIEWER)
    return lambda: invitations.accept(world.store, made.token, PASSWORD)


@noting("mail_links.make", "made link", after={"for": "reset"})
async def _(world: World) -> Deed:
    return lambda: mail_links.make(world.store, Purpose.RESET, world.ana.user_id)


@noting("mail_links.reset_password", "changed person", after={"password": "chosen anew by mail", "sign-ins ended": 1})
async def _(world: World) -> Deed:
    link = await mail_links.make(world.store, Purpose.RESET, world.ana.user_id)
    return lambda: mail_links.reset_password(world.store, link, PASSWORD)


@noting("mail_links.verify", "changed person", after={"address": "confirmed by mail"})
async def _(world: World) -> Deed:
    link = await mail_links.make(world.store, Purpose.VERIFY, world.ana.user_id)
    return lambda: mail_links.verify(world.store, link)


@noting("people.put_person", "changed person", before={"role": "analyst", "clients": ["acme"]},
        after={"role": "viewer", "clients": ["zebra"], "password": "new", "sign-ins ended": 1})  # fmt: skip
async def _(world: World) -> Deed:
    return lambda: people.put_person(world.store, ANA, Role.VIEWER, slugs=["zebra"], password=PASSWORD)


@noting("people.change_person", "disabled person", before={"is_active": True},
        after={"is_active": False, "sign-ins ended": 2, "personal tokens ended": 1})  # fmt: skip
async def _(world: World) -> Deed:
    await signed_in(world.store, ANA, Role.ANALYST)
    await personal_tokens.create_token(world.store, ANA)
    return lambda: people.change_person(world.store, world.boss, world.ana.user_id, is_active=False)


@noting("people.ensure_local_admin", "added person", people.LOCAL_ADMIN, after={**PERSON, "role": "admin"})
async def _(world: World) -> Deed:
    return lambda: people.ensure_local_admin(world.store)


@noting("personal_tokens.create_token", "added personal token",
        after={"token": ..., "name": "sheet", "for": ["read", "write"], "until": ...})  # fmt: skip
async def _(world: World) -> Deed:
    return lambda: personal_tokens.create_token(world.store, ANA, name="sheet", scopes=["write"])


@noting("personal_tokens.revoke_token", "revoked personal token",
        before={"token": ..., "name": "", "state": "active"}, after={"token": ..., "state": "revoked"})  # fmt: skip
async def _(world: World) -> Deed:
    made = await personal_tokens.create_token(world.store, ANA)

    async def twice() -> None:
        await personal_tokens.revoke_token(world.store, world.boss, made.info.id)
        await personal_tokens.revoke_token(world.store, world.boss, made.info.id)

    return twice


@noting("seeing.see_as", "sees as", before={"seen_as": ""}, after={"seen_as": ANA})
async def _(world: World) -> Deed:
    return lambda: seeing.see_as(world.store, world.boss, world.ana.user_id)


@noting("seeing.see_as_oneself", "sees as", before={"seen_as": ANA}, after={"seen_as": ""})
async def _(world: World) -> Deed:
    boss, token = await signed_in(world.store)
    await seeing.see_as(world.store, boss, world.ana.user_id)
    seen = await viewer_by(world.store, token)
    return lambda: seeing.see_as_oneself(world.store, seen)


@noting("sessions.create_session", "signed in", "", after={"by": "local"})
async def _(world: World) -> Deed:
    return lambda: sessions.create_session(world.store, world.ana.user_id, "local")


@noting("sessions.revoke", "signed out", "")
async def _(world: World) -> Deed:
    return lambda: sessions.revoke(world.store, world.ana.session_hash)


@noting("sessions.make_link", "made link", after={"for": "sign-in"})
async def _(world: World) -> Deed:
    return lambda: sessions.make_link(world.store, world.ana.user_id)


@noting("sessions.make_link_for", "made link", after={"for": "sign-in"})
async def _(world: World) -> Deed:
    return lambda: sessions.make_link_for(world.store, world.boss, world.ana.user_id)


@noting("sessions.redeem_link", "signed in", "", after={"by": "link"})
async def _(world: World) -> Deed:
    link = await sessions.make_link(world.store, world.ana.user_id)
    return lambda: sessions.redeem_link(world.store, link)


NORTH = {"name": "North", "clients": ["acme"], "people": [ANA]}
BARE = {"name": "North", "clients": [], "people": []}


async def north(world: World) -> int:
    """The team, with Ana in it."""
    return await teams.make_team(world.store, world.boss, "North", slugs=["acme"], emails=[ANA])


@noting("teams.make_team", "added team", "North", after=NORTH)
async def _(world: World) -> Deed:
    return lambda: north(world)


@noting("teams.put_team", "changed team", "North", before=NORTH, after=BARE)
async def _(world: World) -> Deed:
    await north(world)
    return lambda: teams.put_team(world.store, OPERATOR_ACTOR, "North", slugs=[], emails=[])


@noting("teams.change_team", "changed team", "North", before=NORTH, after=BARE)
async def _(world: World) -> Deed:
    team_id = await north(world)
    (seen,) = await teams_of(world.store, world.boss)
    return lambda: teams.change_team(world.store, world.boss, team_id, slugs=[], emails=[], seen=seen)


@noting("teams.rename_team", "changed team", "South", before={"name": "North"}, after={"name": "South"})
async def _(world: World) -> Deed:
    await north(world)
    return lambda: teams.rename_team(world.store, world.boss, "North", "South")


@noting("teams.remove_team", "removed team", "North", before=NORTH)
async def _(world: World) -> Deed:
    await north(world)
    return lambda: teams.remove_team(world.store, world.boss, "North")


@noting("teams.restore_team", "restored team", "North", after=NORTH)
async def _(world: World) -> Deed:
    team_id = await north(world)
    await teams.remove_team(world.store, world.boss, "North")
    return lambda: teams.restore_team(world.store, world.boss, team_id)


VIEW = {"name": "Mine", "page": "overview", "address": "", "is_shared": True}


@noting("saved_views.create_view", "added saved view", "Mine", after=VIEW)
async def _(world: World) -> Deed:
    return world.view


@noting("saved_views.update_view", "changed saved view", f"Mine of {ANA}",
        before={"name": "Mine"}, after={"name": "Ours"})  # fmt: skip
async def _(world: World) -> Deed:
    view_id = await world.view()
    return lambda: saved_views.update_view(world.store, world.boss, view_id, name="Ours", is_shared=True)


@noting("saved_views.delete_view", "removed saved view", "Mine", before=VIEW)
async def _(world: World) -> Deed:
    view_id = await world.view()
    return lambda: saved_views.delete_view(world.store, world.ana, view_id)


def functions() -> set[str]:
    """Every function of the modules that takes a store, as module.function."""
    modules = [importlib.import_module(each.name) for each in pkgutil.iter_modules(lib.access.__path__, "lib.access.")]
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in (*modules, saved_views)
        for name, each in vars(module).items()
        if inspect.iscoroutinefunction(each) and each.__module__ == module.__name__ and not name.startswith("_")
        if next(iter(inspect.signature(each).parameters), "") == "store"
    }


def test_every_function_is_here() -> None:
    assert functions() == LOOKS_ONLY | ELSEWHERE.keys() | CHANGES.keys()


def is_like(found: Values, wanted: Values) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return found.keys() == wanted.keys() and all(wanted[name] in (..., found[name]) for name in wanted)


@pytest.mark.parametrize("name", sorted(CHANGES))
async def test_it_is_noted_once(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(get_settings(), "auth_role_claim", "roles")
    prepare, action, subject, before, after = CHANGES[name]
    deed = await prepare(world)
    known = {entry.id for entry in await noted(world.store)}
    await deed()
    also = {"signed in"} if name == "admission.admit" else set()
    (entry,) = [each for each in await noted(world.store) if each.id not in known and each.action not in also]
    assert (entry.action, entry.subject) == (action, subject)
    assert is_like(entry.before, before), entry.before
    assert is_like(entry.after, after), entry.after


async def withdrawn(store: Store) -> list[tuple[Any, ...]]:
    entries = await noted(store, "revoked invitation")
    return [(entry.email, entry.subject, entry.before, entry.after) for entry in entries]


async def test_invitations_that_end_by_something_else_are_noted_as_withdrawn(world: World) -> None:
    store, boss = world.store, world.boss
    for role in (Role.ADMIN, Role.VIEWER):
        await invitations.invite(store, boss, NEW, role)
    await people.put_person(store, NEW, Role.ADMIN)
    chief = boss.email
    assert await withdrawn(store) == [
        (chief, NEW, {"role": "admin"}, {"by": "another invitation"}),
        ("command line", NEW, {"role": "viewer"}, {"by": "the person was added"}),
    ]
    await invitations.invite(store, boss, "one@example.com", Role.VIEWER)
    await people.change_person(store, OPERATOR_ACTOR, boss.user_id, role=Role.MANAGER)
    other, _ = await signed_in(store, NEW, Role.ADMIN)
    await invitations.invite(store, other, "two@example.com", Role.VIEWER)
    await people.put_person(store, chief, Role.ADMIN)
    await people.change_person(store, OPERATOR_ACTOR, other.user_id, is_active=False)
    assert (await withdrawn(store))[2:] == [
        ("command line", "one@example.com", {"role": "viewer"}, {"by": f"{chief} is no administrator any more"}),
        ("command line", "two@example.com", {"role": "viewer"}, {"by": f"{NEW} was disabled"}),
    ]
