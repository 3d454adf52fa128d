"""Pages of rows: when there is a next one, and when they lead nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from lib.meta.errors import PagesRepeat
from lib.meta.parse import Unreadable


class NoPage(Unreadable):
    """An answer is no page of rows."""


Json = dict[str, Any]
Rows = list[Any]
"""What a page holds: dictionaries, or InsightRows where they are decoded as such."""
Read = Callable[[Json], Json]
T = TypeVar("T")

READINGS = 3
"""How often a reading is begun before pages that repeat are an error."""
EMPTY_PAGES = 200
"""Pages may be empty where much was filtered away, but not for ever."""


def pages(read: Read, params: Json) -> Iterator[Rows]:
    """The rows of each page. ``read`` answers one call with these parameters and, from the second on, ``after``.

    PagesRepeat where a cursor or a whole page comes again; NoPage where an answer is none. Rows that come again on top
    of others are handed on as they are.
    """
    asked, progress = dict(params), _Progress()
    while True:
        body = read(asked)
        rows = body.get("data")
        if not isinstance(rows, list):
            raise NoPage("Meta sent a page without its rows.")
        after = next_cursor(body)
        progress.check(after, rows)
        yield rows
        if after is None:
            return
        asked = {**params, "after": after}


@dataclass
class _Progress:
    """What one reading has seen: every page has to lead on and to bring other rows.

    A page that comes again stands in the place of another one, whose rows nobody would miss.
    """

    cursors: set[str] = field(default_factory=set)
    seen: set[bytes] = field(default_factory=set)
    empty: int = 0

    def check(self, after: str | None, rows: Rows) -> None:
        """PagesRepeat where this page, whose next one begins at ``after``, is no progress."""
        if after in self.cursors:
            raise PagesRepeat("Meta sent the same page twice.")
        if after is not None:
            self.cursors.add(after)
        if rows:
            self._check_rows(rows)
            return
        self.empty += 1
        if self.empty > EMPTY_PAGES:
            raise PagesRepeat("Meta sent one empty page after the other.")

    def _check_rows(self, rows: Rows) -> None:
        """Rows are told apart by what they are of, so the ends and the length of a page say which one it is."""
        ends = msgspec.json.encode((len(rows), rows[0], rows[-1]))
        if ends in self.seen:
            raise PagesRepeat("Meta sent rows that it had sent already, in place of others.")
        self.seen.add(ends)


def next_cursor(body: Json) -> str | None:
    """The cursor of the next page; there is one only while ``paging.next`` exists."""
    paging = body.get("paging") or {}
    cursors = (paging.get("cursors") or {}) if isinstance(paging, dict) else None
    if not isinstance(cursors, dict):
        raise NoPage("Meta sent a page whose paging cannot be read.")
    following = paging.get("next")
    if not following:
        return None
    cursor = cursors.get("after")
    if not cursor:
        cursor = next(iter(parse_qs(urlsplit(str(following)).query).get("after", [])), None)
    if not cursor:
        raise NoPage("Meta promised a next page without saying where it begins.")
    return str(cursor)


def gathered(open_pages: Callable[[], Iterator[Rows]], start: Callable[[], T], take: Callable[[T, Rows], None]) -> T:
    """What ``take`` makes of every page, in what ``start`` gives: one whole reading, never parts of two.

    Where pages repeat or one is none, the reading is begun again from its first page, a bounded number of times: then
    it is an error, and whoever asked has to ask for less, which may fit into a page.
    """
    for reading in range(1, READINGS + 1):
        made = start()
        try:
            for rows in open_pages():
                take(made, rows)
        except (PagesRepeat, NoPage):
            if reading == READINGS:
                raise
        else:
            return made
    raise AssertionError("the last reading returns or raises")
