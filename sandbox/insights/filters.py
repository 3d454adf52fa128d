"""Filtering: conditions on the objects behind a row, and conditions on its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sandbox import errors
from sandbox.model.columns import INDEX, MONEY
from sandbox.model.objects import Inventory, Mask
from sandbox.model.rand import Floats, Ints
from sandbox.params import Params, objects

LEVELS = ("campaign", "adset", "ad")
_ATTRIBUTES: dict[str, Callable[[Any], str]] = {
    "id": lambda item: item.id,
    "name": lambda item: item.name,
    "effective_status": lambda item: item.effective_status,
    "status": lambda item: item.status,
    "objective": lambda item: item.objective.objective,
}
_COUNTS = {"impressions": "impressions", "reach": "reach", "clicks": "clicks", "inline_link_clicks": "link_clicks",
           "inline_post_engagement": "engagements", "spend": "spend"}  # fmt: skip
_RATIOS = {"cpm": ("spend", "impressions", 1000.0), "cpc": ("spend", "clicks", 1.0),
           "ctr": ("clicks", "impressions", 100.0), "cpp": ("spend", "reach", 1000.0),
           "frequency": ("impressions", "reach", 1.0)}  # fmt: skip
METRICS = (*_COUNTS, *_RATIOS)


@dataclass(frozen=True)
class Condition:
    """One filter. `level` is empty for a condition on a metric."""

    level: str
    name: str
    operator: str
    value: Any

    @property
    def names_status(self) -> bool:
        """Whether it asks for statuses, which is what brings archived and deleted objects back."""
        return self.name == "effective_status"


def of(params: Params) -> list[Condition]:
    """The conditions of a call; unknown fields and operators are refused as Meta does."""
    found = []
    for number, one in enumerate(objects(params, "filtering")):
        if not {"field", "operator", "value"} <= set(one):
            raise errors.bad_parameter(f"param filtering[{number}] must have field, operator and value.")
        level, _, name = str(one["field"]).rpartition(".")
        operator = str(one["operator"]).upper()
        if not level and name == "objective":
            level = "campaign"
        known = name in _ATTRIBUTES if level in LEVELS else not level and name in METRICS
        if not known:
            raise errors.bad_parameter(f"Filtering field '{one['field']}' is invalid.")
        if operator not in _OPERATORS:
            valid = ", ".join(_OPERATORS)
            raise errors.bad_parameter(f"filtering[{number}][operator] must be one of the following values: {valid}")
        if one["value"] == [] and operator not in ("IN", "NOT_IN"):
            raise errors.bad_parameter(f"param filtering[{number}][value] must not be empty.")
        found.append(Condition(level, name, operator, one["value"]))
    return found


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_TEXT: dict[str, Callable[[str, Any], bool]] = {
    "IN": lambda text, value: text in {str(v) for v in _many(value)},
    "NOT_IN": lambda text, value: text not in {str(v) for v in _many(value)},
    "EQUAL": lambda text, value: text == str(_many(value)[0]),
    "NOT_EQUAL": lambda text, value: text != str(_many(value)[0]),
    "CONTAIN": lambda text, value: str(_many(value)[0]).casefold() in text.casefold(),
    "NOT_CONTAIN": lambda text, value: str(_many(value)[0]).casefold() not in text.casefold(),
    "STARTS_WITH": lambda text, value: text.casefold().startswith(str(_many(value)[0]).casefold()),
}
_NUMBER: dict[str, Callable[[Floats, list[float]], Mask]] = {
    "GREATER_THAN": lambda column, value: column > value[0],
    "GREATER_THAN_OR_EQUAL": lambda column, value: column >= value[0],
    "LESS_THAN": lambda column, value: column < value[0],
    "LESS_THAN_OR_EQUAL": lambda column, value: column <= value[0],
    "EQUAL": lambda column, value: column == value[0],
    "NOT_EQUAL": lambda column, value: column != value[0],
    "IN": np.isin,
    "NOT_IN": lambda column, value: np.isin(column, value, invert=True),
    "IN_RANGE": lambda column, value: (column >= value[0]) & (column <= value[-1]),
    "NOT_IN_RANGE": lambda column, value: (column < value[0]) | (column > value[-1]),
}
_OPERATORS = tuple(dict.fromkeys([*_TEXT, *_NUMBER]))


def matches(condition: Condition, text: str) -> bool:
    """Whether one object's attribute meets a condition."""
    test = _TEXT.get(condition.operator)
    if test is None:
        raise errors.bad_parameter(f"Operator {condition.operator} is not valid for field {condition.name}.")
    return test(text, condition.value)


def _meets(condition: Condition, item: Any) -> bool:
    return matches(condition, _ATTRIBUTES[condition.name](item))


def ads_kept(inventory: Inventory, conditions: Sequence[Condition]) -> Mask:
    """Which ads count: those that meet every condition themselves, or whose parents do."""
    kept = np.ones(len(inventory.ads), dtype=np.bool_)
    for condition in conditions:
        if condition.level:
            passes = inventory.mask(condition.level, repr(condition), partial(_meets, condition))
            kept &= passes[inventory.parents(condition.level)]
    return kept


def column(name: str, base: Ints, exponent: int) -> Floats:
    """A metric as numbers, for conditions and for sorting; a ratio without a denominator is 0."""

    def major(of_column: str) -> Floats:
        values: Floats = base[:, INDEX[of_column]].astype(np.float64)
        return values / 10**exponent if of_column in MONEY else values

    if name in _COUNTS:
        return major(_COUNTS[name])
    upper, lower, factor = _RATIOS[name]
    below = major(lower)
    ratio: Floats = factor * major(upper) / np.maximum(below, 1.0) * (below > 0)
    return ratio


def rows_kept(conditions: Sequence[Condition], base: Ints, exponent: int) -> Mask:
    """Which rows meet the conditions on their numbers."""
    kept = np.ones(len(base), dtype=np.bool_)
    for condition in conditions:
        if condition.level:
            continue
        test = _NUMBER.get(condition.operator)
        try:
            values = [float(v) for v in _many(condition.value)]
        except (TypeError, ValueError) as broken:
            raise errors.bad_parameter(f"Filtering value of {condition.name} must be a number.") from broken
        if test is None or not values:
            raise errors.bad_parameter(f"Operator {condition.operator} is not valid for field {condition.name}.")
        kept &= test(column(condition.name, base, exponent), values)
    return kept


def all_match(conditions: Sequence[Condition], item: Any) -> bool:
    """Whether one object meets all conditions on its own attributes."""
    return all(_meets(condition, item) for condition in conditions)
