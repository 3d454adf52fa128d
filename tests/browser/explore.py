"""How tests build questions on the Explore page by clicks, and read its table, its chart and its files."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import Any

import openpyxl
import pyarrow.parquet as pq
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.browser import grids, reruns
from tests.browser.choosing import choose
from tests.browser.overview import download
from tests.fixtures_processes import until

HEAD_PX, ROW_PX = 38, 35
AT_REST = """async mark => {
    const place = () => mark.getBoundingClientRect().toJSON(), before = place();
    for (let frames = 0; frames < 10; frames++) await new Promise(requestAnimationFrame);
    const isSame = JSON.stringify(place()) === JSON.stringify(before);
    return mark.isConnected && isSame ? before : null;
}"""


def settled(page: Page) -> None:
    """Wait until the page shows the answer, or why there is none, to all that was asked."""
    reruns.settled(page)
    expect(page.locator(".st-key-answer, .st-key-empty").first).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def asking(page: Page, address: str) -> None:
    """Wait until the address says this, and the page is drawn."""
    page.wait_for_url(re.compile(address))
    settled(page)


def box(page: Page, label: str) -> Locator:
    """The part of a page with the box of this label."""
    return page.locator('[data-testid="stMultiSelect"]').filter(has=page.get_by_text(label, exact=True))


def choose_only(page: Page, label: str, *options: str, stays: str = "") -> None:
    """Leave just these options, after ``stays``, which comes back by itself, in a box of several."""
    box(page, label).get_by_role("button", name="Clear all").click()
    expect(box(page, label).locator("[data-tag]")).to_have_text([stays] if stays else [])
    settled(page)
    for option in options:
        choose(page, label, option)
        expect(box(page, label).get_by_text(option, exact=True)).to_be_visible()
        settled(page)
    page.keyboard.press("Escape")


def pick(page: Page, label: str, option: str) -> None:
    """Choose an option of a select box."""
    choose(page, label, option)
    expect(page.get_by_role("combobox", name=label, exact=True)).to_have_value(option)


def add_filter(page: Page, what: str, how: str, typed: str) -> None:
    """Add a condition through the menu; it stays open where the condition is refused."""
    if not page.get_by_role("button", name="Add", exact=True).is_visible():
        page.get_by_role("button", name="Add filter").click()
    pick(page, "What", what)
    settled(page)
    pick(page, "How", how)
    settled(page)
    field = page.locator(".st-key-draft-typed input")
    field.fill(typed)
    field.press("Enter")
    settled(page)
    page.get_by_role("button", name="Add", exact=True).click()


def grid(page: Page) -> Locator:
    """The results as assistive technology reads them."""
    return page.locator(".st-key-results canvas table")


def heads(page: Page) -> list[str]:
    """The heads of the columns."""
    return grids.lines(grid(page))[0]


def row(page: Page, number: int) -> list[str]:
    """The cells of a row; row 0 has the totals."""
    return grids.lines(grid(page))[number + 1]


def rows(page: Page) -> list[dict[str, str]]:
    """The rows in sight of a table without columns of several levels, the totals first."""
    return grids.rows(grid(page))


def click_name(page: Page, number: int) -> None:
    """Click the first cell of a row; row 0 has the totals."""
    place = {"x": 60, "y": HEAD_PX + ROW_PX * number + ROW_PX / 2}
    page.locator(".st-key-results .dvn-scroller").click(position=place)  # type: ignore[arg-type]


def click_head(page: Page, x: int) -> None:
    """Click the head of the column that is so far to the right."""
    page.locator(".st-key-results .dvn-scroller").click(position={"x": x, "y": HEAD_PX / 2})


def bars(page: Page) -> Locator:
    """The bars of the chart."""
    return page.locator(".st-key-chart .bars .point path")


def click_mark(page: Page, mark: Locator) -> None:
    """Click the middle of a mark: Plotly takes the clicks on a layer above it."""
    place = resting(mark)
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)


def resting(mark: Locator) -> FloatRect:
    """Where a mark of the chart is, once it is in sight and moves no more."""
    mark.scroll_into_view_if_needed()
    found: FloatRect = until(lambda: mark.evaluate(AT_REST), "a mark that stays")
    return found


def number(words: str) -> Decimal | None:
    """The number in a cell of the table; None for a dash."""
    return None if words in ("", "-", "None") else Decimal(words)


def file_rows(page: Page, label: str) -> list[dict[str, Any]]:
    """Download a file of this kind; its rows with numbers as Decimal and days as text."""
    _, content = download(page, label)
    if label == "Excel":
        header, *cells = openpyxl.load_workbook(io.BytesIO(content))["Data"].iter_rows(values_only=True)
        found: list[dict[str, Any]] = [dict(zip(map(str, header), line, strict=True)) for line in cells]
    elif label == "Parquet":
        found = pq.read_table(io.BytesIO(content)).to_pylist()
    else:
        is_european = label == "Excel CSV (EU)"
        lines = io.StringIO(content.decode("utf-8-sig"), newline="")
        found = list(csv.DictReader(lines, delimiter=";" if is_european else ","))
        if is_european:
            found = [each | {"spend": each["spend"].replace(",", ".")} for each in found]
    return [
        each | {"week": str(each["week"])[:10]} | {slug: Decimal(str(each[slug])) for slug in ("spend", "purchases")}
        for each in found
    ]
