"""Whether a text meets a filter: worked out here, so that it is the same whatever answers the query."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from lib.errors import QueryError
from lib.insights.filters import Filter, pattern

T = TypeVar("T")
Matches = Callable[[str], bool]
LIMIT_S = 10.0
"""A hundred times as long as plain patterns take for a hundred thousand names."""


def matcher(each: Filter) -> Matches:
    """What tells whether a text meets the filter; contains and starts with ignore case."""
    text = each.values[0].casefold()
    if each.operator == "~":
        return lambda value: text in value.casefold()
    if each.operator == "!~":
        return lambda value: text not in value.casefold()
    if each.operator == "^=":
        return lambda value: value.casefold().startswith(text)
    if each.operator == "=~":
        search = pattern(each.values[0]).search
        return lambda value: search(value) is not None
    wanted = frozenset(each.values)
    if each.operator == "=":
        return lambda value: value in wanted
    return lambda value: value not in wanted


def meeting(texts: Iterable[tuple[T, dict[str, str]]], meets: Callable[[dict[str, str]], bool]) -> Iterator[T]:
    """The keys of those texts that meet; QueryError where it takes longer than ``LIMIT_S``."""
    end = time.monotonic() + LIMIT_S
    for key, each in texts:
        if meets(each):
            yield key
        if time.monotonic() > end:
            raise QueryError("A regular expression of the filters takes too long.", "Write it with fewer repetitions.")


def meets_all(filters: Iterable[Filter]) -> Callable[[dict[str, str]], bool]:
    """What tells whether an object, given as its texts by the names of filters, meets all of them."""
    matchers = [(each.name, matcher(each)) for each in filters]
    return lambda texts: all(matches(texts[name]) for name, matches in matchers)
