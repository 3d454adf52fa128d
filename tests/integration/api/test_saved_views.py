"""Saved views: who sees them, who changes them, and what they may hold."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import ProgrammingError

from lib.access.people import put_person
from lib.access.viewer import Role, Viewer
from lib.errors import StoreError
from lib.insights import saved_views
from lib.store.models import SavedView
from tests.integration.api import houses
from tests.integration.api.conftest import House
from tests.locking import meanwhile
from tests.roles import app_alone

VIEW = {"name": "Retargeting", "page": "explore", "address": "period=last_28_days&filter=campaign~Sale"}


async def test_a_view_is_saved_read_changed_and_deleted(house: House) -> None:
    analyst = await house.asking("analyst")
    made = await analyst.post("/saved-views", json={**VIEW, "address": f"?{VIEW['address']}"})
    assert made.status_code == 201
    view = made.json()["data"]
    assert {**VIEW, "is_shared": False, "is_mine": True}.items() <= view.items()
    assert made.headers["location"] == f"/api/v1/saved-views/{view['id']}"
    assert (await analyst.get(f"{house.url}{made.headers['location']}")).json() == {"data": view}

    changed = (
        await analyst.patch(f"/saved-views/{view['id']}", json={"name": "  Shown \U0001f389 ", "is_shared": True})
    ).json()
    assert (changed["data"]["name"], changed["data"]["is_shared"]) == ("Shown \U0001f389", True)
    assert changed["data"]["address"] == VIEW["address"]
    assert changed["data"]["updated_at"] > view["updated_at"]
    assert (await analyst.patch(f"/saved-views/{view['id']}", json={})).json() == changed

    gone = await analyst.delete(f"/saved-views/{view['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await analyst.get(f"/saved-views/{view['id']}")).status_code == 404
    assert (await analyst.delete(f"/saved-views/{view['id']}")).status_code == 404


async def test_who_sees_which_views(house: House) -> None:
    for name in ("analyst", "manager", "zed"):
        await houses.add_view(house.store, house.people[name], f"{name}, private")
        await houses.add_view(house.store, house.people[name], f"{name}, shared", is_shared=True)
    await houses.add_view(house.store, house.people["admin"], "admin, shared", is_shared=True)
    of_acme = {"analyst, shared", "manager, shared"}
    for name, shared, more in (
        ("viewer", of_acme, set()),
        ("analyst", of_acme, {"analyst, private"}),
        ("admin", {*of_acme, "zed, shared", "admin, shared"}, set()),
        ("zed", {"zed, shared"}, {"zed, private"}),
    ):
        answer = (await (await house.asking(name)).get("/saved-views")).json()
        assert {view["name"] for view in answer["data"]} == shared | more
        assert answer["meta"]["total"] == len(shared | more)
        assert {view["name"] for view in answer["data"] if view["is_mine"]} == {
            n for n in shared | more if n.startswith(name)
        }


async def test_a_shared_view_is_not_there_for_who_may_not_see_all_that_its_author_could(house: House) -> None:
    """Its name and address may tell of any of those clients, whatever its owner is granted later."""
    email = "both@example.com"
    await houses.add_person(house.store, email, Role.ANALYST, ["acme", "zebra"])
    house.tokens["both"] = await houses.token_of(house.store, email)
    author, zed, admin = [await house.asking(name) for name in ("both", "zed", "admin")]
    made = await author.post("/saved-views", json={**VIEW, "name": "Acme beside zebra", "is_shared": True})
    address = f"/saved-views/{made.json()['data']['id']}"
    for slugs in (["acme", "zebra"], ["zebra"]):
        await put_person(house.store, email, Role.ANALYST, slugs=slugs)
        await author.patch(address, json={"name": "Acme again"})
        assert (await zed.get(address)).status_code == 404
        assert "Acme again" not in (await zed.get("/saved-views")).text
        assert (await admin.get(address)).json()["data"]["name"] == "Acme again"
    assert (await admin.patch(address, json={"name": "Curated"})).status_code == 200
    await put_person(house.store, "zed@example.com", Role.ANALYST, slugs=["acme", "zebra"])
    assert (await zed.get(address)).json()["data"]["name"] == "Curated"


async def test_views_in_pages_and_of_one_page(house: House) -> None:
    for number in range(5):
        await houses.add_view(house.store, house.people["analyst"], f"View {number}")
    analyst = await house.asking("analyst")
    await analyst.post("/saved-views", json={**VIEW, "page": "overview"})
    second = (await analyst.get("/saved-views", params={"per_page": 4, "page": 2})).json()
    assert [view["name"] for view in second["data"]] == ["View 3", "View 4"]
    overview = (await analyst.get("/saved-views", params={"of_page": "overview"})).json()
    assert ([view["name"] for view in overview["data"]], overview["meta"]["total"]) == (["Retargeting"], 1)


async def test_another_persons_private_view_is_not_there(house: House) -> None:
    view = await houses.add_view(house.store, house.people["manager"], "Private")
    for name in ("analyst", "admin"):
        person = await house.asking(name)
        for asked in (person.get, person.delete):
            assert (await asked(f"/saved-views/{view}")).json() == (await asked(f"/saved-views/{uuid.uuid4()}")).json()
        changed = await person.patch(f"/saved-views/{view}", json={"name": "Mine now"})
        assert changed.status_code == 404
    assert (await (await house.asking("manager")).get(f"/saved-views/{view}")).json()["data"]["name"] == "Private"


async def test_shared_views_are_changed_by_their_owner_and_by_administrators(house: House) -> None:
    view = await houses.add_view(house.store, house.people["analyst"], "Shared", is_shared=True)
    for name in ("viewer", "manager"):
        person = await house.asking(name)
        assert (await person.patch(f"/saved-views/{view}", json={"name": "x"})).status_code == 403
        assert (await person.delete(f"/saved-views/{view}")).status_code == 403
    admin, analyst = await house.asking("admin"), await house.asking("analyst")
    renamed = await admin.patch(f"/saved-views/{view}", json={"name": "Curated", "is_shared": False})
    assert (renamed.json()["data"]["name"], renamed.json()["data"]["is_mine"]) == ("Curated", False)
    assert (await admin.get(f"/saved-views/{view}")).status_code == 404
    assert (await analyst.get(f"/saved-views/{view}")).json()["data"]["is_mine"] is True
    await analyst.patch(f"/saved-views/{view}", json={"is_shared": True})
    assert (await admin.delete(f"/saved-views/{view}")).status_code == 204
    assert (await analyst.get(f"/saved-views/{view}")).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 101},
        {"name": "two\nlines"},
        {"name": "nul\0"},
        {"name": "turned \u202e round"},
        {"page": "settings"},
        {"address": "https://evil.example/?a=b"},
        {"address": "//evil.example"},
        {"address": "/overview?a=b"},
        {"address": "javascript:alert(1)"},
        {"address": "a=b#c"},
        {"address": "a=b c"},
        {"address": "a=<script>"},
        {"address": "a=%zz"},
        {"address": "a=b&"},
        {"address": "a"},
        {"address": "a=" + "x" * 4000},
        {"is_shared": "yes"},
        {"is_shared": 1},
        {"owner_id": str(uuid.uuid4())},
        {"name": None},
    ],
)
async def test_what_a_view_may_not_hold(house: House, changes: dict[str, Any]) -> None:
    analyst = await house.asking("analyst")
    view = await houses.add_view(house.store, house.people["analyst"], "Kept")
    assert (await analyst.post("/saved-views", json={**VIEW, **changes})).status_code == 422
    assert (await analyst.patch(f"/saved-views/{view}", json=changes)).status_code == 422
    found = (await analyst.get("/saved-views")).json()["data"]
    assert [(one["name"], one["address"]) for one in found] == [("Kept", "metrics=spend")]


@pytest.mark.parametrize(
    "address", ["", "?", "a=", "a=b&a=c", "filter=campaign~%22x%2C%20y%22&order=-spend&top=5:ad:spend"]
)
async def test_what_an_address_may_be(house: House, address: str) -> None:
    made = await (await house.asking("analyst")).post("/saved-views", json={**VIEW, "address": address})
    assert made.json()["data"]["address"] == address.removeprefix("?")


async def test_a_person_saves_so_many_views_and_no_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MAX_VIEWS", 2)
    analyst = await house.asking("analyst")
    codes = [(await analyst.post("/saved-views", json=VIEW)).status_code for _ in range(3)]
    assert codes == [201, 201, 409]
    assert (await (await house.asking("manager")).post("/saved-views", json=VIEW)).status_code == 201


async def test_the_last_of_two_who_change_at_once_wins(house: House) -> None:
    view = await houses.add_view(house.store, house.people["analyst"], "Mine")
    analyst = await house.asking("analyst")
    names = [f"Name {number}" for number in range(8)]
    answers = await asyncio.gather(*(analyst.patch(f"/saved-views/{view}", json={"name": name}) for name in names))
    assert [answer.json()["data"]["name"] for answer in answers] == names
    last = max(answers, key=lambda answer: answer.json()["data"]["updated_at"])
    assert (await analyst.get(f"/saved-views/{view}")).json() == last.json()


async def test_a_change_meanwhile_leaves_its_clients_in_the_view(house: House) -> None:
    """An administrator's address tells of every client; a rename that began before may not hide that it does."""
    view = await houses.add_view(house.store, house.people["analyst"], "Shared", is_shared=True)
    analyst, manager = await house.asking("analyst"), await house.asking("manager")
    assert (await manager.get(f"/saved-views/{view}")).status_code == 200
    of_all = sorted(house.clients.values())
    curated = f"UPDATE saved_view SET address = 'client=zebra', client_ids = ARRAY{of_all} WHERE id = '{view}'"
    rename = analyst.patch(f"/saved-views/{view}", json={"name": "Renamed"})
    async with meanwhile(house.store, curated, rename) as renaming:
        assert (await renaming).json()["data"]["address"] == "client=zebra"
    assert (await manager.get(f"/saved-views/{view}")).status_code == 404


async def test_a_view_that_its_owner_takes_back_meanwhile_is_not_an_administrators_to_change(house: House) -> None:
    view = await houses.add_view(house.store, house.people["analyst"], "Mine again", is_shared=True)
    admin = await house.asking("admin")
    for method, body in (("PATCH", {"name": "x"}), ("DELETE", None)):
        async with house.store.working() as session:
            await session.execute(update(SavedView).values(is_shared=True))
        change = admin.request(method, f"/saved-views/{view}", json=body)
        async with meanwhile(house.store, "UPDATE saved_view SET is_shared = false", change) as changing:
            assert (await changing).status_code == 404
    kept = await (await house.asking("analyst")).get(f"/saved-views/{view}")
    assert kept.json()["data"]["name"] == "Mine again"


async def test_the_database_itself_keeps_views_apart(house: House) -> None:
    """Statements without any condition of ours, as the app's role on behalf of one person."""
    for name in ("analyst", "zed"):
        await houses.add_view(house.store, house.people[name], f"{name}, private")
        await houses.add_view(house.store, house.people[name], f"{name}, shared", is_shared=True)
    viewer = Viewer(house.people["analyst"], "analyst@example.com", Role.ANALYST, frozenset({house.clients["acme"]}))
    async with house.store.viewing(viewer) as session:
        assert set(await session.scalars(select(SavedView.name))) == {"analyst, private", "analyst, shared"}
    viewer = replace(viewer, client_ids=frozenset(house.clients.values()))
    async with house.store.viewing(viewer) as session:
        seen = set(await session.scalars(select(SavedView.name)))
        changed = (await session.scalars(update(SavedView).values(name="x").returning(SavedView.owner_id))).all()
    assert seen == {"analyst, private", "analyst, shared", "zed, shared"}
    assert set(changed) == {viewer.user_id}
    async with house.store.viewing(viewer) as session:
        await session.execute(delete(SavedView))
    async with house.store.working() as session:
        assert set(await session.scalars(select(SavedView.name))) == {"zed, private", "zed, shared"}
    row = {"owner_id": house.people["zed"], "name": "forged", "page": "explore", "address": ""}
    with pytest.raises(StoreError) as refused:
        async with house.store.viewing(viewer) as session:
            await session.execute(insert(SavedView).values(row))
    assert isinstance(refused.value.__cause__, ProgrammingError)
    async with app_alone(house.store) as session:
        assert not set(await session.scalars(select(SavedView.name)))
