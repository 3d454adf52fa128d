"""Filters on numbers and ids as SQL. Names of columns come from the models; whatever a person wrote is bound."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, false, not_

from lib.insights.dialects import Wide, is_among
from lib.insights.filters import MAX_ID, Filter

Condition = ColumnElement[bool]
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}
_DOWN, _UP = (">", "<="), (">=", "<")


def number_condition(each: Filter, value: ColumnElement[Any], scale: int, *, is_wide: bool) -> Condition:
    """``value``, whole numbers of ``10 ** -scale`` of the filter's unit, compared with its number; NULL meets nothing.

    A number between two whole ones is brought to the one that tells the same.
    """
    exact = Fraction(each.number) * 10**scale
    whole = math.floor(exact) if each.operator in _DOWN else math.ceil(exact)
    if exact != whole and each.operator in ("=", "!="):
        return value.is_not(None) if each.operator == "!=" else false()
    if is_wide:
        return _COMPARE[each.operator](value, bindparam(None, whole, type_=Wide()))  # type: ignore[no-any-return]
    held = max(-MAX_ID - 1, min(whole, MAX_ID))
    return _COMPARE[each.operator](value, bindparam(None, held, type_=BigInteger()))  # type: ignore[no-any-return]


def id_condition(each: Filter, value: ColumnElement[Any]) -> Condition:
    """``value``, an id that is never NULL, is one of the filter's ids, or none of them."""
    listed = is_among(value, each.ids)
    return listed if each.operator == "=" else not_(listed)
