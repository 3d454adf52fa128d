"""CSV for spreadsheets: UTF-8 with BOM, CRLF, ids and texts in quotes, no text that would be taken for a formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from lib.insights.answer import Column
from lib.insights.export import cells
from lib.insights.export.formats import Part, pieces


class DelimitedEncoder:
    """``separator`` stands between cells, ``point`` before decimals: a comma and a point, or ``;`` and a comma."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], *, separator: str = ",", point: str = ".") -> None:
        self._file = file
        self._columns = tuple(columns)
        self._separator = separator
        self._point = point
        header = separator.join(column.key for column in columns)
        file.write(f"\ufeff{header}\r\n".encode())

    def write(self, part: Part) -> None:
        """Add the rows of ``part``."""
        for piece in pieces(part):
            self._file.write(cells.lines(*self._line(piece)))

    def close(self) -> None:
        """Nothing follows the last row."""

    def abort(self) -> None:
        """Nothing was held back."""

    def _line(self, piece: pa.RecordBatch) -> list[Any]:
        line: list[Any] = []
        for column, values in zip(self._columns, piece.columns, strict=True):
            line += [self._separator, self._cell(column, values, piece)]
        return [*line[1:], "\r\n"]

    def _cell(self, column: Column, values: pa.Array, piece: pa.RecordBatch) -> pa.Array:
        if column.kind in ("id", "text"):
            return cells.quoted(values)
        if column.kind in ("date", "count"):
            return cells.plain(values)
        is_money = column.kind == "money"
        digits = cells.money(column, values, cells.currencies(piece)) if is_money else cells.plain(values)
        return digits if self._point == "." else pc.replace_substring(digits, ".", self._point)
