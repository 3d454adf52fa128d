"""What is fetched for a client: chosen by who looks after it, in an order of its own, noted from what to what."""

from __future__ import annotations

import dataclasses

import pytest

from lib.access.viewer import Role
from lib.clients.changes import archive_client
from lib.clients.choice import SETS, WINDOWS, Choice, checked_choice, choice_of, choose
from lib.errors import AccessError, Conflict, NotFound, UsageError
from lib.meta.fields import BREAKDOWNS
from lib.store.engine import Store
from tests.factories import add_client
from tests.integration.clients.conftest import MANAGER, again, noted, person, rows

STORED = "SELECT breakdowns, attribution_windows FROM client WHERE slug = 'acme'"


@pytest.fixture
async def client_id(store: Store) -> int:
    """A client without accounts."""
    async with store.working() as session:
        return await add_client(session, "acme")


async def test_a_manager_chooses_and_it_is_noted_from_what_to_what(store: Store, client_id: int) -> None:
    manager = await person(store, MANAGER, Role.MANAGER, "acme")
    assert await choice_of(store, manager, client_id) == Choice()
    chosen = Choice(("device", "country"), ("7d_click",))
    assert await choose(store, manager, client_id, chosen, seen=Choice()) == Choice()
    assert await rows(store, STORED) == [(["country", "device"], ["7d_click"])]
    stored = await choice_of(store, manager, client_id)
    assert stored == Choice(("country", "device"), ("7d_click",))
    await choose(store, manager, client_id, dataclasses.replace(stored, breakdowns=()))
    assert await rows(store, STORED) == [([], ["7d_click"])]
    none = {"breakdowns": [], "attribution_windows": []}
    first = {"breakdowns": ["country", "device"], "attribution_windows": ["7d_click"]}
    assert await noted(store) == [
        (MANAGER, "changed client", "acme", none, first),
        (MANAGER, "changed client", "acme", {"breakdowns": ["country", "device"]}, {"breakdowns": []}),
    ]


async def test_the_same_choice_again_is_no_change(store: Store, client_id: int) -> None:
    manager = await person(store, MANAGER, Role.MANAGER, "acme")
    await choose(store, manager, client_id, Choice())
    assert await noted(store) == []


@pytest.mark.parametrize(
    "choice", [Choice(("dma",)), Choice((), ("7d_view",)), Choice(("",)), Choice(("country,device",))]
)
async def test_what_is_not_known_is_refused_and_nothing_is_stored(store: Store, client_id: int, choice: Choice) -> None:
    manager = await person(store, MANAGER, Role.MANAGER, "acme")
    with pytest.raises(UsageError, match=r"nothing was stored\. Known: "):
        await choose(store, manager, client_id, choice)
    assert await rows(store, STORED) == [([], [])]
    assert await noted(store) == []


async def test_who_saves_what_another_changed_meanwhile_is_told(store: Store, client_id: int) -> None:
    manager = await person(store, MANAGER, Role.MANAGER, "acme")
    await choose(store, manager, client_id, Choice(("hour",)))
    with pytest.raises(Conflict, match="was changed meanwhile by somebody else; nothing was stored"):
        await choose(store, manager, client_id, Choice(("region",)), seen=Choice())
    assert await rows(store, STORED) == [(["hour"], [])]


async def test_nobody_else_chooses_or_learns_what_is_chosen(store: Store, client_id: int) -> None:
    admin = await person(store, "ana@example.com", Role.ADMIN)
    stranger = await person(store, "sam@example.com", Role.MANAGER)
    analyst = await person(store, "ben@example.com", Role.ANALYST, "acme")
    eyes = dataclasses.replace(admin, role=Role.MANAGER, seen_by="ana@example.com", seen_by_id=admin.user_id)
    for viewer, error in ((stranger, NotFound), (analyst, AccessError), (eyes, AccessError)):
        with pytest.raises(error):
            await choose(store, viewer, client_id, Choice(("country",)))
        with pytest.raises(error):
            await choice_of(store, viewer, client_id)
    assert await rows(store, STORED) == [([], [])]
    await choose(store, admin, client_id, Choice(("country",)))
    assert await rows(store, STORED) == [(["country"], [])]


async def test_of_an_archived_client_nothing_is_chosen(store: Store, client_id: int) -> None:
    manager = await person(store, MANAGER, Role.MANAGER, "acme")
    await archive_client(store, manager, client_id)
    with pytest.raises(Conflict, match="is archived"):
        await choose(store, await again(store, manager), client_id, Choice(("country",)))


def test_every_set_and_window_can_be_chosen_in_the_order_they_are_offered_in() -> None:
    every = checked_choice(reversed(SETS), reversed(WINDOWS))
    assert every == Choice(tuple(BREAKDOWNS), ("1d_click", "7d_click", "1d_view"))
    assert all(SETS.values())
