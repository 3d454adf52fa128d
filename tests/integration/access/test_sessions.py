"""Sessions and links in the store."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from lib.access import sessions
from lib.access.audit import OPERATOR_ACTOR
from lib.access.people import change_person, ensure_local_admin, put_person
from lib.access.tokens import token_hash
from lib.access.viewer import Role
from lib.errors import AccessError, Conflict, NotFound
from lib.store.engine import Store
from lib.store.models import Base
from tests.people import last_noted, noted, signed_in

HOUR = dt.timedelta(hours=1)


async def deactivate(store: Store) -> None:
    async with store.working() as session:
        await session.execute(text("UPDATE app_user SET is_active = false"))


def claims(email: str = "ana@example.com", **values: object) -> dict[str, object]:
    now = int(dt.datetime.now(dt.UTC).timestamp())
    whole = {"iss": "https://issuer", "sub": "1", "email": email, "email_verified": True, "iat": now, "nonce": "n"}
    return {**whole, **values}


async def test_a_session_knows_its_person_until_it_is_revoked(store: Store, clients: dict[str, int]) -> None:
    person = await put_person(store, "ana@example.com", Role.ANALYST, slugs=["acme"])
    token = await sessions.create_session(store, person.user_id, "local", HOUR)
    other = await sessions.create_session(store, person.user_id, "local", HOUR)
    viewer = await sessions.viewer_of(store, token)
    assert viewer is not None
    assert (viewer.email, viewer.role) == ("ana@example.com", Role.ANALYST)
    assert viewer.client_ids == {clients["acme"]}
    assert viewer.account_ids == {11, 12}
    assert viewer.session_hash == token_hash(token)
    await sessions.revoke(store, viewer.session_hash)
    assert await sessions.viewer_of(store, token) is None
    assert await sessions.viewer_of(store, other) is not None


async def test_one_look_is_two_statements(store: Store) -> None:
    token = await sessions.create_session(store, await ensure_local_admin(store), "link", HOUR)
    before = store.statements
    await sessions.viewer_of(store, token)
    assert store.statements - before == 2


@pytest.mark.parametrize("token", ["", "unknown", "x" * 5000, "\udcff", "'; DROP TABLE app_user; --"])
async def test_other_tokens_are_nobody(store: Store, token: str) -> None:
    assert await sessions.viewer_of(store, token) is None


async def test_expired_sessions_and_inactive_people_are_nobody(store: Store) -> None:
    user_id = await ensure_local_admin(store)
    expired = await sessions.create_session(store, user_id, "local", dt.timedelta(seconds=-1))
    token = await sessions.create_session(store, user_id, "local", HOUR)
    link = await sessions.make_link(store, user_id)
    assert await sessions.viewer_of(store, expired) is None
    assert await sessions.viewer_of(store, token) is not None
    await deactivate(store)
    assert await sessions.viewer_of(store, token) is None
    assert await sessions.redeem_link(store, link) is None


async def test_grants_and_roles_change_at_once(store: Store, clients: dict[str, int]) -> None:
    await ensure_local_admin(store)
    person = await put_person(store, "ana@example.com", Role.VIEWER)
    token = await sessions.create_session(store, person.user_id, "local", HOUR)
    expected: list[tuple[Role, list[str] | None, set[int]]] = [
        (Role.VIEWER, None, set()),
        (Role.VIEWER, ["acme"], {11, 12}),
        (Role.MANAGER, ["zebra"], {21}),
        (Role.ADMIN, None, {11, 12, 21}),
        (Role.VIEWER, None, {21}),
    ]
    for role, slugs, accounts in expected:
        await put_person(store, "ana@example.com", role, slugs=slugs)
        viewer = await sessions.viewer_of(store, token)
        assert viewer is not None
        assert (viewer.role, viewer.account_ids) == (role, accounts)


async def test_a_link_works_once_under_twenty_tries_at_once(store: Store) -> None:
    user_id = await ensure_local_admin(store)
    for _ in range(3):
        link = await sessions.make_link(store, user_id)
        tokens = await asyncio.gather(*(sessions.redeem_link(store, link) for _ in range(20)))
        (token,) = [token for token in tokens if token is not None]
        assert await sessions.viewer_of(store, token) is not None
    async with store.working() as session:
        assert (await session.execute(text("SELECT count(*) FROM user_session"))).scalar_one() == 3


async def test_expired_and_unknown_links_open_nothing(store: Store) -> None:
    link = await sessions.make_link(store, await ensure_local_admin(store), dt.timedelta(seconds=-1))
    assert await sessions.redeem_link(store, link) is None
    assert await sessions.redeem_link(store, "unknown") is None


async def test_an_administrator_hands_out_a_link_that_is_noted_and_short_lived(store: Store) -> None:
    ana = await put_person(store, "ana@example.com", Role.VIEWER)
    admin, _ = await signed_in(store)
    link = await sessions.make_link_for(store, admin, ana.user_id)
    note = await last_noted(store)
    assert (note["email"], note["action"], note["via"], note["subject"]) == (
        admin.email,
        "made link",
        "page",
        "ana@example.com",
    )
    async with store.working() as session:
        left = await session.scalar(text("SELECT expires_at - now() FROM sign_in_link WHERE used_at IS NULL"))
    assert sessions.HANDED_LINK_AGE - dt.timedelta(minutes=1) < left <= sessions.HANDED_LINK_AGE
    viewer = await sessions.viewer_of(store, await sessions.redeem_link(store, link) or "")
    assert viewer is not None
    assert viewer.email == "ana@example.com"
    assert await sessions.redeem_link(store, link) is None


async def test_nobody_else_hands_out_a_link_and_nobody_disabled_gets_one(store: Store) -> None:
    ana = await put_person(store, "ana@example.com", Role.VIEWER)
    admin, _ = await signed_in(store)
    manager, _ = await signed_in(store, "mara@example.com", Role.MANAGER)
    for viewer in (manager, dataclasses.replace(admin, seen_by="eve@example.com")):
        with pytest.raises(AccessError):
            await sessions.make_link_for(store, viewer, ana.user_id)
    with pytest.raises(NotFound):
        await sessions.make_link_for(store, admin, uuid.UUID(int=0))
    await change_person(store, OPERATOR_ACTOR, ana.user_id, is_active=False)
    with pytest.raises(Conflict, match=r"ana@example\.com is disabled"):
        await sessions.make_link_for(store, admin, ana.user_id)
    assert await noted(store, "made link") == []


async def test_no_token_is_stored_as_it_is(store: Store) -> None:
    person = await put_person(store, "ana@example.com", Role.ADMIN, password="correct horse battery")
    link = await sessions.make_link(store, person.user_id)
    unused = await sessions.make_link(store, person.user_id)
    token = await sessions.redeem_link(store, link)
    assert token is not None
    dump = ""
    async with store.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            rows = await connection.execute(text(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table.name} t"))
            dump += rows.scalar_one()
    assert "ana@example.com" in dump
    for secret in (link, unused, token, "correct horse battery"):
        assert secret not in dump
        assert secret.encode().hex() not in dump


async def test_an_oidc_sign_in_stands_on_one_row(store: Store, clients: dict[str, int]) -> None:
    await put_person(store, "Ana@Example.com", Role.VIEWER, slugs=["zebra"])
    whole = claims()
    viewer = await sessions.session_of_oidc(store, whole, HOUR)
    assert viewer.account_ids == {21}
    assert await sessions.session_of_oidc(store, whole, HOUR) == viewer
    another = await sessions.session_of_oidc(store, {**whole, "nonce": "m"}, HOUR)
    assert another.session_hash != viewer.session_hash
    await sessions.revoke(store, viewer.session_hash)
    with pytest.raises(sessions.SignInEnded):
        await sessions.session_of_oidc(store, whole, HOUR)
    assert await sessions.session_of_oidc(store, {**whole, "nonce": "m"}, HOUR) == another


async def test_many_first_looks_at_once_make_one_row(store: Store) -> None:
    await put_person(store, "ana@example.com", Role.ADMIN)
    whole = claims()
    viewers = await asyncio.gather(
        *(sessions.session_of_oidc(store, whole, HOUR) for _ in range(10)), return_exceptions=True
    )
    known = [viewer for viewer in viewers if not isinstance(viewer, BaseException)]
    assert len(known) == 10
    async with store.working() as session:
        assert (await session.execute(text("SELECT count(*) FROM user_session"))).scalar_one() == 1


NOW = int(dt.datetime.now(dt.UTC).timestamp())


@pytest.mark.parametrize(
    "off",
    [
        {"auth_time": NOW - 3700},
        {"iat": NOW - 400},
        {"iat": NOW - 3700},
        {"iat": NOW + 86400},
        {"iat": None},
        {"iat": "yesterday"},
        {"iat": True},
    ],
)
async def test_old_and_undated_oidc_sign_ins_have_ended(store: Store, off: dict[str, object]) -> None:
    await put_person(store, "ana@example.com", Role.ADMIN)
    with pytest.raises(sessions.SignInEnded):
        await sessions.session_of_oidc(store, claims(**off), HOUR)


@pytest.mark.parametrize(
    "off",
    [
        {"email": "bob@example.com"},
        {"email": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"sub": ""},
    ],
)
async def test_unknown_and_unverified_people_are_told_whom_to_ask(store: Store, off: dict[str, object]) -> None:
    await put_person(store, "ana@example.com", Role.ADMIN)
    with pytest.raises(AccessError, match="Ask the administrator") as refused:
        await sessions.session_of_oidc(store, claims() | off, HOUR)
    assert not isinstance(refused.value, sessions.SignInEnded)
    await deactivate(store)
    with pytest.raises(AccessError, match="may not use this dashboard"):
        await sessions.session_of_oidc(store, claims(), HOUR)


async def test_an_oidc_sign_in_ends_with_its_age(store: Store) -> None:
    await put_person(store, "ana@example.com", Role.ADMIN)
    whole = claims()
    await sessions.session_of_oidc(store, whole, HOUR)
    async with store.working() as session:
        await session.execute(text("UPDATE user_session SET expires_at = now()"))
    with pytest.raises(sessions.SignInEnded):
        await sessions.session_of_oidc(store, whole, HOUR)


async def test_the_app_role_cannot_make_people_or_grants(store: Store, clients: dict[str, int]) -> None:
    user_id = await ensure_local_admin(store)
    for forbidden in (
        "INSERT INTO app_user (email, role) VALUES ('x@y.example', 'admin')",
        "UPDATE app_user SET role = 'admin'",
        "UPDATE app_user SET is_active = true",
        f"INSERT INTO client_grant (user_id, client_id) VALUES ('{user_id}', {clients['acme']})",
    ):
        with pytest.raises(Exception, match="refused"):
            async with store.gatekeeping() as session:
                await session.execute(text(forbidden))
