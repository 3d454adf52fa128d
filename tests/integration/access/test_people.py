"""Changing people: by administrators alone, at once, never the last administrator, never oneself; all of it noted."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from lib.access import personal_tokens, sessions
from lib.access.audit import OPERATOR_ACTOR
from lib.access.invitations import invite, open_invitation
from lib.access.people import change_person, put_person
from lib.access.roster import people_of
from lib.access.seeing import see_as
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError, AppError, Conflict, NotFound, UsageError
from lib.store.engine import Store
from tests.people import ADMIN, last_noted, noted, signed_in, viewer_by


async def test_what_changes_is_told_noted_and_holds_at_once(store: Store, clients: dict[str, int]) -> None:
    admin, _ = await signed_in(store)
    ana, token = await signed_in(store, "ana@example.com", Role.VIEWER, slugs=["acme"])
    told = await change_person(store, admin, ana.user_id, role=Role.MANAGER, slugs=["zebra"])
    assert told == ["role viewer to manager", "clients now zebra"]
    now = await viewer_by(store, token)
    assert (now.role, now.account_ids) == (Role.MANAGER, {21})
    note = await last_noted(store)
    assert note["before"] == {"role": "viewer", "clients": ["acme"]}
    assert note["after"] == {"role": "manager", "clients": ["zebra"]}
    assert (note["email"], note["user_id"], note["subject"]) == (ADMIN, admin.user_id, "ana@example.com")
    assert (note["action"], note["via"]) == ("changed person", "page")
    count = len(await noted(store))
    assert await change_person(store, admin, ana.user_id, role=Role.MANAGER, slugs=["zebra"], is_active=True) == []
    assert await change_person(store, admin, ana.user_id) == []
    assert len(await noted(store)) == count
    assert await change_person(store, admin, ana.user_id, slugs=[]) == ["clients now none"]
    assert (await viewer_by(store, token)).account_ids == set()


async def test_disabling_shuts_out_at_once_and_enabling_lets_in_again(store: Store, clients: dict[str, int]) -> None:
    admin, admins_token = await signed_in(store)
    ana, token = await signed_in(store, "ana@example.com", Role.VIEWER, slugs=["acme"])
    link = await sessions.make_link(store, ana.user_id)
    secret = (await personal_tokens.create_token(store, "ana@example.com")).secret
    await see_as(store, admin, ana.user_id)
    told = await change_person(store, OPERATOR_ACTOR, ana.user_id, is_active=False)
    assert told == ["disabled, 1 sign-in and 1 personal token ended"]
    assert (await last_noted(store))["action"] == "disabled person"
    assert not (await viewer_by(store, admins_token)).seen_by
    for enabled in (False, True):
        if enabled:
            assert await change_person(store, OPERATOR_ACTOR, ana.user_id, is_active=True) == ["enabled"]
            assert (await last_noted(store))["action"] == "enabled person"
        assert await sessions.viewer_of(store, token) is None
        assert await sessions.redeem_link(store, link) is None
        assert await personal_tokens.holder_of(store, secret) is None
    again = await sessions.create_session(store, ana.user_id, "local")
    assert (await viewer_by(store, again)).account_ids == {11, 12}


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": Role.MANAGER}])
async def test_who_stops_being_an_administrator_has_invited_nobody(store: Store, change: dict[str, object]) -> None:
    await signed_in(store)
    other, _ = await signed_in(store, "other@example.com")
    offered = await invite(store, other, "ana@example.com", Role.ADMIN)
    kept = await invite(store, OPERATOR_ACTOR, "bob@example.com", Role.VIEWER)
    await change_person(store, OPERATOR_ACTOR, other.user_id, **change)  # type: ignore[arg-type]
    assert await open_invitation(store, offered.token) is None
    assert await open_invitation(store, kept.token) is not None


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": Role.MANAGER}])
async def test_nobody_locks_everyone_out(store: Store, change: dict[str, object]) -> None:
    admin, token = await signed_in(store)
    other, _ = await signed_in(store, "other@example.com")
    with pytest.raises(Conflict, match="You cannot disable yourself"):
        await change_person(store, admin, admin.user_id, **change)  # type: ignore[arg-type]
    await change_person(store, admin, other.user_id, **change)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="last active administrator"):
        await change_person(store, OPERATOR_ACTOR, admin.user_id, **change)  # type: ignore[arg-type]
    assert (await viewer_by(store, token)).role is Role.ADMIN


async def test_two_administrators_cannot_remove_each_other_at_once(store: Store) -> None:
    for attempt in range(5):
        ids = [(await put_person(store, f"{name}{attempt}@example.com", Role.ADMIN)).user_id for name in "ab"]
        outcomes = await asyncio.gather(
            *(change_person(store, OPERATOR_ACTOR, user_id, is_active=False) for user_id in ids),
            return_exceptions=True,
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "list"]
        async with store.working() as session:
            assert (await session.execute(text("SELECT count(*) FROM app_user WHERE is_active"))).scalar_one() == 1
            await session.execute(text("DELETE FROM app_user"))


async def test_only_administrators_by_their_own_eyes_change_people(store: Store) -> None:
    admin, admins_token = await signed_in(store)
    ana, _ = await signed_in(store, "ana@example.com", Role.MANAGER)
    await see_as(store, admin, ana.user_id)
    through_ana = await viewer_by(store, admins_token)
    before = len(await noted(store))
    for viewer in (ana, through_ana, Viewer(uuid.uuid4(), "x@example.com", Role.ANALYST)):
        with pytest.raises(AccessError):
            await change_person(store, viewer, ana.user_id, role=Role.ADMIN)
    assert len(await noted(store)) == before
    assert (await viewer_by(store, admins_token)).role is Role.MANAGER


async def test_unknown_people_and_clients_change_nothing(store: Store, clients: dict[str, int]) -> None:
    admin, _ = await signed_in(store)
    ana, token = await signed_in(store, "ana@example.com", Role.VIEWER, slugs=["acme"])
    async with store.working() as session:
        await session.execute(text("UPDATE client SET archived_at = now() WHERE slug = 'zebra'"))
    refused: list[tuple[uuid.UUID, list[str], type[AppError]]] = [
        (uuid.uuid4(), ["acme"], NotFound),
        (ana.user_id, ["acme", "nobody"], UsageError),
        (ana.user_id, ["zebra"], UsageError),
    ]
    for user_id, slugs, kind in refused:
        with pytest.raises(kind):
            await change_person(store, admin, user_id, role=Role.ADMIN, slugs=slugs)
    assert (await viewer_by(store, token)).role is Role.VIEWER


async def test_grants_of_archived_clients_wait_for_their_return(store: Store, clients: dict[str, int]) -> None:
    admin, _ = await signed_in(store)
    ana, token = await signed_in(store, "ana@example.com", Role.VIEWER, slugs=["acme", "zebra"])
    async with store.working() as session:
        await session.execute(text("UPDATE client SET archived_at = now() WHERE slug = 'zebra'"))
    assert (await viewer_by(store, token)).account_ids == {11, 12}
    assert await change_person(store, admin, ana.user_id, slugs=[]) == ["clients now none"]
    async with store.working() as session:
        await session.execute(text("UPDATE client SET archived_at = NULL"))
    assert (await viewer_by(store, token)).account_ids == {21}


async def test_adding_by_command_is_noted_without_the_password(store: Store, clients: dict[str, int]) -> None:
    await put_person(store, "ana@example.com", Role.VIEWER, slugs=["acme"], password="correct horse battery")
    note = await last_noted(store)
    assert (note["action"], note["via"], note["email"], note["user_id"]) == (
        "added person",
        "cli",
        "command line",
        None,
    )
    assert note["after"] == {"role": "viewer", "clients": ["acme"], "is_active": True}
    await put_person(store, "ana@example.com", Role.VIEWER, password="another horse battery")
    changed = await last_noted(store)
    assert (changed["action"], changed["before"]) == ("changed person", {})
    assert changed["after"] == {"password": "new", "sign-ins ended": 0}
    assert "horse" not in str(note) + str(changed)


async def test_adding_a_person_withdraws_what_was_offered_to_them(store: Store) -> None:
    offered = await invite(store, OPERATOR_ACTOR, "ana@example.com", Role.ADMIN, ttl=dt.timedelta(days=1))
    await put_person(store, "ANA@example.com", Role.VIEWER)
    assert await open_invitation(store, offered.token) is None


async def test_a_page_that_is_behind_takes_nothing_back(store: Store, clients: dict[str, int]) -> None:
    admin, _ = await signed_in(store)
    ana, _ = await signed_in(store, "ana@example.com", Role.VIEWER, slugs=[])
    seen = next(each for each in await people_of(store, admin) if each.user_id == ana.user_id)
    saves = (change_person(store, admin, ana.user_id, slugs=[slug], seen=seen) for slug in ("acme", "zebra"))
    answers = await asyncio.gather(*saves, return_exceptions=True)
    (refused,) = [each for each in answers if isinstance(each, Exception)]
    assert isinstance(refused, Conflict)
    assert str(refused) == "ana@example.com was changed meanwhile by somebody else; nothing was stored. Look again."
    (now,) = [each for each in await people_of(store, admin) if each.user_id == ana.user_id]
    with pytest.raises(Conflict):
        await change_person(store, admin, ana.user_id, role=Role.MANAGER, slugs=[], seen=seen)
    await change_person(store, admin, ana.user_id, role=Role.MANAGER, slugs=now.client_slugs, seen=now)
    with pytest.raises(Conflict):
        await change_person(store, admin, ana.user_id, role=Role.VIEWER, seen=now)
