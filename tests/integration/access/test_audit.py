"""The audit log: who reads it, what the filters leave, and that no row is ever changed."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import uuid
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from lib.access.audit import Action, Actor, note
from lib.access.audit_file import write_audit
from lib.access.audit_reading import AuditPage, AuditQuestion, clients_of_log, read_audit
from lib.access.people import put_person
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError, StoreError
from lib.store.engine import Store
from lib.store.repositories import audit
from tests.emptying import emptying
from tests.people import viewer_named

TODAY = dt.datetime.now(dt.UTC).date()
DAY = dt.timedelta(days=1)
ALL = AuditQuestion(TODAY - 30 * DAY, TODAY)


async def person(store: Store, email: str, role: Role) -> Viewer:
    await put_person(store, email, role)
    return await viewer_named(store, email)


async def add(store: Store, email: str, action: Action, *, days_ago: int = 0, **about: Any) -> None:
    """An entry of some days ago."""
    at = dt.datetime.now(dt.UTC) - days_ago * DAY
    entry = {"user_id": uuid.uuid4(), "email": email, "action": action.value, "via": "page", "subject": "", "at": at}
    async with store.working() as session:
        await audit.add_entries(session, [entry | about])


@pytest.fixture
async def boss(store: Store, clients: dict[str, int]) -> Viewer:
    """An administrator, and a log of four entries; what made them is taken out."""
    found = await person(store, "boss@example.com", Role.ADMIN)
    async with store.engine.begin() as connection:
        await connection.execute(text(emptying("audit_log")))
    await add(store, "ana@example.com", Action.SAW_CLIENT, subject="acme", client_id=clients["acme"], days_ago=2)
    await add(store, "ben_1@example.com", Action.SAW_CLIENT, subject="zebra", client_id=clients["zebra"], days_ago=1)
    lists = {"before": {"clients": ["acme"]}, "after": {"clients": ["acme", "zebra"]}}
    await add(store, "boss@example.com", Action.CHANGED_PERSON, subject="ana@example.com", **lists)
    await add(store, "benx1@example.com", Action.SIGN_IN_FAILED, address="203.0.113.9")
    return found


def subjects(page: AuditPage) -> list[str]:
    return [entry.subject for entry in page.entries]


async def test_the_newest_come_first_in_pages(store: Store, boss: Viewer) -> None:
    whole = await read_audit(store, boss, ALL)
    assert (subjects(whole), whole.total) == (["", "ana@example.com", "zebra", "acme"], 4)
    assert [entry.client for entry in whole.entries] == ["", "", "Zebra", "Acme"]
    assert whole.entries[0].address == "203.0.113.9"
    assert whole.entries[1].after == {"clients": ["acme", "zebra"]}
    second = await read_audit(store, boss, ALL, offset=2, limit=1)
    assert (subjects(second), second.total) == (["zebra"], 4)


@pytest.mark.parametrize(
    ("narrowed", "left"),
    [
        ({"person": "ANA@"}, ["ana@example.com", "acme"]),
        ({"person": "ben_1"}, ["zebra"]),
        ({"person": "%"}, []),
        ({"action": Action.SAW_CLIENT.value}, ["zebra", "acme"]),
        ({"clients": ("zebra",)}, ["ana@example.com", "zebra"]),
        ({"clients": ("zebra", "acme")}, ["ana@example.com", "zebra", "acme"]),
        ({"clients": ("nobody",)}, []),
        ({"until": TODAY - DAY}, ["zebra", "acme"]),
        ({"since": TODAY - DAY, "until": TODAY - DAY}, ["zebra"]),
        ({"person": "boss", "action": "changed person", "clients": ("acme",)}, ["ana@example.com"]),
    ],
)
async def test_filters(store: Store, boss: Viewer, narrowed: dict[str, Any], left: list[str]) -> None:
    found = await read_audit(store, boss, replace(ALL, **narrowed))
    assert (subjects(found), found.total) == (left, len(left))


async def test_a_day_begins_and_ends_at_midnight_utc(store: Store, boss: Viewer) -> None:
    moments = ("2025-12-31 23:59:59.999", "2026-01-01 00:00:00", "2026-01-01 23:59:59.999", "2026-01-02 00:00")
    for said in moments:
        await add(store, "ana@example.com", Action.SIGNED_IN, subject=said, at=dt.datetime.fromisoformat(f"{said}Z"))
    day = dt.date(2026, 1, 1)
    found = await read_audit(store, boss, AuditQuestion(day, day))
    assert subjects(found) == ["2026-01-01 23:59:59.999", "2026-01-01 00:00:00"]


async def test_archived_clients_keep_their_names_and_removed_ones_a_number(
    store: Store, boss: Viewer, clients: dict[str, int]
) -> None:
    async with store.working() as session:
        await session.execute(text("UPDATE client SET archived_at = now() WHERE slug = 'acme'"))
        await session.execute(text("DELETE FROM client WHERE slug = 'zebra'"))
    boss = await person(store, "boss@example.com", Role.ADMIN)
    found = await read_audit(store, boss, replace(ALL, action="saw client"))
    assert [entry.client for entry in found.entries] == [f"removed client {clients['zebra']}", "Acme"]
    assert [(one.slug, one.is_archived) for one in await clients_of_log(store, boss)] == [("acme", True)]
    assert subjects(await read_audit(store, boss, replace(ALL, clients=("acme",))))[-1] == "acme"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.MANAGER])
async def test_nobody_but_administrators_reads_it(store: Store, boss: Viewer, role: Role) -> None:
    someone = await person(store, "ana@example.com", role)
    seen = replace(boss, seen_by="chief@example.com", seen_by_id=uuid.uuid4())
    for viewer in (someone, seen):
        file = io.BytesIO()
        for asking in (read_audit(store, viewer, ALL), clients_of_log(store, viewer)):
            with pytest.raises(AccessError, match="for administrators"):
                await asking
        with pytest.raises(AccessError):
            await write_audit(store, viewer, ALL, file)
        assert file.getvalue() == b""


async def test_row_level_security_gives_others_no_row_even_where_nothing_else_refuses(
    store: Store, boss: Viewer
) -> None:
    wanted = audit.Wanted(ALL.since, ALL.until)
    for viewer in (
        await person(store, "ana@example.com", Role.MANAGER),
        replace(await person(store, "eve@example.com", Role.VIEWER), role=Role.ADMIN),
        Viewer(uuid.uuid4(), "nobody@example.com", Role.ADMIN),
    ):
        async with store.viewing(viewer) as session:
            assert await audit.count_entries(session, wanted) == 0
            assert await audit.newest_entries(session, wanted, offset=0, limit=10) == []
    with pytest.raises(StoreError):
        async with store.gatekeeping() as session:
            await audit.count_entries(session, wanted)
    async with store.viewing(boss) as session:
        assert await audit.count_entries(session, wanted) >= 4
    async with store.working() as session:
        await session.execute(text("UPDATE app_user SET is_active = false WHERE id = :id"), {"id": boss.user_id})
    async with store.viewing(boss) as session:
        assert await audit.count_entries(session, wanted) == 0


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_log SET email = 'nobody'", "DELETE FROM audit_log", "TRUNCATE audit_log", "DROP TABLE audit_log"],
)
@pytest.mark.parametrize("role", ["admin", "gate", "worker"])
async def test_no_row_is_ever_changed_or_removed(store: Store, boss: Viewer, statement: str, role: str) -> None:
    ways = {"admin": store.viewing(boss), "gate": store.gatekeeping(), "worker": store.working()}
    with pytest.raises(StoreError):
        async with ways[role] as session:
            await session.execute(text(statement))
    assert (await read_audit(store, boss, ALL)).total == 4


@pytest.mark.parametrize("table", ["audit_log", "export_log"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET email = 'nobody'", "DELETE FROM {}", "TRUNCATE {}"])
async def test_the_owner_does_not_change_a_log_either(store: Store, boss: Viewer, table: str, statement: str) -> None:
    with pytest.raises(IntegrityError, match="stays as it is"):
        async with store.engine.begin() as connection:
            await connection.execute(text(statement.format(table)))
    assert (await read_audit(store, boss, ALL)).total == 4


async def test_nobody_notes_in_another_persons_name(store: Store, boss: Viewer) -> None:
    ana = await person(store, "ana@example.com", Role.MANAGER)
    before = (await read_audit(store, boss, ALL)).total
    with pytest.raises(StoreError):
        async with store.viewing(ana) as session:
            await note(session, Actor(boss.email, boss.user_id), Action.EXPORTED, via="page")
    assert (await read_audit(store, boss, ALL)).total == before


async def test_the_file_has_every_entry_and_no_formula(store: Store, boss: Viewer, clients: dict[str, int]) -> None:
    await add(store, '=HYPERLINK("http://evil.example")', Action.SIGN_IN_FAILED, subject="-2+3\r\n", address="@x")
    for number in range(audit.AT_A_TIME // 500):
        async with store.working() as session:
            for _ in range(501):
                await note(session, Actor(f"many{number}@example.com"), Action.SIGNED_IN, via="sign-in")
    file = io.BytesIO()
    written = await write_audit(store, boss, ALL, file)
    content = file.getvalue()
    assert content.startswith(b"\xef\xbb\xbfWhen (UTC),Who,What was done,")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert len(rows) == written.rows == 5 + 4 * 501
    assert (written.size, written.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert rows[-1]["Who"] == "ana@example.com"
    assert rows[-1]["Client"] == "Acme"
    (evil,) = [row for row in rows if "HYPERLINK" in row["Who"]]
    assert (evil["Who"][0], evil["To what"], evil["From"]) == ("'", "'-2+3\r\n", "'@x")
    (changed,) = [row for row in rows if row["What was done"] == "changed person"]
    assert changed["After"] == '{"clients": ["acme", "zebra"]}'
    moments = [row["When (UTC)"] for row in rows]
    assert moments == sorted(moments, reverse=True)


async def test_taking_the_file_is_noted_with_its_sum(store: Store, boss: Viewer) -> None:
    asked = replace(ALL, person="ana@", clients=("zebra", "acme"))
    file = io.BytesIO()
    written = await write_audit(store, boss, asked, file)
    assert written.rows == 2
    entry = (await read_audit(store, boss, ALL)).entries[0]
    assert (entry.person, entry.action, entry.subject) == ("boss@example.com", "exported", "audit log")
    assert entry.after == {
        "format": "csv",
        "rows": 2,
        "size": len(file.getvalue()),
        "sha256": hashlib.sha256(file.getvalue()).hexdigest(),
        "since": str(ALL.since),
        "until": str(ALL.until),
        "person": "ana@",
        "of_clients": "zebra, acme",
    }


async def test_who_may_not_read_may_add(store: Store, boss: Viewer) -> None:
    ana = await person(store, "ana@example.com", Role.VIEWER)
    before = (await read_audit(store, boss, ALL)).total
    async with store.viewing(ana) as session:
        await note(session, Actor(ana.email, ana.user_id), Action.EXPORTED, via="page")
    async with store.gatekeeping() as session:
        await note(session, Actor("stranger@example.com"), Action.SIGN_IN_FAILED, via="sign-in")
    assert (await read_audit(store, boss, ALL)).total == before + 2
