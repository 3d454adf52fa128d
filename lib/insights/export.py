"""Answers as files: every row, ids as text, money never through a float. A percent is a fraction: 0.0123 is 1.23 %.

CSV is for spreadsheets: UTF-8 with BOM, CRLF, ids as plain digits in quotes, and no text that a spreadsheet would
take for a formula. JSON is a list of objects, one a line: ids and money are strings, counts and ratios numbers.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import unicodedata
from decimal import Decimal
from typing import BinaryIO

from lib.insights.answer import InsightAnswer, Value
from lib.insights.query import InsightQuery

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_BATCH = 5000


def write_csv(answer: InsightAnswer, file: BinaryIO) -> None:
    """Write the header and every row."""
    kinds = [column.kind for column in answer.columns]
    header = ",".join(column.key for column in answer.columns)
    file.write(f"\ufeff{header}\r\n".encode())
    for start in range(0, len(answer.rows), _BATCH):
        lines = (
            ",".join(_cell(value, kind) for value, kind in zip(row, kinds, strict=True))
            for row in answer.rows[start : start + _BATCH]
        )
        file.write("".join(f"{line}\r\n" for line in lines).encode())


def _cell(value: Value, kind: str) -> str:
    if value is None:
        return ""
    if kind in ("id", "text"):
        return '"' + defused(str(value)).replace('"', '""') + '"'
    return _plain(value)


def defused(text: str) -> str:
    """``text`` with an apostrophe in front where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _plain(value: Value) -> str:
    """Digits without exponent or separators; a date as 2026-01-31."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def write_json(answer: InsightAnswer, file: BinaryIO) -> None:
    """Write every row as an object; ``[]`` for none."""
    columns = [(column.key, column.kind) for column in answer.columns]
    file.write(b"[")
    for start in range(0, len(answer.rows), _BATCH):
        objects = (
            json.dumps(
                {key: _json_value(value, kind) for (key, kind), value in zip(columns, row, strict=True)},
                ensure_ascii=False,
            )
            for row in answer.rows[start : start + _BATCH]
        )
        file.write(("\n" if start == 0 else ",\n").encode() + ",\n".join(objects).encode())
    file.write(b"\n]\n" if answer.rows else b"]\n")


def _json_value(value: Value, kind: str) -> str | int | float | None:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Decimal) and kind != "money":
        # Percents and multiples have six decimals, which a float writes back as they were.
        return float(value)
    return _plain(value) if isinstance(value, (Decimal, dt.date)) else value


def file_name(query: InsightQuery, extension: str, *, client: str = "", is_sample: bool = False) -> str:
    """Client, period, grain, and ``sample`` where sample clients are in it: acme_2026-01-01_2026-01-31_ad.csv."""
    letters = unicodedata.normalize("NFKD", client).encode("ascii", "ignore").decode().lower()
    who = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60] or "all-clients"
    grain = "-".join(query.group_by) or "total"
    parts = (who, query.since.isoformat(), query.until.isoformat(), grain, *(("sample",) if is_sample else ()))
    return f"{'_'.join(parts)}.{extension}"
