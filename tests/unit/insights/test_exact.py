"""Ratios of whole numbers are rounded exactly, whatever their size and sign."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import SumTooLarge
from lib.insights import exact

SMALL = st.integers(-1000, 1000)
LARGE = st.integers(-(2**62), 2**62)
TIES = st.tuples(st.integers(0, 10**6), st.sampled_from([2, 4, 8, 16])).map(lambda at: at[0] * 2 + 1)


def rounded(top: int, bottom: int, times: int, over: int) -> int:
    """The same with fractions; halves away from zero."""
    exactly = Fraction(top * times, bottom * over)
    size = (2 * abs(exactly.numerator) + exactly.denominator) // (2 * exactly.denominator)
    return -size if exactly < 0 else size


@settings(deadline=None)
@given(
    pairs=st.lists(st.tuples(st.one_of(SMALL, LARGE, TIES), st.one_of(SMALL, LARGE, TIES)), min_size=1, max_size=20),
    times=st.sampled_from([1, 10**2, 10**6]),
    over=st.sampled_from([1, 10**4]),
)
def test_quotients_are_rounded_like_fractions(pairs: list[tuple[int, int]], times: int, over: int) -> None:
    wanted = [0 if bottom == 0 else rounded(top, bottom, times, over) for top, bottom in pairs]
    tops, bottoms = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    if max(abs(top * times // (bottom or 1)) for top, bottom in pairs) >= 2**61:
        return

    found = exact.rounded_quotient(tops, bottoms, times, over)

    assert [value for value, (_, bottom) in zip(found.tolist(), pairs, strict=True) if bottom] == [
        value for value, (_, bottom) in zip(wanted, pairs, strict=True) if bottom
    ]


@pytest.mark.parametrize(
    ("top", "bottom", "found"), [(5, 10, 1), (-5, 10, -1), (15, 10, 2), (4999, 10000, 0), (2**53 + 1, 2, 2**52 + 1)]
)
def test_halves_go_away_from_zero(top: int, bottom: int, found: int) -> None:
    assert exact.rounded_quotient(np.array([top]), np.array([bottom]), 1, 1).tolist() == [found]


def test_python_s_integers_take_over_where_64_bits_are_too_few() -> None:
    top, bottom = np.array([2**70], dtype=object), np.array([2**65], dtype=object)

    assert exact.rounded_quotient(top, bottom, 10, 1).tolist() == [320]
    with pytest.raises(SumTooLarge):
        exact.rounded_quotient(top, np.array([1], dtype=object), 1, 1)
    with pytest.raises(SumTooLarge):
        exact.rounded_quotient(np.array([2**62]), np.array([1]), 10**6, 1)


@settings(deadline=None)
@given(values=st.lists(st.none() | LARGE, max_size=20))
def test_millionths_become_decimals(values: list[int | None]) -> None:
    numbers, known = exact.whole(pa.array(values, pa.int64()))

    assert exact.decimals(numbers, known).to_pylist() == [
        None if value is None else Decimal(value).scaleb(-6) for value in values
    ]
    assert exact.counts(numbers, known).to_pylist() == values


def test_larger_sums_stay_exact() -> None:
    values = [2**70, -(2**64), None, 5]
    numbers, known = exact.whole(pa.array([None if v is None else Decimal(v) for v in values], pa.decimal128(38, 0)))

    shown = exact.decimals(numbers, known).to_pylist()
    assert shown == [
        None if v is None else Decimal(v).scaleb(-6).quantize(Decimal("0.000001"), ROUND_HALF_UP) for v in values
    ]
    assert [None if v is None else int(v) for v in exact.counts(numbers, known).to_pylist()] == values
