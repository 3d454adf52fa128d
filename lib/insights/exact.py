"""Whole numbers as Arrow decimals, and ratios of them rounded exactly, a column at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lib.errors import SumTooLarge

Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]
DIGITS = 6
DECIMAL = pa.decimal128(38, DIGITS)
"""What money (in major units) and ratios are in: six decimals, enough for a millionth and for every currency."""

_ROOM = float(2**62)
_SURE = 2.0**-49
"""Beyond the error of the five roundings between two whole numbers and their quotient as floats."""


def whole(column: pa.ChunkedArray | pa.Array) -> tuple[npt.NDArray[np.int64], Truth]:
    """The numbers (0 where there is none) and where there is one; Python's own integers where 64 bits are too few."""
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    known = np.asarray(values.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    if pa.types.is_int64(values.type):
        return values.fill_null(0).to_numpy(zero_copy_only=False), known
    return np.array([0 if value is None else int(value) for value in values.to_pylist()], dtype=object), known


def rounded_quotient(top: Whole, bottom: Whole, times: int, over: int) -> Whole:
    """``top * times / (bottom * over)`` to the nearest whole number, halves away from zero; 0 where ``bottom`` is 0.

    SumTooLarge where a quotient is beyond 62 bits.
    """
    divisor = np.where(bottom == 0, 1, bottom)
    if object in (top.dtype, bottom.dtype):
        return _held([_exactly(int(a), int(b), times, over) for a, b in zip(top, divisor, strict=True)])
    close = top.astype(np.float64) * (times / over) / divisor
    size = np.abs(close)
    if size.size and size.max() >= _ROOM:
        raise SumTooLarge
    down = np.floor(size)
    found: Whole = np.where(size - down >= 0.5, down + 1, down).astype(np.int64)
    found[close < 0] *= -1
    for row in np.flatnonzero(np.abs(size - down - 0.5) <= size * _SURE + 1e-12):
        found[row] = _exactly(int(top[row]), int(divisor[row]), times, over)
    for row in np.flatnonzero(size >= 2.0**48):
        found[row] = _exactly(int(top[row]), int(divisor[row]), times, over)
    return found


def _exactly(top: int, bottom: int, times: int, over: int) -> int:
    above, below = abs(top) * times, abs(bottom) * over
    found = (2 * above + below) // (2 * below)
    return -found if (top < 0) != (bottom < 0) else found


def _held(values: list[int]) -> Whole:
    if any(abs(value) >= 2**62 for value in values):
        raise SumTooLarge
    return np.array(values, dtype=np.int64)


def decimals(values: npt.NDArray[np.int64], known: Truth) -> pa.Array:
    """Millionths as Arrow decimals; null where ``known`` is false."""
    if values.dtype == object:
        shown = [value if there else None for value, there in zip(values, known, strict=True)]
        text = pa.array([None if value is None else _written(value) for value in shown], pa.string())
        return text.cast(DECIMAL)
    words = np.empty((len(values), 2), dtype=np.int64)
    words[:, 0] = values
    words[:, 1] = values >> 63
    return pa.Array.from_buffers(DECIMAL, len(values), [_bits(known), pa.py_buffer(words)])


def _written(value: int) -> str:
    sign, digits = ("-" if value < 0 else ""), f"{abs(value):07d}"
    return f"{sign}{digits[:-DIGITS]}.{digits[-DIGITS:]}"


def counts(values: npt.NDArray[np.int64], known: Truth) -> pa.Array:
    """Whole numbers; decimals without a fraction where 64 bits are too few; null where ``known`` is false."""
    if values.dtype == object:
        shown = [str(value) if there else None for value, there in zip(values, known, strict=True)]
        return pa.array(shown, pa.string()).cast(pa.decimal128(38, 0))
    return pa.Array.from_buffers(pa.int64(), len(values), [_bits(known), pa.py_buffer(np.ascontiguousarray(values))])


def _bits(known: Truth) -> pa.Buffer:
    return pa.py_buffer(np.packbits(known, bitorder="little"))
