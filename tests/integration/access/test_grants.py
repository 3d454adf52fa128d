"""What opens and closes clients for a sign-in: teams, archived clients, idle hours, an administrator's other eyes."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from lib.access import sessions
from lib.access.audit import Action, Actor, actor_of, note
from lib.access.people import put_person
from lib.access.viewer import Role, Viewer
from lib.errors import StoreError
from lib.settings import get_settings
from lib.store.engine import Store

HOUR = dt.timedelta(hours=1)


async def person(store: Store, email: str, role: Role = Role.VIEWER, *slugs: str) -> tuple[uuid.UUID, str]:
    """The id of a person, and the token of their sign-in."""
    put = await put_person(store, email, role, slugs=slugs)
    return put.user_id, await sessions.create_session(store, put.user_id, "local", HOUR)


async def change(store: Store, statement: str, **values: object) -> None:
    async with store.working() as session:
        await session.execute(text(statement), values)


async def looked_up(store: Store, token: str) -> Viewer:
    viewer = await sessions.viewer_of(store, token)
    assert viewer is not None
    return viewer


async def test_a_team_opens_its_clients_to_its_members_alone(store: Store, clients: dict[str, int]) -> None:
    ana, anas = await person(store, "ana@example.com", Role.VIEWER, "acme")
    _, bens = await person(store, "ben@example.com")
    await change(store, "INSERT INTO team (name) VALUES ('Berlin')")
    await change(
        store, "INSERT INTO team_grant (team_id, client_id) SELECT id, :zebra FROM team", zebra=clients["zebra"]
    )
    assert (await looked_up(store, anas)).account_ids == {11, 12}
    await change(store, "INSERT INTO team_member (team_id, user_id) SELECT id, :ana FROM team", ana=ana)
    both = await looked_up(store, anas)
    assert (both.client_ids, both.account_ids) == ({clients["acme"], clients["zebra"]}, {11, 12, 21})
    assert (await looked_up(store, bens)).account_ids == set()
    await change(store, "DELETE FROM team")
    assert (await looked_up(store, anas)).account_ids == {11, 12}


@pytest.mark.parametrize("role", [Role.MANAGER, Role.ADMIN])
async def test_an_archived_client_is_open_to_nobody(store: Store, clients: dict[str, int], role: Role) -> None:
    _, token = await person(store, "ana@example.com", role, "acme", "zebra")
    await change(store, "UPDATE client SET archived_at = now() WHERE slug = 'acme'")
    viewer = await looked_up(store, token)
    assert clients["acme"] not in viewer.client_ids
    assert viewer.account_ids == {21}
    await change(store, "UPDATE client SET archived_at = NULL")
    assert (await looked_up(store, token)).account_ids == {11, 12, 21}


async def test_a_sign_in_that_nobody_uses_ends_and_each_use_keeps_it(store: Store) -> None:
    _, token = await person(store, "ana@example.com")
    idle = dt.timedelta(hours=get_settings().session_idle_hours)
    minute = dt.timedelta(minutes=1)
    unused = "UPDATE user_session SET seen_at = now() - :since"
    await change(store, unused, since=idle - minute)
    await looked_up(store, token)
    await change(store, "UPDATE user_session SET seen_at = seen_at - :since", since=minute)
    await looked_up(store, token)
    await change(store, unused, since=idle + minute)
    assert await sessions.viewer_of(store, token) is None


async def test_an_administrator_sees_what_another_sees_and_may_only_look(store: Store, clients: dict[str, int]) -> None:
    ana, anas = await person(store, "ana@example.com", Role.MANAGER, "acme")
    boss, bosses = await person(store, "boss@example.com", Role.ADMIN)
    await change(store, "UPDATE user_session SET seen_as_id = :ana WHERE user_id = :boss", ana=ana, boss=boss)
    viewer = await looked_up(store, bosses)
    assert (viewer.user_id, viewer.email, viewer.account_ids) == (ana, "ana@example.com", {11, 12})
    assert (viewer.seen_by, viewer.seen_by_id) == ("boss@example.com", boss)
    assert viewer.may(Role.VIEWER)
    assert not any(viewer.may(role) for role in (Role.ANALYST, Role.MANAGER, Role.ADMIN))
    assert actor_of(viewer) == Actor("boss@example.com", boss, "ana@example.com")
    assert not (await looked_up(store, anas)).seen_by

    await change(store, "UPDATE app_user SET role = 'viewer' WHERE id = :boss", boss=boss)
    demoted = await looked_up(store, bosses)
    assert (demoted.email, demoted.account_ids, demoted.seen_by) == ("boss@example.com", set(), "")


async def test_nobody_looks_through_the_eyes_of_a_disabled_person_or_after_being_disabled(store: Store) -> None:
    ana, _ = await person(store, "ana@example.com")
    boss, bosses = await person(store, "boss@example.com", Role.ADMIN)
    await change(store, "UPDATE user_session SET seen_as_id = :ana WHERE user_id = :boss", ana=ana, boss=boss)
    for disabled in (ana, boss):
        await change(store, "UPDATE app_user SET is_active = (id <> :who)", who=disabled)
        assert await sessions.viewer_of(store, bosses) is None
    await change(store, "UPDATE app_user SET is_active = true")
    await change(store, "DELETE FROM app_user WHERE id = :ana", ana=ana)
    assert (await looked_up(store, bosses)).email == "boss@example.com"


async def test_notes_are_added_in_ones_own_name_and_read_by_administrators(
    store: Store, clients: dict[str, int]
) -> None:
    _, anas = await person(store, "ana@example.com", Role.MANAGER, "acme")
    _, bosses = await person(store, "boss@example.com", Role.ADMIN)
    ana, boss = await looked_up(store, anas), await looked_up(store, bosses)
    async with store.gatekeeping() as session:
        await note(session, Actor("stranger@example.com"), Action.SIGN_IN_FAILED, via="sign-in", address="192.0.2.1")
    async with store.viewing(ana) as session:
        await note(session, actor_of(ana), Action.EXPORTED, via="page", subject="spend", after={"rows": 3})
        assert (await session.execute(text("SELECT count(*) FROM audit_log"))).scalar_one() == 0
    with pytest.raises(StoreError):
        async with store.viewing(ana) as session:
            await note(session, actor_of(boss), Action.EXPORTED, via="page")
    async with store.viewing(boss) as session:
        noted = "SELECT email, action, after FROM audit_log WHERE via IN ('sign-in', 'page') ORDER BY id DESC LIMIT 2"
        rows = (await session.execute(text(noted))).tuples().all()
    assert rows[::-1] == [
        ("stranger@example.com", "sign-in failed", None),
        ("ana@example.com", "exported", {"rows": 3}),
    ]


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET email = ''", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
async def test_no_role_changes_a_note(store: Store, statement: str) -> None:
    for transaction in (store.working, store.gatekeeping):
        with pytest.raises(StoreError):
            async with transaction() as session:
                await session.execute(text(statement))


async def test_what_is_noted_once_a_day_is(store: Store) -> None:
    actor, today = Actor("ana@example.com", uuid.uuid4()), dt.date(2026, 1, 1)
    async with store.working() as session:
        for day in (today, today, today + dt.timedelta(days=1), None, None):
            await note(session, actor, Action.SAW_CLIENT, via="page", subject="acme", day=day)
        assert (await session.execute(text("SELECT count(*) FROM audit_log"))).scalar_one() == 4
