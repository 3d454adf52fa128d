"""What a page shows, as one value that the address holds: period, comparison, filters, metric, sort, page.

Only what differs from the defaults is in the address, so a copied one is short and means the same to a colleague.
``Shared`` is what every page has; each page adds its own parts and says by parsers how its address is read.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

from lib.insights.metrics import METRICS
from lib.insights.periods import COMPARISONS, PRESETS

PERIODS = {**PRESETS, "custom": "Custom dates"}
PAGE_SIZES = (10, 25, 50, 100, 250)
FIRST_DAY = dt.date(2004, 2, 4)
UNKNOWN = "?"
"""Stands for every parameter that the page does not have; its name is not repeated on the page."""

_LONGEST_NAME = 200
_WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,80}")
_MOST_VALUES = 200

Params = Mapping[str, Sequence[str]]
Parser = Callable[[Sequence[str]], object]


@dataclass(frozen=True)
class Shared:
    """The part that pages have in common. ``since`` and ``until`` are set for custom dates only; both are inclusive."""

    period: str = "last_28"
    since: dt.date | None = None
    until: dt.date | None = None
    compare: str = "previous_period"
    clients: tuple[str, ...] = ()
    accounts: tuple[int, ...] = ()
    currency: str | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether clients or accounts narrow the whole page."""
        return bool(self.clients or self.accounts)

    @property
    def from_start(self) -> Mapping[str, object]:
        """What a change of any part sets back: another page of rows is shown from its start."""
        return {"page": 1}


@dataclass(frozen=True)
class View(Shared):
    """One view of the overview."""

    metric: str = "spend"
    sort: str = "-spend"
    name: str = ""
    limit: int = 25
    page: int = 1

    def cleared(self) -> View:
        """The same period and looks, without filters."""
        return replace(self, clients=(), accounts=(), name="", currency=None, page=1)


V = TypeVar("V", bound=Shared)
DEFAULT = View()


def read(params: Params) -> tuple[View, tuple[str, ...]]:
    """The view that an address asks for, and the names of the parameters that could not be understood."""
    return read_as(DEFAULT, _PARSERS, params)


def write(view: View) -> dict[str, str | list[str]]:
    """The parameters of ``view`` that differ from the defaults."""
    return written(view, DEFAULT, _PARSERS)


def read_as(default: V, parsers: Mapping[str, Parser], params: Params) -> tuple[V, tuple[str, ...]]:
    """``default`` with what the address sets by ``parsers``, and the names of what could not be understood."""
    values: dict[str, object] = {}
    odd: list[str] = []
    for name, parse in parsers.items():
        given = [value for value in params.get(key_of(name), ()) if value != ""]
        if not given:
            continue
        try:
            values[name] = parse(given)
        except ValueError:
            odd.append(key_of(name))
    view, wrong_dates = _with_dates_in_order(replace(default, **values))  # type: ignore[arg-type]
    unknown = (UNKNOWN,) if set(params) - {key_of(name) for name in parsers} else ()
    return view, (*odd, *wrong_dates, *unknown)


def written(view: V, default: V, names: Sequence[str] | Mapping[str, Parser]) -> dict[str, str | list[str]]:
    """The parameters for those of ``names`` in which ``view`` differs from ``default``."""
    custom = view.period == "custom"
    found: dict[str, str | list[str]] = {}
    for name in names:
        value = getattr(view, name)
        if value == getattr(default, name) or (name == "period" and custom) or (name in _DATES and not custom):
            continue
        found[key_of(name)] = [str(each) for each in value] if isinstance(value, tuple) else str(value)
    return found


def key_of(name: str) -> str:
    """The parameter that holds the part ``name`` of a view."""
    return _KEYS.get(name, name)


def shared_parts(view: Shared) -> dict[str, object]:
    """The parts of ``view`` that go along from page to page, by name."""
    return {field.name: getattr(view, field.name) for field in fields(Shared)}


def sort_of(view: View) -> tuple[str, bool]:
    """The column that the table is sorted by, and whether the largest comes first."""
    return view.sort.lstrip("-"), view.sort.startswith("-")


def _with_dates_in_order(view: V) -> tuple[V, tuple[str, ...]]:
    if view.since is None and view.until is None and view.period != "custom":
        return view, ()
    if view.since is None or view.until is None or view.since > view.until:
        kept = DEFAULT.period if view.period == "custom" else view.period
        return replace(view, period=kept, since=None, until=None), ("since", "until")
    return replace(view, period="custom"), ()


def one(values: Sequence[str]) -> str:
    """The only one of ``values``; ValueError where there are several."""
    if len(values) != 1:
        raise ValueError(values)
    return values[0]


def among(allowed: Mapping[str, object] | Sequence[str]) -> Callable[[Sequence[str]], str]:
    """A parser for one of these words."""

    def parse(values: Sequence[str]) -> str:
        if one(values) not in allowed:
            raise ValueError(values)
        return values[0]

    return parse


def number_among(allowed: Sequence[int]) -> Callable[[Sequence[str]], int]:
    """A parser for one of these numbers."""

    def parse(values: Sequence[str]) -> int:
        if one(values) not in map(str, allowed):
            raise ValueError(values)
        return int(values[0])

    return parse


def page_number(values: Sequence[str]) -> int:
    """A number from 1 on."""
    if not re.fullmatch(r"[1-9][0-9]{0,5}", one(values)):
        raise ValueError(values)
    return int(values[0])


def _date(values: Sequence[str]) -> dt.date:
    date = dt.date.fromisoformat(one(values))
    if not FIRST_DAY <= date <= dt.date(2100, 1, 1):
        raise ValueError(values)
    return date


def _slugs(values: Sequence[str]) -> tuple[str, ...]:
    if len(values) > _MOST_VALUES or not all(_WORD.fullmatch(value) for value in values):
        raise ValueError(values)
    return tuple(dict.fromkeys(values))


def _ids(values: Sequence[str]) -> tuple[int, ...]:
    digits = [value.removeprefix("act_") for value in values]
    if len(values) > _MOST_VALUES or not all(
        value.isascii() and value.isdigit() and len(value) <= 18 for value in digits
    ):
        raise ValueError(values)
    return tuple(dict.fromkeys(int(value) for value in digits))


def _currency(values: Sequence[str]) -> str:
    if not re.fullmatch(r"[A-Z]{3}", one(values)):
        raise ValueError(values)
    return values[0]


def _sort(values: Sequence[str]) -> str:
    if one(values).removeprefix("-") not in ("name", *METRICS):
        raise ValueError(values)
    return values[0]


def _name(values: Sequence[str]) -> str:
    if len(one(values)) > _LONGEST_NAME or "\x00" in values[0]:
        raise ValueError(values)
    return values[0]


_DATES = ("since", "until")
_KEYS = {"clients": "client", "accounts": "account", "filters": "filter"}
SHARED_PARSERS: dict[str, Parser] = {
    "period": among(PERIODS),
    "since": _date,
    "until": _date,
    "compare": among(COMPARISONS),
    "clients": _slugs,
    "accounts": _ids,
    "currency": _currency,
}
_PARSERS: dict[str, Parser] = {
    **SHARED_PARSERS,
    "metric": among(METRICS),
    "sort": _sort,
    "name": _name,
    "limit": number_among(PAGE_SIZES),
    "page": page_number,
}
