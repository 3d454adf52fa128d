"""Excel, read back: numbers are numbers, texts are texts whatever they look like, and no row is lost."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell.cell import Cell
from openpyxl.workbook import Workbook

from lib.insights.export.workbook import SHEET_ROWS, TooMuchForExcel, WorkbookEncoder
from tests.unit.insights.export.answers import AD_ID, COLUMNS, DAY, KEYS, TEXTS, TRAPS, row, table, written

MIDNIGHT = dt.datetime.combine(DAY, dt.time())


def read(content: bytes) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


def rows_of(content: bytes) -> list[tuple[Cell, ...]]:
    sheet = read(content)["Data"]
    return list(sheet.iter_rows(min_row=2))  # type: ignore[arg-type]  # no merged cells here


def unescaped(text: str) -> str:
    """What Excel shows for ``_x0001_``."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


def test_each_kind_of_cell() -> None:
    ((date, ad_id, name, currency, spend, cpa, clicks, ctr, roas),) = rows_of(
        written("xlsx", row("Sale", clicks=12345))
    )
    assert (date.value, date.number_format) == (MIDNIGHT, "yyyy-mm-dd")
    assert (ad_id.value, ad_id.data_type) == (AD_ID, "s")
    assert (name.value, currency.value) == ("Sale", "EUR")
    assert (spend.value, spend.number_format) == (-12.3, "#,##0.00")
    assert (cpa.value, cpa.number_format) == (1.3667, "#,##0.0000")
    assert (clicks.value, clicks.number_format, type(clicks.value)) == (12345, "#,##0", int)
    assert (ctr.value, ctr.number_format) == (0.0123, "0.00%")
    assert (roas.value, roas.number_format) == (2.5, '0.00"x"')


@pytest.mark.parametrize(
    ("currency", "spend", "spend_format", "cpa_format"),
    [
        ("JPY", "700", "#,##0", "#,##0.0000"),
        ("JPY", "700.5", "#,##0.0", "#,##0.0000"),
        ("KWD", "1.5", "#,##0.000", "#,##0.00000"),
        ("EUR", "1.234567", "#,##0.000000", "#,##0.0000"),
        (None, "1", "#,##0.00", "#,##0.0000"),
    ],
)
def test_money_shows_the_decimals_of_its_currency(
    currency: str | None, spend: str, spend_format: str, cpa_format: str
) -> None:
    cells = rows_of(written("xlsx", row(), row(currency=currency, spend=spend)))[1]
    assert (cells[4].value, cells[4].number_format) == (float(spend), spend_format)
    assert cells[5].number_format == cpa_format


def test_missing_values_are_empty_cells() -> None:
    content = written("xlsx", row(None, spend=None, cpa=None, clicks=None, ctr=None, roas=None, day=None), row())
    first, second = rows_of(content)
    assert [cell.value for cell in first] == [None, AD_ID, None, "EUR", *[None] * 5]
    assert [cell.value for cell in second][4:] == [-12.3, 1.3667, 7, 0.0123, 2.5]


def test_nothing_runs_and_nothing_links() -> None:
    content = written("xlsx", *(row(text) for text in TRAPS))
    cells = [cells[2] for cells in rows_of(content)]
    assert [unescaped(cell.value or "") for cell in cells] == list(TRAPS)
    assert {cell.data_type for cell in cells if cell.value} == {"s"}
    assert not [cell for cell in cells if cell.hyperlink]
    assert [bool(cell.quotePrefix) for cell in cells] == [
        text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for text in TRAPS
    ]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert not [name for name in archive.namelist() if "externalLink" in name or "sheet1.xml.rels" in name]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(TEXTS, st.sampled_from(TRAPS)), min_size=1))
def test_every_text_comes_back(names: list[str]) -> None:
    found = [cells[2].value for cells in rows_of(written("xlsx", *(row(each) for each in names)))]
    assert [unescaped(each or "") for each in found] == names


def test_the_header_stays_in_sight() -> None:
    sheet = read(written("xlsx", row()))["Data"]
    assert [cell.value for cell in sheet[1]] == KEYS
    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.freeze_panes == "A2"
    assert sheet.column_dimensions["C"].width > sheet.column_dimensions["A"].width > 10
    assert sheet.dimensions == "A1:I2"


def test_an_empty_answer_is_its_header() -> None:
    assert [[cell.value for cell in cells] for cells in read(written("xlsx"))["Data"].iter_rows()] == [KEYS]


def encoded(count: int, sheet_rows: int, step: int) -> bytes:
    file = io.BytesIO()
    encoder = WorkbookEncoder(file, COLUMNS, sheet_rows=sheet_rows)
    for first in range(0, count, step):
        encoder.write(table([row(f"{number}") for number in range(first, min(first + step, count))]))
    encoder.close()
    return file.getvalue()


@pytest.mark.parametrize("step", [1, 3, 5, 100])
@pytest.mark.parametrize(("count", "sheets"), [(4, [4]), (5, [5]), (6, [5, 1]), (12, [5, 5, 2])])
def test_rows_beyond_a_sheet_go_on_in_the_next_one(count: int, sheets: list[int], step: int) -> None:
    book = read(encoded(count, 5, step))
    assert book.sheetnames == ["Data", "Data 2", "Data 3"][: len(sheets)]
    names: list[Any] = []
    for sheet, expected in zip(book.worksheets, sheets, strict=True):
        header, *rows = sheet.iter_rows(values_only=True)
        assert list(header) == KEYS
        assert sheet.freeze_panes == "A2"
        assert len(rows) == expected
        assert {each[0] for each in rows} == {MIDNIGHT}
        names += [each[2] for each in rows]
    assert names == [f"{number}" for number in range(count)]


def test_a_sheet_is_as_long_as_excels() -> None:
    assert SHEET_ROWS + 1 == 2**20


def test_a_text_that_no_cell_holds_is_refused_not_cut() -> None:
    longest = "🎉" * 16_383
    assert rows_of(written("xlsx", row(longest)))[0][2].value == longest
    with pytest.raises(TooMuchForExcel, match="A text of 32,768 characters does not fit"):
        written("xlsx", row("🎉" * 16_384))


def test_what_it_keeps_on_disk_goes_when_it_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    encoder = WorkbookEncoder(io.BytesIO(), COLUMNS)
    encoder.write(table([row()]))
    assert list(tmp_path.rglob("*"))
    encoder.abort()
    assert not list(tmp_path.rglob("*"))
