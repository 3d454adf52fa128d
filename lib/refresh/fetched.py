"""What is fetched in one go: of which kind, and what came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.errors import MetaError
from lib.meta import fields
from lib.meta.asking import InsightsAsk
from lib.meta.parse import BREAKDOWN_COLUMNS, COPY_COLUMNS, AdDay, ad_day, breakdown_day
from lib.refresh.plan import Span

Days = dict[dt.date, dict[Hashable, AdDay]]
_SAFE_DAYS = fields.UNIQUE_HISTORY_MONTHS * 30
"""Thirteen months are at least this many days: from an older day on, people are not asked for by a breakdown."""


@dataclass(frozen=True)
class FetchKind:
    """Ad-days as they are, or by a breakdown set; ``windows`` come beside the account's own attribution setting."""

    breakdown: fields.BreakdownSet | None = None
    windows: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The slices' ``breakdown``: ``''`` is none."""
        return self.breakdown.slug if self.breakdown else ""

    @property
    def columns(self) -> tuple[str, ...]:
        """What the rows' lines hold."""
        return BREAKDOWN_COLUMNS if self.breakdown else COPY_COLUMNS

    @property
    def segments(self) -> tuple[str, ...]:
        """The breakdowns that are asked for."""
        return self.breakdown.columns if self.breakdown else ()

    def parser(self, account_id: int) -> Callable[[Mapping[str, Any]], AdDay]:
        """What reads a row of this kind."""
        return breakdown_day(account_id, self.breakdown) if self.breakdown else ad_day(account_id, self.windows)

    def parts(self, span: Span) -> Iterable[Span]:
        """The span in pieces that one call may ask for at all, the newest first."""
        most = self.breakdown.most_days if self.breakdown else None
        return span.parts(most) if most else (span,)

    def ask(self, account_id: int, span: Span) -> InsightsAsk:
        """The question for a span."""
        return InsightsAsk(
            account_id,
            span.since,
            span.until,
            breakdowns=self.segments,
            fields=self._fields(span),
            windows=self.windows,
        )

    def _fields(self, span: Span) -> tuple[str, ...]:
        if not self.breakdown:
            return fields.AD_INSIGHT
        oldest = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=_SAFE_DAYS)
        if self.breakdown.has_uniques and span.since >= oldest:
            return fields.BREAKDOWN_INSIGHT
        return tuple(name for name in fields.BREAKDOWN_INSIGHT if name not in fields.UNIQUES)


PLAIN = FetchKind()


@dataclass
class Fetched:
    """The rows of a span by date and key.

    ``dropped`` names, by date, the fields and objects ("reach", "campaign 123") that Meta would not serve: those days
    are incomplete. ``calls`` are the requests that it took. ``refusal`` is why nothing of it was served, where nothing
    was: what is stored of these days stays.
    """

    span: Span
    started_at: dt.datetime
    days: Days = field(default_factory=dict)
    dropped: dict[dt.date, frozenset[str]] = field(default_factory=dict)
    calls: int = 0
    refusal: MetaError | None = None

    @property
    def rows(self) -> int:
        """How many rows."""
        return sum(map(len, self.days.values()))

    def keep(self, row: AdDay) -> None:
        """Take a row in; the same one again takes its own place."""
        try:
            self.days[row.date][row.key] = row
        except KeyError:
            self.days[row.date] = {row.key: row}

    def drop(self, *names: str) -> None:
        """Note for each day of the span what it is without."""
        for date in self.span.dates() if names else ():
            self.dropped[date] = self.dropped.get(date, frozenset()) | frozenset(names)

    def add(self, other: Fetched) -> None:
        """Take in another part: other objects, or other days of this span."""
        self.started_at = min(self.started_at, other.started_at)
        self.calls += other.calls
        for date, rows in other.days.items():
            self.days.setdefault(date, {}).update(rows)
        for date, names in other.dropped.items():
            self.dropped[date] = self.dropped.get(date, frozenset()) | names
