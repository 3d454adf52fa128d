"""The words of the command line and of addresses: ``campaign~Sale``, ``ad_id=1,2``, ``spend>0``, ``-spend``."""

from __future__ import annotations

import datetime as dt
import re

from lib.errors import QueryError
from lib.insights.filters import IDS, LIST_OPERATORS, TEXTS, Filter, Order
from lib.insights.metrics import METRICS
from lib.insights.nearest import shown, unknown

_CONDITION = re.compile(r"\s*(?P<name>\w+)\s*(?P<operator>!~|\^=|=~|>=|<=|!=|~|=|>|<)(?P<value>.*)", re.DOTALL)
_LISTED = re.compile(r'\s*(?:"(?P<quoted>(?:[^"]|"")*)"\s*|(?P<plain>[^",][^,]*|))(?P<end>,|$)', re.DOTALL)


def parse_filter(text: str) -> Filter:
    """``dimension~text`` (and !~ ^= =~ = !=) or ``metric>number``; double quotes keep commas and spaces in a value."""
    found = _CONDITION.fullmatch(text)
    if not found:
        raise QueryError(
            f"The condition {shown(text)} cannot be read.", "Write campaign~Sale, ad_id=1,2 or spend>0, for example."
        )
    name, operator, value = found["name"], found["operator"], found["value"]
    if name not in (*TEXTS, *IDS, *METRICS):
        raise QueryError(unknown("dimension or metric", name, (*TEXTS, *IDS, *METRICS)))
    if name not in METRICS and operator in LIST_OPERATORS:
        return Filter(name, operator, _parse_list(text, value))
    return Filter(name, operator, (_unquote(value.strip()),))


def parse_having(text: str) -> Filter:
    """``metric>number`` over the sums of a group."""
    condition = parse_filter(text)
    if not condition.is_metric:
        raise QueryError(f"Only metrics decide over groups, not {condition.name}.", "Use it as a filter.")
    return condition


def parse_order(text: str) -> Order:
    """``spend`` from small to large, ``-spend`` from large to small."""
    name = text.strip()
    return Order(name.removeprefix("-"), descending=name.startswith("-"))


def parse_date(text: str) -> dt.date:
    """A day written YYYY-MM-DD; QueryError for anything else."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            return dt.date.fromisoformat(text)
    except ValueError as error:
        raise QueryError(f"There is no day {shown(text)}.") from error
    raise QueryError(f"{shown(text)} is not a date.", "Write it as 2026-01-31.")


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return value[1:-1].replace('""', '"')
    return value


def _parse_list(text: str, value: str) -> tuple[str, ...]:
    values: list[str] = []
    position, end = 0, ","
    while end == ",":
        found = _LISTED.match(value, position)
        if not found or (found["quoted"] is None and not found["plain"].strip()):
            raise QueryError(
                f"The list in {shown(text)} cannot be read.",
                'Separate values with commas, and put one that has commas in double quotes; "" is an empty one.',
            )
        quoted = found["quoted"]
        values.append(found["plain"].strip() if quoted is None else quoted.replace('""', '"'))
        position, end = found.end(), found["end"]
    return tuple(values)
