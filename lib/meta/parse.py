"""From Meta's rows, in which every scalar is a string and every zero is absent, to numbers and lines of the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from lib.meta.cells import LARGEST, NULL, Cells, copied, jsonb, micros, text, whole
from lib.meta.errors import Unreadable
from lib.meta.events import EVENTS, LISTS, OFF_META, SCALARS, UNIQUE_FIELDS
from lib.meta.fields import BreakdownSet
from lib.meta.rows import PLACES, Action, InsightRow, Listed, actions_of, entries_of, row_of
from lib.store.models import ATTRIBUTED, COUNTS, MONEY, UNIQUES

__all__ = [
    "ATTRIBUTION_COLUMNS",
    "BREAKDOWN_COLUMNS",
    "COPY_COLUMNS",
    "EVENTS",
    "LARGEST",
    "AdDay",
    "Unreadable",
    "ad_day",
    "breakdown_day",
    "micros",
    "numbers",
    "whole",
]

Row = InsightRow | Mapping[str, Any]
"""A row as either way of decoding gives it."""
Entry = Mapping[str, Any]

COPY_COLUMNS = (
    "account_id", "date", "ad_id", "adset_id", "campaign_id", *MONEY, *COUNTS, *UNIQUES, "actions", "action_values",
)  # fmt: skip
BREAKDOWN_COLUMNS = ("account_id", "date", "breakdown", "ad_id", "key1", "key2", *COPY_COLUMNS[3:])
ATTRIBUTION_COLUMNS = ("account_id", "date", "ad_id", "attribution_window", *ATTRIBUTED)

_NUMBERS = (*MONEY, *COUNTS, *UNIQUES)
_PLACE = {name: place for place, name in enumerate(_NUMBERS)}
_ABSENT = [NULL if name in UNIQUES else "0" for name in _NUMBERS]
_SCALARS = [(_PLACE[column], PLACES[field]) for column, field in (SCALARS | UNIQUE_FIELDS).items()]
_LISTS = [(_PLACE[column], PLACES[field]) for column, field in LISTS.items()]
_VIEWS = {view: (_PLACE[column], rank) for column, views in EVENTS.items() for rank, view in enumerate(views)}
_NULL = NULL.encode()
_LOWEST = 99
_NO_RANKS = [_LOWEST] * len(_NUMBERS)
_PURCHASES = {view: rank for rank, view in enumerate(EVENTS["purchases"])}
_SPEND, _REVENUE = _PLACE["spend_micros"], _PLACE["revenue_micros"]
_SPENT = PLACES["spend"]
_counts, _money = Cells(whole), Cells(micros)


class AdDay(NamedTuple):
    """One ad on one day, or one segment of it.

    ``key`` tells it from others of its day, ``line`` is for COPY, ``names`` are of the campaign, the ad set and the ad,
    and ``attributed`` are the lines for COPY of its attribution windows, empty where none was listed.
    """

    date: dt.date
    key: Hashable
    ad_id: int
    adset_id: int
    campaign_id: int
    line: bytes
    names: tuple[str, str, str] = ("", "", "")
    attributed: bytes = b""


def numbers(row: Row) -> dict[str, int | None]:
    """Every column of MONEY, COUNTS and UNIQUES from one insight row of any level."""
    try:
        read = row_of(row)
        cells = _cells(read, actions_of(read.actions).entries, actions_of(read.action_values).entries, _ABSENT)
    except (TypeError, KeyError, AttributeError) as error:
        raise _unreadable_actions() from error
    return {name: None if cell == NULL else int(cell) for name, cell in zip(_NUMBERS, cells, strict=True)}


def ad_day(account_id: int, windows: Sequence[str] = ()) -> Callable[[Row], AdDay]:
    """A parser of ad-level rows of ``account_id``; Unreadable where a row is not one ad on one day of it."""
    days = _Days(account_id)

    def parse(sent: Row) -> AdDay:
        row, date, start, ad_id, adset_id, campaign_id = _identified(sent, days)
        try:
            end = _end_of_line(row, _ABSENT)
            attributed = _attributed(row, f"{start}{ad_id}", windows) if windows else b""
        except (TypeError, KeyError, AttributeError) as error:
            raise _unreadable_actions() from error
        line = f"{start}{ad_id}\t{adset_id}\t{campaign_id}\t".encode() + end
        names = (str(row.campaign_name or ""), str(row.adset_name or ""), str(row.ad_name or ""))
        return AdDay(date, ad_id, ad_id, adset_id, campaign_id, line, names, attributed)

    return parse


def breakdown_day(account_id: int, breakdown: BreakdownSet) -> Callable[[Row], AdDay]:
    """The same for rows of a breakdown set, whose lines are of BREAKDOWN_COLUMNS."""
    days = _Days(account_id)
    first, second = breakdown.columns[0], breakdown.columns[1] if len(breakdown.columns) > 1 else None
    silent = () if breakdown.off_meta_reported else OFF_META
    absent = [NULL if name in silent else cell for name, cell in zip(_NUMBERS, _ABSENT, strict=True)]

    def parse(sent: Row) -> AdDay:
        row, date, start, ad_id, adset_id, campaign_id = _identified(sent, days)
        key1, key2 = _segment(row, first), _segment(row, second) if second else ""
        try:
            end = _end_of_line(row, absent)
        except (TypeError, KeyError, AttributeError) as error:
            raise _unreadable_actions() from error
        segment = f"{breakdown.slug}\t{ad_id}\t{copied(key1)}\t{copied(key2)}"
        line = f"{start}{segment}\t{adset_id}\t{campaign_id}\t".encode() + end
        return AdDay(date, (ad_id, key1, key2), ad_id, adset_id, campaign_id, line)

    return parse


def _segment(row: InsightRow, name: str) -> str:
    value = getattr(row, name)
    if value is None:
        raise Unreadable("Meta sent a row of a breakdown without its segment.")
    return text(value)


def _end_of_line(row: InsightRow, absent: list[str]) -> bytes:
    """The cells of numbers and of both lists of actions, and the end of the line."""
    actions, worth = actions_of(row.actions), actions_of(row.action_values)
    return b"%b\t%b\t%b\n" % (
        "\t".join(_cells(row, actions.entries, worth.entries, absent)).encode(),
        jsonb(actions.written) if actions.entries else _NULL,
        jsonb(worth.written) if worth.entries else _NULL,
    )


def _cells(row: InsightRow, actions: Sequence[Action], worth: Sequence[Action], absent: list[str]) -> list[str]:
    """The cells of MONEY, COUNTS and UNIQUES; ``absent`` are those of a row without any number."""
    values, counts, cells = msgspec.structs.astuple(row), _counts, absent.copy()
    if (spend := values[_SPENT]) is not None:
        cells[_SPEND] = _money[spend]
    for place, at in _SCALARS:
        if (value := values[at]) is not None:
            cells[place] = counts[value]
    for place, at in _LISTS:
        if listed := values[at]:
            cells[place] = counts[listed[0].value if len(listed) == 1 else _first_value(listed)]
    if actions:
        _put_events(actions, cells)
    if worth and (earned := _widest(worth, _PURCHASES)) is not None:
        cells[_REVENUE] = _money[earned]
    return cells


def _put_events(actions: Sequence[Action], cells: list[str]) -> None:
    """Each event's widest view; the first one counts where a type comes twice."""
    views, counts, ranks = _VIEWS, _counts, _NO_RANKS.copy()
    for action in actions:
        if (view := action.action_type) in views:
            place, rank = views[view]
            if rank < ranks[place] and (value := action.value) is not None:
                ranks[place] = rank
                cells[place] = counts[value]


def _widest(actions: Sequence[Action], ranks: Mapping[str, int]) -> Any:
    """The value of the widest view that is there; None where none is."""
    best, found = _LOWEST, None
    for action in actions:
        rank = ranks.get(action.action_type, _LOWEST)
        if rank < best and action.value is not None:
            best, found = rank, action.value
    return found


def _first_value(listed: Sequence[Listed]) -> Any:
    """The value of a list that should hold one action type: that of ``video_view``, else of the first one."""
    return next((one.value for one in listed if one.action_type == "video_view"), listed[0].value)


def _attributed(row: InsightRow, start: str, windows: Sequence[str]) -> bytes:
    """A line for each window that Meta listed for a number of ATTRIBUTED; of each event its widest view.

    A window may be listed where ``value`` is not: the account's own setting counted nothing then, which is absent.
    """
    told = ("value", *windows)
    views = _widest_views(entries_of(row.actions), told)
    worth = {"revenue_micros": _widest_views(entries_of(row.action_values), told).get("purchases")}
    lines = []
    for window in windows:
        said = {column: action.get(window) for column, action in (views | worth).items() if action}
        if any(said.get(column) is not None for column in ATTRIBUTED):
            cells = [(_money if column in MONEY else _counts)[said.get(column)] for column in ATTRIBUTED]
            lines.append("\t".join((start, window, *cells)))
    return "".join(f"{line}\n" for line in lines).encode()


def _widest_views(actions: Sequence[Entry], told: Sequence[str]) -> dict[str, Entry | None]:
    """By number the entry of its widest view, of those that tell any of these."""
    found: dict[str, tuple[int, Entry]] = {}
    for action in actions:
        if (view := _VIEWS.get(action["action_type"])) and any(action.get(name) is not None for name in told):
            column, rank = _NUMBERS[view[0]], view[1]
            if column not in found or rank < found[column][0]:
                found[column] = rank, action
    return {column: action for column, (_, action) in found.items()}


class _Days(dict[Any, tuple[dt.date, str]]):
    """A day as it is written in rows -> its date, and how the lines of the account begin on it."""

    def __init__(self, account_id: int) -> None:
        super().__init__()
        self.account_id = account_id
        self.account = str(account_id)

    def __missing__(self, day: Any) -> tuple[dt.date, str]:
        date = dt.date.fromisoformat(day)
        if date.isoformat() != day:
            raise ValueError(day)
        self[day] = date, f"{self.account}\t{day}\t"
        return self[day]


def _identified(sent: Row, days: _Days) -> tuple[InsightRow, dt.date, str, int, int, int]:
    """The row, its date, how the line begins, the ad, its ad set and its campaign."""
    try:
        row = row_of(sent)
    except (KeyError, TypeError, AttributeError) as error:
        raise _unreadable_actions() from error
    try:
        day, account = row.date_start, row.account_id
        if day != row.date_stop or (account not in (days.account, None) and int(account) != days.account_id):
            raise Unreadable(f"Meta sent a row of another account or of more than one day ({day}).")
        ad_id, adset_id, campaign_id = int(row.ad_id or ""), int(row.adset_id or ""), int(row.campaign_id or "")
        if ad_id > LARGEST or adset_id > LARGEST or campaign_id > LARGEST:
            raise ValueError(ad_id)
        return row, *days[day], ad_id, adset_id, campaign_id
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable("Meta sent an insight row without its ad or day.") from error


def _unreadable_actions() -> Unreadable:
    return Unreadable("Meta sent a list of actions that cannot be read.")
