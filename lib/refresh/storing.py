"""Stores what was fetched, slice by slice, and looks twice at days that do not add up to Meta's own numbers."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lib.errors import MetaError
from lib.refresh.fetch import YARDSTICK, Fetched, FetchKind, Totals
from lib.refresh.reasons import NOT_SERVED
from lib.refresh.state import AccountState
from lib.refresh.withheld import NEVER_NULL
from lib.store.engine import Store
from lib.store.repositories import slices
from lib.store.repositories.slices import NewSlice

UNKNOWN_YARDSTICK = "Meta's own number of the account"
_META = tuple(f"meta_{name}" for name in YARDSTICK)
"""Where a plain slice keeps Meta's own numbers; those of a set are held against the plain one's."""
Names = dict[str, dict[int, tuple[str, int, int]]]
"""By edge and id: the name that a row gave the object, its campaign and its ad set."""


@dataclass
class Storing:
    """What one run stores of one account. ``today`` is the account's own date at the run's start.

    ``ahead`` is how far the clock of PostgreSQL is ahead of this machine's.
    ``refusal`` is why a day was not served at all, the first of them; what was stored of it stays.
    """

    store: Store
    state: AccountState
    run_id: uuid.UUID
    today: dt.date
    ahead: dt.timedelta = dt.timedelta()
    totals: Totals = field(default_factory=dict)
    names: Names = field(default_factory=dict)
    refusal: MetaError | None = None

    async def store_parts(self, kind: FetchKind, parts: Iterable[Fetched], wanted: set[dt.date]) -> set[dt.date]:
        """Replace the slices of these parts, each part in one transaction.

        Days that were not ``wanted`` came along to save a call and are stored as well. Hands back the days whose ads do
        not add up to Meta's own numbers and that are worth a second look.
        """
        apart: set[dt.date] = set()
        for fetched in parts:
            if fetched.refusal:
                self.refusal = self.refusal or fetched.refusal
                continue
            news = [self._slice(kind, fetched, date) for date in sorted(fetched.span.dates(), reverse=True)]
            async with self.store.working() as session:
                stored = await slices.replace_slices(session, news)
                if not kind.slug:
                    apart |= await self._apart(session, [new.date for new in stored if new.incomplete_reason is None])
            self._count(kind, news, stored, wanted)
            if not kind.slug:
                self._remember_names(fetched)
        return apart

    async def _apart(self, session: slices.Session, dates: list[dt.date]) -> set[dt.date]:
        """Days that differ from Meta's own numbers and were not looked at twice for the same difference yet."""
        found = await slices.differences(session, self.state.account_id, dates)
        await slices.forget_second_looks(session, self.state.account_id, set(dates) - set(found))
        return {date for date, (difference, before) in found.items() if difference != before}

    async def note_second_looks(self, dates: Iterable[dt.date]) -> None:
        """Remember by how much these days differ still, now that they were fetched twice."""
        async with self.store.working() as session:
            found = await slices.differences(session, self.state.account_id, dates)
            for date, (difference, _) in found.items():
                await slices.note_second_look(session, self.state.account_id, date, difference)

    def _slice(self, kind: FetchKind, fetched: Fetched, date: dt.date) -> NewSlice:
        rows = fetched.days.get(date, {}).values()
        yardstick = self.totals.get(date, {})
        lost = set(fetched.dropped.get(date, ()))
        if not kind.slug and yardstick and set(yardstick.values()) == {None}:
            lost.add(UNKNOWN_YARDSTICK)
        lost_numbers = lost & NEVER_NULL
        return NewSlice(
            keeps_rows=bool(lost_numbers),
            account_id=self.state.account_id,
            date=date,
            breakdown=kind.slug,
            columns=kind.columns,
            lines=[row.line for row in rows],
            attributed=[row.attributed for row in rows if row.attributed],
            windows=kind.windows,
            meta=dict.fromkeys(_META) if kind.slug else _meta(yardstick),
            fetched_at=fetched.started_at + self.ahead,
            account_day_ended=date < self.today,
            run_id=self.run_id,
            incomplete_reason=_reason(lost),
        )

    def _count(self, kind: FetchKind, news: list[NewSlice], stored: list[NewSlice], wanted: set[dt.date]) -> None:
        state = self.state
        done = sum(new.date in wanted for new in news)
        state.slices_done += done
        state.days_done += 0 if kind.slug else done
        state.slices_incomplete += sum(new.incomplete_reason is not None for new in stored)
        state.slices += len(stored)
        state.rows += sum(len(new.lines) for new in stored)

    def _remember_names(self, fetched: Fetched) -> None:
        known = self.names.setdefault("ads", {})
        for rows in fetched.days.values():
            for row in rows.values():
                if row.ad_id in known:
                    continue
                ids = (row.campaign_id, row.adset_id, row.ad_id)
                for edge, number, name in zip(("campaigns", "adsets", "ads"), ids, row.names, strict=True):
                    self.names.setdefault(edge, {}).setdefault(number, (name, row.campaign_id, row.adset_id))


def _meta(yardstick: Mapping[str, int | None]) -> dict[str, int | None]:
    """Meta's own numbers of the day; 0 on a day without any, NULL where Meta would not serve them."""
    is_unknown = bool(yardstick) and set(yardstick.values()) == {None}
    return {
        f"meta_{name}": None if is_unknown else yardstick.get(name) if name == "reach" else yardstick.get(name) or 0
        for name in YARDSTICK
    }


def _reason(lost: set[str]) -> str | None:
    """What a slice is without, by name; None where it is complete."""
    return f"{NOT_SERVED}{', '.join(sorted(lost))}" if lost else None
