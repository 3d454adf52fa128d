"""From a click to the settled page, as Chromium sees it: the script has ended and nothing moves any more."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import Locator, Page, sync_playwright
from playwright.sync_api import TimeoutError as NotInTime

from lib.access.sessions import COOKIE

ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-dev-shm-usage",
)
QUIET_MS = 250
TIMEOUT_MS = 60_000
WATCH = """
() => {
  const seen = window.seen = {click: 0, ran: 0, ended: 0, last: performance.now()};
  addEventListener("click", () => { seen.click = seen.last = performance.now(); seen.ran = seen.ended = 0; }, true);
  const app = document.querySelector("[data-testid=stApp]");
  new MutationObserver(changes => {
    for (const change of changes) {
      const element = change.target.nodeType === 1 ? change.target : change.target.parentElement;
      if (!element || element.closest("canvas, [data-testid=stStatusWidget]")) continue;
      seen.last = performance.now();
      if (change.attributeName !== "data-test-script-state") continue;
      seen.ran = seen.last;
      seen.ended = app.dataset.testScriptState === "notRunning" ? seen.last : 0;
    }
  }).observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
}
"""
"""What is drawn on a canvas changes its text for screen readers a while later, and the status of the script is no
content: neither counts."""
QUIET = f"performance.now() - seen.last > {QUIET_MS}"
SETTLED = f"seen.ended > seen.click && {QUIET}"
RAN = "seen.ran > seen.click && seen.click"
TRIES, RAN_MS = 3, 10_000

Click = Callable[[Page], Locator]


def check_chromium() -> str:
    """Where Chromium is; FileNotFoundError says how to get it."""
    named = os.environ.get("CHROMIUM")
    path = shutil.which(named) if named else shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        what = f"CHROMIUM names {named}, which cannot be run." if named else "Chromium is missing."
        raise FileNotFoundError(f"{what} Install it with: sudo apt-get install -y chromium")
    return path


@contextmanager
def opened(base_url: str, token: str, address: str, ready: str) -> Iterator[Page]:
    """The page at ``address`` in Chromium, signed in, once ``ready`` (a selector) is visible and nothing runs."""
    path = check_chromium()
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *as_root])
        # What waits here for a settled page is written as text, which the page's own policy would not run.
        context = chromium.new_context(viewport={"width": 1440, "height": 1180}, bypass_csp=True)
        context.add_cookies([{"name": COOKIE, "value": token, "url": base_url}])
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.goto(f"{base_url}/{address}")
        page.locator(ready).first.wait_for()
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        page.evaluate(WATCH)
        yield page
        chromium.close()


def click(page: Page, target: Locator) -> float:
    """Milliseconds from the click on ``target`` until the page is settled."""
    page.wait_for_function(QUIET)
    page.evaluate("seen.click = 0")
    _hit(page, target)
    page.wait_for_function(SETTLED)
    return float(page.evaluate("seen.last - seen.click"))


def _hit(page: Page, target: Locator) -> None:
    """Click until the script runs: a button that is drawn anew under the pointer swallows its click."""
    for _ in range(TRIES):
        target.click()
        # What the pointer stands on would show its tooltip half a second later.
        page.mouse.move(0, 0)
        with suppress(NotInTime):
            page.wait_for_function(RAN, timeout=RAN_MS)
            return
    raise TimeoutError(f"{TRIES} clicks on {target} started nothing.")
