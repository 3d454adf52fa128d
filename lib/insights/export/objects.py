"""JSON: a list of objects, one a line. Ids and money are strings, counts and ratios numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from lib.insights.answer import Column
from lib.insights.export import cells
from lib.insights.export.formats import Part, pieces

_CONTROLS = [chr(number) for number in range(0x20)]


class JsonEncoder:
    """An empty answer is ``[]``."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        self._file = file
        self._columns = tuple(columns)
        self._has_rows = False
        file.write(b"[")

    def write(self, part: Part) -> None:
        """Add the rows of ``part``."""
        for piece in pieces(part):
            rows = cells.lines(*self._object(piece))
            # Every row begins with the comma behind the one before it; the first has none.
            self._file.write(rows if self._has_rows else rows[1:])
            self._has_rows = True

    def close(self) -> None:
        """End the list."""
        self._file.write(b"\n]\n" if self._has_rows else b"]\n")

    def abort(self) -> None:
        """The list stays open, so no reader takes it for whole."""

    def _object(self, piece: pa.RecordBatch) -> list[Any]:
        found: list[Any] = []
        for column, values in zip(self._columns, piece.columns, strict=True):
            name = json.dumps(column.key, ensure_ascii=False)
            found += [f"{', ' if found else ''}{name}: ", self._value(column, values, piece)]
        return [",\n{", *found, "}"]

    def _value(self, column: Column, values: pa.Array, piece: pa.RecordBatch) -> pa.Array:
        if column.kind == "count":
            written = cells.plain(values)
        elif column.kind in ("percent", "multiple"):
            written = _number(values)
        elif column.kind == "money":
            written = cells.joined('"', cells.money(column, values, cells.currencies(piece)), '"')
        elif column.kind == "date":
            written = cells.joined('"', cells.plain(values), '"')
        else:
            written = cells.joined('"', escaped(values), '"')
        return pc.fill_null(written, "null")


def _number(values: pa.Array) -> pa.Array:
    """0.0123, 2.0: as Python writes a float."""
    short = pc.ascii_rtrim(cells.plain(values), "0")
    return pc.if_else(pc.ends_with(short, "."), cells.joined(short, "0"), short)


def escaped(texts: pa.Array) -> pa.Array:
    """Texts as they stand between the quotes of JSON."""
    if not pc.any(pc.match_substring_regex(texts, r'["\\\x00-\x1f]')).as_py():
        return texts
    texts = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    if pc.any(pc.match_substring_regex(texts, r"[\x00-\x1f]")).as_py():
        for control in _CONTROLS:
            texts = pc.replace_substring(texts, control, json.dumps(control)[1:-1])
    return texts
