"""How tests choose from a list that opens: people wait for the page, and open it once more where it was closed."""

from __future__ import annotations

from re import Pattern

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as TooSlow

from tests.browser.reruns import settled

PATIENCE_MS, TIMES = 10_000, 6


def choose(page: Page, label: str, option: str | Pattern[str], typed: str | None = None) -> None:
    """Open the list of this label once the page is settled, type (the option, unless said) and choose."""
    settled(page)
    choose_at_once(page, label, option, typed)


def choose_at_once(page: Page, label: str, option: str | Pattern[str], typed: str | None = None) -> None:
    """The same while the page may still be drawn: a rerun closes every list, or changes what is in it."""
    field = page.get_by_role("combobox", name=label, exact=True)
    wanted = page.get_by_role("option", name=option, exact=isinstance(option, str))
    words = typed if typed is not None else option
    assert isinstance(words, str), "a pattern cannot be typed"
    for time in range(1, TIMES + 1):
        field.click()
        field.fill(words)
        try:
            wanted.click(timeout=PATIENCE_MS)
        except TooSlow:
            if time == TIMES:
                raise
        else:
            return
