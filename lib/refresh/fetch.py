"""Fetches the rows of a span and Meta's own account totals; everything here waits, so it runs in a thread."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from lib.meta import fields
from lib.meta.asking import InsightsAsk
from lib.meta.errors import TooMuchData, Transient
from lib.meta.paging import Rows, gathered
from lib.meta.parse import Unreadable, numbers
from lib.meta.service import MetaService
from lib.refresh.fetched import PLAIN, Fetched, FetchKind
from lib.refresh.objects import InTheWay, Known
from lib.refresh.plan import Span
from lib.refresh.reading import not_asked_for
from lib.refresh.splitting import SMALLEST_PAGE, Splitter, halves_of
from lib.refresh.withheld import HOPELESS

__all__ = ["PLAIN", "SMALLEST_PAGE", "YARDSTICK", "FetchKind", "Fetched", "Fetcher", "Totals"]

Totals = dict[dt.date, dict[str, int | None]]
YARDSTICK = ("spend_micros", "impressions", "clicks", "link_clicks", "purchases", "revenue_micros", "leads", "reach")
"""What Meta's own account-level row of a day is stored for."""


class Fetcher:
    """Fetches one kind of rows of one account, span by span, in the pieces that Meta would serve.

    ``on_rows`` is told how many rows came with each page. ``known`` gives the ads by campaign that the store knows of:
    it is asked only where Meta refuses to list them, so that a poisonous one can still be found and left out. Fetchers
    of one account share what they ``found`` in the way.
    """

    def __init__(
        self,
        service: MetaService,
        account_id: int,
        on_rows: Callable[[int], None] = lambda rows: None,
        kind: FetchKind = PLAIN,
        known: Known = dict,
        *,
        found: InTheWay | None = None,
    ) -> None:
        self._service = service
        self._account_id = account_id
        self._kind = kind
        self._splitter = Splitter(service, account_id, on_rows, kind, known=known, found=found or InTheWay())

    def fetch(self, span: Span, *, by_report: bool = False) -> list[Fetched]:
        """The span, whole or in the pieces that Meta would serve; their spans hold every day once.

        A day of which nothing was served has its refusal; where no day was, the first refusal is raised.

        ``by_report`` asks for asynchronous reports, for what is too much for one answer.
        """
        before = self._service.calls
        parts: list[Fetched] = []
        for part in self._kind.parts(span):
            parts += self._splitter.fetch_or_refuse(self._kind.ask(self._account_id, part), by_report=by_report)
        refusals = [part.refusal for part in parts if part.refusal]
        if refusals and len(refusals) == len(parts):
            raise refusals[0]
        if parts:
            parts[0].calls += self._service.calls - before - sum(part.calls for part in parts)
        return parts

    def fetch_totals(self, span: Span) -> Totals:
        """Meta's own account-level numbers of each day that has any.

        A day whose numbers Meta would not serve, though it is there, has None for each.
        """
        ask = InsightsAsk(self._account_id, span.since, span.until, level="account", fields=fields.ACCOUNT_INSIGHT)
        totals: Totals = {}
        self._add_totals(ask, totals)
        return totals

    def _add_totals(self, ask: InsightsAsk, totals: Totals) -> None:
        if len(totals) >= HOPELESS and not any(map(_is_known, totals.values())):
            totals |= _unknown(ask)  # the next days would fare no better
            return
        try:
            served: Totals = gathered(self._service.reader(ask), dict, lambda found, rows: self._take(ask, found, rows))
            totals |= served
        except (TooMuchData, Transient) as error:
            self._splitter.check_alive(error)
            if ask.since == ask.until:
                totals |= _unknown(ask)
                return
            for half in halves_of(ask):
                self._add_totals(half, totals)

    def _take(self, ask: InsightsAsk, totals: Totals, rows: Rows) -> None:
        for row in rows:
            date = self._date_of_total(row)
            if not ask.since <= date <= ask.until:
                raise not_asked_for(date)
            found = numbers(row)
            totals[date] = {name: found[name] for name in YARDSTICK}

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


def _unknown(ask: InsightsAsk) -> Totals:
    return {date: dict.fromkeys(YARDSTICK) for date in Span(ask.since, ask.until).dates()}


def _is_known(total: Mapping[str, int | None]) -> bool:
    return any(value is not None for value in total.values())
