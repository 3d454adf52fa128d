"""Invitations: made by administrators, open once and for a while, stored hashed, and never a way around anyone."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from lib.access import sessions
from lib.access.audit import OPERATOR_ACTOR
from lib.access.invitations import InvitationOver, Invited, accept, invite, open_invitation, revoke_invitation
from lib.access.passwords import HASHER
from lib.access.people import change_person, put_person
from lib.access.roster import invitations_of
from lib.access.seeing import see_as
from lib.access.teams import put_team
from lib.access.tokens import token_hash
from lib.access.viewer import Role
from lib.errors import AccessError, Conflict, NotFound, UsageError
from lib.store.engine import Store
from tests.people import ADMIN, last_noted, noted, signed_in, viewer_by

ANA = "ana@example.com"
PASSWORD = "correct horse battery"


async def offer(store: Store, email: str = ANA, role: Role = Role.VIEWER, **more: object) -> Invited:
    return await invite(store, OPERATOR_ACTOR, email, role, **more)  # type: ignore[arg-type]


async def shut(store: Store, statement: str) -> None:
    async with store.working() as session:
        await session.execute(text(f"UPDATE invitation SET {statement}"))


async def states(store: Store) -> list[str]:
    return [facts.state for facts in await invitations_of(store, OPERATOR_ACTOR)]


async def people_count(store: Store) -> int:
    async with store.working() as session:
        return int((await session.execute(text("SELECT count(*) FROM app_user"))).scalar_one())


async def test_whoever_holds_the_token_becomes_the_person(store: Store, clients: dict[str, int]) -> None:
    admin, _ = await signed_in(store)
    await put_team(store, admin, "Retail", slugs=["zebra"], emails=[])
    made = await invite(store, admin, "Ana@EXAMPLE.com", Role.ANALYST, slugs=["acme"], teams=["retail"])
    facts = await open_invitation(store, made.token)
    assert facts is not None
    assert (facts.email, facts.role, facts.invited_by, facts.state) == ("Ana@example.com", Role.ANALYST, ADMIN, "open")
    assert (facts.client_slugs, facts.team_names) == (("acme",), ("Retail",))
    assert abs(made.expires_at - dt.datetime.now(dt.UTC) - dt.timedelta(days=7)) < dt.timedelta(minutes=1)
    user_id = await accept(store, made.token, PASSWORD, address="203.0.113.7")
    viewer = await viewer_by(store, await sessions.create_session(store, user_id, "local"))
    assert (viewer.email, viewer.role, viewer.account_ids) == ("Ana@example.com", Role.ANALYST, {11, 12, 21})
    async with store.working() as session:
        row = (await session.execute(text("SELECT * FROM app_user WHERE email ILIKE 'ana%'"))).one()
    assert (row.is_verified, row.is_superuser) == (False, False), "whoever invites can read the link too"
    assert HASHER.verify(PASSWORD, row.hashed_password)
    added = (await noted(store, "added person"))[-1]
    assert (added.email, added.user_id, added.address) == ("Ana@example.com", user_id, "203.0.113.7")
    assert added.after["invited_by"] == ADMIN
    assert await states(store) == ["used"]


async def test_it_works_once_under_many_tries_at_once(store: Store) -> None:
    made = await offer(store)
    outcomes = await asyncio.gather(
        *(accept(store, made.token, f"{PASSWORD} {number}") for number in range(4)), return_exceptions=True
    )
    assert sum(isinstance(outcome, uuid.UUID) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, InvitationOver) for outcome in outcomes) == 3
    assert await people_count(store) == 1


@pytest.mark.parametrize("statement", ["used_at = now()", "revoked_at = now()", "expires_at = now()"])
async def test_what_is_over_opens_nothing(store: Store, statement: str) -> None:
    made = await offer(store)
    await shut(store, statement)
    assert await open_invitation(store, made.token) is None
    with pytest.raises(InvitationOver, match="Nothing was stored"):
        await accept(store, made.token, PASSWORD)
    assert await people_count(store) == 0


async def test_made_up_tokens_open_nothing(store: Store) -> None:
    made = await offer(store)
    digest = token_hash(made.token)
    for token in ("", made.token[:-1], made.token.upper(), digest.hex(), "' OR true --", "x" * 5000, "\udcff", "\x00"):
        assert await open_invitation(store, token) is None
        with pytest.raises(InvitationOver):
            await accept(store, token, PASSWORD)


async def test_a_short_password_burns_nothing(store: Store) -> None:
    made = await offer(store)
    with pytest.raises(UsageError, match="characters"):
        await accept(store, made.token, "short")
    assert await states(store) == ["open"]
    await accept(store, made.token, PASSWORD)


async def test_a_new_offer_takes_the_place_of_the_open_one(store: Store) -> None:
    first, second = await offer(store, role=Role.ADMIN), await offer(store, email="ANA@example.com")
    assert await open_invitation(store, first.token) is None
    assert await open_invitation(store, second.token) is not None
    outcomes = await asyncio.gather(*(offer(store) for _ in range(5)))
    still = [await open_invitation(store, made.token) for made in outcomes]
    assert sum(facts is not None for facts in still) == 1
    assert sorted(await states(store)) == ["open", *["revoked"] * 6]


async def test_an_offer_is_no_way_to_anothers_account(store: Store) -> None:
    made = await offer(store, role=Role.ADMIN)
    async with store.working() as session:
        await session.execute(text("INSERT INTO app_user (email, role) VALUES ('ANA@example.com', 'viewer')"))
    with pytest.raises(Conflict, match="there already"):
        await accept(store, made.token, PASSWORD)
    async with store.working() as session:
        row = (await session.execute(text("SELECT role, hashed_password FROM app_user"))).one()
    assert tuple(row) == ("viewer", "")
    assert await states(store) == ["open"]


async def test_who_is_there_is_not_invited(store: Store) -> None:
    person = await put_person(store, ANA, Role.VIEWER)
    with pytest.raises(Conflict, match="there already; nothing was stored"):
        await offer(store, email="Ana@example.com")
    await change_person(store, OPERATOR_ACTOR, person.user_id, is_active=False)
    with pytest.raises(Conflict, match="disabled; nothing was stored"):
        await offer(store)


async def test_what_is_off_invites_nobody(store: Store, clients: dict[str, int]) -> None:
    for more in (
        {"email": "ana"},
        {"slugs": ["acme", "nobody"]},
        {"teams": ["nobody"]},
        {"ttl": dt.timedelta(0)},
        {"ttl": dt.timedelta(days=-3)},
        {"ttl": dt.timedelta(days=31)},
    ):
        with pytest.raises(UsageError, match=r"[Nn]othing was stored"):
            await offer(store, **more)  # type: ignore[arg-type]
    assert await states(store) == []
    assert await noted(store) == []


async def test_only_administrators_invite_withdraw_and_list(store: Store) -> None:
    admin, token = await signed_in(store)
    manager, _ = await signed_in(store, "manager@example.com", Role.MANAGER)
    made = await offer(store)
    await see_as(store, admin, manager.user_id)
    for viewer in (manager, await viewer_by(store, token)):
        with pytest.raises(AccessError):
            await invite(store, viewer, "eve@example.com", Role.ADMIN)
        with pytest.raises(AccessError):
            await revoke_invitation(store, viewer, made.id)
        with pytest.raises(AccessError):
            await invitations_of(store, viewer)
    assert await states(store) == ["open"]


async def test_withdrawing(store: Store) -> None:
    admin, _ = await signed_in(store)
    made = await invite(store, admin, ANA, Role.MANAGER)
    await revoke_invitation(store, admin, made.id)
    note = await last_noted(store)
    assert (note["action"], note["subject"], note["email"]) == ("revoked invitation", ANA, ADMIN)
    count = len(await noted(store))
    await revoke_invitation(store, admin, made.id)
    assert len(await noted(store)) == count
    with pytest.raises(InvitationOver):
        await accept(store, made.token, PASSWORD)
    with pytest.raises(NotFound):
        await revoke_invitation(store, admin, uuid.uuid4())
    used = await invite(store, admin, ANA, Role.MANAGER)
    await accept(store, used.token, PASSWORD)
    with pytest.raises(Conflict, match="has used the invitation"):
        await revoke_invitation(store, admin, used.id)


async def test_clients_and_teams_that_are_gone_open_nothing(store: Store, clients: dict[str, int]) -> None:
    await put_team(store, OPERATOR_ACTOR, "Retail", slugs=["zebra"], emails=[])
    made = await offer(store, slugs=["acme", "zebra"], teams=["Retail"])
    async with store.working() as session:
        await session.execute(text("DELETE FROM team"))
        await session.execute(text("DELETE FROM client WHERE slug = 'acme'"))
    user_id = await accept(store, made.token, PASSWORD)
    assert (await viewer_by(store, await sessions.create_session(store, user_id, "local"))).account_ids == {21}


async def test_no_token_is_stored_noted_or_shown(store: Store) -> None:
    made = await offer(store)
    assert made.token not in repr(made)
    async with store.working() as session:
        for table in ("invitation", "audit_log"):
            dump = (await session.execute(text(f"SELECT string_agg(t::text, ' ') FROM {table} t"))).scalar_one()
            assert ANA in dump
            assert made.token not in dump
            assert made.token.encode().hex() not in dump


async def test_the_app_role_cannot_invite(store: Store) -> None:
    await offer(store)
    for forbidden in (
        "UPDATE invitation SET role = 'admin'",
        "UPDATE invitation SET expires_at = now() + interval '9 years'",
        "DELETE FROM invitation",
        "INSERT INTO invitation (email, role, client_ids, token_hash, invited_by, expires_at)"
        " VALUES ('eve@example.com', 'admin', '{}', 'x', 'eve', now() + interval '1 day')",
    ):
        with pytest.raises(Exception, match="refused"):
            async with store.gatekeeping() as session:
                await session.execute(text(forbidden))
