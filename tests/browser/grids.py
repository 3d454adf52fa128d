"""How tests read a grid, which is a picture: by the table that it tells assistive technology."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.fixtures_processes import until

AT_REST = """async table => {
    const read = () => [...table.querySelectorAll("thead tr:last-child, tbody tr")].map(
        line => [...line.querySelectorAll("th, td")].map(cell => cell.textContent));
    let told = read(), since = performance.now(), frames = 0;
    while (frames < 10 || performance.now() - since < 300) {
        await new Promise(requestAnimationFrame);
        const now = read();
        const isSame = JSON.stringify(now) === JSON.stringify(told);
        [told, since, frames] = isSame ? [told, since, frames + 1] : [now, performance.now(), 0];
    }
    return table.isConnected ? told : null;
}"""
"""A grid tells what it shows a fifth of a second later, and first of all columns that it has room for."""


def lines(table: Locator) -> list[list[str]]:
    """Heads (without the arrow of the one that sorts) and rows, of one moment, once they change no more.

    Those out of sight are not told.
    """
    expect(table.locator("tbody tr").first).to_be_attached()
    heads, *found = until(lambda: table.evaluate(AT_REST), "a table that stays")
    return [[head.rstrip(" ↑↓") for head in heads], *found]


def rows(table: Locator) -> list[dict[str, str]]:
    """The rows in sight by the heads of their columns."""
    heads, *found = lines(table)
    return [dict(zip(heads, line, strict=True)) for line in found]
