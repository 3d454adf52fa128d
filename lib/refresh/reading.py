"""Reads what a question stands for in one go: whole, by plain GETs or by a report, without fields that are lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lib.meta.asking import InsightsAsk
from lib.meta.paging import Rows, gathered
from lib.meta.parse import AdDay, Unreadable
from lib.meta.rows import Decode, decoded, page_of
from lib.meta.service import MetaService
from lib.refresh.fetched import Fetched
from lib.refresh.fields_apart import RawRows, without
from lib.refresh.plan import Span


def not_asked_for(date: dt.date) -> Unreadable:
    """What a row of another day is."""
    return Unreadable(f"Meta sent a row of {date}, which was not asked for.")


class Reading:
    """The calls of one kind of rows of one account; ``on_rows`` is told how many rows came with each page.

    ``lost_fields`` are never asked for again. Once a report has failed, only what no address holds is asked for by
    report; ``failed_reports`` counts them.
    """

    def __init__(
        self, service: MetaService, on_rows: Callable[[int], None], parse: Callable[[Mapping[str, Any]], AdDay]
    ) -> None:
        self._service = service
        self._on_rows = on_rows
        self.parse = parse
        self.lost_fields: set[str] = set()
        self.failed_reports = 0

    def read(self, ask: InsightsAsk, by_report: bool) -> Fetched:
        """The rows, with the fields that they come without."""
        before, kept = self._service.calls, self.without_lost(ask)
        fetched = gathered(self._reader(kept, by_report, page_of), lambda: new(ask), self._take)
        fetched.calls = self._service.calls - before
        fetched.drop(*(set(ask.fields) - set(kept.fields)))
        return fetched

    def raw(self, ask: InsightsAsk, by_report: bool) -> RawRows:
        """The rows as they came, by their keys."""

        def take(rows: RawRows, page: Rows) -> None:
            for row in page:
                parsed = self.parse(row)
                if not ask.since <= parsed.date <= ask.until:
                    raise not_asked_for(parsed.date)
                rows[parsed.key] = row

        return gathered(self._reader(ask, by_report), dict, take)

    def is_by_report(self, ask: InsightsAsk, *, by_report: bool) -> bool:
        """Where a report did not come about, its pieces are asked for by plain GETs."""
        return ask.is_long or (by_report and not self.failed_reports)

    def without_lost(self, ask: InsightsAsk) -> InsightsAsk:
        """The question as it is asked."""
        return replace(ask, fields=without(ask.fields, [self.lost_fields])) if self.lost_fields else ask

    def _reader(self, ask: InsightsAsk, by_report: bool, decode: Decode = decoded) -> Callable[[], Iterator[Rows]]:
        by_report = self.is_by_report(ask, by_report=by_report)
        return self._service.reader(ask, by_report=by_report, decode=decode)

    def _take(self, fetched: Fetched, page: Rows) -> None:
        span, keep = fetched.span, fetched.keep
        for row in map(self.parse, page):
            if not span.since <= row.date <= span.until:
                raise not_asked_for(row.date)
            keep(row)
        self._on_rows(len(page))


def new(ask: InsightsAsk) -> Fetched:
    """Nothing of the question's span yet."""
    return Fetched(Span(ask.since, ask.until), dt.datetime.now(dt.UTC))
