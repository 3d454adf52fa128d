"""Clients, objects and runs in the store."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from lib.access.viewer import Role, Viewer
from lib.refresh.glance import glance
from lib.refresh.progress import AccountProgress, RunProgress, history, progress, running, whole_progress
from lib.refresh.run import start_run
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


async def test_a_taken_slug_gets_an_ending_that_counts_nothing(store: Store) -> None:
    async with store.working() as session:
        found = []
        for _ in range(4):
            found.append(await clients.free_slug(session, "Acme"))
            await add_client(session, found[-1])
        await add_client(session, "acme-west")
        found.append(await clients.free_slug(session, "Acme!"))
    assert found[0] == "acme"
    assert len(set(found)) == 5
    assert all(re.fullmatch(r"acme-[0-9a-f]{4}", slug) for slug in found[1:])


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


async def test_a_run_without_jobs_is_closed_and_one_with_jobs_is_not(store: Store) -> None:
    async with store.working() as session:
        for number in (1, 2):
            await add_account(session, number, await add_client(session, f"c{number}"))
        abandoned = await runs.add_run(session, [1, 2], requested_by=None, since=None, until=None)
        await runs.write_account(session, abandoned, 1, {"state": "complete"})
    living = await start_run(store)
    async with store.working() as session:
        await session.execute(text("UPDATE refresh_run SET heartbeat_at = now() - interval '1 day'"))
        await runs.close_abandoned_runs(session)
    first, second = [await whole_progress(store, one) for one in (abandoned, living)]
    assert (first.state, [one.state for one in first.accounts]) == ("partial", ["complete", "failed"])
    assert first.accounts[1].error_remedy
    assert (second.state, second.accounts[0].state) == ("running", "waiting")
    assert await running(store, viewer_of([1])) == living


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


async def test_a_run_whose_accounts_ends_were_not_noted_ended_when_the_whole_did_for_who_sees_all_of_it(
    store: Store,
) -> None:
    """As of runs from before each account had an end of its own."""
    async with store.working() as session:
        for number in (1, 2):
            await add_account(session, number, await add_client(session, f"c{number}"))
        older, newer = [await runs.add_run(session, [1, 2], requested_by=None, since=None, until=None) for _ in "ab"]
        for number in (1, 2):
            for run_id in (older, newer):
                await runs.write_account(session, run_id, number, {"state": "complete"})
        for run_id in (older, newer):
            await runs.end_run(session, run_id)
        await session.execute(
            text("UPDATE refresh_run_account SET finished_at = NULL WHERE run_id = :run"), {"run": older}
        )
        ended = await session.scalar(text("SELECT finished_at FROM refresh_run WHERE id = :run"), {"run": older})
    for mine, said in (((1, 2), ended), ((1,), None), ((2,), None)):
        viewer = viewer_of(mine)
        report, (listed, _) = await progress(store, viewer, older), await history(store, viewer, offset=0, limit=5)
        assert report is not None
        assert report.finished_at == said
        assert {one.run_id: one.finished_at for one in listed}[older] == said
    before = store.statements
    await progress(store, viewer_of([1, 2]), newer)
    assert store.statements - before == 3, "where every end was noted nothing more is asked"


async def test_a_run_ends_for_a_viewer_with_the_last_of_their_own_accounts(store: Store) -> None:
    async with store.working() as session:
        for number in (1, 2, 3):
            await add_account(session, number, await add_client(session, f"c{number}"))
        run_id = await runs.add_run(session, [1, 2, 3], requested_by=None, since=None, until=None)
        for number, state in ((1, "complete"), (2, "failed"), (3, "running")):
            await runs.write_account(session, run_id, number, {"state": state})

    async def state_for(*mine: int) -> tuple[str, bool]:
        viewer = viewer_of(mine)
        report, (listed, *_), going = (
            await progress(store, viewer, run_id),
            (await history(store, viewer, offset=0, limit=5))[0],
            await running(store, viewer),
        )
        assert report is not None
        assert (report.state, report.finished_at) == (listed.state, listed.finished_at)
        assert ((await glance(store, viewer)).run_id is not None) is (going is not None)
        assert (report.fraction == 1.0) is (report.state == "complete")
        assert (report.state != "running") is (report.finished_at is not None)
        return report.state, going is not None

    assert await state_for(1) == ("complete", False)
    assert await state_for(2) == ("failed", False)
    assert await state_for(1, 2) == ("partial", False)
    assert await state_for(1, 3) == ("running", True)
    async with store.working() as session:
        await runs.request_cancel(session, run_id)
        await runs.end_accounts(session, run_id, [3], "cancelled", runs.CANCELLED)
        await runs.end_run(session, run_id)
    assert (await whole_progress(store, run_id)).state == "cancelled"
    assert [await state_for(*mine) for mine in ((1,), (2,), (1, 2), (1, 3), (1, 2, 3))] == [
        ("complete", False), ("failed", False), ("partial", False), ("cancelled", False), ("cancelled", False),
    ]  # fmt: skip


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
        (at("running", ("running", 10, 5), ("failed", 10, 0)), 0.25, True),
        (at("running", ("complete", 10, 10)), 0.99, True),
        (at("partial", ("complete", 10, 10), ("failed", 10, 0)), 0.5, False),
        (at("cancelled", ("cancelled", 10, 5), ("cancelled", 0, 0)), 0.25, False),
        (at("failed", ("failed", 10, 10)), 0.99, False),
        (at("cancelled", ("cancelled", 0, 0)), 0.0, False),
        (at("complete", ("complete", 0, 0), ("complete", 10, 10)), 1.0, False),
    ],
)
def test_a_run_is_at_its_end_only_when_it_is_complete(run: RunProgress, fraction: float, knows: bool) -> None:
    assert run.fraction == pytest.approx(fraction)
    assert (run.seconds_left is not None) is knows
    if knows:
        assert (run.seconds_left or 0) >= 0


def test_the_totals_of_a_run_that_ended_early_are_those_of_its_plan() -> None:
    ended = at("cancelled", ("cancelled", 87, 29), ("cancelled", 29, 0), ("failed", 0, 0), ("complete", 0, 0))
    assert (ended.slices_done, ended.slices_total) == (ended.days_done, ended.days_total) == (29, 87 + 29 + 87)


def test_the_time_left_counts_what_is_to_come_alone() -> None:
    run = at("running", ("running", 10, 5), ("failed", 10, 0), ("cancelled", 0, 0))
    assert run.seconds_left == pytest.approx(10, abs=2)


def test_the_time_left_is_no_less_than_meta_keeps_an_account_out() -> None:
    run = at("running", ("running", 10, 5), ("complete", 10, 10))
    kept_out = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10)
    waiting, done = [replace(one, paused_until=kept_out) for one in run.accounts]
    assert replace(run, accounts=(waiting, done)).seconds_left == pytest.approx(600, abs=5)
    over = replace(waiting, paused_until=run.started_at)
    assert replace(run, accounts=(over, done)).seconds_left == pytest.approx(10 * 5 / 15, abs=1), (
        "nothing is to come of the other"
    )
