"""Browser contexts that tests take one after the other.

A fresh one would load the whole app anew, which takes longer than most tests. What is handed on is the cache alone.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext

from tests.browser.reruns import LISTENING


class Windows:
    """Contexts by the options that they were made with; of the free ones the one that was used last goes first."""

    def __init__(self, browser: Browser, patience_ms: float) -> None:
        self._browser, self._patience_ms = browser, patience_ms
        self._free: dict[str, list[BrowserContext]] = {}

    def take(self, **options: Any) -> BrowserContext:
        """A context without pages, cookies and storage."""
        free = self._free.get(_key(options))
        return free.pop() if free else self.fresh(**options)

    def fresh(self, **options: Any) -> BrowserContext:
        """A context that nobody has had."""
        context = self._browser.new_context(**options)
        context.set_default_timeout(self._patience_ms)
        context.add_init_script(LISTENING)
        return context

    def put_back(self, context: BrowserContext, **options: Any) -> None:
        """Take out what a test left in a context that was taken with these options."""
        for page in context.pages:
            page.close()
        context.set_storage_state({"cookies": [], "origins": []})
        self._free.setdefault(_key(options), []).append(context)

    def close(self) -> None:
        """Close those that are free."""
        for context in (each for free in self._free.values() for each in free):
            context.close()


def _key(options: dict[str, Any]) -> str:
    return repr(sorted(options.items()))
