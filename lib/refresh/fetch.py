"""Fetches the ad-days of a span and Meta's own account totals; everything here waits, so it runs in a thread."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.meta.errors import TooMuchData
from lib.meta.parse import AdDay, Unreadable, ad_day, numbers
from lib.meta.service import PAGE_SIZE, MetaService
from lib.refresh.plan import Span

SMALLEST_PAGE = 25
Totals = dict[dt.date, dict[str, int | None]]
YARDSTICK = ("spend_micros", "impressions", "clicks", "link_clicks", "purchases", "revenue_micros", "leads", "reach")
"""What Meta's own account-level row of a day is stored for."""


@dataclass
class Fetched:
    """The ad rows of a span by date and ad."""

    span: Span
    started_at: dt.datetime
    days: dict[dt.date, dict[int, AdDay]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def rows(self) -> int:
        """How many ad-days."""
        return sum(len(ads) for ads in self.days.values())


class Fetcher:
    """Fetches one account, span by span; a span that Meta calls too much is halved, down to a day and small pages."""

    def __init__(
        self, service: MetaService, account_id: int, on_rows: Callable[[int], None] = lambda rows: None
    ) -> None:
        self._service = service
        self._account_id = account_id
        self._parse = ad_day(account_id)
        self._on_rows = on_rows

    def fetch(self, span: Span) -> list[Fetched]:
        """The span, whole or in the pieces that Meta would serve."""
        try:
            return [self._fetch_once(span, PAGE_SIZE)]
        except TooMuchData:
            if span.days > 1:
                return [fetched for half in span.halves() for fetched in self.fetch(half)]
            return [self._fetch_in_small_pages(span)]

    def _fetch_in_small_pages(self, day: Span) -> Fetched:
        size = PAGE_SIZE
        while True:
            size = max(SMALLEST_PAGE, size // 4)
            try:
                return self._fetch_once(day, size)
            except TooMuchData:
                if size == SMALLEST_PAGE:
                    raise

    def _fetch_once(self, span: Span, page_size: int) -> Fetched:
        fetched = Fetched(span, dt.datetime.now(dt.UTC))
        args = (self._account_id, span.since, span.until)
        for page in self._service.get_insights(*args, page_size=page_size):
            for row in map(self._parse, page):
                _inside(span, row.date)
                fetched.days[row.date][row.ad_id] = row
            self._on_rows(len(page))
        return fetched

    def fetch_totals(self, span: Span) -> Totals:
        """Meta's own account-level numbers of each day that has any."""
        try:
            return self._fetch_totals_once(span)
        except TooMuchData:
            if span.days == 1:
                raise
            newer, older = span.halves()
            return self.fetch_totals(newer) | self.fetch_totals(older)

    def _fetch_totals_once(self, span: Span) -> Totals:
        totals: Totals = {}
        for page in self._service.get_insights(self._account_id, span.since, span.until, level="account"):
            for row in page:
                date = self._date_of_total(row)
                _inside(span, date)
                found = numbers(row)
                totals[date] = {name: found[name] for name in YARDSTICK}
        return totals

    def _date_of_total(self, row: Mapping[str, Any]) -> dt.date:
        try:
            if (
                row["date_start"] != row["date_stop"]
                or int(row.get("account_id", self._account_id)) != self._account_id
            ):
                raise Unreadable("Meta sent an account total of another account or of several days.")
            return dt.date.fromisoformat(str(row["date_start"]))
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable("Meta sent an account total without its day.") from error


def _inside(span: Span, date: dt.date) -> None:
    if not span.since <= date <= span.until:
        raise Unreadable(f"Meta sent a row of {date}, which was not asked for.")
