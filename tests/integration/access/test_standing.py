"""Who lost their role, or was shut out, a moment ago changes nothing by a page that was drawn before."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from lib.access.audit import OPERATOR_ACTOR
from lib.access.identities import forget_identities
from lib.access.invitations import invite, revoke_invitation
from lib.access.people import change_person, put_person
from lib.access.personal_tokens import create_token, live_tokens_of, revoke_token
from lib.access.seeing import see_as
from lib.access.sessions import make_link_for
from lib.access.teams import put_team, remove_team, rename_team
from lib.access.viewer import Role, Viewer
from lib.clients.changes import archive_client, rename_client
from lib.clients.groups import GroupValues, add_group, remove_group
from lib.errors import AccessError
from lib.store.engine import Store
from tests.locking import meanwhile
from tests.people import noted, signed_in

ANA = "ana@example.com"
Deed = Callable[[Store, Viewer, uuid.UUID, uuid.UUID], Coroutine[Any, Any, object]]


async def end_token(store: Store, by: Viewer, who: uuid.UUID) -> None:
    """End the person's only token."""
    (token,) = await live_tokens_of(store, OPERATOR_ACTOR, who)
    await revoke_token(store, by, token.id)


DEEDS: dict[str, Deed] = {
    "disable": lambda store, by, who, _: change_person(store, by, who, is_active=False),
    "promote": lambda store, by, who, _: change_person(store, by, who, role=Role.ADMIN),
    "invite": lambda store, by, _, __: invite(store, by, "eve@example.com", Role.ADMIN),
    "withdraw": lambda store, by, _, offered: revoke_invitation(store, by, offered),
    "make a team": lambda store, by, _, __: put_team(store, by, "Mine", slugs=["acme"], emails=[by.email]),
    "change a team": lambda store, by, _, __: put_team(store, by, "Retail", emails=[by.email]),
    "rename a team": lambda store, by, _, __: rename_team(store, by, "Retail", "Mine"),
    "remove a team": lambda store, by, _, __: remove_team(store, by, "Retail"),
    "see as": lambda store, by, who, _: see_as(store, by, who),
    "make a link": lambda store, by, who, _: make_link_for(store, by, who),
    "forget accounts": lambda store, by, who, _: forget_identities(store, by, who),
    "revoke a token": lambda store, by, who, _: end_token(store, by, who),
}
LOSS = ["role = 'manager'", "is_active = false"]


@pytest.mark.parametrize("change", LOSS)
@pytest.mark.parametrize("deed", DEEDS)
async def test_a_loss_at_the_same_moment_counts(store: Store, clients: dict[str, int], deed: str, change: str) -> None:
    ana = await put_person(store, ANA, Role.VIEWER)
    await create_token(store, ANA)
    await put_team(store, OPERATOR_ACTOR, "Retail", slugs=["zebra"], emails=[])
    offered = await invite(store, OPERATOR_ACTOR, "new@example.com", Role.VIEWER)
    admin, _ = await signed_in(store)
    before = len(await noted(store))
    losing = f"UPDATE app_user SET {change} WHERE id = '{admin.user_id}'"
    async with meanwhile(store, losing, DEEDS[deed](store, admin, ana.user_id, offered.id)) as doing:
        with pytest.raises(AccessError, match="rights here have been changed"):
            await doing
    with pytest.raises(AccessError, match="rights here have been changed"):
        await DEEDS[deed](store, admin, ana.user_id, offered.id)
    assert len(await noted(store)) == before


@pytest.mark.parametrize("change", ["role = 'viewer'", "is_active = false"])
async def test_who_looks_after_clients_is_held_to_the_same(store: Store, clients: dict[str, int], change: str) -> None:
    acme = clients["acme"]
    manager, _ = await signed_in(store, "mara@example.com", Role.MANAGER, slugs=["acme"])
    group = await add_group(store, manager, GroupValues(acme, "News", "C1"))
    losing = f"UPDATE app_user SET {change}"
    async with meanwhile(store, losing, rename_client(store, manager, acme, "Other")) as doing:
        with pytest.raises(AccessError, match="rights here have been changed"):
            await doing
    for late in (
        archive_client(store, manager, acme),
        add_group(store, manager, GroupValues(acme, "Mine", "C2")),
        remove_group(store, manager, group.id, group.values),
    ):
        with pytest.raises(AccessError, match="rights here have been changed"):
            await late


async def test_a_demoted_administrator_does_not_reach_every_client_as_a_manager(
    store: Store, clients: dict[str, int]
) -> None:
    admin, _ = await signed_in(store)
    await signed_in(store, "other@example.com")
    await change_person(store, OPERATOR_ACTOR, admin.user_id, role=Role.MANAGER)
    with pytest.raises(AccessError, match="rights here have been changed"):
        await archive_client(store, admin, clients["acme"])


async def test_a_higher_role_stops_nothing(store: Store, clients: dict[str, int]) -> None:
    manager, _ = await signed_in(store, "mara@example.com", Role.MANAGER, slugs=["acme"])
    await change_person(store, OPERATOR_ACTOR, manager.user_id, role=Role.ADMIN)
    await rename_client(store, manager, clients["acme"], "Other")


async def test_two_administrators_at_each_other_never_wait_for_each_other(store: Store) -> None:
    (one, _), (two, _) = await signed_in(store), await signed_in(store, "other@example.com")
    for _ in range(5):
        both = [
            deed(store, by, other.user_id)
            for by, other in ((one, two), (two, one))
            for deed in (forget_identities, lambda *words: change_person(*words, slugs=[]))
        ]
        await asyncio.gather(*both, put_team(store, one, "All", emails=[one.email, two.email]))
    both = [change_person(store, by, other.user_id, role=Role.VIEWER) for by, other in ((one, two), (two, one))]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AccessError", "list"]
