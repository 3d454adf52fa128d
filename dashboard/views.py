"""What a page shows, as one value that the address holds: period, comparison, filters, metric, sort, page.

Only what differs from the defaults is in the address, so a copied one is short and means the same to a colleague.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lib.insights.metrics import METRICS
from lib.insights.periods import COMPARISONS, PRESETS

PERIODS = {**PRESETS, "custom": "Custom dates"}
PAGE_SIZES = (10, 25, 50, 100, 250)
FIRST_DAY = dt.date(2004, 2, 4)
_LONGEST_NAME = 200
_WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,80}")


@dataclass(frozen=True)
class View:
    """One view of the numbers. ``since`` and ``until`` are set for custom dates only; both are inclusive."""

    period: str = "last_28"
    since: dt.date | None = None
    until: dt.date | None = None
    compare: str = "previous_period"
    clients: tuple[str, ...] = ()
    accounts: tuple[int, ...] = ()
    currency: str | None = None
    metric: str = "spend"
    sort: str = "-spend"
    name: str = ""
    limit: int = 25
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        """Whether clients or accounts narrow the whole page."""
        return bool(self.clients or self.accounts)

    def cleared(self) -> View:
        """The same period and looks, without filters."""
        return replace(self, clients=(), accounts=(), name="", currency=None, page=1)


DEFAULT = View()


def read(params: Mapping[str, Sequence[str]]) -> tuple[View, tuple[str, ...]]:
    """The view that an address asks for, and the names of the parameters that could not be understood."""
    values: dict[str, object] = {}
    odd: list[str] = []
    for name, parse in _PARSERS.items():
        given = [value for value in params.get(_KEYS.get(name, name), ()) if value != ""]
        if not given:
            continue
        try:
            values[name] = parse(given)
        except ValueError:
            odd.append(_KEYS.get(name, name))
    view = View(**values)  # type: ignore[arg-type]
    view, wrong_dates = _with_dates_in_order(view)
    return view, (*odd, *wrong_dates)


def write(view: View) -> dict[str, str | list[str]]:
    """The parameters of ``view`` that differ from the defaults."""
    custom = view.period == "custom"
    found: dict[str, str | list[str]] = {}
    for name in _PARSERS:
        value = getattr(view, name)
        if value == getattr(DEFAULT, name) or (name == "period" and custom) or (name in _DATES and not custom):
            continue
        found[_KEYS.get(name, name)] = [str(each) for each in value] if isinstance(value, tuple) else str(value)
    return found


def sort_of(view: View) -> tuple[str, bool]:
    """The column that the table is sorted by, and whether the largest comes first."""
    return view.sort.lstrip("-"), view.sort.startswith("-")


def _with_dates_in_order(view: View) -> tuple[View, tuple[str, ...]]:
    if view.since is None and view.until is None and view.period != "custom":
        return view, ()
    if view.since is None or view.until is None or view.since > view.until:
        kept = DEFAULT.period if view.period == "custom" else view.period
        return replace(view, period=kept, since=None, until=None), ("since", "until")
    return replace(view, period="custom"), ()


def _one(values: Sequence[str]) -> str:
    if len(values) != 1:
        raise ValueError(values)
    return values[0]


def _among(allowed: Mapping[str, object] | Sequence[str]) -> Callable[[Sequence[str]], str]:
    def parse(values: Sequence[str]) -> str:
        if _one(values) not in allowed:
            raise ValueError(values)
        return values[0]

    return parse


def _date(values: Sequence[str]) -> dt.date:
    date = dt.date.fromisoformat(_one(values))
    if not FIRST_DAY <= date <= dt.date(2100, 1, 1):
        raise ValueError(values)
    return date


def _slugs(values: Sequence[str]) -> tuple[str, ...]:
    if not all(_WORD.fullmatch(value) for value in values):
        raise ValueError(values)
    return tuple(dict.fromkeys(values))


def _ids(values: Sequence[str]) -> tuple[int, ...]:
    digits = [value.removeprefix("act_") for value in values]
    if not all(value.isascii() and value.isdigit() and len(value) <= 18 for value in digits):
        raise ValueError(values)
    return tuple(dict.fromkeys(int(value) for value in digits))


def _currency(values: Sequence[str]) -> str:
    if not re.fullmatch(r"[A-Z]{3}", _one(values)):
        raise ValueError(values)
    return values[0]


def _sort(values: Sequence[str]) -> str:
    if _one(values).removeprefix("-") not in ("name", *METRICS):
        raise ValueError(values)
    return values[0]


def _name(values: Sequence[str]) -> str:
    if len(_one(values)) > _LONGEST_NAME or "\x00" in values[0]:
        raise ValueError(values)
    return values[0]


def _limit(values: Sequence[str]) -> int:
    if _one(values) not in map(str, PAGE_SIZES):
        raise ValueError(values)
    return int(values[0])


def _page(values: Sequence[str]) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", _one(values)):
        raise ValueError(values)
    return int(values[0])


_DATES = ("since", "until")
_KEYS = {"clients": "client", "accounts": "account"}
_PARSERS: dict[str, Callable[[Sequence[str]], object]] = {
    "period": _among(PERIODS),
    "since": _date,
    "until": _date,
    "compare": _among(COMPARISONS),
    "clients": _slugs,
    "accounts": _ids,
    "currency": _currency,
    "metric": _among(METRICS),
    "sort": _sort,
    "name": _name,
    "limit": _limit,
    "page": _page,
}
