"""The README's pictures of the overview: ``python -m tests.browser.pictures``.

Starts the sandbox, an embedded PostgreSQL and the dashboard on free ports in a temporary folder, refreshes once, and
saves light, dark and phone as docs/pictures/overview-*.png.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from lib.access.viewer import Role
from lib.settings import ROOT
from lib.store import migrate
from lib.store.embedded import EmbeddedServer
from tests.browser.conftest import ARGUMENTS, Dashboard, running_dashboard
from tests.browser.overview import TOKEN_KEYS, add_client, command, loaded, running_sandbox

FOLDER = ROOT / "docs" / "pictures"
SHOTS = {
    "light": ("?currency=EUR&metric=purchases", {"width": 1440, "height": 1180}, "light"),
    "dark": ("?currency=USD&metric=revenue", {"width": 1440, "height": 1180}, "dark"),
    "phone": ("?currency=EUR", {"width": 390, "height": 844}, "light"),
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
                take(dashboard)
    return 0


def take(dashboard: Dashboard) -> None:
    """Sign in once for each picture and save it."""
    admin = dashboard.add_user("ana@example.com", Role.ADMIN)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS, *as_root])
        for name in SHOTS:
            path = FOLDER / f"overview-{name}.png"
            _shoot(browser, dashboard, dashboard.link(admin), name, path)
            sys.stdout.write(f"{path.relative_to(ROOT)} {path.stat().st_size / 1000:.0f} kB\n")
        browser.close()


def _shoot(browser: Browser, dashboard: Dashboard, link: str, name: str, path: Path) -> None:
    query, viewport, scheme = SHOTS[name]
    context = browser.new_context(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(link)
    loaded(page)
    page.goto(f"{dashboard.url}/{query}")
    loaded(page)
    page.locator(".st-key-kpis canvas, .st-key-kpis svg.marks").first.wait_for()
    page.locator("[data-testid=stPlotlyChart] .main-svg").first.wait_for()
    page.screenshot(path=path, animations="disabled")
    context.close()


if __name__ == "__main__":
    raise SystemExit(main())
