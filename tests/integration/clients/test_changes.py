"""Clients made, renamed, archived and brought back; accounts connected and disconnected; who may, and what is noted."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from lib.access.teams import put_team
from lib.access.viewer import Role, Viewer
from lib.clients.accounts import connect_accounts, disconnect_account, reconnect_account
from lib.clients.changes import archive_client, create_client, rename_client, restore_client
from lib.clients.facts import clients_of
from lib.clients.tokens import look_at, look_at_stored, put_back_token, replace_token, seal
from lib.errors import AccessError, Conflict, NotFound, UsageError
from lib.refresh.progress import whole_progress
from lib.refresh.run import start_run
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.secrets import TokenVault
from tests.factories import add_insights, insight_row
from tests.fixtures_processes import KEY
from tests.fixtures_sandbox import Sandbox
from tests.integration.clients.conftest import MANAGER, TOKEN, again, made, noted, person, rows

DAY = dt.date(2026, 1, 1)


async def test_a_client_is_made_of_a_token_and_some_of_its_accounts(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    look = await look_at(store, manager, seal(f" {TOKEN}\n"))
    assert set(look.free) == set(sandbox.ids)
    slug = await create_client(store, manager, "  Crème & Co ", look, sandbox.ids[:2])
    assert slug == "creme-co"
    assert await rows(store, "SELECT slug, name, graph_url, is_sample FROM client") == [
        ("creme-co", "Crème & Co", sandbox.url, False)
    ]
    ((sealed, state),) = await rows(store, "SELECT token_encrypted, state FROM credential")
    assert (Fernet(KEY).decrypt(bytes(sealed)).decode(), state) == (TOKEN, "valid")
    stored = await rows(store, "SELECT account_id, name, currency, timezone_name FROM account ORDER BY account_id")
    assert stored == sorted(dataclasses.astuple(account) for account in sandbox.accounts[:2])
    assert (await again(store, manager)).account_ids == set(sandbox.ids[:2])
    accounts = [str(number) for number in sorted(sandbox.ids[:2])]
    after = {"name": "Crème & Co", "accounts": accounts, "granted_to": MANAGER}
    assert await noted(store) == [(MANAGER, "added client", "creme-co", None, after)]
    (client,) = await clients_of(store, manager)
    assert (client.token_state, client.account_count, client.is_archived) == ("valid", 2, False)
    assert TOKEN not in repr((look, client))


async def test_what_is_taken_is_refused_and_nothing_is_stored(store: Store, sandbox: Sandbox) -> None:
    admin, manager = await person(store, "ana@example.com", Role.ADMIN), await person(store, MANAGER, Role.MANAGER)
    look = await look_at(store, manager, seal(TOKEN))
    await made(store, admin, "Acme", sandbox.ids[:1])
    with pytest.raises(Conflict, match="Another client is called Acme"):
        await create_client(store, admin, "ACME", look, sandbox.ids[1:2])
    with pytest.raises(Conflict, match="This name cannot be used") as neutral:
        await create_client(store, manager, "acme", look, sandbox.ids[1:2])
    assert "acme" not in str(neutral.value).lower()
    # The look is older than Acme, so the account still seems to be free.
    with pytest.raises(Conflict, match=f"act_{sandbox.ids[0]} has one already") as refused:
        await create_client(store, manager, "Bolt", look, sandbox.ids[:2])
    assert "Acme" not in str(refused.value)
    for chosen in ([], [17]):
        with pytest.raises(UsageError, match="No account was chosen"):
            await create_client(store, manager, "Bolt", look, chosen)
    for name in ("", " \u200d", "a\nb", "a\u202eb", "a" * 301):
        with pytest.raises(UsageError, match="name"):
            await create_client(store, manager, name, look, sandbox.ids[1:2])
    assert await rows(store, "SELECT count(*) FROM client") == [(1,)]
    assert len(await noted(store)) == 1


async def test_an_archived_client_is_nobodys_and_comes_back_as_it_was(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    admin = await person(store, "ana@example.com", Role.ADMIN)
    client_id = await made(store, manager, "Acme", sandbox.ids[:2])
    await made(store, admin, "Bolt", sandbox.ids[2:3])
    before = await again(store, manager)
    await archive_client(store, before, client_id)
    for email, left in ((MANAGER, []), (admin.email, sandbox.ids[2:3])):
        assert (await again(store, email)).account_ids == set(left)
    report = await whole_progress(store, await start_run(store))
    assert [account.account_id for account in report.accounts] == sandbox.ids[2:3]
    with pytest.raises(UsageError):
        await start_run(store, account_ids=frozenset(sandbox.ids[:1]))
    manager = await again(store, manager)
    (listed,) = await clients_of(store, manager)
    assert (listed.id, listed.is_archived) == (client_id, True)
    with pytest.raises(Conflict, match="Acme is archived"):
        await rename_client(store, manager, client_id, "Other")
    with pytest.raises(Conflict, match="Acme is archived"):
        await look_at_stored(store, manager, client_id)
    await restore_client(store, manager, client_id)
    assert await again(store, manager) == before
    with pytest.raises(Conflict, match="Acme is not archived"):
        await restore_client(store, manager, client_id)
    assert [entry[1:] for entry in (await noted(store))[-2:]] == [
        ("archived client", "acme", {"is_archived": False}, {"is_archived": True}),
        ("restored client", "acme", {"is_archived": True}, {"is_archived": False}),
    ]


async def test_a_disconnected_account_keeps_its_numbers_and_is_seen_by_nobody(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    first, second, third = sandbox.ids[:3]
    client_id = await made(store, manager, "Acme", [first, second])
    async with store.working() as session:
        await add_insights(session, [insight_row(first, DAY, 7, spend="12.34")])
    await disconnect_account(store, manager, client_id, first)
    await disconnect_account(store, manager, client_id, first)
    assert (await again(store, manager)).account_ids == {second}
    report = await whole_progress(store, await start_run(store))
    assert [account.account_id for account in report.accounts] == [second]
    assert await rows(store, "SELECT account_id, spend_micros FROM insight") == [(first, 12_340_000)]
    look = await look_at_stored(store, manager, client_id)
    standings = {each.account.account_id: str(each.standing) for each in look.found}
    assert standings == dict.fromkeys(sandbox.ids, "free") | {first: "disconnected", second: "connected"}
    await connect_accounts(store, manager, client_id, look, [first, third])
    assert (await again(store, manager)).account_ids == {first, second, third}
    await disconnect_account(store, manager, client_id, third)
    await reconnect_account(store, manager, client_id, third)
    assert (await again(store, manager)).account_ids == {first, second, third}
    changes = [entry[1:2] + entry[3:] for entry in await noted(store) if entry[1].endswith(" accounts")]
    assert [(deed, len(after["accounts"]) - len(before["accounts"])) for deed, before, after in changes] == [
        ("disconnected accounts", -1),
        ("connected accounts", 2),
        ("disconnected accounts", -1),
        ("connected accounts", 1),
    ]


async def test_a_new_name_leaves_the_address(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    client_id = await made(store, manager, "Acme", sandbox.ids[:1])
    await made(store, manager, "Bolt", sandbox.ids[1:2])
    assert await rename_client(store, manager, client_id, " ACME Group ") == "Acme"
    assert await rename_client(store, manager, client_id, "ACME Group") == "ACME Group"
    with pytest.raises(Conflict, match="Another client is called Bolt"):
        await rename_client(store, manager, client_id, "bolt")
    with pytest.raises(Conflict, match="Acme was changed meanwhile by somebody else"):
        await rename_client(store, manager, client_id, "Acme", seen="Acme")
    assert await rows(store, "SELECT slug, name FROM client ORDER BY id") == [("acme", "ACME Group"), ("bolt", "Bolt")]
    renamed = [entry for entry in await noted(store) if entry[3]]
    assert renamed == [(MANAGER, "changed client", "acme", {"name": "Acme"}, {"name": "ACME Group"})]


async def test_a_replaced_token_can_be_put_back(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    client_id = await made(store, manager, "Acme", sandbox.ids[:1])

    async def stored() -> tuple[str, str]:
        ((sealed, state),) = await rows(store, "SELECT token_encrypted, state FROM credential")
        return Fernet(KEY).decrypt(bytes(sealed)).decode(), state

    bad = await look_at(store, manager, seal("expired-1"), client_id)
    with pytest.raises(UsageError, match="did not take this token"):
        await replace_token(store, manager, client_id, bad)
    assert await stored() == (TOKEN, "valid")
    good = await look_at(store, manager, seal("another-one"), client_id)
    at = await replace_token(store, manager, client_id, good)
    assert await stored() == ("another-one", "valid")
    assert at is not None
    await put_back_token(store, manager, client_id, at)
    assert await stored() == (TOKEN, "unchecked")
    assert await rows(store, "SELECT previous_encrypted, replaced_at FROM credential") == [(None, None)]
    entries = [entry[1:] for entry in await noted(store) if entry[1].endswith(" token")]
    first, second = (TokenVault(get_settings()).fingerprint(seal(each)) for each in (TOKEN, "another-one"))
    assert re.fullmatch("[0-9a-f]{8}", first)
    assert first != second
    was, now = {"state": "valid", "token": first}, {"state": "valid", "token": second}
    assert entries == [
        ("changed token", "acme", was, {**now, "replaced": True}),
        ("restored token", "acme", now, {**was, "state": "unchecked", "put_back": True}),
    ]
    async with store.working() as session:
        await session.execute(text("DELETE FROM credential"))
    assert await replace_token(store, manager, client_id, good) is None
    assert (await noted(store))[-1][1:] == ("added token", "acme", {"state": "missing"}, now)
    assert not {TOKEN, "another-one"} & set(str(await noted(store)).split("'"))


async def test_a_team_opens_a_client_to_its_manager(store: Store, sandbox: Sandbox) -> None:
    admin = await person(store, "ana@example.com", Role.ADMIN)
    client_id = await made(store, admin, "Acme", sandbox.ids[:1])
    manager = await person(store, MANAGER, Role.MANAGER)
    with pytest.raises(NotFound):
        await rename_client(store, manager, client_id, "Other")
    await put_team(store, admin, "North", slugs=["acme"], emails=[MANAGER])
    await rename_client(store, manager, client_id, "Other")
    assert [client.name for client in await clients_of(store, manager)] == ["Other"]


Act = Callable[[Store, Viewer, int, int], Awaitable[Any]]


async def _replace(store: Store, viewer: Viewer, client_id: int, account_id: int) -> None:
    admin = await again(store, "ana@example.com")
    await replace_token(store, viewer, client_id, await look_at(store, admin, seal("other"), client_id))


async def _connect(store: Store, viewer: Viewer, client_id: int, account_id: int) -> None:
    look = await look_at_stored(store, await again(store, "ana@example.com"), client_id)
    await connect_accounts(store, viewer, client_id, look, list(look.free)[:1])


ACTS: dict[str, Act] = {
    "rename": lambda store, viewer, client_id, _: rename_client(store, viewer, client_id, "Other"),
    "archive": lambda store, viewer, client_id, _: archive_client(store, viewer, client_id),
    "restore": lambda store, viewer, client_id, _: restore_client(store, viewer, client_id),
    "disconnect": disconnect_account,
    "reconnect": reconnect_account,
    "connect": _connect,
    "replace": _replace,
    "put back": lambda store, viewer, client_id, _: put_back_token(store, viewer, client_id, dt.datetime.now(dt.UTC)),
    "look": lambda store, viewer, client_id, _: look_at(store, viewer, seal(TOKEN), client_id),
    "test": lambda store, viewer, client_id, _: look_at_stored(store, viewer, client_id),
}


@pytest.mark.parametrize("act", ACTS)
async def test_nobody_else_does_anything_to_a_client(store: Store, sandbox: Sandbox, act: str) -> None:
    admin = await person(store, "ana@example.com", Role.ADMIN)
    client_id = await made(store, admin, "Acme", sandbox.ids[:2])
    stranger = await person(store, "sam@example.com", Role.MANAGER)
    analyst = await person(store, "ben@example.com", Role.ANALYST, "acme")
    eyes = dataclasses.replace(admin, role=Role.MANAGER, seen_by="ana@example.com", seen_by_id=admin.user_id)
    tables = ("client", "account", "credential", "client_grant")
    before = [await rows(store, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]
    entries = len(await noted(store))
    for viewer, error in ((stranger, NotFound), (analyst, AccessError), (eyes, AccessError)):
        with pytest.raises(error) as refused:
            await ACTS[act](store, viewer, client_id, sandbox.ids[0])
        assert "Acme" not in str(refused.value)
    after = [await rows(store, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]
    # Tests of the token by the administrator say when Meta was asked.
    assert [len(some) for some in after] == [len(some) for some in before]
    assert after[0] == before[0]
    assert [row[:2] for row in after[2]] == [row[:2] for row in before[2]]
    assert len(await noted(store)) == entries


async def test_below_manager_not_even_the_list(store: Store, sandbox: Sandbox) -> None:
    for role in (Role.VIEWER, Role.ANALYST):
        someone = await person(store, f"{role}@example.com", role)
        with pytest.raises(AccessError):
            await clients_of(store, someone)
        with pytest.raises(AccessError):
            await look_at(store, someone, seal(TOKEN))
