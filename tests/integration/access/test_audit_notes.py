"""What is noted by itself: files that leave, refreshes, and whose numbers somebody was shown."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import io
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import streamlit as st
from sqlalchemy import func, select, text

from dashboard import bridge
from dashboard.frames import Reader
from lib.access.audit import Action, Actor
from lib.access.sightings import Sightings
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError, Conflict, StoreError
from lib.insights.engine import PostgresEngine
from lib.insights.export import NotLogged, export_logged, newest_exports
from lib.insights.query import InsightQuery
from lib.refresh.asking import ask_for_run
from lib.refresh.run import start_run
from lib.store.engine import Store
from lib.store.models import AuditLog, ExportLog
from tests.emptying import emptying
from tests.factories import add_insights, insight_row, viewer_of
from tests.locking import WAITING

DAY = dt.date(2026, 1, 1)
BEFORE = DAY - dt.timedelta(days=1)
QUERY = InsightQuery(DAY, DAY, (), ("spend",))


async def noted(store: Store, action: Action) -> list[AuditLog]:
    """The entries of this kind, the oldest first."""
    async with store.working() as session:
        found = await session.scalars(select(AuditLog).where(AuditLog.action == action.value).order_by(AuditLog.id))
        return list(found.all())


async def forbid(store: Store, power: str, *roles: str) -> None:
    async with store.engine.begin() as connection:
        await connection.execute(text(f"REVOKE {power} ON audit_log FROM {', '.join(roles)}"))


async def allow(store: Store, power: str, *roles: str) -> None:
    async with store.engine.begin() as connection:
        await connection.execute(text(f"GRANT {power} ON audit_log TO {', '.join(roles)}"))


@pytest.fixture
async def unwritable(store: Store) -> AsyncIterator[None]:
    """Nobody can add to the audit log."""
    roles = ("ads_app", "ads_gate", "ads_worker")
    await forbid(store, "INSERT", *roles)
    yield
    await allow(store, "INSERT", *roles)


@pytest.fixture
async def numbers(store: Store, clients: dict[str, int]) -> None:
    """A number of every account, of a day that no question here is about."""
    async with store.working() as session:
        await add_insights(session, [insight_row(number, BEFORE, number) for number in (11, 12, 21)])


def seen_by(viewer: Viewer) -> Viewer:
    """The same person through an administrator's eyes."""
    return replace(viewer, seen_by="boss@example.com", seen_by_id=uuid.UUID(int=7))


async def export(store: Store, viewer: Viewer, query: InsightQuery = QUERY) -> bytes:
    file = io.BytesIO()
    await export_logged(store, PostgresEngine(store), query, viewer, "csv", file=file, via="api")
    return file.getvalue()


async def test_an_export_is_noted_with_its_question_its_rows_and_its_sum(store: Store, clients: dict[str, int]) -> None:
    ana = viewer_of([11, 12, 21], clients.values())
    content = await export(store, ana)
    await export(store, ana, replace(QUERY, account_ids=frozenset({12, 99})))
    whole, narrow = await noted(store, Action.EXPORTED)
    assert (whole.user_id, whole.email, whole.via, whole.seen_as) == (ana.user_id, ana.email, "api", "")
    assert whole.subject == "--since 2026-01-01 --until 2026-01-01 --metrics spend"
    assert whole.after == {
        "format": "csv",
        "rows": 0,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "clients": ["acme", "zebra"],
    }
    assert (whole.client_id, narrow.client_id, narrow.after["clients"]) == (None, clients["acme"], ["acme"])


@pytest.mark.usefixtures("unwritable")
async def test_what_cannot_be_noted_is_not_given_out_nor_logged(store: Store, clients: dict[str, int]) -> None:
    ana = viewer_of([11], [clients["acme"]])
    with pytest.raises(NotLogged):
        await export(store, ana)
    assert await newest_exports(store, ana) == []


async def test_through_anothers_eyes_nothing_is_taken_out(store: Store, clients: dict[str, int]) -> None:
    ana = seen_by(viewer_of([11], [clients["acme"]]))
    with pytest.raises(AccessError, match=r"look through the eyes of someone@example\.com"):
        await export(store, ana)
    async with store.working() as session:
        assert await session.scalar(select(func.count()).select_from(ExportLog)) == 0


async def test_a_refresh_is_noted_with_who_started_it(store: Store, clients: dict[str, int]) -> None:
    ana = await manager(store, clients)
    run_id = await ask_for_run(store, ana, via="api", account_ids=frozenset({11, 12}), since=dt.date(2026, 11, 1))
    with pytest.raises(Conflict):
        await ask_for_run(store, ana, via="api")
    await start_run(store)
    asked, ordered = await noted(store, Action.STARTED_REFRESH)
    assert (asked.user_id, asked.via, asked.subject, asked.client_id) == (ana.user_id, "api", "acme", clients["acme"])
    assert asked.after == {"run": str(run_id), "accounts": 2, "clients": ["acme"], "since": "2026-11-01"}
    assert (ordered.user_id, ordered.email, ordered.via) == (None, "command line", "cli")
    assert (ordered.subject, ordered.client_id) == ("2 clients", None)
    assert (ordered.after["accounts"], ordered.after["clients"]) == (3, ["acme", "zebra"])


@pytest.fixture
async def large(store: Store) -> Viewer:
    """An analyst of 600 clients with five accounts each, whose names have little in common."""
    async with store.engine.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO client (slug, name, graph_url)"
            " SELECT md5(i::text), 'Client ' || i, '' FROM generate_series(1, 600) i"
        )
        await connection.exec_driver_sql(
            "INSERT INTO account (account_id, client_id, name) SELECT 100000000000000 + id * 987654321 + j, id, 'A'"
            " FROM client, generate_series(1, 5) j"
        )
        ids = (await connection.execute(text("SELECT account_id FROM account"))).scalars().all()
        clients = (await connection.execute(text("SELECT id FROM client"))).scalars().all()
        await connection.exec_driver_sql(
            "INSERT INTO insight (account_id, date, ad_id, adset_id, campaign_id)"
            " SELECT account_id, '2025-12-31', account_id, 1, 1 FROM account"
        )
    return viewer_of(ids, clients)


async def test_an_export_of_thousands_of_accounts_is_noted(store: Store, large: Viewer) -> None:
    await export(store, large, replace(QUERY, account_ids=large.account_ids))
    (entry,) = await noted(store, Action.EXPORTED)
    assert (entry.subject.count("--account"), len(entry.after["clients"])) == (3000, 600)
    (logged,) = await newest_exports(store, large)
    assert logged.question == entry.subject


async def test_a_refresh_of_thousands_of_accounts_is_noted(store: Store, large: Viewer) -> None:
    await start_run(store)
    (entry,) = await noted(store, Action.STARTED_REFRESH)
    assert (entry.subject, entry.after["accounts"], len(entry.after["clients"])) == ("600 clients", 3000, 600)


async def test_the_first_sight_of_many_clients_is_noted_at_once(store: Store, large: Viewer) -> None:
    before = store.statements
    await Sightings().note(store, large, None, "page")
    assert store.statements == before + 3
    await Sightings().note(store, large, None, "page")
    assert len(await noted(store, Action.SAW_CLIENT)) == 600


@pytest.mark.usefixtures("unwritable")
async def test_a_refresh_that_cannot_be_noted_does_not_begin(store: Store, clients: dict[str, int]) -> None:
    with pytest.raises(StoreError):
        await start_run(store, actor=Actor("ana@example.com"), via="page")
    async with store.working() as session:
        assert (await session.execute(text("SELECT count(*) FROM refresh_run"))).scalar_one() == 0


async def manager(store: Store, clients: dict[str, int]) -> Viewer:
    """A manager who is in the store, because runs point at people."""
    found = viewer_of([11, 12, 21], clients.values(), Role.MANAGER)
    async with store.working() as session:
        row = {"id": found.user_id, "email": found.email}
        await session.execute(text("INSERT INTO app_user (id, email, role) VALUES (:id, :email, 'manager')"), row)
    return found


def whose(entries: list[AuditLog]) -> list[tuple[Any, ...]]:
    return [(entry.email, entry.seen_as, entry.subject, entry.client_id, entry.via) for entry in entries]


@pytest.mark.usefixtures("numbers")
async def test_a_client_is_noted_once_a_day_for_each_person(store: Store, clients: dict[str, int]) -> None:
    ana, ben = viewer_of([11, 12, 21]), viewer_of([11])
    here, elsewhere = Sightings(), Sightings()
    acme, zebra = clients["acme"], clients["zebra"]
    await here.note(store, ana, frozenset({11}), "page")
    await here.note(store, ana, frozenset({12}), "page")
    await elsewhere.note(store, ana, frozenset({11}), "api")
    await here.note(store, ben, None, "page")
    assert whose(await noted(store, Action.SAW_CLIENT)) == [
        (ana.email, "", "acme", acme, "page"),
        (ben.email, "", "acme", acme, "page"),
    ]
    await here.note(store, ana, None, "page")
    assert whose(await noted(store, Action.SAW_CLIENT))[2:] == [(ana.email, "", "zebra", zebra, "page")]
    before = store.statements
    await here.note(store, ana, frozenset({11, 21}), "page")
    assert (store.statements, here.new(ana, None)) == (before, frozenset())


@pytest.mark.usefixtures("numbers")
async def test_only_clients_that_the_viewer_may_see_are_seen(store: Store, clients: dict[str, int]) -> None:
    here, ana = Sightings(), viewer_of([11], [clients["acme"]])
    await here.note(store, ana, frozenset({11, 21}), "page")
    assert [entry.subject for entry in await noted(store, Action.SAW_CLIENT)] == ["acme"]


@pytest.mark.usefixtures("numbers")
async def test_an_administrator_is_noted_for_what_they_see_through_anothers_eyes(
    store: Store, clients: dict[str, int]
) -> None:
    here, ana = Sightings(), viewer_of([11], [clients["acme"]])
    await here.note(store, ana, None, "page")
    await here.note(store, seen_by(ana), None, "page")
    assert whose(await noted(store, Action.SAW_CLIENT))[1:] == [
        ("boss@example.com", ana.email, "acme", clients["acme"], "page")
    ]


@pytest.mark.usefixtures("numbers")
async def test_the_next_day_is_noted_again(store: Store, clients: dict[str, int]) -> None:
    ana, yesterday = viewer_of([11]), dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    here = Sightings()
    await here.note(store, ana, None, "page")
    here._day = yesterday
    assert here.new(ana, None) == {11}
    async with store.engine.begin() as connection:
        await connection.execute(text(emptying("audit_log")))
    await here.note(store, ana, None, "page")
    assert len(await noted(store, Action.SAW_CLIENT)) == 1


@pytest.mark.usefixtures("numbers")
async def test_what_is_noted_over_midnight_belongs_to_the_day_before(store: Store, clients: dict[str, int]) -> None:
    ana, first = viewer_of([11, 21], clients.values()), dt.date(2026, 1, 1)
    now = [first]
    here = Sightings(lambda: now[0])
    async with store.engine.connect() as connection:
        await connection.execute(text("LOCK TABLE account"))
        noting = asyncio.create_task(here.note(store, ana, None, "page"))
        await waiting_for_a_lock(store)
        now[0] += dt.timedelta(days=1)
        assert here.new(ana, None) == {11, 21}
    await noting
    assert here.new(ana, None) == {11, 21}
    await here.note(store, ana, None, "page")
    assert here.new(ana, None) == frozenset()
    days = [(entry.subject, entry.day) for entry in await noted(store, Action.SAW_CLIENT)]
    assert days == [(slug, day) for day in (first, now[0]) for slug in ("acme", "zebra")]


async def test_a_client_without_numbers_is_not_seen_until_it_has_some(store: Store, clients: dict[str, int]) -> None:
    here, ana = Sightings(), viewer_of([11, 21], clients.values())
    async with store.working() as session:
        await add_insights(session, [insight_row(11, DAY, 1)])
    await here.note(store, ana, None, "page")
    assert [entry.subject for entry in await noted(store, Action.SAW_CLIENT)] == ["acme"]
    assert here.new(ana, None) == {21}
    async with store.working() as session:
        await add_insights(session, [insight_row(21, DAY, 2)])
    await here.note(store, ana, None, "page")
    assert [entry.subject for entry in await noted(store, Action.SAW_CLIENT)] == ["acme", "zebra"]


async def test_accounts_without_numbers_cost_a_look_once_a_version(store: Store, clients: dict[str, int]) -> None:
    here, ana = Sightings(), viewer_of([11, 12, 21], clients.values())
    async with store.working() as session:
        await add_insights(session, [insight_row(11, DAY, 1)])
    await here.note(store, ana, frozenset({11, 12}), "page", "mirror 1")
    await here.note(store, ana, None, "page", "mirror 1")
    before = store.statements
    await here.note(store, ana, None, "page", "mirror 1")
    assert (store.statements, here.new(ana, None, "mirror 1")) == (before, frozenset())
    assert here.new(ana, None, "mirror 2") == here.new(ana, None) == {12, 21}
    async with store.working() as session:
        await add_insights(session, [insight_row(21, DAY, 2)])
    await here.note(store, ana, None, "page", "mirror 2")
    assert [entry.subject for entry in await noted(store, Action.SAW_CLIENT)] == ["acme", "zebra"]


async def waiting_for_a_lock(store: Store) -> None:
    """Return once somebody waits for a lock."""
    async with store.engine.connect() as connection:
        while not (await connection.execute(WAITING)).scalar_one():
            await connection.rollback()


@pytest.mark.usefixtures("numbers")
async def test_a_page_notes_what_its_frames_show_and_shows_nothing_that_it_cannot_note(
    store: Store, clients: dict[str, int]
) -> None:
    bridge.attach(asyncio.get_running_loop(), store)
    st.cache_resource.clear()
    ana, ben = viewer_of([11, 21], clients.values()), viewer_of([11, 21], clients.values())
    nothing, seen = QUERY, replace(QUERY, since=BEFORE)
    only_acme = replace(seen, account_ids=frozenset({11}))
    try:
        await asyncio.to_thread(Reader(ana, "1").load, nothing)
        assert await noted(store, Action.SAW_CLIENT) == []
        await asyncio.to_thread(Reader(ana, "1").load, only_acme)
        assert [entry.subject for entry in await noted(store, Action.SAW_CLIENT)] == ["acme"]
        await asyncio.to_thread(Reader(ana, "1").load, seen)
        await forbid(store, "INSERT", "ads_worker")
        await asyncio.to_thread(Reader(ana, "1").load, seen)
        with pytest.raises(StoreError):
            await asyncio.to_thread(Reader(ben, "1").load, seen)
    finally:
        await allow(store, "INSERT", "ads_worker")
        st.cache_resource.clear()
        bridge.detach()
    assert [entry.subject for entry in await noted(store, Action.SAW_CLIENT)] == ["acme", "zebra"]
