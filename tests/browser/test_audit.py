"""The page of the audit log: what people did shows up there, filtered, and as a file; for administrators alone."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from dashboard.admin.audit_rows import HEADS
from lib.access.audit import Action, Actor, note
from lib.access.viewer import Role
from lib.store.engine import Store
from lib.store.models import AuditLog
from tests.browser.choosing import choose
from tests.browser.conftest import Dashboard, Frames
from tests.browser.overview import download, loaded
from tests.browser.reruns import settled
from tests.factories import add_account, add_campaign, add_client, add_insights, add_slice, insight_row

YESTERDAY = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
DOWNLOAD = re.compile(r"^Download CSV \(")
EVIL = "=HYPERLINK(1)@example.com"


async def two_clients(store: Store) -> None:
    """acme and zebra, each with a campaign of yesterday; an entry that a spreadsheet would run."""
    async with store.working() as session:
        for number, slug in enumerate(("acme", "zebra"), start=1):
            account = await add_account(session, number, await add_client(session, slug), timezone_name="UTC")
            await add_campaign(session, account, number)
            await add_insights(session, [insight_row(account, YESTERDAY, number, campaign_id=number, spend=5)])
            await add_slice(session, account, YESTERDAY)
        await note(session, Actor(EVIL), Action.SIGN_IN_FAILED, via="sign-in", address="203.0.113.9")


async def sight(store: Store) -> None:
    async with store.working() as session:
        await note(session, Actor("ana@example.com"), Action.SAW_CLIENT, via="page", subject="acme")


async def many(store: Store) -> None:
    async with store.working() as session:
        for number in range(60):
            await note(session, Actor(f"someone{number}@example.com"), Action.SIGNED_OUT, via="sign-in")


def grid(page: Page, count: int) -> list[dict[str, str]]:
    """The rows on screen, once there are ``count``."""
    expect(page.locator(".st-key-audit_rows button")).to_have_count(count)
    lines = page.locator('.st-key-audit_rows [data-testid="stHorizontalBlock"]').filter(has=page.locator("button"))
    cells = 'rows => rows.map(row => [...row.querySelectorAll("[data-testid=stColumn]")].map(cell => cell.innerText))'
    return [dict(zip(HEADS, (word.strip() for word in found), strict=True)) for found in lines.evaluate_all(cells)]


def entry(page: Page, what: str) -> dict[str, str]:
    """Open the newest entry of this kind by its row; all that is told of it, by name."""
    row = page.locator('.st-key-audit_rows [data-testid="stHorizontalBlock"]').filter(has_text=what).first
    row.get_by_role("button").click()
    told = page.locator(".st-key-audit_open dl")
    expect(told).to_contain_text(what)
    words = 'list => ["dt", "dd"].map(part => [...list.querySelectorAll(part)].map(each => each.innerText))'
    return dict(zip(*told.evaluate(words), strict=True))


def opened(page: Page, dashboard: Dashboard, query: str = "") -> None:
    page.goto(f"{dashboard.url}/audit{query}")
    expect(page.get_by_role("heading", name="Audit")).to_be_visible()
    settled(page)
    expect(page.locator(".st-key-audit_csv")).to_be_visible()


@pytest.fixture
def seen(dashboard: Dashboard, new_context: Callable[..., BrowserContext]) -> None:
    """Ana, who may see acme alone, looked at the overview and took a file of it."""
    dashboard.prepare(two_clients)
    page = new_context().new_page()
    dashboard.sign_in(page.context, dashboard.add_user("ana@example.com", Role.ANALYST, slugs=["acme"]))
    page.goto(f"{dashboard.url}/?period=last_7")
    loaded(page)
    assert download(page)[0].endswith(".csv")


@pytest.fixture
def noted(dashboard: Dashboard) -> None:
    """Both clients, and a note of what Ana saw, without that she did."""
    dashboard.prepare(two_clients)
    dashboard.prepare(sight)


def boss(dashboard: Dashboard, signed_in: Callable[..., Page], width: int = 1440) -> Page:
    return signed_in(dashboard.add_user("boss@example.com", Role.ADMIN), viewport={"width": width, "height": 900})


@pytest.mark.usefixtures("seen")
def test_what_people_saw_and_took_is_there_once(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    page = boss(dashboard, signed_in)
    page.goto(dashboard.url)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Audit").click()
    opened(page, dashboard, "?person=ana%40")
    rows = [
        row
        for row in grid(page, 4)
        if row["Who"] == "ana@example.com" and row["What was done"] in ("Saw client", "Exported")
    ]
    exported, saw = rows
    assert (saw["To what"], exported["To what"]) == ("Acme", "Acme")
    assert exported["What changed"] == "rows: 1; format: csv; clients: Acme"


@pytest.mark.usefixtures("seen")
def test_an_entry_opens_under_its_row_and_by_its_address(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    page = boss(dashboard, signed_in)
    opened(page, dashboard, "?person=ana%40")
    told = entry(page, "Exported")
    assert (told["Who"], told["By"], told["Rows"]) == ("ana@example.com", "page", "1")
    assert re.fullmatch(r"[0-9a-f]{64}", told["Hash (SHA-256)"])
    assert told["As a command"].startswith("--since ")
    page.wait_for_url(re.compile("entry="))
    asked = page.url
    page.goto(asked)
    expect(page.locator(".st-key-audit_open dd", has_text=told["Hash (SHA-256)"])).to_be_visible()
    # A link to it holds also where the rows beside it are others by now.
    page.goto(f"{asked}&period=yesterday")
    expect(page.locator(".st-key-audit_open dd", has_text=told["Hash (SHA-256)"])).to_be_visible()
    page.get_by_role("button", name="Close this entry").click()
    expect(page.locator(".st-key-audit_open")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("entry="))
    opened(page, dashboard, "?entry=999999")
    expect(page.get_by_text("The log has no such entry.")).to_be_visible()


@pytest.mark.usefixtures("noted")
@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_nothing_is_beside_the_screen(dashboard: Dashboard, signed_in: Callable[..., Page], width: int) -> None:
    page = boss(dashboard, signed_in, width)
    opened(page, dashboard, "?action=sign-in+failed")
    assert [row["Who"] for row in grid(page, 1)] == [EVIL]
    assert entry(page, "Sign-in failed")["From (IP address)"] == "203.0.113.9"
    wider = "node => node.scrollWidth - node.clientWidth"
    assert page.locator(".st-key-audit_rows").evaluate(wider) <= 0
    assert page.get_by_test_id("stMain").evaluate(wider) <= 0
    cut = "nodes => nodes.filter(node => node.scrollWidth > node.clientWidth + 1).length"
    assert page.locator('.st-key-audit_rows :is([data-testid="stText"], button p)').evaluate_all(cut) == 0


@pytest.mark.usefixtures("seen")
def test_filters_narrow_it_and_lie_in_the_address(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    page = boss(dashboard, signed_in)
    opened(page, dashboard)
    choose(page, "What was done", "Sign-in failed")
    expect(page.get_by_role("button", name="Download CSV (1 entry)")).to_be_visible()
    expect(page).to_have_url(re.compile(r"action=sign-in(\+|%20)failed"))
    assert [row["Who"] for row in grid(page, 1)] == [EVIL]
    page.get_by_role("searchbox", name="Person").fill("nobody")
    expect(page.get_by_text("Nothing was noted that fits, in these days.")).to_be_visible()
    expect(page.get_by_role("button", name="Download CSV (0 entries)")).to_be_disabled()
    page.locator(".st-key-clear_no_match button").click()
    expect(page.get_by_role("searchbox", name="Person")).to_have_value("")
    opened(page, dashboard, "?client=zebra&action=exported")
    expect(page.get_by_text("No match")).to_be_visible()
    opened(page, dashboard, "?client=acme&action=saw+client&person=ana")
    assert [row["Who"] for row in grid(page, 1)] == ["ana@example.com"]
    opened(page, dashboard, "?period=yesterday&action=invented")
    expect(page.get_by_text("Part of this address could not be understood and was left out: action.")).to_be_visible()
    expect(page.get_by_text("No match")).to_be_visible()


@pytest.mark.usefixtures("noted")
def test_the_file_has_all_of_it_and_taking_it_is_noted(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    dashboard.prepare(many)
    page = boss(dashboard, signed_in)
    opened(page, dashboard, "?limit=10")
    expect(page.get_by_text(re.compile(r"^Entries 1 to 10 of \d\d$"))).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text(re.compile(r"^Entries 11 to 20 of \d\d$"))).to_be_visible()
    label = page.get_by_role("button", name=DOWNLOAD).inner_text().strip().split("\n")[-1]
    name, content = download(page, label)
    today = dt.datetime.now(dt.UTC).date()
    assert name == f"audit_{today - dt.timedelta(days=28)}_{today}.csv"
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert content.startswith(b"\xef\xbb\xbf")
    assert f"({len(rows)} entries)" in label
    assert {f"someone{number}@example.com" for number in range(60)} < {row["Who"] for row in rows}
    assert f"'{EVIL}" in {row["Who"] for row in rows}
    newest = dashboard.prepare(newest_of_boss)
    assert (newest.action, newest.subject) == ("exported", "audit log")
    assert newest.after["sha256"] == hashlib.sha256(content).hexdigest()
    assert newest.after["rows"] == len(rows)


async def newest_of_boss(store: Store) -> AuditLog:
    async with store.working() as session:
        mine = select(AuditLog).where(AuditLog.email == "boss@example.com").order_by(AuditLog.id.desc()).limit(1)
        return (await session.scalars(mine)).one()


@pytest.mark.usefixtures("noted")
@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.MANAGER])
def test_nobody_else_reads_it_also_by_its_address(
    dashboard: Dashboard, new_context: Callable[..., BrowserContext], role: Role
) -> None:
    page, frames = new_context().new_page(), Frames()
    page.goto(dashboard.link(dashboard.add_user("eve@example.com", role, slugs=["acme"])))
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNavLink").filter(has_text="Audit")).to_have_count(0)
    frames.watch(page)
    page.goto(f"{dashboard.url}/audit")
    expect(page.get_by_text("This page is for administrators")).to_be_visible()
    settled(page)
    assert frames.received
    assert not any(frames.contain(words) for words in ("ana@example.com", "HYPERLINK", "203.0.113.9", "saw client"))


@pytest.mark.usefixtures("noted")
def test_who_is_no_admin_any_more_gets_no_file(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    page = boss(dashboard, signed_in)
    opened(page, dashboard)
    dashboard.add_user("other@example.com", Role.ADMIN)
    dashboard.add_user("boss@example.com", Role.VIEWER, slugs=["acme"])
    page.get_by_role("button", name=DOWNLOAD).click()
    expect(page.get_by_text("The audit log is for administrators.")).to_be_visible()
