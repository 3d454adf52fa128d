"""Teams: what they open, to whom, and who may change that."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from sqlalchemy import text

from lib.access.audit import OPERATOR_ACTOR
from lib.access.invitations import accept, invite, open_invitation
from lib.access.people import change_person
from lib.access.roster import TeamFacts, teams_of
from lib.access.seeing import see_as
from lib.access.teams import change_team, make_team, put_team, remove_team, rename_team, restore_team
from lib.access.viewer import Role
from lib.clients.facts import clients_of
from lib.errors import AccessError, AppError, Conflict, NotFound, UsageError
from lib.store.engine import Store
from tests.people import ADMIN, last_noted, noted, signed_in, viewer_by

ANA, BOB = "ana@example.com", "bob@example.com"


async def teams(store: Store) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    found: tuple[TeamFacts, ...] = await teams_of(store, OPERATOR_ACTOR)
    return [(team.name, team.emails, team.client_slugs) for team in found]


async def team(store: Store, name: str, slugs: list[str], emails: list[str] | None = None) -> TeamFacts:
    """A new team as the page shows it."""
    number = await make_team(store, OPERATOR_ACTOR, name, slugs=slugs, emails=emails or [])
    return next(each for each in await teams_of(store, OPERATOR_ACTOR) if each.id == number)


async def test_a_team_opens_its_clients_to_its_people_at_once(store: Store, clients: dict[str, int]) -> None:
    admin, _ = await signed_in(store)
    _, anas = await signed_in(store, ANA, Role.VIEWER)
    _, bobs = await signed_in(store, BOB, Role.VIEWER, slugs=["zebra"])
    assert await put_team(store, admin, " Retail ", slugs=["acme"], emails=[BOB.upper(), ANA]) == [
        "made",
        "clients now acme",
        f"people now {ANA}, {BOB}",
    ]
    assert (await viewer_by(store, anas)).account_ids == {11, 12}
    assert (await viewer_by(store, bobs)).account_ids == {11, 12, 21}
    assert await put_team(store, admin, "RETAIL", slugs=["zebra", "zebra"], emails=[BOB, BOB]) == [
        "clients now zebra",
        f"people now {BOB}",
    ]
    assert (await viewer_by(store, anas)).account_ids == set()
    assert (await viewer_by(store, bobs)).account_ids == {21}
    assert await teams(store) == [("Retail", (BOB,), ("zebra",))]
    note = await last_noted(store)
    assert (note["action"], note["subject"], note["email"]) == ("changed team", "Retail", ADMIN)
    assert note["before"] == {"name": "Retail", "clients": ["acme"], "people": [ANA, BOB]}
    assert note["after"] == {"name": "Retail", "clients": ["zebra"], "people": [BOB]}


async def test_what_is_left_out_stays_and_what_is_so_already_is_not_noted(
    store: Store, clients: dict[str, int]
) -> None:
    await signed_in(store, ANA, Role.VIEWER)
    await put_team(store, OPERATOR_ACTOR, "Retail", slugs=["acme"], emails=[ANA])
    count = len(await noted(store))
    assert await put_team(store, OPERATOR_ACTOR, "retail", slugs=["acme"], emails=[ANA]) == []
    assert await put_team(store, OPERATOR_ACTOR, "Retail") == []
    assert len(await noted(store)) == count
    assert await put_team(store, OPERATOR_ACTOR, "Retail", emails=[]) == ["people now none"]
    assert await teams(store) == [("Retail", (), ("acme",))]


async def test_many_who_make_the_same_team_at_once_make_one(store: Store, clients: dict[str, int]) -> None:
    await asyncio.gather(*(put_team(store, OPERATOR_ACTOR, name, slugs=["acme"]) for name in ("Retail", "retail") * 4))
    assert len(await teams(store)) == 1


async def test_removing_takes_away_what_only_the_team_opened(store: Store, clients: dict[str, int]) -> None:
    admin, _ = await signed_in(store)
    _, token = await signed_in(store, ANA, Role.VIEWER, slugs=["zebra"])
    await put_team(store, admin, "Retail", slugs=["acme"], emails=[ANA])
    await remove_team(store, admin, "retail")
    assert (await viewer_by(store, token)).account_ids == {21}
    note = await last_noted(store)
    assert (note["after"], note["before"]) == (None, {"name": "Retail", "clients": ["acme"], "people": [ANA]})
    await put_team(store, admin, note["subject"], slugs=note["before"]["clients"], emails=note["before"]["people"])
    assert (await viewer_by(store, token)).account_ids == {11, 12, 21}


async def test_renaming(store: Store, clients: dict[str, int]) -> None:
    await put_team(store, OPERATOR_ACTOR, "Retail", slugs=["acme"])
    await put_team(store, OPERATOR_ACTOR, "Travel", slugs=[])
    await rename_team(store, OPERATOR_ACTOR, "retail", "RETAIL")
    await rename_team(store, OPERATOR_ACTOR, "retail", "Shops ")
    assert await teams(store) == [("Shops", (), ("acme",)), ("Travel", (), ())]
    assert (await last_noted(store))["before"] == {"name": "RETAIL"}
    with pytest.raises(Conflict, match="Another team is called Travel"):
        await rename_team(store, OPERATOR_ACTOR, "Shops", "travel")
    with pytest.raises(UsageError, match="needs a name"):
        await rename_team(store, OPERATOR_ACTOR, "Shops", "  ")


async def test_what_is_off_changes_nothing(store: Store, clients: dict[str, int]) -> None:
    await put_team(store, OPERATOR_ACTOR, "Retail", slugs=["acme"])
    for words, sentence in (
        ({"slugs": ["nobody"]}, "No client is called nobody"),
        ({"emails": ["nobody@example.com"]}, "Nobody here has the address nobody@example.com"),
    ):
        for name in ("Retail", "New"):
            with pytest.raises(UsageError, match=sentence):
                await put_team(store, OPERATOR_ACTOR, name, **words)  # type: ignore[arg-type]
    for name in ("", "   ", "a\nb", "x" * 101, "\x00"):
        with pytest.raises(UsageError, match="needs a name"):
            await put_team(store, OPERATOR_ACTOR, name)
    for gone in (remove_team(store, OPERATOR_ACTOR, "New"), rename_team(store, OPERATOR_ACTOR, "New", "Newer")):
        with pytest.raises(NotFound):
            await gone
    assert await teams(store) == [("Retail", (), ("acme",))]


async def test_grants_of_archived_clients_wait_for_their_return(store: Store, clients: dict[str, int]) -> None:
    _, token = await signed_in(store, ANA, Role.VIEWER)
    await put_team(store, OPERATOR_ACTOR, "Retail", slugs=["acme", "zebra"], emails=[ANA])
    async with store.working() as session:
        await session.execute(text("UPDATE client SET archived_at = now() WHERE slug = 'zebra'"))
    assert (await viewer_by(store, token)).account_ids == {11, 12}
    assert await put_team(store, OPERATOR_ACTOR, "Retail", slugs=[]) == ["clients now none"]
    async with store.working() as session:
        await session.execute(text("UPDATE client SET archived_at = NULL"))
    assert (await viewer_by(store, token)).account_ids == {21}


async def test_only_administrators_by_their_own_eyes_touch_teams(store: Store, clients: dict[str, int]) -> None:
    admin, token = await signed_in(store)
    manager, managers = await signed_in(store, "manager@example.com", Role.MANAGER)
    retail = await team(store, "Retail", slugs=["acme"])
    await see_as(store, admin, manager.user_id)
    for viewer in (manager, await viewer_by(store, token)):
        attempts = (
            put_team(store, viewer, "Retail", slugs=["zebra"], emails=[manager.email]),
            put_team(store, viewer, "Mine", slugs=["zebra"], emails=[manager.email]),
            rename_team(store, viewer, "Retail", "Mine"),
            remove_team(store, viewer, "Retail"),
            make_team(store, viewer, "Mine", slugs=["zebra"], emails=[manager.email]),
            change_team(store, viewer, retail.id, slugs=["zebra"], emails=[manager.email], seen=retail),
            restore_team(store, viewer, retail.id),
            teams_of(store, viewer),
        )
        for attempt in attempts:
            with pytest.raises(AccessError):
                await attempt
    assert await teams(store) == [("Retail", (), ("acme",))]
    assert (await viewer_by(store, managers)).account_ids == set()


async def test_the_app_role_cannot_change_teams(store: Store, clients: dict[str, int]) -> None:
    _, token = await signed_in(store, ANA, Role.VIEWER)
    viewer = await viewer_by(store, token)
    await put_team(store, OPERATOR_ACTOR, "Retail", slugs=["acme"], emails=[])
    for table in ("team", "team_member", "team_grant", "user_identity"):
        for role in (store.gatekeeping(), store.viewing(viewer)):
            with pytest.raises(AppError, match="refused"):
                async with role as session:
                    await session.execute(text(f"DELETE FROM {table}"))
    with pytest.raises(AppError, match="refused"):
        async with store.viewing(viewer) as session:
            await session.execute(text("INSERT INTO team_member SELECT id, :me FROM team"), {"me": str(viewer.user_id)})


async def test_two_renames_into_each_others_name_at_once_are_both_answered(store: Store) -> None:
    for name in ("A", "B"):
        await put_team(store, OPERATOR_ACTOR, name)
    for _ in range(10):
        both = [rename_team(store, OPERATOR_ACTOR, *names) for names in (("A", "B"), ("B", "A"), ("b", "a"))]
        outcomes = await asyncio.gather(*both, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Conflict] * 3


async def test_a_disabled_member_stays_in_the_team(store: Store, clients: dict[str, int]) -> None:
    ana, _ = await signed_in(store, ANA, Role.VIEWER)
    await put_team(store, OPERATOR_ACTOR, "Retail", slugs=["acme"], emails=[ANA])
    await change_person(store, OPERATOR_ACTOR, ana.user_id, is_active=False)
    assert await teams(store) == [("Retail", (ANA,), ("acme",))]


async def test_a_new_team_takes_over_none_that_is_there(store: Store, clients: dict[str, int]) -> None:
    await team(store, "Retail", ["acme"])
    answers = await asyncio.gather(
        make_team(store, OPERATOR_ACTOR, "RETAIL", slugs=["zebra"], emails=[]),
        *(make_team(store, OPERATOR_ACTOR, name, slugs=[], emails=[]) for name in ("Travel", "travel") * 3),
        return_exceptions=True,
    )
    assert isinstance(answers[0], Conflict)
    assert "Another team is called Retail; nothing was changed." in str(answers[0])
    assert sum(isinstance(each, int) for each in answers) == 1
    assert sum(isinstance(each, Conflict) for each in answers) == 6
    assert (await teams(store))[0] == ("Retail", (), ("acme",))


async def test_a_page_that_is_behind_changes_nothing(store: Store, clients: dict[str, int]) -> None:
    admin, _ = await signed_in(store)
    await signed_in(store, ANA, Role.VIEWER)
    await signed_in(store, BOB, Role.VIEWER)
    seen = await team(store, "North", ["acme"], [ANA])
    await rename_team(store, admin, seen.id, "South", seen="North")
    for behind in (
        change_team(store, admin, seen.id, slugs=["acme"], emails=[ANA, BOB], seen=seen),
        rename_team(store, admin, seen.id, "East", seen="North"),
        remove_team(store, admin, seen.id, seen=seen),
    ):
        with pytest.raises(Conflict, match="was changed meanwhile by somebody else; nothing was stored"):
            await behind
    seen = dataclasses.replace(seen, name="South")
    await put_team(store, OPERATOR_ACTOR, "South", slugs=["acme", "zebra"])
    with pytest.raises(Conflict, match="The team South was changed meanwhile"):
        await change_team(store, admin, seen.id, slugs=[], emails=[ANA], seen=seen)
    assert await teams(store) == [("South", (ANA,), ("acme", "zebra"))]
    await remove_team(store, admin, seen.id)
    for gone in (
        change_team(store, admin, seen.id, slugs=["acme"], emails=[ANA], seen=seen),
        rename_team(store, admin, seen.id, "North"),
        remove_team(store, admin, seen.id),
    ):
        with pytest.raises(NotFound, match="This team was removed meanwhile; nothing was changed"):
            await gone
    assert await teams(store) == []


async def test_of_two_pages_that_save_at_once_one_is_behind(store: Store, clients: dict[str, int]) -> None:
    admin, _ = await signed_in(store)
    seen = await team(store, "North", [])
    answers = await asyncio.gather(
        *(change_team(store, admin, seen.id, slugs=[slug], emails=[], seen=seen) for slug in ("acme", "zebra")),
        return_exceptions=True,
    )
    assert sum(each is None for each in answers) == 1
    assert sum(isinstance(each, Conflict) for each in answers) == 1


async def test_an_undo_takes_back_what_was_done_and_nothing_else(store: Store, clients: dict[str, int]) -> None:
    admin, _ = await signed_in(store)
    seen = await team(store, "North", ["acme"])
    await change_team(store, admin, seen.id, slugs=["acme", "zebra"], emails=[], seen=seen)
    after = dataclasses.replace(seen, client_slugs=("acme", "zebra"))
    await change_team(store, admin, seen.id, slugs=["acme"], emails=[], seen=after)
    assert await teams(store) == [("North", (), ("acme",))]
    with pytest.raises(Conflict):
        await change_team(store, admin, seen.id, slugs=["acme"], emails=[], seen=after)


async def test_a_removed_team_comes_back_as_it_was(store: Store, clients: dict[str, int]) -> None:
    admin, _ = await signed_in(store)
    _, token = await signed_in(store, ANA, Role.VIEWER)
    seen = await team(store, "North", ["acme", "zebra"], [ANA])
    invited = await invite(store, admin, "new@example.com", Role.VIEWER, teams=["North"])
    async with store.working() as session:
        await session.execute(text("UPDATE client SET archived_at = now() WHERE slug = 'zebra'"))
    await remove_team(store, admin, seen.id)
    assert (await viewer_by(store, token)).client_ids == set()
    assert (await teams(store), (await last_noted(store))["after"]) == ([], None)
    with pytest.raises(UsageError, match="No team is called North"):
        await invite(store, admin, "other@example.com", Role.VIEWER, teams=["North"])
    offered = await open_invitation(store, invited.token)
    assert offered is not None
    assert offered.team_names == ()
    await accept(store, invited.token, "correct horse battery staple")
    await restore_team(store, admin, seen.id)
    await restore_team(store, admin, seen.id)
    async with store.working() as session:
        await session.execute(text("UPDATE client SET archived_at = NULL"))
    assert await teams(store) == [("North", (ANA, "new@example.com"), ("acme", "zebra"))]
    assert (await viewer_by(store, token)).client_ids == set(clients.values())
    note = await last_noted(store)
    assert (note["before"], note["after"]["name"]) == (None, "North")
    deeds = [each.action for each in await noted(store) if each.action.endswith(" team")]
    assert deeds == ["added team", "removed team", "restored team"]


async def test_a_removed_teams_name_is_free_until_it_comes_back(store: Store, clients: dict[str, int]) -> None:
    admin, _ = await signed_in(store)
    old = await team(store, "North", ["acme"])
    await remove_team(store, admin, old.id)
    new = await team(store, "NORTH", [])
    with pytest.raises(Conflict, match="Another team is called NORTH; nothing was changed"):
        await restore_team(store, admin, old.id)
    await rename_team(store, admin, new.id, "South")
    await restore_team(store, admin, old.id)
    assert [name for name, _, _ in await teams(store)] == ["North", "South"]
    with pytest.raises(NotFound):
        await restore_team(store, admin, 0)


async def test_a_managers_removed_team_opens_no_client_to_look_after(store: Store, clients: dict[str, int]) -> None:
    manager, token = await signed_in(store, "manager@example.com", Role.MANAGER)
    seen = await team(store, "North", ["acme"], [manager.email])
    assert [client.slug for client in await clients_of(store, await viewer_by(store, token))] == ["acme"]
    await remove_team(store, OPERATOR_ACTOR, seen.id)
    assert await clients_of(store, await viewer_by(store, token)) == ()


async def test_two_teams_that_swap_names_by_their_ids_do_not_wait_for_each_other(
    store: Store, clients: dict[str, int]
) -> None:
    for _ in range(5):
        first, second = [await team(store, name, []) for name in "AB"]
        answers = await asyncio.gather(
            *(rename_team(store, OPERATOR_ACTOR, one, name) for one, name in ((first.id, "B"), (second.id, "A")) * 3),
            return_exceptions=True,
        )
        assert all(each is None or isinstance(each, Conflict) for each in answers), answers
        for one in (first, second):
            await remove_team(store, OPERATOR_ACTOR, one.id)
