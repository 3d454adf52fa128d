"""What a day that comes in pieces goes without: whole objects, and fields of objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from lib.meta import fields
from lib.meta.asking import InsightsAsk
from lib.meta.parse import AdDay
from lib.refresh.fetched import Fetched

NEVER_NULL = frozenset(fields.NUMBERS) - frozenset(fields.UNIQUES)
"""Without one of these a row would say 0 where nobody knows: what was stored before is nearer to the truth."""
MOST_DROPPED = 20
"""More objects than these are not poisonous one by one: something else is wrong."""
HOPELESS = 3
"""So many objects that fail before there is a single row of others: nothing is served at all."""


@dataclass(frozen=True)
class Less:
    """The rows of a question that could be had without the fields that are ``missing``.

    ``unasked`` are fields that are lost for everybody, so that it was not asked for them.
    """

    ask: InsightsAsk
    rows: list[AdDay]
    missing: frozenset[str] = frozenset()
    unasked: frozenset[str] = frozenset()

    @property
    def numbers(self) -> frozenset[str]:
        """Those of the missing fields without which its rows are not worth storing."""
        return self.missing & NEVER_NULL

    @property
    def served(self) -> frozenset[str]:
        """What there is of others."""
        return frozenset(self.ask.fields) - self.missing - self.unasked if self.rows else frozenset()


@dataclass
class Day:
    """A day that comes in pieces. ``lost`` counts the objects that it goes without.

    ``served`` are the fields that any of its rows came with, ``less`` the objects that lack numbers: at its end they
    are left out by name where others have them.
    """

    into: Fetched
    by_report: bool
    is_whole: bool
    lost: int = 0
    served: set[str] = field(default_factory=set)
    less: list[Less] = field(default_factory=list)

    @property
    def is_hopeless(self) -> bool:
        """Whether it is no object's fault that so little is served."""
        has_rows = bool(self.into.rows or self.less)
        return self.lost >= MOST_DROPPED or (self.is_whole and self.lost >= HOPELESS and not has_rows)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was served of a day of the whole account."""
        return self.is_whole and self.lost > 0 and not (self.into.rows or self.less)

    def take(self, fetched: Fetched, names: Iterable[str]) -> None:
        """Take in a part that came with the fields of these names."""
        self.into.add(fetched)
        self.served.update(names if fetched.rows else ())

    def keep(self, less: Less) -> None:
        """Take in rows without what they lack, by name."""
        for row in less.rows:
            self.into.keep(row)
        self.into.drop(*less.missing, *less.unasked)
        self.served |= less.served

    def put_aside(self, less: Less) -> None:
        """Wait with an object that lacks numbers for what becomes of the others."""
        self.less.append(less)
        self.served |= less.served

    def is_nobodys(self, less: Less) -> bool:
        """Whether no other object of the account was served with the numbers that this one lacks."""
        return self.is_whole and not less.numbers <= self.served

    def are_all_less(self) -> bool:
        """Whether so many objects lack one number, and none was served with it."""
        lacking = [name for less in self.less for name in less.numbers - self.served]
        return any(lacking.count(name) >= HOPELESS for name in lacking)

    def too_often_less(self) -> set[str]:
        """Numbers that more objects lack than can be left out one by one."""
        lacking = [name for less in self.less for name in less.numbers]
        return {name for name in lacking if lacking.count(name) >= MOST_DROPPED}


Loser = tuple[tuple[int, ...] | None, tuple[int, ...] | None]


class Losers:
    """By field: the objects that were not served with it since anything was, as their campaigns and ads."""

    def __init__(self) -> None:
        self._by_field: dict[str, set[Loser]] = defaultdict(set)

    def note(self, ask: InsightsAsk, names: Iterable[str]) -> None:
        """The object that ``ask`` stands for lacks these."""
        for name in names:
            self._by_field[name].add((ask.campaign_ids, ask.ad_ids))

    def note_served(self, names: Iterable[str]) -> None:
        """There are rows with these."""
        for name in names:
            self._by_field.pop(name, None)

    def ads(self) -> set[int]:
        """Those that lack anything."""
        return {ad for losers in self._by_field.values() for _, ads in losers for ad in ads or ()}

    def of_several(self) -> set[str]:
        """Fields that more than one object lacks."""
        return {name for name, losers in self._by_field.items() if len(losers) > 1}

    def of_all(self) -> set[str]:
        """Fields that are taken for everybody's: several campaigns lack them, by HOPELESS objects or more."""
        return {
            name
            for name, losers in self._by_field.items()
            if len(losers) >= HOPELESS and len({campaigns for campaigns, _ in losers}) > 1
        }
