"""The pictures of the README and the documents: ``python -m tests.browser.pictures``.

Starts the sandbox, an embedded PostgreSQL and the dashboard on free ports in a temporary folder, refreshes once, and
saves the sign-in and every page of the navigation in light, in dark and as on a phone as docs/pictures/PAGE-LOOK.png.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright
from sqlalchemy import select

from dashboard.navigation import PAGES
from lib.access.viewer import Role
from lib.clients.groups import GroupValues, add_group
from lib.settings import ROOT
from lib.store import migrate
from lib.store.embedded import EmbeddedServer
from lib.store.engine import Store
from lib.store.models import Client
from tests.browser.conftest import ARGUMENTS, Dashboard, running_dashboard
from tests.browser.overview import TOKEN_KEYS, Sandbox, add_client, command, running_sandbox
from tests.people import signed_in

FOLDER = ROOT / "docs" / "pictures"
LARGEST_BYTES = 900_000
TRIES, PAUSE_MS = 40, 250


@dataclass(frozen=True)
class Look:
    """A colour scheme and a size of the window; ``queries`` are what is asked for by page."""

    scheme: Literal["light", "dark"]
    size: ViewportSize
    queries: dict[str, str] = field(default_factory=dict)


LOOKS = {
    "light": Look(
        "light",
        {"width": 1440, "height": 1180},
        {
            "overview": "?currency=EUR&metric=purchases",
            "explore": "?currency=EUR&group_by=campaign,week&metrics=spend,purchases,cpa,roas&top=5:campaign:spend",
        },
    ),
    "dark": Look(
        "dark",
        {"width": 1440, "height": 1180},
        {
            "overview": "?currency=USD&metric=revenue",
            "explore": "?currency=USD&group_by=weekday,objective&metrics=spend,purchases&pivot=objective",
        },
    ),
    "phone": Look("light", {"width": 390, "height": 844}, {"overview": "?currency=EUR", "explore": "?currency=EUR"}),
}


def main() -> int:
    """Take every picture; the names and sizes go to stdout."""
    with tempfile.TemporaryDirectory(prefix="ads-pictures-") as name:
        folder = Path(name)
        with EmbeddedServer(folder / "store") as server, running_sandbox(folder, accounts=3) as sandbox:
            url = server.url()
            migrate.ensure_database(url)
            migrate.upgrade(url)
            with running_dashboard(url, folder, TOKEN_KEYS=TOKEN_KEYS) as dashboard:
                add_client(dashboard, sandbox, "Nordlicht Outdoor", sandbox.of_currency("EUR"))
                add_client(dashboard, sandbox, "Harbor & Pine", sandbox.of_currency("USD"))
                command(dashboard, sandbox, "refresh", "--since", sandbox.days_ago(58))
                add_people(dashboard, sandbox)
                take(dashboard)
    return 0


def add_people(dashboard: Dashboard, sandbox: Sandbox) -> None:
    """A house with somebody of each role, a team, and chats that are posted to."""
    clients = ("--client", "nordlicht-outdoor"), ("--client", "harbor-pine")
    for name, role, opened in (("mara", "manager", [*clients[0], *clients[1]]), ("ben", "analyst", clients[0])):
        command(dashboard, sandbox, "user", "add", f"{name}@example.com", "--role", role, *opened)
    command(dashboard, sandbox, "user", "add", "vera@example.com", "--role", "viewer")
    command(dashboard, sandbox, "team", "put", "Retail", *clients[1], "--member", "vera@example.com")
    command(dashboard, sandbox, "user", "invite", "cora@example.com", "--role", "analyst", *clients[0])

    async def add(store: Store) -> None:
        boss, _ = await signed_in(store, "ana@example.com", Role.ADMIN)
        async with store.working() as session:
            found = {client.slug: client.id for client in (await session.scalars(select(Client))).all()}
        for title, slug in (("Nordlicht daily", "nordlicht-outdoor"), ("Harbor & Pine weekly", "harbor-pine")):
            await add_group(store, boss, GroupValues(found[slug], title, f"C0{len(title)}7RT4Q{len(slug)}"))

    dashboard.prepare(add)


def take(dashboard: Dashboard) -> None:
    """Save the sign-in as a stranger sees it, then every page as an administrator does."""
    admin = dashboard.add_user("ana@example.com", Role.ADMIN)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS, *as_root])
        for name, look in LOOKS.items():
            _take_look(browser, dashboard, dashboard.link(admin), name, look)
        browser.close()


def _take_look(browser: Browser, dashboard: Dashboard, link: str, name: str, look: Look) -> None:
    context: BrowserContext = browser.new_context(viewport=look.size, color_scheme=look.scheme)
    page = context.new_page()
    page.goto(f"{dashboard.url}/sign-in")
    _save(page, f"sign-in-{name}")
    page.goto(link)
    _drawn(page)
    for entry in PAGES:
        page.goto(f"{dashboard.url}/{entry.path}{look.queries.get(entry.path, '')}")
        _drawn(page)
        _save(page, f"{entry.path}-{name}")
    context.close()


def _drawn(page: Page) -> None:
    """Wait until the script has ended well; charts may still be on their way, which the picture waits for."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    for chart in page.get_by_test_id("stPlotlyChart").all():
        expect(chart.locator(".main-svg").first).to_be_attached()


def _save(page: Page, name: str) -> None:
    """Save the picture once two in a row are the same."""
    path, before = FOLDER / f"{name}.png", b""
    for _ in range(TRIES):
        picture = page.screenshot(animations="disabled")
        if picture == before:
            break
        before = picture
        page.wait_for_timeout(PAUSE_MS)
    else:
        raise RuntimeError(f"The page of {name} does not come to rest.")
    path.write_bytes(picture)
    if path.stat().st_size > LARGEST_BYTES:
        Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    sys.stdout.write(f"{path.relative_to(ROOT)} {path.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    raise SystemExit(main())
