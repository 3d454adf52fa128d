"""Meta's strings as exact numbers, and as the text that COPY takes for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson

from lib.meta.errors import Unreadable
from lib.meta.rows import decoded

MICROS = Decimal(1_000_000)
LARGEST = 2**63 - 1
"""What a bigint of the store holds; negative as well."""
NULL = "\\N"
MOST_KEPT = 50_000
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def whole(value: Any) -> int:
    """A count; absent is 0."""
    if value is None:
        return 0
    if isinstance(value, str) and len(value) < 18 and value.isascii() and value.isdigit():
        return int(value)
    return _rounded(value, Decimal(1), "a count")


def micros(value: Any) -> int:
    """Money in millionths of a major unit, exactly; absent is 0."""
    if value is None:
        return 0
    if isinstance(value, str) and len(value) < 18 and value.isascii():
        units, _, parts = value.partition(".")
        if len(parts) <= 6 and units.isdigit() and (parts.isdigit() or units == value):
            return int(units + parts.ljust(6, "0"))
    return _rounded(value, MICROS, "money")


def _rounded(value: Any, factor: Decimal, what: str) -> int:
    try:
        if "_" in (words := str(value)):
            raise ValueError(words)
        number = Decimal(words) * factor
        if not -LARGEST <= number <= LARGEST:
            raise OverflowError(number)
        return int(number.to_integral_value())
    except (ArithmeticError, ValueError) as error:
        raise Unreadable(f"Meta sent {str(value)[:40]!r} where {what} should be.") from error


class Cells(dict[Any, str]):
    """The text of a number by what Meta sent for it: the same few thousand strings come again and again."""

    def __init__(self, read: Callable[[Any], int]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, value: Any) -> str:
        cell = str(self._read(value))
        if len(self) >= MOST_KEPT:
            self.clear()
        if isinstance(value, str):  # true is equal to 1
            self[value] = cell
        return cell


def jsonb(written: bytes) -> bytes:
    """A cell of COPY from JSON in one line; without NUL and halves of characters, which PostgreSQL does not hold."""
    if b"\\" not in written:
        return written
    written = orjson.dumps(decoded(written))
    if b"\\" not in written:
        return written
    if b"u0000" in written:
        written = _NUL.sub(rb"\1", written)
    return written.replace(b"\\", b"\\\\")


def text(value: Any) -> str:
    """Text without NUL."""
    return str(value).replace("\x00", "")


def copied(words: str) -> str:
    """Text as COPY reads it."""
    if words.isprintable() and "\\" not in words:
        return words
    return words.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
