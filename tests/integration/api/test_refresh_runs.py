"""Refresh runs: who sees which, who starts them, and that they go on after the answer and end with the server."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from lib.access.viewer import Role
from lib.refresh.queue.attending import attend
from lib.settings import Settings, get_settings
from lib.store.engine import Store
from lib.store.repositories import clients, runs
from lib.store.secrets import TokenVault
from tests.fixtures_meta import HandMade
from tests.fixtures_sandbox import LAST_DAY, Sandbox
from tests.fixtures_wire import Answer, Asked, Wire
from tests.integration.api import houses
from tests.integration.api.conftest import House, served

SINCE = LAST_DAY - dt.timedelta(days=2)
SPAN = {"since": SINCE.isoformat(), "until": LAST_DAY.isoformat()}


@asynccontextmanager
async def managed(store: Store, settings: Settings, graph_url: str, ids: list[int]) -> AsyncIterator[httpx.AsyncClient]:
    """A client with these accounts behind ``graph_url``, and their manager, who asks."""
    async with store.working() as session:
        vault = TokenVault(get_settings())
        named = {"name": "Served", "graph_url": graph_url, "account_ids": ids, "seal": lambda: vault.seal("test")}
        await clients.add_client(session, is_sample=False, **named)  # type: ignore[arg-type]
    await houses.add_person(store, "mia@example.com", Role.MANAGER, ["served"])
    bearer = {"authorization": f"Bearer {await houses.token_of(store, 'mia@example.com')}"}
    async with (
        served(lambda: store, settings) as url,
        httpx.AsyncClient(base_url=f"{url}/api/v1", headers=bearer, timeout=60) as manager,
    ):
        yield manager


async def ended(manager: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    """The run when it has ended."""
    async with asyncio.timeout(60):
        while True:
            run: dict[str, Any] = (await manager.get(f"/refresh-runs/{run_id}")).json()["data"]
            if run["state"] != "running":
                return run
            assert run["fraction"] < 1
            await asyncio.sleep(0.05)


async def test_the_newest_first_and_only_ones_own(house: House) -> None:
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    older = await houses.add_run(house.store, [1101], started_at=at, finished_at=at)
    mixed = await houses.add_run(house.store, [1102, 990011], started_at=at + dt.timedelta(hours=1))
    foreign = await houses.add_run(house.store, [990022], started_at=at + dt.timedelta(hours=2))
    viewer, admin = await house.asking("viewer"), await house.asking("admin")

    mine = (await viewer.get("/refresh-runs")).json()
    assert [run["id"] for run in mine["data"]] == [str(mixed), str(older)]
    assert mine["meta"]["total"] == 2
    assert [account["account_id"] for account in mine["data"][0]["accounts"]] == ["1102"]
    everything = (await admin.get("/refresh-runs", params={"per_page": 2, "page": 2})).json()
    assert ([run["id"] for run in everything["data"]], everything["meta"]["total"]) == ([str(older)], 3)

    assert (await viewer.get(f"/refresh-runs/{mixed}")).json()["data"] == mine["data"][0]
    hidden, unknown = await viewer.get(f"/refresh-runs/{foreign}"), await viewer.get(f"/refresh-runs/{uuid.uuid4()}")
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.json() == unknown.json()


async def ends(store: Store, run_id: uuid.UUID, account_id: int, state: str) -> None:
    """Nothing more is to come of this account."""
    async with store.working() as session:
        await runs.write_account(session, run_id, account_id, {"state": state})
        await runs.end_run(session, run_id)


async def test_a_run_is_told_as_far_as_ones_own_accounts_go(house: House) -> None:
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    about = {"state": "running", "started_at": long_ago, "heartbeat_at": long_ago}
    run = await houses.add_run(house.store, [1101, 1102, 990011], **about)  # type: ignore[arg-type]
    viewer, zed, admin = [await house.asking(name) for name in ("viewer", "zed", "admin")]

    async def seen(who: httpx.AsyncClient) -> dict[str, Any]:
        (listed,) = (await who.get("/refresh-runs")).json()["data"]
        one: dict[str, Any] = (await who.get(f"/refresh-runs/{run}")).json()["data"]
        assert listed == {**one, "has_worker": True}
        return one

    await ends(house.store, run, 1101, "complete")
    mine = await seen(viewer)
    assert (mine["state"], mine["finished_at"], mine["has_worker"]) == ("running", None, False)
    await ends(house.store, run, 1102, "failed")
    mine = await seen(viewer)
    assert (mine["state"], mine["fraction"], mine["has_worker"], mine["is_cancelled"]) == ("partial", 0, True, False)
    ended = dt.datetime.fromisoformat(mine["finished_at"])
    assert [(one["state"], one["finished_at"]) for one in (await seen(zed), await seen(admin))] == [
        ("running", None)
    ] * 2

    async with house.store.working() as session:
        await runs.request_cancel(session, run)
    assert [(await seen(who))["is_cancelled"] for who in (viewer, zed, admin)] == [False, True, True]
    await ends(house.store, run, 990011, "cancelled")
    assert await seen(viewer) == mine, "nothing of it is others'"
    theirs, whole = await seen(zed), await seen(admin)
    assert (theirs["state"], whole["state"]) == ("cancelled", "cancelled")
    assert theirs["finished_at"] == whole["finished_at"]
    assert dt.datetime.fromisoformat(whole["finished_at"]) > ended


async def test_a_run_that_nobody_works_on_says_so(house: House) -> None:
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=2)
    run = await houses.add_run(house.store, [1101], state="running", started_at=long_ago, heartbeat_at=long_ago)
    fresh = await houses.add_run(house.store, [1101], state="running")
    viewer = await house.asking("viewer")
    seen = [(await viewer.get(f"/refresh-runs/{one}")).json()["data"] for one in (run, fresh)]
    assert [(one["state"], one["has_worker"], one["kind"]) for one in seen] == [
        ("running", False, "asked"),
        ("running", True, "asked"),
    ]


async def test_a_manager_fetches_new_numbers(store: Store, settings: Settings, sandbox: Sandbox) -> None:
    ids = sandbox.ids[:2]
    async with managed(store, settings, sandbox.url, ids) as manager:
        begun = await manager.post("/refresh-runs", json={**SPAN, "account_ids": [f"act_{ids[0]}", str(ids[1])]})
        assert begun.status_code == 202
        run = begun.json()["data"]
        assert begun.headers["location"] == f"/api/v1/refresh-runs/{run['id']}"
        assert {account["account_id"] for account in run["accounts"]} == {str(one) for one in ids}
        assert (run["since"], run["until"]) == (SPAN["since"], SPAN["until"])

        whole = await ended(manager, run["id"])
        assert (whole["state"], whole["fraction"], whole["days_done"]) == ("complete", 1.0, 6)
        assert (await manager.get("/refresh-runs")).json()["data"] == [whole]

        asked = {**SPAN, "group_by": "date,account", "metrics": "spend"}
        answer = (await manager.get("/insights", params=asked)).json()
        found = {(row["account_id"], row["date"]): Decimal(row["spend"]) for row in answer["data"]}
        truth = {
            (str(one), day["date"]): Decimal(day["spend"])
            for one in ids
            for day in sandbox.days(one, SINCE, LAST_DAY)
            if (str(one), day["date"]) in found or Decimal(day["spend"])
        }
        assert found == truth
        assert answer["meta"]["missing_days"] == 0


async def test_a_manager_asks_for_reach_of_one_period(store: Store, settings: Settings, sandbox: Sandbox) -> None:
    ids = sandbox.ids[:1]
    async with managed(store, settings, sandbox.url, ids) as manager:
        begun = await manager.post("/refresh-runs", json={**SPAN, "kind": "reach"})
        assert (begun.status_code, begun.json()["data"]["kind"]) == (202, "reach")
        run = await ended(manager, begun.json()["data"]["id"])
        assert (run["state"], run["kind"], run["days_total"], run["slices_done"]) == ("complete", "reach", 0, 4)
    async with store.working() as session:
        stored = await session.execute(text("SELECT level, since, until FROM period_slice ORDER BY level"))
        assert [tuple(row) for row in stored] == [
            (level, SINCE, LAST_DAY) for level in ("account", "ad", "adset", "campaign")
        ]


async def test_one_run_at_a_time(store: Store, settings: Settings, hand_made: HandMade, wire: Wire) -> None:
    hand_made.add_account(1)
    hand_made.add_row(1, LAST_DAY, 5)
    reply, go_on = wire.reply, threading.Event()

    def hold(asked: Asked) -> Answer:
        go_on.wait(20)
        return reply(asked)

    wire.reply = hold
    async with managed(store, settings, hand_made.url, [1]) as manager:
        both = await asyncio.gather(*(manager.post("/refresh-runs", json=SPAN) for _ in range(2)))
        begun, refused = sorted(both, key=lambda answer: answer.status_code)
        assert (begun.status_code, refused.status_code) == (202, 409)
        assert begun.json()["data"]["id"] in refused.json()["error"]["message"]
        go_on.set()
        assert (await ended(manager, begun.json()["data"]["id"]))["state"] == "complete"
        again = await manager.post("/refresh-runs", json=SPAN)
        assert again.status_code == 202
        await ended(manager, again.json()["data"]["id"])


async def test_a_run_is_handed_back_when_the_server_ends(
    store: Store, settings: Settings, hand_made: HandMade, wire: Wire
) -> None:
    hand_made.add_account(1)
    reply, held, go_on = wire.reply, threading.Event(), threading.Event()

    def hold(asked: Asked) -> Answer:
        held.set()
        go_on.wait(20)
        return reply(asked)

    wire.reply = hold
    try:
        async with managed(store, settings, hand_made.url, [1]) as manager:
            assert (await manager.post("/refresh-runs", json=SPAN)).status_code == 202
            assert await asyncio.to_thread(held.wait, 20)
        async with store.working() as session:
            run = (await session.execute(text("SELECT state, finished_at FROM refresh_run"))).one()
            job = (await session.execute(text("SELECT status, worker_id FROM queue.procrastinate_jobs"))).one()
    finally:
        go_on.set()
    assert (run.state, run.finished_at) == ("running", None)
    assert (job.status, job.worker_id) == ("todo", None)
    assert (await attend(store, await only_run(store))).state == "complete", "whoever comes next goes on with it"


async def only_run(store: Store) -> uuid.UUID:
    async with store.working() as session:
        return uuid.UUID(str((await session.execute(text("SELECT id FROM refresh_run"))).scalar_one()))


async def test_a_manager_cancels_a_run(store: Store, settings: Settings, hand_made: HandMade, wire: Wire) -> None:
    for number in (1, 2, 3, 4, 5, 6):
        hand_made.add_account(number)
    reply, held, go_on = wire.reply, threading.Event(), threading.Event()

    def hold(asked: Asked) -> Answer:
        if asked.path.endswith("insights"):
            held.set()
            go_on.wait(20)
        return reply(asked)

    wire.reply = hold
    async with managed(store, settings, hand_made.url, [1, 2, 3, 4, 5, 6]) as manager:
        run_id = (await manager.post("/refresh-runs", json=SPAN)).json()["data"]["id"]
        assert await asyncio.to_thread(held.wait, 20)
        cancelled = await manager.post(f"/refresh-runs/{run_id}/cancel")
        assert (cancelled.status_code, cancelled.json()["data"]["is_cancelled"]) == (200, True)
        assert [one["state"] for one in cancelled.json()["data"]["accounts"]].count("cancelled") == 2
        go_on.set()
        run = await ended(manager, run_id)
        assert (run["state"], {one["state"] for one in run["accounts"]}) == ("cancelled", {"cancelled"})
        planned = sum(
            one["slices_total"] or max(each["slices_total"] for each in run["accounts"]) for one in run["accounts"]
        )
        done = sum(one["slices_done"] for one in run["accounts"])
        assert (run["slices_done"], run["slices_total"]) == (done, planned)
        assert run["fraction"] == pytest.approx(done / planned)
        assert done < planned, "two were cancelled before they began"
        assert (await manager.post(f"/refresh-runs/{run_id}/cancel")).status_code == 409
        assert (await manager.post(f"/refresh-runs/{uuid.uuid4()}/cancel")).status_code == 404
    async with store.working() as session:
        assert (await session.execute(text("SELECT count(*) FROM queue.procrastinate_jobs"))).scalar_one() == 0
        noted = await session.execute(text("SELECT subject FROM audit_log WHERE action = 'cancelled refresh'"))
        assert list(noted.scalars()) == ["served"]


async def test_who_may_not_cancel(house: House) -> None:
    mine = await houses.add_run(house.store, [1101], state="running")
    mixed = await houses.add_run(house.store, [1101, 990011], state="running")
    foreign = await houses.add_run(house.store, [990022], state="running")
    viewer, manager = await house.asking("viewer"), await house.asking("manager")
    assert (await viewer.post(f"/refresh-runs/{mine}/cancel")).status_code == 403
    refused = [await manager.post(f"/refresh-runs/{one}/cancel") for one in (mixed, foreign)]
    assert [one.status_code for one in refused] == [403, 404]
    assert "not yours" in refused[0].json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"account_ids": ["990011"]}, "There is no account act_990011 among yours."),
        ({"account_ids": ["5"]}, "There is no account act_5 among yours."),
        ({"account_ids": ["1101", "x"]}, "is not an id"),
        ({"since": "2026-01-31", "until": "2026-01-01"}, "since 2026-01-31 is after until 2026-01-01;"),
        ({"since": "1999-01-01"}, "since 1999-01-01 is more than"),
        ({"until": "2999-01-01"}, "until 2999-01-01 is in the future"),
        ({"kind": "reach"}, "its first and its last day"),
        ({"kind": "reach", "since": "2026-01-01"}, "its first and its last day"),
        ({"kind": "nightly"}, "cannot be used"),
        ({"since": "2026-02-30"}, "There is no day"),
        ({"since": 5}, "cannot be used"),
        ({"account_ids": []}, "cannot be used"),
        ({"accounts": ["1101"]}, "cannot be used"),
    ],
)
async def test_what_cannot_be_fetched(house: House, body: dict[str, Any], sentence: str) -> None:
    manager = await house.asking("manager")
    refused = await manager.post("/refresh-runs", json=body)
    assert refused.status_code == 422
    assert sentence in refused.json()["error"]["message"]
    assert "--" not in refused.json()["error"]["message"]
    assert (await manager.get("/refresh-runs")).json()["meta"]["total"] == 0


async def test_nothing_to_fetch(house: House) -> None:
    await houses.add_person(house.store, "new@example.com", Role.MANAGER, [])
    house.tokens["new"] = await houses.token_of(house.store, "new@example.com")
    refused = await (await house.asking("new")).post("/refresh-runs", json={})
    assert refused.status_code == 422
    assert "No account is open to you" in refused.json()["error"]["message"]
