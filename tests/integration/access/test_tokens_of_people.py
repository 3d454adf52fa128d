"""The personal tokens of others: administrators read which of them are live, and end them."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from sqlalchemy import text

from lib.access.audit import OPERATOR_ACTOR
from lib.access.people import change_person
from lib.access.personal_tokens import create_token, holder_of, live_tokens_of, revoke_token
from lib.access.seeing import see_as
from lib.access.viewer import Role
from lib.errors import AccessError, NotFound
from lib.store.engine import Store
from tests.people import ADMIN, noted, signed_in, viewer_by

ANA, BOB = "ana@example.com", "bob@example.com"
REVOKED = "revoked personal token"


async def test_an_administrator_ends_a_token_of_anyone_and_it_is_noted_as_by_command(store: Store) -> None:
    admin, _ = await signed_in(store)
    await signed_in(store, ANA, Role.VIEWER)
    made = [await create_token(store, email, name="sheet") for email in (ANA, ANA, ADMIN)]
    first, second, own = (each.info.id for each in made)
    await revoke_token(store, admin, first)
    assert [await holder_of(store, each.secret) is None for each in made] == [True, False, False]
    await revoke_token(store, OPERATOR_ACTOR, second)
    await revoke_token(store, admin, own)
    assert [await holder_of(store, each.secret) for each in made] == [None] * 3
    found = await noted(store, REVOKED)
    assert [(note.user_id, note.email, note.via, note.subject) for note in found] == [
        (admin.user_id, ADMIN, "page", ANA),
        (None, "command line", "cli", ANA),
        (admin.user_id, ADMIN, "page", ADMIN),
    ]
    for note, each in zip(found, made, strict=True):
        assert note.before == {"token": str(each.info.id), "name": "sheet", "state": "active"}
        assert note.after == {"token": str(each.info.id), "state": "revoked"}


async def test_nobody_else_reads_of_tokens_or_ends_them_not_even_their_own(store: Store) -> None:
    admin, admins = await signed_in(store)
    lesser = [await signed_in(store, f"{role}@example.com", role) for role in Role if role is not Role.ADMIN]
    await see_as(store, admin, lesser[0][0].user_id)
    foreign = await create_token(store, ADMIN)
    for viewer in (*(each for each, _ in lesser), await viewer_by(store, admins)):
        own = await create_token(store, viewer.email)
        for made, whose in ((own, viewer.user_id), (foreign, admin.user_id)):
            with pytest.raises(AccessError, match="nothing was changed"):
                await live_tokens_of(store, viewer, whose)
            with pytest.raises(AccessError, match="nothing was changed"):
                await revoke_token(store, viewer, made.info.id)
            assert await holder_of(store, made.secret) is not None
    assert await noted(store, REVOKED) == []


async def test_live_tokens_are_those_of_the_person_that_still_open_something(store: Store) -> None:
    admin, _ = await signed_in(store)
    ana, _ = await signed_in(store, ANA, Role.VIEWER)
    bob, _ = await signed_in(store, BOB, Role.VIEWER)
    assert await live_tokens_of(store, admin, ana.user_id) == []
    sheet, late, ended, endless = [
        await create_token(store, ANA, name=name, scopes=["write"]) for name in ("sheet", "late", "ended", "endless")
    ]
    bobs = await create_token(store, BOB)
    assert await holder_of(store, sheet.secret) is not None
    await revoke_token(store, admin, ended.info.id)
    async with store.working() as session:
        for made, until in ((late, "now()"), (endless, "NULL")):
            change = f"UPDATE personal_token SET expires_at = {until} WHERE id = :id"
            await session.execute(text(change), {"id": made.info.id})
    first, second = await live_tokens_of(store, admin, ana.user_id)
    assert (first.id, first.email, first.name, first.scopes) == (sheet.info.id, ANA, "sheet", ("read", "write"))
    assert (first.created_at, first.expires_at) == (sheet.info.created_at, sheet.info.expires_at)
    assert first.last_used_at is not None
    assert (second.id, second.expires_at, second.last_used_at) == (endless.info.id, None, None)
    assert [each.id for each in await live_tokens_of(store, admin, bob.user_id)] == [bobs.info.id]
    assert await live_tokens_of(store, admin, uuid.uuid4()) == []
    await change_person(store, admin, bob.user_id, is_active=False)
    assert await live_tokens_of(store, admin, bob.user_id) == []


async def test_many_who_end_a_token_at_once_are_one_in_the_log(store: Store) -> None:
    admin, _ = await signed_in(store)
    other, _ = await signed_in(store, "other@example.com")
    await signed_in(store, ANA, Role.VIEWER)
    made = await create_token(store, ANA)
    await asyncio.gather(*(revoke_token(store, by, made.info.id) for by in (admin, other) * 3))
    assert len(await noted(store, REVOKED)) == 1


async def test_a_token_that_is_not_there_is_not_found(store: Store) -> None:
    admin, _ = await signed_in(store)
    unknown = uuid.uuid4()
    with pytest.raises(NotFound, match=rf"There is no token {unknown}\. Nothing was changed"):
        await revoke_token(store, admin, unknown)
    assert await noted(store, REVOKED) == []
