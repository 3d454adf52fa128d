"""Filters as SQL. Names of columns come from the models; whatever a person wrote is bound."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Numeric,
    SQLColumnExpression,
    String,
    and_,
    bindparam,
    func,
    not_,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from lib.insights.filters import Filter

Condition = ColumnElement[bool]
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}


def number_condition(each: Filter, value: SQLColumnExpression[Any]) -> Condition:
    """``value`` (major units for money) compared with the filter's number; NULL meets nothing."""
    return _COMPARE[each.operator](value, bindparam(None, each.number, type_=Numeric()))  # type: ignore[no-any-return]


def id_condition(each: Filter, value: SQLColumnExpression[Any]) -> Condition:
    """``value`` is one of the filter's ids, or none of them."""
    return _listed(each, value, each.ids, BigInteger)


def is_among(value: SQLColumnExpression[Any], ids: Iterable[int]) -> Condition:
    """``value`` is one of ``ids``, which go as one array however many they are."""
    return value == func.any(bindparam(None, list(ids), type_=ARRAY(BigInteger)))


def text_condition(each: Filter, value: SQLColumnExpression[str]) -> Condition:
    """``value``, a text that is never NULL, meets the filter."""
    text = each.values[0]
    if each.operator in ("~", "!~"):
        found: Condition = value.icontains(text, autoescape=True)
        return found if each.operator == "~" else not_(found)
    if each.operator == "^=":
        return value.istartswith(text, autoescape=True)
    if each.operator == "=~":
        return value.op("~", is_comparison=True)(bindparam(None, text, type_=String()))
    return _listed(each, value, each.values, String)


def _listed(each: Filter, value: SQLColumnExpression[Any], values: Iterable[Any], kind: type[Any]) -> Condition:
    bound = bindparam(None, list(values), type_=ARRAY(kind))
    # The negation of "equals any" is "differs from all"; SQLAlchemy's own would be "differs from any".
    listed: Condition = value == func.any(bound) if each.operator == "=" else value != func.all(bound)
    return listed


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Every condition holds; true for none."""
    return and_(true(), *conditions)
