"""Groups: added, changed, removed and put back, by those who look after their client; each change noted."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from lib.access.viewer import Role
from lib.clients.changes import archive_client, restore_client
from lib.clients.groups import MAX_CHANNEL, GroupValues, add_group, change_group, groups_of, remove_group, switch_group
from lib.errors import AccessError, Conflict, NotFound, UsageError
from lib.store.engine import Store
from tests.factories import add_client
from tests.integration.clients.conftest import MANAGER, again, noted, person, rows


async def acme_and_bolt(store: Store) -> tuple[int, int]:
    async with store.working() as session:
        return await add_client(session, "acme"), await add_client(session, "bolt")


async def test_a_group_comes_changes_goes_and_comes_back(store: Store) -> None:
    acme, bolt = await acme_and_bolt(store)
    manager = await person(store, MANAGER, Role.MANAGER, "acme", "bolt")
    first = await add_group(store, manager, GroupValues(acme, "  Daily 📈 ", " C0123 "))
    assert first.values == GroupValues(acme, "Daily 📈", "C0123", is_active=True)
    await add_group(store, manager, GroupValues(bolt, "bolt news", "-100123"))
    assert [group.values.title for group in await groups_of(store, manager)] == ["bolt news", "Daily 📈"]
    moved = GroupValues(bolt, "Weekly", "C0123", is_active=False)
    assert await change_group(store, manager, first.id, moved, first.values) == dataclasses.replace(
        moved, is_active=True
    )
    assert await switch_group(store, manager, first.id, is_active=False) == moved
    assert await change_group(store, manager, first.id, moved, moved) == moved
    assert await remove_group(store, manager, first.id, moved) == moved
    assert [group.values.title for group in await groups_of(store, manager)] == ["bolt news"]
    again_there = await add_group(store, manager, moved)
    assert again_there.values == moved
    entries = [
        (*entry[1:3], entry[3] and entry[3]["title"], entry[4] and entry[4]["title"]) for entry in await noted(store)
    ]
    assert entries == [
        ("added group", "Daily 📈", None, "Daily 📈"),
        ("added group", "bolt news", None, "bolt news"),
        ("changed group", "Weekly", "Daily 📈", "Weekly"),
        ("changed group", "Weekly", "Weekly", "Weekly"),
        ("removed group", "Weekly", "Weekly", None),
        ("added group", "Weekly", None, "Weekly"),
    ]


BAD = {
    "no title": {"title": " "},
    "two lines": {"title": "a\nb"},
    "no channel": {"channel_id": " "},
    "two words": {"channel_id": "C01 C02"},
    "letters of elsewhere": {"channel_id": "C\u0661"},
    "too long": {"channel_id": "C" * (MAX_CHANNEL + 1)},
    "nobody's client": {"client_id": 0},
}


@pytest.mark.parametrize("changed", BAD.values(), ids=BAD)
async def test_bad_words_store_nothing(store: Store, changed: dict[str, str]) -> None:
    acme, _ = await acme_and_bolt(store)
    manager = await person(store, MANAGER, Role.MANAGER, "acme")
    good = GroupValues(acme, "Daily", "C0123")
    kept = await add_group(store, manager, good)
    bad = dataclasses.replace(good, **{"channel_id": "C0999", **changed})  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        await add_group(store, manager, bad)
    with pytest.raises(UsageError):
        await change_group(store, manager, kept.id, bad, kept.values)
    assert await groups_of(store, manager) == (kept,)
    assert len(await noted(store)) == 1


async def test_one_client_has_no_two_groups_of_one_title(store: Store) -> None:
    acme, bolt = await acme_and_bolt(store)
    manager = await person(store, MANAGER, Role.MANAGER, "acme", "bolt")
    news = await add_group(store, manager, GroupValues(acme, "Daily news", "C1"))
    other = await add_group(store, manager, GroupValues(acme, "Other", "C2"))
    elsewhere = await add_group(store, manager, GroupValues(bolt, "DAILY news", "C3"))
    taken = "The client has a group Daily news"
    with pytest.raises(Conflict, match=taken):
        await add_group(store, manager, GroupValues(acme, "daily NEWS", "C4"))
    with pytest.raises(Conflict, match=taken):
        await change_group(store, manager, other.id, GroupValues(acme, "daily NEWS", "C2"), other.values)
    with pytest.raises(Conflict, match=taken):
        await change_group(store, manager, elsewhere.id, GroupValues(acme, "DAILY news", "C3"), elsewhere.values)
    loud = GroupValues(acme, "DAILY NEWS", "C1")
    assert await change_group(store, manager, news.id, loud, news.values) == loud
    assert (await switch_group(store, manager, news.id, is_active=False)).title == "DAILY NEWS"


async def test_a_group_without_a_title_is_told_to_have_one(store: Store) -> None:
    acme, _ = await acme_and_bolt(store)
    manager = await person(store, MANAGER, Role.MANAGER, "acme")
    with pytest.raises(UsageError, match="A group needs a title of printable characters"):
        await add_group(store, manager, GroupValues(acme, " ", "C0123"))


async def test_others_clients_groups_are_neither_seen_nor_told_of(store: Store) -> None:
    acme, bolt = await acme_and_bolt(store)
    admin = await person(store, "ana@example.com", Role.ADMIN)
    manager = await person(store, MANAGER, Role.MANAGER, "acme")
    theirs = await add_group(store, admin, GroupValues(bolt, "Secret plans", "C0777"))
    mine = await add_group(store, manager, GroupValues(acme, "Daily", "C0123"))
    assert await groups_of(store, manager) == (mine,)
    with pytest.raises(NotFound):
        await change_group(store, manager, theirs.id, mine.values, theirs.values)
    with pytest.raises(NotFound):
        await change_group(store, manager, mine.id, dataclasses.replace(mine.values, client_id=bolt), mine.values)
    with pytest.raises(NotFound):
        await switch_group(store, manager, theirs.id, is_active=False)
    with pytest.raises(NotFound):
        await remove_group(store, manager, theirs.id, theirs.values)
    with pytest.raises(Conflict) as taken:
        await add_group(store, manager, dataclasses.replace(mine.values, channel_id="C0777"))
    assert "Secret" not in str(taken.value)
    with pytest.raises(Conflict, match="The group Daily has this channel id"):
        await add_group(store, manager, dataclasses.replace(mine.values, title="Other"))
    assert len(await groups_of(store, admin)) == 2


async def test_below_manager_and_through_other_eyes_nothing_is_done(store: Store) -> None:
    acme, _ = await acme_and_bolt(store)
    manager = await person(store, MANAGER, Role.MANAGER, "acme")
    group = await add_group(store, manager, GroupValues(acme, "Daily", "C0123"))
    analyst = await person(store, "ben@example.com", Role.ANALYST, "acme")
    eyes = dataclasses.replace(manager, seen_by="ana@example.com")
    for viewer in (analyst, eyes):
        with pytest.raises(AccessError):
            await groups_of(store, viewer)
        with pytest.raises(AccessError):
            await add_group(store, viewer, GroupValues(acme, "Other", "C0999"))
        with pytest.raises(AccessError):
            await change_group(store, viewer, group.id, GroupValues(acme, "Other", "C0999"), group.values)
        with pytest.raises(AccessError):
            await switch_group(store, viewer, group.id, is_active=False)
        with pytest.raises(AccessError):
            await remove_group(store, viewer, group.id, group.values)
    assert await rows(store, "SELECT title, channel_id FROM chat_group") == [("Daily", "C0123")]


async def test_an_archived_clients_groups_wait_with_it(store: Store) -> None:
    acme, _ = await acme_and_bolt(store)
    manager = await person(store, MANAGER, Role.MANAGER, "acme")
    group = await add_group(store, manager, GroupValues(acme, "Daily", "C0123"))
    await archive_client(store, manager, acme)
    manager = await again(store, manager)
    assert await groups_of(store, manager) == ()
    with pytest.raises(NotFound):
        await change_group(store, manager, group.id, group.values, group.values)
    await restore_client(store, manager, acme)
    assert await groups_of(store, await again(store, manager)) == (group,)


async def test_what_somebody_else_changed_meanwhile_is_not_written_over(store: Store) -> None:
    acme, bolt = await acme_and_bolt(store)
    manager = await person(store, MANAGER, Role.MANAGER, "acme", "bolt")
    seen = (await add_group(store, manager, GroupValues(acme, "Daily", "C1"))).values
    ((group_id,),) = await rows(store, "SELECT id FROM chat_group")
    moved = await change_group(store, manager, group_id, GroupValues(bolt, "Bolt daily", "C1"), seen)
    # Acme's new chat with Bolt's numbers is what the two halves would make.
    with pytest.raises(Conflict, match="Bolt daily was changed meanwhile by somebody else; nothing was stored"):
        await change_group(store, manager, group_id, dataclasses.replace(seen, channel_id="C2"), seen)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await remove_group(store, manager, group_id, seen)
    off = dataclasses.replace(moved, is_active=False)
    assert await switch_group(store, manager, group_id, is_active=False) == off
    # The undo of the move takes back the move alone.
    assert await change_group(store, manager, group_id, seen, moved) == dataclasses.replace(seen, is_active=False)


async def test_of_many_who_want_one_channel_at_once_one_gets_it(store: Store) -> None:
    acme, _ = await acme_and_bolt(store)
    manager = await person(store, MANAGER, Role.MANAGER, "acme")
    answers = await asyncio.gather(
        *(add_group(store, manager, GroupValues(acme, f"Title {number}", "C9")) for number in range(6)),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, Exception) for each in answers) == 1
    assert sum(isinstance(each, Conflict) for each in answers) == 5
    others = [
        await add_group(store, manager, GroupValues(acme, f"Other {number}", f"D{number}")) for number in range(3)
    ]
    answers = await asyncio.gather(
        *(
            change_group(store, manager, each.id, dataclasses.replace(each.values, channel_id="E1"), each.values)
            for each in others
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(each, GroupValues) for each in answers) == 1
    assert sum(isinstance(each, Conflict) for each in answers) == 2
