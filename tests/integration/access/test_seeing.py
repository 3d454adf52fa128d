"""Through another's eyes: an administrator sees what a person sees and may nothing else; both ends are noted."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from lib.access import sessions
from lib.access.audit import OPERATOR_ACTOR
from lib.access.people import change_person
from lib.access.seeing import see_as, see_as_oneself
from lib.access.viewer import Role
from lib.errors import AccessError, Conflict, NotFound, StoreError
from lib.store.engine import Store
from tests.people import ADMIN, last_noted, noted, signed_in, viewer_by

ANA = "ana@example.com"


async def test_an_administrator_sees_what_a_person_sees(store: Store, clients: dict[str, int]) -> None:
    admin, token = await signed_in(store)
    _, elsewhere = await signed_in(store)
    ana, anas = await signed_in(store, ANA, Role.MANAGER, slugs=["zebra"])
    await see_as(store, admin, ana.user_id)
    through = await viewer_by(store, token)
    assert (through.user_id, through.email, through.role) == (ana.user_id, ANA, Role.MANAGER)
    assert (through.client_ids, through.account_ids) == (ana.client_ids, {21})
    assert (through.seen_by, through.seen_by_id) == (ADMIN, admin.user_id)
    assert [role for role in Role if through.may(role)] == [Role.VIEWER]
    assert (await viewer_by(store, elsewhere)).account_ids == {11, 12, 21}
    assert (await viewer_by(store, anas)) == ana
    note = await last_noted(store)
    assert (note["action"], note["email"], note["subject"]) == ("sees as", ADMIN, ANA)
    assert (note["before"], note["after"]) == ({"seen_as": ""}, {"seen_as": ANA})
    await see_as_oneself(store, through)
    assert await viewer_by(store, token) == admin
    note = await last_noted(store)
    assert (note["email"], note["before"], note["after"]) == (ADMIN, {"seen_as": ANA}, {"seen_as": ""})
    count = len(await noted(store))
    await see_as_oneself(store, admin)
    await see_as_oneself(store, ana)
    assert len(await noted(store)) == count


async def test_whose_eyes_are_not_to_be_had(store: Store) -> None:
    admin, token = await signed_in(store)
    other, _ = await signed_in(store, "other@example.com")
    ana, _ = await signed_in(store, ANA, Role.VIEWER)
    await change_person(store, OPERATOR_ACTOR, ana.user_id, is_active=False)
    refused: tuple[tuple[uuid.UUID, type[Exception], str], ...] = (
        (other.user_id, Conflict, "is an administrator"),
        (admin.user_id, Conflict, "is an administrator"),
        (ana.user_id, Conflict, "is disabled"),
        (uuid.uuid4(), NotFound, "not there any more"),
    )
    for user_id, kind, sentence in refused:
        with pytest.raises(kind, match=sentence):
            await see_as(store, admin, user_id)
    assert await viewer_by(store, token) == admin
    assert await noted(store, "sees as") == []


async def test_only_administrators_look_and_never_from_eyes_to_eyes(store: Store) -> None:
    admin, token = await signed_in(store)
    ana, _ = await signed_in(store, ANA, Role.VIEWER)
    manager, managers = await signed_in(store, "manager@example.com", Role.MANAGER)
    with pytest.raises(AccessError, match="Only administrators"):
        await see_as(store, manager, ana.user_id)
    await see_as(store, admin, manager.user_id)
    with pytest.raises(AccessError, match="Stop that first"):
        await see_as(store, await viewer_by(store, token), ana.user_id)
    assert (await viewer_by(store, token)).user_id == manager.user_id
    assert (await viewer_by(store, managers)) == manager


async def test_an_ended_sign_in_sees_through_nobodys_eyes(store: Store) -> None:
    admin, token = await signed_in(store)
    ana, _ = await signed_in(store, ANA, Role.VIEWER)
    await sessions.revoke(store, admin.session_hash)
    with pytest.raises(AccessError, match="has ended"):
        await see_as(store, admin, ana.user_id)
    assert await sessions.viewer_of(store, token) is None


async def test_nobodys_sign_in_but_ones_own_is_turned(store: Store) -> None:
    admin, _ = await signed_in(store)
    ana, anas = await signed_in(store, ANA, Role.VIEWER)
    bob, _ = await signed_in(store, "bob@example.com", Role.VIEWER)
    forged = type(admin)(admin.user_id, admin.email, admin.role, session_hash=ana.session_hash)
    with pytest.raises(AccessError):
        await see_as(store, forged, bob.user_id)
    assert await viewer_by(store, anas) == ana


async def test_eyes_are_lost_with_the_role_on_either_side(store: Store, clients: dict[str, int]) -> None:
    admin, token = await signed_in(store)
    await signed_in(store, "other@example.com")
    ana, _ = await signed_in(store, ANA, Role.VIEWER, slugs=["acme"])
    await see_as(store, admin, ana.user_id)
    await change_person(store, OPERATOR_ACTOR, ana.user_id, role=Role.ADMIN)
    assert await viewer_by(store, token) == admin
    await change_person(store, OPERATOR_ACTOR, ana.user_id, role=Role.VIEWER)
    assert await viewer_by(store, token) == admin
    await see_as(store, admin, ana.user_id)
    await change_person(store, OPERATOR_ACTOR, admin.user_id, role=Role.VIEWER)
    now = await viewer_by(store, token)
    assert (now.user_id, now.account_ids, now.seen_by) == (admin.user_id, set(), "")
    await change_person(store, OPERATOR_ACTOR, admin.user_id, role=Role.ADMIN)
    assert await viewer_by(store, token) == admin


async def test_signing_out_through_anothers_eyes_ends_ones_own_sign_in_alone(store: Store) -> None:
    admin, token = await signed_in(store)
    ana, anas = await signed_in(store, ANA, Role.VIEWER)
    await see_as(store, admin, ana.user_id)
    await sessions.revoke(store, (await viewer_by(store, token)).session_hash)
    assert (await last_noted(store))["email"] == ADMIN
    assert await sessions.viewer_of(store, token) is None
    assert await viewer_by(store, anas) == ana


async def test_an_oidc_sign_in_may_look_through_anothers_eyes(store: Store) -> None:
    await signed_in(store)
    ana, _ = await signed_in(store, ANA, Role.VIEWER)
    now = int(dt.datetime.now(dt.UTC).timestamp())
    claims = {"iss": "https://issuer.example.com/", "sub": "1", "email": ADMIN, "email_verified": True, "iat": now}
    await see_as(store, await sessions.session_of_oidc(store, claims), ana.user_id)
    through = await sessions.session_of_oidc(store, claims)
    assert (through.email, through.seen_by) == (ANA, ADMIN)


async def test_a_viewer_cannot_turn_sign_ins_into_others_without_a_note(store: Store) -> None:
    """The gate's role does not write seen_as_id, and what stands there counts for administrators' sign-ins alone."""
    ana, token = await signed_in(store, ANA, Role.MANAGER)
    bob, _ = await signed_in(store, "bob@example.com", Role.VIEWER)
    turned = text("UPDATE user_session SET seen_as_id = :id")
    with pytest.raises(StoreError):
        async with store.gatekeeping() as session:
            await session.execute(turned, {"id": str(bob.user_id)})
    async with store.working() as session:
        await session.execute(turned, {"id": str(bob.user_id)})
    assert await viewer_by(store, token) == ana
