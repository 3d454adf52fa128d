"""Excel: real numbers with their formats, texts that stay texts, and as many sheets as the rows need.

XlsxWriter makes the workbook. Its own rows take 46 s for a million of ten cells and keep every other thread waiting,
so the XML of the rows comes from Arrow's kernels and goes into the file where XlsxWriter keeps finished rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError, FileSizeError
from xlsxwriter.format import Format as CellFormat
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from lib.errors import AppError
from lib.insights import exact
from lib.insights.answer import Column
from lib.insights.export import cells
from lib.insights.export.formats import Part, pieces

SHEET_ROWS = 1_048_575
"""Rows of data on a sheet of Excel's, below the header."""
LONGEST_TEXT = 32_767
"""UTF-16 units in a cell of Excel's."""
_EPOCH_DAYS = 25_569
"""1970-01-01 as Excel counts days."""
_WIDTHS = {"id": 21, "text": 32, "date": 11, "count": 13, "money": 14, "percent": 10, "multiple": 10}
_UNREADABLE = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]|_x[0-9a-fA-F]{4}_"


class TooMuchForExcel(AppError):
    """Excel cannot hold the result; nothing of it was cut off."""

    remedy = "Download CSV or Parquet instead."


class _Sheet(Worksheet):  # type: ignore[misc]  # XlsxWriter ships no types
    """A sheet that takes rows as XML."""

    def add_rows(self, rows: memoryview, last: int) -> None:
        """Rows that end with row ``last``, counted from 0; a header that was written before comes first."""
        self._write_single_row(last + 1)
        self.row_data_fh.flush()
        self.row_data_fh.buffer.write(rows)
        self.dim_rowmax = last


class WorkbookEncoder:
    """One file; more rows than a sheet holds go on in a second sheet, a third, under the same header."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], *, sheet_rows: int = SHEET_ROWS) -> None:
        self._columns = tuple(columns)
        self._sheet_rows = sheet_rows
        self._folder = tempfile.TemporaryDirectory(prefix="export-")
        self._book = Workbook(file, {"constant_memory": True, "tmpdir": self._folder.name})
        self._styles: dict[str, CellFormat] = {}
        self._bold = self._book.add_format({"bold": True, "bottom": 1})
        self._sheets = 0
        self._add_sheet()

    def write(self, part: Part) -> None:
        """Add the rows of ``part``."""
        for piece in pieces(part):
            done = 0
            while done < piece.num_rows:
                if self._rows == self._sheet_rows:
                    self._add_sheet()
                some = piece.slice(done, self._sheet_rows - self._rows)
                self._write(some)
                done += some.num_rows

    def close(self) -> None:
        """Pack the sheets together."""
        try:
            self._book.close()
        except FileSizeError as error:
            raise TooMuchForExcel("The result is larger than an Excel file can be.") from error
        except FileCreateError as error:
            raise error.args[0] from error  # the OSError that XlsxWriter wraps
        finally:
            self.abort()

    def abort(self) -> None:
        """Remove the sheets' own files."""
        self._book.fileclosed = True
        for sheet in self._book.worksheets():
            sheet._opt_close()
        self._folder.cleanup()

    def _add_sheet(self) -> None:
        self._sheets += 1
        self._rows = 0
        name = "Data" if self._sheets == 1 else f"Data {self._sheets}"
        self._sheet = self._book.add_worksheet(name, worksheet_class=_Sheet)
        self._sheet.freeze_panes(1, 0)
        for number, column in enumerate(self._columns):
            self._sheet.set_column(number, number, _WIDTHS[column.kind])
            self._sheet.write_string(0, number, column.key, self._bold)

    def _write(self, piece: pa.RecordBatch) -> None:
        first = self._rows + 1
        self._rows += piece.num_rows
        numbers = pa.array(range(first + 1, self._rows + 2), pa.int32()).cast(pa.string())
        row: list[Any] = ['<row r="', numbers, '">']
        for place, (column, values) in enumerate(zip(self._columns, piece.columns, strict=True)):
            start = [f'<c r="{xl_col_to_name(place)}', numbers]
            row.append(cells.joined(*start, *self._cell(column, values, piece)))
        self._sheet.add_rows(cells.lines(*row, "</row>\n"), self._rows)

    def _cell(self, column: Column, values: pa.Array, piece: pa.RecordBatch) -> list[Any]:
        """What stands behind the cell's place; null where the cell is empty."""
        if column.kind in ("id", "text"):
            return ['"', self._text_style(values), ' t="inlineStr"><is><t', *_xml(values), "</t></is></c>"]
        if column.kind == "date":
            digits = pc.add(values.cast(pa.int32()), _EPOCH_DAYS).cast(pa.string())
            return ['" s="', self._style("yyyy-mm-dd"), '"><v>', digits, "</v></c>"]
        digits = cells.plain(values) if column.kind == "count" else cells.shortest(values)
        return ['" s="', self._number_style(column, digits, piece), '"><v>', digits, "</v></c>"]

    def _text_style(self, texts: pa.Array) -> Any:
        """Excel's own apostrophe for what looks like a formula: the text stays as it is, and stays one when edited."""
        risky = cells.looks_like_formula(texts)
        if not pc.any(risky).as_py():
            return ""
        return pc.if_else(risky, f' s="{self._style("@", quote_prefix=True)}"', "")

    def _number_style(self, column: Column, digits: pa.Array, piece: pa.RecordBatch) -> Any:
        if column.kind == "money":
            return self._money_style(column, digits, cells.currencies(piece))
        return self._style({"count": "#,##0", "percent": "0.00%", "multiple": '0.00"x"'}[column.kind])

    def _money_style(self, column: Column, digits: pa.Array, currencies: pa.Array | None) -> Any:
        """As many decimals as CSV has, in each row."""
        point = pc.find_substring(digits, ".")
        has = pc.if_else(pc.less(point, 0), 0, pc.subtract(pc.subtract(pc.binary_length(digits), point), 1))
        wanted: Any = None
        for least, rows in cells.by_digits(column, currencies):
            own = pc.max_element_wise(has, least, skip_nulls=False)
            wanted = own if rows is None else pc.if_else(rows, own, wanted)
        styles = [self._style("#,##0" + ("." + "0" * number if number else "")) for number in range(exact.DIGITS + 1)]
        return pa.array(styles).take(wanted)

    def _style(self, number: str, *, quote_prefix: bool = False) -> str:
        """The number of a format in the workbook, as text."""
        key = f"{number}{quote_prefix}"
        if key not in self._styles:
            self._styles[key] = self._book.add_format({"num_format": number, "quote_prefix": quote_prefix})
        return str(self._styles[key]._get_xf_index())


def _xml(texts: pa.Array) -> list[Any]:
    """Texts in XML behind ``<t``; TooMuchForExcel where one is too long."""
    if (pc.max(pc.binary_length(texts)).as_py() or 0) > LONGEST_TEXT:
        _refuse_long(texts)
    if pc.any(pc.match_substring_regex(texts, "[&<>]")).as_py():
        for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            texts = pc.replace_substring(texts, sign, name)
    odd = pc.match_substring_regex(texts, _UNREADABLE)
    if pc.any(odd).as_py():
        # What XML cannot hold is written as _x0001_; it is rare, so these few go one by one.
        mended = [Worksheet._escape_control_characters(text) for text in texts.filter(odd).to_pylist()]
        texts = pc.replace_with_mask(texts, pc.fill_null(odd, False), pa.array(mended, pa.string()))
    keeps_spaces = pc.any(pc.match_substring_regex(texts, r"^\s|\s$")).as_py()
    return [' xml:space="preserve">' if keeps_spaces else ">", texts]


def _refuse_long(texts: pa.Array) -> None:
    longest = max(len(text.encode("utf-16-le")) // 2 for text in texts.drop_null().to_pylist())
    if longest > LONGEST_TEXT:
        raise TooMuchForExcel(f"A text of {longest:,} characters does not fit into a cell of Excel's.")
