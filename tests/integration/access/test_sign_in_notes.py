"""Every sign-in, failure and sign-out is noted once, with who and from where, and with no secret."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from lib.access import sessions, sign_in_notes
from lib.access.people import LOCAL_ADMIN, ensure_local_admin, put_person
from lib.access.refusals import Why
from lib.access.viewer import Role
from lib.store.engine import Store
from tests.people import last_noted, noted, signed_in

ANA = "ana@example.com"
HERE = "203.0.113.7"


async def test_signing_in_and_out(store: Store) -> None:
    person = await put_person(store, ANA, Role.VIEWER)
    token = await sessions.create_session(store, person.user_id, "local", address=HERE)
    note = await last_noted(store)
    assert (note["action"], note["email"], note["user_id"]) == ("signed in", ANA, person.user_id)
    assert (note["via"], note["address"], note["after"]) == ("sign-in", HERE, {"by": "local"})
    viewer = await sessions.viewer_of(store, token)
    assert viewer is not None
    for _ in range(3):
        await sessions.revoke(store, viewer.session_hash, address=HERE)
    (note_out,) = await noted(store, "signed out")
    assert (note_out.email, note_out.user_id, note_out.address) == (ANA, person.user_id, HERE)
    await sessions.revoke(store, b"unknown")
    assert len(await noted(store, "signed out")) == 1


async def test_links(store: Store) -> None:
    person = await put_person(store, ANA, Role.VIEWER)
    link = await sessions.make_link(store, person.user_id)
    assert await sessions.redeem_link(store, link, address=HERE) is not None
    assert (await last_noted(store))["after"] == {"by": "link"}
    assert await sessions.redeem_link(store, link, address=HERE) is None
    note = await last_noted(store)
    assert (note["action"], note["email"], note["address"]) == ("sign-in failed", ANA, HERE)
    assert note["after"] == {"by": "link", "why": "link used or expired"}
    count = len(await noted(store))
    assert await sessions.redeem_link(store, "made up") is None
    assert len(await noted(store)) == count


async def test_a_sign_in_that_is_not_stored_is_not_noted(store: Store) -> None:
    person = await put_person(store, ANA, Role.VIEWER)
    async with store.working() as session:
        await session.execute(text("DELETE FROM app_user"))
    count = len(await noted(store))
    with pytest.raises(sessions.NotAnyMore):
        await sessions.create_session(store, person.user_id, "local")
    assert len(await noted(store)) == count


@pytest.mark.parametrize(
    ("address", "kept"),
    [("2001:DB8::1", "2001:db8::1"), ("fe80::1%eth0", "fe80::1"), ("192.0.2.1:4431", ""), ("<b>", ""), ("", "")],
)
async def test_an_address_is_kept_where_it_is_one(store: Store, address: str, kept: str) -> None:
    await sign_in_notes.failed(store, ANA, "local", Why.WRONG_PASSWORD, address=address)
    assert [each.address for each in await noted(store)] == [kept]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (ANA, ANA),
        ("Nobody@Example.com", "Nobody@Example.com"),
        ("g\u00fcnter@b\u00fccher.de", "g\u00fcnter@b\u00fccher.de"),
        (LOCAL_ADMIN, LOCAL_ADMIN),
        ("Winter@2026", "nobody known"),
        ("p@ssw0rd!", "nobody known"),
        ("S0mmer@home", "nobody known"),
        ("Summer@20.26", "nobody known"),
        ("x@y.z9", "nobody known"),
        ("correct horse battery", "nobody known"),
        ("hunter2hunter2", "nobody known"),
        ("a@b@c", "nobody known"),
        ("", "nobody known"),
        ("a\x00@example.com", "nobody known"),
        ("\ud800@example.com", "nobody known"),
        ("x" * 5000 + "@example.com", "nobody known"),
    ],
)
async def test_failures_keep_what_was_typed_where_it_is_an_address(store: Store, typed: str, kept: str) -> None:
    await ensure_local_admin(store)
    await sign_in_notes.failed(store, typed, "local", Why.WRONG_PASSWORD, address=HERE)
    note = await last_noted(store)
    assert (note["action"], note["email"], note["user_id"], note["address"]) == ("sign-in failed", kept, None, HERE)


async def test_no_secret_is_noted(store: Store) -> None:
    viewer, token = await signed_in(store, ANA, Role.VIEWER)
    link = await sessions.make_link(store, viewer.user_id)
    by_link = await sessions.redeem_link(store, link)
    await sessions.redeem_link(store, link)
    async with store.working() as session:
        dump = (await session.execute(text("SELECT string_agg(t::text, ' ') FROM audit_log t"))).scalar_one()
    for secret in (token, link, by_link):
        assert secret is not None
        assert secret not in dump


async def test_what_a_failure_remembers_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_notes, "REMEMBERED", 2)
    for digest in (b"1", b"2", b"2", b"1", b"3", b"1"):
        await sign_in_notes.failed(store, ANA, "oidc", Why.NOT_ALLOWED, once=b"bounded" + digest)
    assert len(await noted(store, "sign-in failed")) == 4
