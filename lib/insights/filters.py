"""Conditions and orders of a query; each checks its own words when it is made.

    text dimension   ~ contains   !~ does not contain   ^= starts with   =~ matches a regular expression   = != a list
    id               = != a list
    metric           > >= < <= = !=   one number, money in major units

Contains and starts with ignore case; lists and regular expressions do not. Regular expressions are RE2's, which take
time in proportion to the text. Name, objective, goal and status of an ad that Meta has not described are its id, '', ''
and ''; status is the ad's effective one, goal the ad set's optimisation goal. The values of a breakdown (country,
age …) are Meta's own words. An ad without a creative has no creative
id and '' for its name. A metric without a value (a ratio over zero) meets no condition; ratios are compared at nine
decimals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import re2

from lib.errors import QueryError
from lib.insights.breakdowns import SPLITS
from lib.insights.metrics import METRICS
from lib.insights.nearest import shown, unknown

TEXTS = (
    "client", "client_id", "account", "campaign", "adset", "ad", "creative", "currency", "objective", "status", "goal",
    *SPLITS,
)  # fmt: skip
IDS = ("account_id", "campaign_id", "adset_id", "ad_id", "creative_id")
TEXT_WORDS = {
    "~": "contains",
    "!~": "does not contain",
    "^=": "starts with",
    "=~": "matches",
    "=": "is",
    "!=": "is not",
}
NUMBER_WORDS = {">": "over", ">=": "at least", "<": "under", "<=": "at most", "=": "is", "!=": "is not"}
LIST_OPERATORS = ("=", "!=")
MAX_TEXT = 1000
MAX_VALUES = 10_000
MAX_ID = 2**63 - 1
_NUMBER = re.compile(r"[+-]?(\d{1,18}(\.\d{0,12})?|\.\d{1,12})", re.ASCII)
_ID = re.compile(r"(act_)?(\d{1,19})", re.ASCII)


@dataclass(frozen=True)
class Filter:
    """``name`` is a dimension, an id or a metric; ``values`` is one text or number, or a list for ``=`` and ``!=``."""

    name: str
    operator: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.name not in (*TEXTS, *IDS, *METRICS):
            raise QueryError(unknown("dimension or metric", self.name, (*TEXTS, *IDS, *METRICS)))
        self._check_operator()
        self._check_values()

    @property
    def is_metric(self) -> bool:
        """Whether it compares a number."""
        return self.name in METRICS

    @property
    def number(self) -> Decimal:
        """What a metric is compared with."""
        return Decimal(self.values[0])

    @property
    def ids(self) -> list[int]:
        """What an id is compared with."""
        return [as_id(value) for value in self.values]

    def _check_operator(self) -> None:
        known: tuple[str, ...] = LIST_OPERATORS if self.name in IDS else tuple(TEXT_WORDS)
        known = tuple(NUMBER_WORDS) if self.is_metric else known
        if self.operator not in known:
            raise QueryError(f"{self.name} does not take {shown(self.operator)}.", f"It takes {' '.join(known)}")

    def _check_values(self) -> None:
        if not self.values or (len(self.values) > 1 and (self.is_metric or self.operator not in LIST_OPERATORS)):
            raise QueryError(f"{self.name}{self.operator} takes one value.")
        if len(self.values) > MAX_VALUES:
            raise QueryError(f"{self.name}{self.operator} takes at most {MAX_VALUES:,} values.")
        for value in self.values:
            self._check_value(value)

    def _check_value(self, value: str) -> None:
        if self.is_metric:
            if not _NUMBER.fullmatch(value):
                raise QueryError(
                    f"{self.name}{self.operator} needs a number, not {shown(value)}.",
                    "Write it with a point and without thousands separators, such as 1234.50.",
                )
        elif self.name in IDS:
            as_id(value)
        else:
            _check_text(self.name, value)
            if not value and self.operator not in LIST_OPERATORS:
                raise QueryError(f"{self.name}{self.operator} needs a text to look for.")
            if self.operator == "=~":
                pattern(value)


def as_id(value: str) -> int:
    """The number of a Meta id, with or without ``act_``; QueryError where it is none."""
    found = _ID.fullmatch(value)
    if not found or int(found[2]) > MAX_ID:
        raise QueryError(
            f"{shown(value)} is not an id of Meta's.", "Ids are digits; those of accounts may start with act_."
        )
    return int(found[2])


@lru_cache(maxsize=256)
def pattern(text: str) -> Any:
    """The compiled regular expression, whose dot matches line breaks too; QueryError where it cannot be read."""
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error.args[0])
        raise QueryError(
            f"A regular expression of the filters cannot be read: {shown(reason)}.",
            "Correct it, or use ~ to look for plain text.",
        ) from error


def _check_text(name: str, value: str) -> None:
    if len(value) > MAX_TEXT:
        raise QueryError(f"The text for {name} is too long: {len(value):,} of at most {MAX_TEXT:,} characters.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise QueryError(f"The text for {name} is not valid Unicode.", "Write it in UTF-8.") from error
    if "\0" in value:
        raise QueryError(f"The text for {name} contains a NUL character, which no name has.")


@dataclass(frozen=True)
class Order:
    """Sorted by a dimension of ``group_by``, a metric or ``currency``."""

    key: str
    descending: bool = False
