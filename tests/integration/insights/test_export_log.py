"""The log of exports: whose rows who sees, and that none is ever changed."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from sqlalchemy import text

from lib.access.viewer import Role, Viewer
from lib.errors import StoreError
from lib.insights.engine import PostgresEngine
from lib.insights.export import ExportResult, NotLogged, export_logged, log_export, newest_exports
from lib.insights.query import InsightQuery
from lib.store.engine import Store
from tests.factories import viewer_of

DAY = dt.date(2026, 1, 1)
QUERY = InsightQuery(DAY, DAY, (), ("spend",))


async def export_as(store: Store, viewer: Viewer) -> ExportResult:
    return await export_logged(store, PostgresEngine(store), QUERY, viewer, "csv", file=io.BytesIO(), via="api")


async def test_people_see_their_own_and_admins_all(store: Store) -> None:
    ana, ben, boss = viewer_of([11]), viewer_of([22]), viewer_of([], role=Role.ADMIN)
    for viewer in (ana, ben, ana):
        await export_as(store, viewer)
    assert len(await newest_exports(store, ana)) == 2
    assert len(await newest_exports(store, ben)) == 1
    assert len(await newest_exports(store, boss)) == 3
    assert len(await newest_exports(store, boss, limit=2)) == 2
    (row,) = await newest_exports(store, ben)
    assert (row.email, row.via, row.format, row.rows, row.engine) == (ben.email, "api", "csv", 0, "postgres")
    assert row.question == "--since 2026-01-01 --until 2026-01-01 --metrics spend"
    assert dt.datetime.now(dt.UTC) - row.at < dt.timedelta(minutes=1)


@pytest.mark.parametrize("statement", ["UPDATE export_log SET email = 'nobody'", "DELETE FROM export_log"])
@pytest.mark.parametrize("role", ["app", "worker"])
async def test_no_row_is_ever_changed(store: Store, statement: str, role: str) -> None:
    ana = viewer_of([11])
    await export_as(store, ana)
    with pytest.raises(StoreError):
        async with store.viewing(ana) if role == "app" else store.working() as session:
            await session.execute(text(statement))
    assert len(await newest_exports(store, ana)) == 1


async def test_nobody_logs_for_another_person(store: Store) -> None:
    ana, ben = viewer_of([11]), viewer_of([22])
    forged = text(
        "INSERT INTO export_log (user_id, email, via, format, rows, size, sha256, engine, question)"
        " VALUES (:user, 'x', 'page', 'csv', 1, 1, '', 'postgres', '')"
    )
    for transaction in (store.viewing(ana), store.gatekeeping()):
        with pytest.raises(StoreError):
            async with transaction as session:
                await session.execute(forged, {"user": ben.user_id})
    assert await newest_exports(store, ben) == []


async def test_what_the_log_does_not_take_is_a_sentence(store: Store) -> None:
    result = ExportResult("csv", 1, 1, "", "postgres")
    with pytest.raises(NotLogged, match="could not be logged, and none is given out without that"):
        await log_export(store, viewer_of([]), QUERY, result, "fax")  # type: ignore[arg-type]
