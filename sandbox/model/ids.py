"""Object ids of 18 digits, beyond what a float or a spreadsheet cell can hold.

The number of an object is multiplied by an odd constant modulo a power of two: a permutation, so no two
objects share an id, and neighbours do not look alike.
"""

from __future__ import annotations

CAMPAIGN, ADSET, AD, CREATIVE = range(4)
_FLOOR = 120_200_000_000_000_000
_MODULUS = 1 << 56
_ODD = 0x9E3779B97F4A7D


def object_id(account_number: int, kind: int, slot: int, ordinal: int) -> str:
    """The id of one object; `ordinal` counts what the slot has held before."""
    packed = (((account_number << 2 | kind) << 15 | slot) << 14) | ordinal
    return str(_FLOOR + packed * _ODD % _MODULUS)
