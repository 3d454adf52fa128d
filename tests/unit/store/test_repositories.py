"""Clients, objects and runs in the store."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from lib.access.viewer import Role, Viewer
from lib.refresh.progress import AccountProgress, RunProgress, progress, running
from lib.store.engine import Store
from lib.store.models import Ad, Campaign, Creative
from lib.store.repositories import clients, entities, runs
from tests.factories import NOW, add_account, add_client, viewer_of

HUGE = 9007199254740993


@given(st.text(max_size=200))
def test_a_slug_is_plain_and_never_empty(name: str) -> None:
    slug = clients.slug_of(name)
    assert 0 < len(slug) <= 60
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


@pytest.mark.parametrize(("name", "slug"), [("Crème Brûlée", "creme-brulee"), ("🚀", "client"), ("--A__b--", "a-b")])
def test_slugs(name: str, slug: str) -> None:
    assert clients.slug_of(name) == slug


async def test_a_taken_slug_gets_a_number(store: Store) -> None:
    async with store.working() as session:
        found = []
        for _ in range(4):
            found.append(await clients.free_slug(session, "Acme"))
            await add_client(session, found[-1])
        await add_client(session, "acme-west")
        found.append(await clients.free_slug(session, "Acme!"))
    assert found == ["acme", "acme-2", "acme-3", "acme-4", "acme-5"]


def ad(number: int, **values: Any) -> dict[str, Any]:
    row = {"account_id": 1, "ad_id": number, "adset_id": 2, "campaign_id": 3, "creative_id": None, "name": "Ad"}
    return {**row, "status": None, "effective_status": None, "created_time": None, "seen_at": NOW, **values}


async def test_objects_are_stored_replaced_and_left_alone(store: Store) -> None:
    async with store.working() as session:
        await add_account(session, 1, await add_client(session, "a"))
        await entities.upsert(session, Ad, [ad(HUGE, name='😀 "\n\\'), ad(2, created_time=NOW)])
        await entities.upsert(session, Ad, [ad(2, name="new")])
        await entities.upsert(session, Ad, [ad(2, name="newer"), ad(3)], replace=False)
        await entities.upsert(session, Ad, [])
        rows = (await session.execute(text("SELECT ad_id, name, created_time FROM ad ORDER BY 1"))).all()
    assert [tuple(row) for row in rows] == [(2, "new", None), (3, "Ad", None), (HUGE, '😀 "\n\\', None)]


@pytest.mark.parametrize("model", [Ad, Campaign, Creative])
async def test_more_ids_than_a_statement_has_parameters(store: Store, model: entities.Entity) -> None:
    async with store.working() as session:
        await add_account(session, 1, await add_client(session, "a"))
        await entities.upsert(session, Ad, [ad(HUGE), ad(5)])
        known = await entities.known_ids(session, model, 1, range(5, 70_005))
        foreign = await entities.known_ids(session, model, 2, [5])
    assert known == ({5} if model is Ad else set())
    assert foreign == set()


async def test_a_run_that_was_killed_is_closed_and_a_living_one_is_not(store: Store) -> None:
    async with store.working() as session:
        for number in (1, 2):
            await add_account(session, number, await add_client(session, f"c{number}"))
        ids = [await runs.add_run(session, [1, 2], requested_by=None, since=None, until=None) for _ in range(2)]
        await runs.write_account(session, ids[0], 1, {"state": "complete"})
        old = {"old": dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5), "id": ids[0]}
        await session.execute(text("UPDATE refresh_run SET heartbeat_at = :old WHERE id = :id"), old)
        await runs.close_killed_runs(session)
        killed, living = [await runs.run_of(session, one) for one in ids]
    assert killed is not None
    assert living is not None
    assert (killed.state, [one.state for one in killed.accounts]) == ("failed", ["complete", "failed"])
    assert killed.accounts[1].error_remedy
    assert (living.state, living.accounts[0].state) == ("running", "waiting")
    assert await running(store, viewer_of([1])) == ids[1]


async def test_progress_shows_a_viewer_their_own_accounts_alone(store: Store) -> None:
    async with store.working() as session:
        for number in (1, 2):
            await add_account(session, number, await add_client(session, f"c{number}"))
        run_id = await runs.add_run(session, [1, 2], requested_by=None, since=None, until=None)
        await runs.write_account(session, run_id, 1, {"state": "running", "days_total": 29, "days_done": 7, "rows": 70})
    mine, whole = await progress(store, viewer_of([1]), run_id), await progress(store, viewer_of([1, 2]), run_id)
    assert mine is not None
    assert whole is not None
    assert [(one.account_id, one.name) for one in mine.accounts] == [(1, "Account 1")]
    assert (mine.days_done, mine.days_total, mine.rows) == (7, 29, 70)
    assert (whole.days_done, whole.days_total) == (7, 58)
    assert 0 < whole.fraction < mine.fraction < 1
    nobody: Viewer = viewer_of([], role=Role.ADMIN)
    assert await progress(store, nobody, run_id) is None
    assert await running(store, nobody) is None


def at(state: str, *accounts: tuple[str, int, int]) -> RunProgress:
    begun = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=10)
    listed = tuple(AccountProgress(number, "A", how, total, done, 0, 0, None, None)
                   for number, (how, total, done) in enumerate(accounts))  # fmt: skip
    return RunProgress(uuid.uuid4(), state, listed, begun, None)


@pytest.mark.parametrize(
    ("run", "fraction", "knows"),
    [
        (at("running"), 0.0, False),
        (at("running", ("waiting", 0, 0)), 0.0, False),
        (at("running", ("running", 10, 5), ("waiting", 0, 0)), 0.25, True),
        (at("running", ("running", 10, 5), ("failed", 10, 0)), 0.5, True),
        (at("running", ("complete", 10, 10)), 0.99, True),
        (at("partial", ("complete", 10, 10), ("failed", 10, 0)), 1.0, False),
    ],
)
def test_a_run_is_at_its_end_only_when_it_has_ended(run: RunProgress, fraction: float, knows: bool) -> None:
    assert run.fraction == pytest.approx(fraction)
    assert (run.seconds_left is not None) is knows
    if knows:
        assert (run.seconds_left or 0) >= 0
