"""Cells as text, a column at a time by Arrow's kernels: nothing of Python runs once a cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lib.insights import exact
from lib.insights.answer import MONEY_RATIO_DIGITS, Column
from lib.insights.currency import exponent
from lib.insights.metrics import METRICS

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_STARTS = pa.array(FORMULA_STARTS)


def defused(text: str) -> str:
    """``text`` with an apostrophe in front where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def looks_like_formula(texts: pa.Array) -> pa.BooleanArray:
    """Whether each text begins as a formula does."""
    return pc.is_in(pc.utf8_slice_codeunits(texts, 0, 1), value_set=_STARTS)


def quoted(texts: pa.Array) -> pa.Array:
    """Each text defused and in double quotes, those inside doubled; null stays null."""
    risky = looks_like_formula(texts)
    if pc.any(risky).as_py():
        texts = pc.if_else(risky, joined("'", texts), texts)
    if pc.any(pc.match_substring(texts, '"')).as_py():
        texts = pc.replace_substring(texts, '"', '""')
    return joined('"', texts, '"')


def joined(*parts: Any) -> pa.Array:
    """Texts put together row by row; arrays and single texts mix, and one null makes the whole null."""
    return pc.binary_join_element_wise(*parts, "")


def lines(*parts: Any) -> memoryview:
    """The same for whole rows, as the bytes of all rows behind each other; a null is nothing."""
    rows = pc.binary_join_element_wise(*parts, "", null_handling="replace", null_replacement="")
    _, offsets, content = rows.buffers()
    ends = pa.Array.from_buffers(pa.int32(), len(rows) + 1, [None, offsets])
    return memoryview(content)[ends[0].as_py() : ends[-1].as_py()]


def plain(values: pa.Array) -> pa.Array:
    """Digits without exponent or separators, decimals with six; a date as 2026-01-31."""
    return values.cast(pa.string())


def shortest(values: pa.Array) -> pa.Array:
    """Decimals without the zeros at their end: 12.3, 700."""
    return pc.ascii_rtrim(pc.ascii_rtrim(plain(values), "0"), ".")


def least_digits(column: Column, currency: str | None) -> int:
    """How many decimals money of this column has at least: its currency's, and more for a cost per something."""
    metric = METRICS.get(column.key)
    more = MONEY_RATIO_DIGITS if metric is not None and metric.parts else 0
    return min(exponent(currency) + more, exact.DIGITS)


def by_digits(column: Column, currencies: pa.Array | None) -> Iterator[tuple[int, pa.BooleanArray | None]]:
    """The decimals that money of this column has at least, each with its rows; None stands for all of them."""
    known: list[str | None] = [None] if currencies is None else pc.unique(currencies).to_pylist()
    wanted: dict[int, list[str | None]] = {}
    for currency in known:
        wanted.setdefault(least_digits(column, currency), []).append(currency)
    for number, (digits, group) in enumerate(wanted.items()):
        # The first one is what the others then take their rows from.
        yield digits, pc.is_in(currencies, value_set=pa.array(group, pa.string())) if number else None


def money(column: Column, values: pa.Array, currencies: pa.Array | None) -> pa.Array:
    """Money with the decimals of ``by_digits``, or with more where the value has more."""
    whole = plain(values)
    found = whole
    for digits, rows in by_digits(column, currencies):
        short = _shortened(whole, digits)
        found = short if rows is None else pc.if_else(rows, short, found)
    return found


def currencies(piece: pa.RecordBatch) -> pa.Array | None:
    """The currency of each row, where money is in the answer."""
    return piece.column("currency") if "currency" in piece.schema.names else None


def _shortened(whole: pa.Array, digits: int) -> pa.Array:
    cut = exact.DIGITS - digits
    if not cut:
        return whole
    # The point goes too where no decimal stays.
    short = pc.utf8_slice_codeunits(whole, 0, -cut if digits else -cut - 1)
    fits = pc.ends_with(whole, "0" * cut)
    return short if pc.all(fits).as_py() is not False else pc.if_else(fits, short, pc.ascii_rtrim(whole, "0"))
