"""How tests paste a token into the page of clients."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.reruns import settled

TOKEN = "EAAprobe-token-5150"
NAME = "Probed Ltd"


def press(page: Page, name: str) -> None:
    """Click the first button of this name on a page that stands still."""
    settled(page)
    page.get_by_role("button", name=name, exact=True).first.click()


def paste(page: Page, token: str, name: str | None = None) -> None:
    """Paste a token (for a new client with its name) and have it looked at."""
    settled(page)
    if name is not None:
        page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("textbox", name="Meta token").fill(token)
    press(page, "See what it opens")
