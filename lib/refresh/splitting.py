"""Asks again in smaller pieces for what Meta would not serve: by date, then by campaigns, then by pages and fields.

What fails for one object only, whatever is asked of it, is left out by name; the rest of its day is fetched. So is a
row that cannot be read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from lib.errors import MetaError
from lib.meta.asking import InsightsAsk
from lib.meta.errors import BrokenObject, JobFailed, TooMuchData, Transient
from lib.meta.parse import Unreadable
from lib.meta.service import MetaService
from lib.refresh.fetched import Fetched, FetchKind
from lib.refresh.fields_apart import RawRows, fields_apart, sample_of
from lib.refresh.objects import InTheWay, Known, Objects, is_one_campaign
from lib.refresh.plan import Span
from lib.refresh.reading import Reading, new
from lib.refresh.withheld import HOPELESS, Day, Less, Losers

logger = logging.getLogger(__name__)
SMALLER_PAGES = (250, 60, 25)
SMALLEST_PAGE = SMALLER_PAGES[-1]
MOST_FAILED_REPORTS = 3
"""After the first, only what no address holds is asked for by report; more of them are not the account's size."""
REFUSED = (TooMuchData, Transient, BrokenObject)
"""What may be over where less is asked for."""


def halves_of(ask: InsightsAsk) -> list[InsightsAsk]:
    """Two questions for about as many days each, the newer first; only of two days or more."""
    return [replace(ask, since=half.since, until=half.until) for half in Span(ask.since, ask.until).halves()]


class _Hopeless(Exception):
    """Nothing helps; ``error`` is the last refusal."""

    def __init__(self, error: MetaError) -> None:
        super().__init__(error.message)
        self.error = error


class Splitter:
    """Reads what one question stands for, in as few pieces as Meta would serve.

    It remembers what was in the way: objects and fields that are never served, and whether reports come about. What
    others have ``found`` of the account is tried first where a question is refused.
    """

    def __init__(
        self,
        service: MetaService,
        account_id: int,
        on_rows: Callable[[int], None],
        kind: FetchKind,
        *,
        known: Known,
        found: InTheWay,
    ) -> None:
        self._service = service
        self._account_id = account_id
        self._reading = Reading(service, on_rows, kind.parser(account_id))
        self._objects = Objects(service, account_id, known, found)
        self._found = found
        self._losers = Losers()
        self._fields_first = False
        self._hopeless_days = 0
        self._last_refusal: MetaError | None = None

    def fetch_or_refuse(self, ask: InsightsAsk, *, by_report: bool) -> list[Fetched]:
        """Every day of ``ask`` once, in one part or in several; a day of which nothing was served has its refusal.

        Raises at once whatever asking for less does not help. After several days in a row of which nothing was served
        the next ones are not asked for.
        """
        if self._hopeless_days >= HOPELESS and self._last_refusal is not None:
            return [self._refused(ask, self._last_refusal)]
        try:
            return self._fetch(ask, by_report)
        except _Hopeless as hopeless:
            self._hopeless_days += 1
            self._last_refusal = hopeless.error
            return [self._refused(ask, hopeless.error)]

    def _refused(self, ask: InsightsAsk, error: MetaError) -> Fetched:
        refused = new(ask)
        refused.refusal = error
        return refused

    def _fetch(self, ask: InsightsAsk, by_report: bool) -> list[Fetched]:
        """The same; _Hopeless where nothing of a single day was served."""
        if around := self._objects.around_the_sick(ask):
            return self._fetch_around(ask, around, by_report)
        try:
            found = [self._read(ask, by_report)]
        except REFUSED as error:
            self.check_alive(error)
            if self._objects.suspects_others(ask):
                return self._fetch(ask, by_report)
            if ask.since < ask.until:
                return self._fetch_halves(ask, by_report)
            day = Day(new(ask), by_report, ask.campaign_ids is None)
            self._serve_pieces(ask, day, error)
            self._settle(day)
            if day.is_empty:
                raise _Hopeless(error) from None
            found = [day.into]
        self._hopeless_days = 0
        return found

    def _fetch_halves(self, ask: InsightsAsk, by_report: bool) -> list[Fetched]:
        return [part for half in halves_of(ask) for part in self.fetch_or_refuse(half, by_report=by_report)]

    def _fetch_around(self, ask: InsightsAsk, around: list[InsightsAsk], by_report: bool) -> list[Fetched]:
        """The healthy part and each sick object; where a part of them is refused, day by day."""
        parts = [part for one in around for part in self._fetch(one, by_report)]
        refusal = next((part.refusal for part in parts if part.refusal), None)
        if refusal is None:
            return [self._together(ask, parts)]
        if ask.since == ask.until:
            raise _Hopeless(refusal)
        return self._fetch_halves(ask, by_report)

    def check_alive(self, error: MetaError) -> None:
        """Raise where asking for less would be in vain: reports that never come about, or an API that is down."""
        if isinstance(error, JobFailed):
            self._reading.failed_reports += 1
            if self._reading.failed_reports > MOST_FAILED_REPORTS:
                raise error
        # What cannot be read was an answer all the same.
        if isinstance(error, Transient) and not isinstance(error, Unreadable):
            self._service.get_account(self._account_id)

    def _serve_pieces(self, ask: InsightsAsk, day: Day, error: MetaError) -> None:
        """Serve a refused question of one day: by its campaigns, in smaller pages and by fields, then by its ads."""
        is_one = is_one_campaign(ask)
        is_too_much = isinstance(error, TooMuchData)
        is_by_fields = is_one or self._fields_first or bool(self._suspects(ask, is_last=False))
        less = self._smaller(ask, day, is_last=is_one) if is_too_much and is_by_fields else None
        if less and not (is_one and less.numbers):
            self._keep(less, day)
            return
        if is_one:
            if not self._serve_ads(ask, day):
                self._go_without(ask, day, error, less)
            return
        pieces = self._objects.pieces(ask)
        if not pieces:
            less = self._smaller(ask, day, is_last=True) if is_too_much else None
            self._go_without(ask, day, error, less)
        self._serve_each(pieces, day)

    def _serve_each(self, pieces: list[InsightsAsk], day: Day, *, is_campaign: bool = False) -> None:
        for piece in pieces:
            try:
                names = self._reading.without_lost(piece).fields
                day.take(self._read(piece, day.by_report), names)
            except REFUSED as refused:
                self.check_alive(refused)
                self._serve_pieces(piece, day, refused)
                if is_campaign and day.are_all_less():
                    raise _Hopeless(refused) from None

    def _serve_ads(self, ask: InsightsAsk, day: Day) -> bool:
        """Whether a campaign was served by its ads; where the first few of them all fail, the campaign is at fault."""
        part = Day(new(ask), day.by_report, is_whole=True)
        pieces = self._objects.pieces(ask)
        try:
            self._serve_each(pieces, part, is_campaign=True)
        except _Hopeless:
            self._objects.give_up(ask)
            return False
        if not pieces or part.is_empty:
            return False
        day.take(part.into, part.served)
        day.less += part.less
        day.lost += part.lost > 0
        return True

    def _smaller(self, ask: InsightsAsk, day: Day, *, is_last: bool) -> Less | None:
        """What was too much, in smaller pages or by some of its fields at a time; None where it is not served so.

        Where it ``is_last``, fields may be missing; else only those that a single ad was not served with either: there
        are still smaller pieces, that may be served with the others.
        """
        try:
            is_suspect = bool(self._suspects(ask, is_last=is_last))
            paged = self._in_small_pages(ask, day) if is_last and not is_suspect else None
            return paged or self._by_fields(ask, day, is_last=is_last)
        except (TooMuchData, Transient) as error:
            self.check_alive(error)
            return None

    def _in_small_pages(self, ask: InsightsAsk, day: Day) -> Less | None:
        is_one_page = ask.ad_ids is not None and len(ask.ad_ids) == 1
        for size in () if is_one_page or self._reading.is_by_report(ask, by_report=day.by_report) else SMALLER_PAGES:
            try:
                fetched = self._read(replace(ask, page_size=size), by_report=False)
            except TooMuchData:
                continue
            rows = [row for rows in fetched.days.values() for row in rows.values()]
            return Less(ask, rows, unasked=frozenset(self._reading.lost_fields & set(ask.fields)))
        return None

    def _by_fields(self, ask: InsightsAsk, day: Day, *, is_last: bool) -> Less | None:
        kept = self._reading.without_lost(replace(ask, page_size=SMALLEST_PAGE))
        suspects = self._suspects(kept, is_last=is_last)
        samples: list[InsightsAsk] = []

        def sample(rows: RawRows) -> InsightsAsk | None:
            one = None if is_last else sample_of(kept, rows, self._losers.ads())
            samples.extend([one] if one else [])
            return one

        rows, missing, lost = fields_apart(lambda one: self._reading.raw(one, day.by_report), kept, suspects, sample)
        if missing and not is_last:
            return None
        unasked = frozenset(ask.fields) - frozenset(kept.fields)
        less = Less(ask, [self._reading.parse(row) for row in rows], frozenset(missing) | frozenset(lost), unasked)
        self._fields_first |= not less.numbers
        self._losers.note_served(less.served)
        self._losers.note(samples[0] if samples else ask, less.missing)
        self._found.lost_by_some |= less.numbers
        self._reading.lost_fields |= self._losers.of_all()
        return less

    def _keep(self, less: Less, day: Day) -> None:
        self._found.lost_fields |= less.missing
        day.keep(less)

    def _go_without(self, ask: InsightsAsk, day: Day, error: MetaError, less: Less | None) -> None:
        """Go on without an object, or wait whether others lack the same."""
        if less is None:
            self._drop(ask, day, error)
        elif less.numbers:
            day.put_aside(less)
            self._reading.lost_fields |= day.too_often_less()
        else:
            self._keep(less, day)

    def _settle(self, day: Day) -> None:
        """Leave out by name what lacks numbers that others have; numbers that nobody has are lost for the day."""
        for less in day.less:
            is_nobodys = day.is_nobodys(less) or not less.numbers.isdisjoint(self._reading.lost_fields)
            names = [] if is_nobodys else self._objects.note_sick(less.ask)
            if names:
                day.lost += 1
                day.into.drop(*names)
            else:
                self._keep(less, day)
        if day.is_whole:
            self._reading.lost_fields |= self._losers.of_several() - day.served
        day.less.clear()

    def _drop(self, ask: InsightsAsk, day: Day, error: MetaError) -> None:
        """Go on without an object; _Hopeless where so many fail that it is not theirs."""
        names = self._objects.note_sick(ask)
        day.lost += 1
        if not names or day.is_hopeless:
            raise _Hopeless(error)
        if isinstance(error, Unreadable):
            what = (self._account_id, ask.since, ", ".join(names), error.message)
            logger.warning("act_%s, %s: %s was left out. %s", *what)
            names = [f"{name} (unreadable)" for name in names]
        day.into.drop(*names)

    def _read(self, ask: InsightsAsk, by_report: bool) -> Fetched:
        fetched = self._reading.read(ask, by_report)
        self._losers.note_served(self._reading.without_lost(ask).fields if fetched.rows else ())
        return fetched

    def _suspects(self, ask: InsightsAsk, *, is_last: bool) -> frozenset[str]:
        """The fields of ``ask`` that were never served to others."""
        found = self._found.lost_fields | (self._found.lost_by_some if is_last else set())
        return frozenset(found - self._reading.lost_fields) & frozenset(ask.fields)

    def _together(self, ask: InsightsAsk, parts: list[Fetched]) -> Fetched:
        whole = new(ask)
        for part in parts:
            whole.add(part)
        return whole
