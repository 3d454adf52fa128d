"""A condition as people write it, before it is one: the field that was picked, the operator, and what was typed.

A field is ``names:campaign`` (texts and lists), ``sums:spend`` (of a group) or ``days:spend`` (of one ad on one day).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dashboard.explore import words
from lib.insights.breakdowns import SPLITS
from lib.insights.filters import LIST_OPERATORS, NUMBER_WORDS, TEXT_WORDS, Filter
from lib.insights.metrics import METRICS
from lib.insights.query import NAMED

NAMES, SUMS, DAYS = "names", "sums", "days"
_TEXTS = ("campaign", "adset", "ad", "creative", "client", "account", "objective", "status", "goal", *SPLITS)
_LISTED = ("objective", "status", "goal", "client", "account", *SPLITS)
_PLAIN = re.compile(r"[+-]?(\d{1,16}(\.\d{0,10})?|\.\d{1,10})", re.ASCII)
_ABOUT = {SUMS: "total of a row", DAYS: "of one ad on one day"}


@dataclass(frozen=True)
class Field:
    """What a condition is about: ``kind`` is NAMES, SUMS or DAYS, ``name`` a dimension or a metric."""

    kind: str
    name: str

    @property
    def label(self) -> str:
        """As the menu has it."""
        if self.kind == NAMES:
            return words.dimension(self.name)
        return f"{words.metric(self.name)} ({_ABOUT[self.kind]})"

    @property
    def operators(self) -> dict[str, str]:
        """Operator to words, the likeliest first."""
        if self.kind != NAMES:
            return dict(NUMBER_WORDS)
        first = ("=", "!=") if self.name in _LISTED else ("~",)
        return {operator: TEXT_WORDS[operator] for operator in dict.fromkeys((*first, *TEXT_WORDS))}

    @property
    def is_percent(self) -> bool:
        """Whether people write its numbers in percent."""
        return self.kind != NAMES and METRICS[self.name].format == "percent"

    def takes_list(self, operator: str) -> bool:
        """Whether values are picked from a list."""
        return self.kind == NAMES and operator in LIST_OPERATORS


FIELDS: tuple[Field, ...] = (
    *(Field(NAMES, name) for name in _TEXTS),
    *(Field(SUMS, slug) for slug in words.MENU if METRICS[slug].parsed.kind != "share"),
    *(Field(DAYS, slug) for slug in words.MENU if METRICS[slug].parsed.kind != "share"),
)


def field_of(each: Filter, *, is_having: bool) -> Field:
    """The field of a condition that is there."""
    if each.is_metric:
        return Field(SUMS if is_having else DAYS, each.name)
    return Field(NAMES, each.name.removesuffix("_id"))


def typed_of(each: Filter, field: Field) -> str:
    """What stands in the box for a condition that is there."""
    return words.percent(each.values[0]) if field.is_percent else each.values[0]


def condition(field: Field, operator: str, typed: str, chosen: Sequence[str]) -> Filter:
    """The condition; QueryError with a sentence where it cannot be one yet."""
    if field.takes_list(operator):
        return Filter(f"{field.name}_id" if field.name in NAMED else field.name, operator, tuple(chosen))
    if field.kind == NAMES:
        return Filter(field.name, operator, (typed,))
    return Filter(field.name, operator, (_number(typed.strip(), is_percent=field.is_percent),))


def _number(typed: str, *, is_percent: bool) -> str:
    if not is_percent:
        return typed
    digits = typed.removesuffix("%").strip()
    return f"{Decimal(digits) / 100:f}" if _PLAIN.fullmatch(digits) else typed
