"""Who one is, and which clients, accounts and metrics there are for one."""

from __future__ import annotations

import pytest

from lib.insights.metrics import METRICS
from tests.integration.api.conftest import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_me(shared_house: House) -> None:
    answer = await (await shared_house.asking("analyst")).get("/me")
    assert answer.json()["data"] == {
        "id": str(shared_house.people["analyst"]),
        "email": "analyst@example.com",
        "role": "analyst",
        "scopes": ["read", "write"],
        "account_ids": ["1101", "1102"],
    }


async def test_clients_are_the_granted_ones(shared_house: House) -> None:
    acme = {"id": "acme", "name": "Acme", "is_sample": False, "account_ids": ["1101", "1102"]}
    viewer, admin = await shared_house.asking("viewer"), await shared_house.asking("admin")
    assert (await viewer.get("/clients")).json() == {"data": [acme], "meta": {"page": 1, "per_page": 50, "total": 1}}
    assert [each["id"] for each in (await admin.get("/clients")).json()["data"]] == ["acme", "zebra"]
    assert (await viewer.get("/clients/acme")).json() == {"data": acme}


async def test_a_foreign_client_is_not_there(shared_house: House) -> None:
    viewer = await shared_house.asking("viewer")
    foreign, nobody = await viewer.get("/clients/zebra"), await viewer.get("/clients/nobody")
    assert foreign.status_code == nobody.status_code == 404
    assert foreign.json() == nobody.json()


async def test_accounts(shared_house: House) -> None:
    viewer = await shared_house.asking("viewer")
    first, second = (await viewer.get("/accounts")).json()["data"]
    assert (first["id"], first["currency"], first["client_id"]) == ("1101", "EUR", "acme")
    assert (await viewer.get("/accounts/act_1102")).json() == {"data": second}
    assert (await viewer.get("/accounts", params={"client_id": "zebra"})).json()["data"] == []
    foreign, nobody = await viewer.get("/accounts/990011"), await viewer.get("/accounts/5")
    assert foreign.status_code == nobody.status_code == 404
    assert foreign.json() == nobody.json()


async def test_lists_come_in_pages(shared_house: House) -> None:
    viewer = await shared_house.asking("viewer")
    everything = (await viewer.get("/metrics", params={"per_page": 500})).json()
    assert [metric["slug"] for metric in everything["data"]] == list(METRICS)
    assert everything["meta"]["total"] == len(METRICS)
    second = (await viewer.get("/metrics", params={"page": 2, "per_page": 7})).json()
    assert second == {"data": everything["data"][7:14], "meta": {"page": 2, "per_page": 7, "total": len(METRICS)}}
    beyond = (await viewer.get("/metrics", params={"page": 1_000_000, "per_page": 500})).json()
    assert beyond["data"] == []


async def test_a_metric(shared_house: House) -> None:
    viewer = await shared_house.asking("viewer")
    ctr = (await viewer.get("/metrics/ctr")).json()["data"]
    assert (ctr["label"], ctr["format"], ctr["additive"], ctr["by_currency"]) == (
        "CTR (all)",
        "percent",
        "ratio",
        False,
    )
    unknown = await viewer.get("/metrics/spent")
    assert unknown.status_code == 404
    assert "Did you mean spend" in unknown.json()["error"]["message"]
