"""An object of Meta's lists that cannot be read costs no other object, no other list and nothing that comes after."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from lib.meta.errors import Unreadable
from lib.store.engine import Store
from tests.clocks import FakeClock
from tests.fixtures_meta import HandMade
from tests.fixtures_sandbox import LAST_DAY, PRESENT
from tests.fixtures_wire import Answer, refusal
from tests.integration.refresh.refreshing import add_account, refresh

ACCOUNT = 501
PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 40
STORED = {
    "campaigns": "SELECT name FROM campaign ORDER BY 1",
    "adsets": "SELECT name FROM adset ORDER BY 1",
    "ads": "SELECT name FROM ad ORDER BY 1",
    "adcreatives": "SELECT name FROM creative ORDER BY 1",
}
SOUND: dict[str, Any] = {
    "campaigns": {"id": "100", "name": "First", "daily_budget": "1000"},
    "adsets": {"id": "10", "name": "First", "campaign_id": "100"},
    "ads": {"id": "1", "name": "First", "adset_id": "10", "campaign_id": "100", "creative": {"id": "7"}},
    "adcreatives": {"id": "7", "name": "First"},
}
LAST: dict[str, Any] = {
    "campaigns": {"id": "300", "name": "Last"},
    "adsets": {"id": "30", "name": "Last", "campaign_id": "300"},
    "ads": {"id": "3", "name": "Last", "adset_id": "30", "campaign_id": "300"},
    "adcreatives": {"id": "8", "name": "Last"},
}
ODD: list[tuple[str, Any, str]] = [
    ("campaigns", {"id": "200", "daily_budget": "1000.50"}, "campaign 200 (its daily_budget is '1000.50')"),
    ("campaigns", {"id": "200", "lifetime_budget": 1000.5}, "campaign 200 (its lifetime_budget is '1000.5')"),
    ("campaigns", {"name": "Nobody"}, "campaign (it has no id)"),
    ("campaigns", {"id": "9" * 30}, f"campaign {'9' * 30} (its id is '{'9' * 30}')"),
    ("adsets", {"id": "20"}, "ad set 20 (it has no campaign_id)"),
    ("ads", {"id": "2", "campaign_id": "200", "adset_id": None}, "ad 2 (it has no adset_id)"),
    ("ads", {"id": "2", "campaign_id": "2", "adset_id": "2", "creative": {"id": "x"}}, "ad 2 (its creative is 'x')"),
    ("adcreatives", "creative", "creative (it is no object)"),
    ("adcreatives", {"id": [8]}, "creative [8] (its id is '[8]')"),
]


@pytest.fixture
async def account(store: Store, hand_made: HandMade) -> HandMade:
    """An account with two objects of each kind, numbers of one ad, and one picture."""
    await add_account(store, ACCOUNT)
    hand_made.add_account(ACCOUNT)
    hand_made.add_row(ACCOUNT, LAST_DAY, 1)
    hand_made.refuse["/one.png"] = Answer(200, PNG)
    for edge in STORED:
        hand_made.edges[ACCOUNT, edge] = [SOUND[edge], LAST[edge]]
    hand_made.edges[ACCOUNT, "adcreatives"][0] |= {"thumbnail_url": f"{hand_made.url}/one.png"}
    return hand_made


async def rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    async with store.working() as session:
        return [tuple(row) for row in await session.execute(text(query))]


async def run(store: Store, account: HandMade) -> None:
    await refresh(store, account.url, ACCOUNT, now=PRESENT, graph_url=account.url, clock=FakeClock())


@pytest.mark.parametrize(("edge", "odd", "name"), ODD, ids=[name[:40] for *_, name in ODD])
async def test_an_odd_object_is_left_out_by_name_and_costs_nothing_else(
    store: Store, account: HandMade, edge: str, odd: Any, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    account.edges[ACCOUNT, edge].insert(1, odd)
    with pytest.raises(Unreadable) as told:
        await run(store, account)
    assert told.value.message == f"1 of the objects that Meta listed cannot be read and was left out: {name}."
    assert "were stored" in told.value.remedy
    assert f"act_{ACCOUNT}: {name} was left out" in caplog.text
    for each, query in STORED.items():
        assert await rows(store, query) == [("First",), ("Last",)], each
    assert await rows(store, "SELECT count(*) > 0 FROM period_slice") == [(True,)]
    assert await rows(store, "SELECT content FROM creative_picture") == [(PNG,)]
    assert await rows(store, "SELECT count(*) FROM slice WHERE is_complete") == [(29,)]


async def test_an_odd_object_that_has_numbers_keeps_the_name_of_its_rows(store: Store, account: HandMade) -> None:
    odd = {"id": "100", "name": "First", "daily_budget": "1000.50"}
    account.edges[ACCOUNT, "campaigns"], account.nodes = [odd], {"100": odd}
    with pytest.raises(Unreadable, match=r"^1 of the objects .* campaign 100 "):
        await run(store, account)
    assert await rows(store, STORED["campaigns"]) == [("Campaign 1",)]
    account.edges[ACCOUNT, "campaigns"] = [SOUND["campaigns"]]
    await run(store, account)
    assert await rows(store, STORED["campaigns"]) == [("First",)]


async def test_of_many_odd_objects_the_first_are_named_and_all_are_counted(store: Store, account: HandMade) -> None:
    account.edges[ACCOUNT, "adsets"] += [{"id": f"{number}"} for number in range(40, 47)]
    with pytest.raises(Unreadable, match=r"^7 of the objects .* were left out: ad set 40 .* and 2 more\.") as told:
        await run(store, account)
    assert "ad set 45" not in told.value.message


async def test_an_object_that_comes_twice_counts_once(store: Store, account: HandMade) -> None:
    account.edges[ACCOUNT, "campaigns"] += [{"id": 100, "name": "First again"}]
    await run(store, account)
    assert await rows(store, STORED["campaigns"]) == [("First again",), ("Last",)]


async def test_a_list_that_is_refused_is_read_by_ids_without_the_odd_one(store: Store, account: HandMade) -> None:
    await run(store, account)
    account.refuse[f"act_{ACCOUNT}/campaigns"] = refusal(400, 100, 2446289)
    account.nodes = {"100": {"id": "100", "daily_budget": "odd"}, "300": {"id": "300", "name": "Anew"}}
    with pytest.raises(Unreadable, match="campaign 100"):
        await run(store, account)
    assert await rows(store, STORED["campaigns"]) == [("Anew",), ("First",)]
