"""The words of the command line, the API and addresses: ``campaign~Sale``, ``ad_id=1,2``, ``spend>0``, ``-spend``."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

from lib.errors import QueryError
from lib.insights.filters import IDS, LIST_OPERATORS, TEXTS, Filter, Order, as_id
from lib.insights.metrics import METRICS
from lib.insights.nearest import shown, unknown
from lib.insights.query import InsightQuery, Top

_CONDITION = re.compile(r"\s*(?P<name>\w+)\s*(?P<operator>!~|\^=|=~|>=|<=|!=|~|=|>|<)(?P<value>.*)", re.DOTALL)
_LISTED = re.compile(r'\s*(?:"(?P<quoted>(?:[^"]|"")*)"\s*|(?P<plain>[^",][^,]*|))(?P<end>,|$)', re.DOTALL)


def query_of_words(
    *,
    since: str,
    until: str,
    group_by: str = "",
    metrics: str = "",
    filters: Iterable[str] = (),
    having: Iterable[str] = (),
    order: str = "",
    limit: str | None = None,
    accounts: Iterable[str] = (),
    currency: str | None = None,
    top: str | None = None,
    attribution: str | None = None,
) -> InsightQuery:
    """The query that the words ask for: lists are separated by commas. QueryError where a word is off."""
    return InsightQuery(
        since=parse_date(since),
        until=parse_date(until),
        group_by=_split(group_by),
        metrics=_split(metrics),
        filters=tuple(parse_filter(text) for text in filters),
        having=tuple(parse_having(text) for text in having),
        order=tuple(parse_order(text) for text in _split(order)),
        limit=_parse_limit(limit),
        account_ids=frozenset(as_id(text.strip()) for text in accounts) or None,
        currency=currency,
        top=None if top is None else parse_top(top),
        attribution=attribution,
    )


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


def parse_top(text: str) -> Top:
    """``10:campaign:spend``: the ten campaigns with the most spend, and all others as one."""
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 3 or not re.fullmatch(r"[0-9]{1,9}", parts[0]):
        raise QueryError(f"The top {shown(text)} cannot be read.", "Write 10:campaign:spend, for example.")
    return Top(parts[1], parts[2], int(parts[0]))


def write_filter(each: Filter) -> str:
    """The words that ``parse_filter`` reads as ``each``."""
    if each.is_metric or each.name in IDS:
        return f"{each.name}{each.operator}{','.join(each.values)}"
    return f"{each.name}{each.operator}{','.join(_quote(value) for value in each.values)}"


def write_order(each: Order) -> str:
    """The word that ``parse_order`` reads as ``each``."""
    return f"{'-' if each.descending else ''}{each.key}"


def write_top(top: Top) -> str:
    """The words that ``parse_top`` reads as ``top``."""
    return f"{top.n}:{top.dimension}:{top.by}"


def parse_date(text: str) -> dt.date:
    """A day written YYYY-MM-DD; QueryError for anything else."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            return dt.date.fromisoformat(text)
    except ValueError as error:
        raise QueryError(f"There is no day {shown(text)}.") from error
    raise QueryError(f"{shown(text)} is not a date.", "Write it as 2026-01-31.")


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",")) if text.strip() else ()


def _parse_limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise QueryError(f"The limit {shown(text)} is not a number of rows.", "Ask for at least 1.")
    return int(text[:20])


def _quote(value: str) -> str:
    # What begins with ~ would be read as part of the operator before it.
    plain = value and value == value.strip() and value[0] not in '"~' and "," not in value
    return value if plain else '"' + value.replace('"', '""') + '"'


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
