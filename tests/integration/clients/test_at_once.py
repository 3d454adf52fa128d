"""Several who look after clients at the same moment, and a house with many clients."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest

from lib.access.audit_reading import AuditQuestion, clients_of_log, read_audit
from lib.access.roster import invitations_of, people_of, teams_of
from lib.access.teams import put_team
from lib.access.viewer import Role, Viewer
from lib.clients.accounts import connect_accounts
from lib.clients.changes import archive_client, create_client, rename_client, restore_client
from lib.clients.facts import accounts_of, clients_of, with_account
from lib.clients.groups import groups_of
from lib.clients.tokens import TokenLook, look_at, look_at_stored, seal
from lib.errors import Conflict
from lib.insights.scope import clients_in_scope
from lib.store.engine import Store
from tests.factories import add_account, add_client
from tests.fixtures_sandbox import Sandbox
from tests.integration.clients.conftest import MANAGER, TOKEN, again, made, noted, person, rows

MANY = 200


def outcomes(answers: list[Any]) -> tuple[int, int]:
    """How many did it, and how many were told of a conflict; nothing else came."""
    refused = [each for each in answers if isinstance(each, BaseException)]
    assert all(isinstance(each, Conflict) for each in refused), refused
    return len(answers) - len(refused), len(refused)


async def test_of_many_who_take_one_free_account_at_once_one_gets_it(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    look = await look_at(store, manager, seal(TOKEN))
    chosen = sandbox.ids[:1]
    makes = (create_client(store, manager, f"Client {number}", look, chosen) for number in range(6))
    assert outcomes(await asyncio.gather(*makes, return_exceptions=True)) == (1, 5)
    assert await rows(store, "SELECT client.id = account.client_id FROM client, account") == [(True,)]
    assert len(await noted(store)) == 1


async def test_an_account_is_connected_to_one_of_two_clients(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    mine = [await made(store, manager, name, [number]) for name, number in zip("AB", sandbox.ids, strict=False)]
    manager = await again(store, manager)
    looks: list[TokenLook] = [await look_at_stored(store, manager, client_id) for client_id in mine]
    wanted = sandbox.ids[2:4]
    connects = (
        connect_accounts(store, manager, client_id, look, wanted) for client_id, look in zip(mine, looks, strict=True)
    )
    assert outcomes(await asyncio.gather(*connects, return_exceptions=True)) == (1, 1)
    assert await rows(store, "SELECT count(*) FROM account GROUP BY client_id ORDER BY 1") == [(1,), (3,)]


async def test_of_many_who_choose_one_name_at_once_one_gets_it(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    look = await look_at(store, manager, seal(TOKEN))
    makes = (create_client(store, manager, "Acme", look, [number]) for number in sandbox.ids[:4])
    assert outcomes(await asyncio.gather(*makes, return_exceptions=True)) == (1, 3)
    free = [number for number in sandbox.ids if [(number,)] != await rows(store, "SELECT account_id FROM account")]
    first = await made(store, manager, "Bolt", free[:1])
    second = await made(store, manager, "Crane", free[1:2])
    renames = (
        rename_client(store, manager, client_id, name) for client_id, name in ((first, "Same"), (second, "SAME"))
    )
    assert outcomes(await asyncio.gather(*renames, return_exceptions=True)) == (1, 1)
    assert len({name.lower() for (name,) in await rows(store, "SELECT name FROM client")}) == 3


async def test_an_archived_clients_name_is_free_until_it_comes_back(store: Store, sandbox: Sandbox) -> None:
    manager = await person(store, MANAGER, Role.MANAGER)
    old = await made(store, manager, "Acme", sandbox.ids[:1])
    await archive_client(store, manager, old)
    new = await made(store, manager, "ACME", sandbox.ids[1:2])
    with pytest.raises(Conflict, match="Another client is called ACME; nothing was stored"):
        await restore_client(store, manager, old)
    await rename_client(store, manager, new, "Bolt")
    await restore_client(store, manager, old)
    assert [client.name for client in await clients_of(store, manager)] == ["Acme", "Bolt"]


async def test_a_name_whose_client_is_not_open_is_refused_without_a_word_of_it(store: Store, sandbox: Sandbox) -> None:
    admin = await person(store, "ana@example.com", Role.ADMIN)
    await made(store, admin, "Secret Client", sandbox.ids[:1])
    manager = await person(store, MANAGER, Role.MANAGER)
    look = await look_at(store, manager, seal(TOKEN))
    mine = await made(store, manager, "Mine", sandbox.ids[1:2])
    for attempt in (
        create_client(store, manager, "secret client", look, sandbox.ids[2:3]),
        rename_client(store, manager, mine, "SECRET CLIENT"),
    ):
        with pytest.raises(Conflict) as refused:
            await attempt
        assert str(refused.value) == "This name cannot be used; nothing was stored. Choose another name."
    slug = await create_client(store, manager, "secret-client", look, sandbox.ids[2:3])
    assert slug.startswith("secret-client-")
    assert not slug.endswith("-2")


async def many(store: Store, first: int, count: int) -> None:
    """So many clients with three accounts each."""
    async with store.working() as session:
        for number in range(first, first + count):
            client_id = await add_client(session, f"client-{number}")
            for account in range(3):
                await add_account(session, number * 10 + account, client_id, name=f"Shop {number}")


async def asked(store: Store, admin: Viewer) -> list[int]:
    """How many statements each list of the pages takes."""
    admin = await again(store, admin)
    client_id = (await clients_of(store, admin))[0].id
    today = dt.datetime.now(dt.UTC).date()
    counts = []
    for look in (
        clients_of(store, admin),
        with_account(store, admin, "shop"),
        accounts_of(store, admin, client_id),
        groups_of(store, admin),
        clients_in_scope(store, admin),
        people_of(store, admin),
        teams_of(store, admin),
        invitations_of(store, admin),
        clients_of_log(store, admin),
        read_audit(store, admin, AuditQuestion(today, today)),
    ):
        before = store.statements
        await look
        counts.append(store.statements - before)
    return counts


async def test_a_list_takes_as_many_statements_however_many_clients_there_are(store: Store) -> None:
    admin = await person(store, "ana@example.com", Role.ADMIN)
    await many(store, 1, 2)
    await put_team(store, admin, "North", slugs=["client-1"], emails=[admin.email])
    few = await asked(store, admin)
    await many(store, 3, MANY)
    await put_team(store, admin, "North", slugs=[f"client-{number}" for number in range(1, MANY)])
    assert await asked(store, admin) == few
    found = await clients_of(store, admin)
    assert len(found) == MANY + 2
    assert {client.account_count for client in found} == {3}


async def test_a_client_is_found_by_its_accounts_among_those_that_are_open(store: Store) -> None:
    await many(store, 1, 3)
    manager = await person(store, MANAGER, Role.MANAGER, "client-1", "client-2")
    mine = {client.slug: client.id for client in await clients_of(store, manager)}
    assert await with_account(store, manager, "SHOP") == set(mine.values())
    assert await with_account(store, manager, "21") == {mine["client-2"]}
    assert await with_account(store, manager, "shop 3") == await with_account(store, manager, "%") == set()
    assert [account.account_id for account in await accounts_of(store, manager, mine["client-1"])] == [10, 11, 12]
