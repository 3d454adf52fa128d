"""Reach and its kin, asked of Meta for exactly one object and period each: nobody can add them up.

The periods that pages offer by name are fetched in the night, many in one call; others when somebody asks for them.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.errors import MetaError
from lib.history import earliest, no_reach_before
from lib.insights.periods import PRESETS, preset
from lib.insights.reach import NOT_SERVED
from lib.meta.errors import BrokenObject, TooMuchData, Transient, WrongRequest
from lib.meta.service import MetaService
from lib.refresh.reach_reading import Dates, PeriodReader, Served
from lib.refresh.schedule import Stored, is_due
from lib.store.engine import Store
from lib.store.models.periods import LEVELS
from lib.store.repositories import periods as stored_ones
from lib.store.repositories.periods import Period, StoredPeriod

logger = logging.getLogger(__name__)

WIDE = tuple(name for name in PRESETS if name != "today")
NARROW = ("last_7", "last_14", "last_28", "last_30", "this_month", "last_month")
NIGHTLY = {"account": WIDE, "campaign": WIDE, "adset": NARROW, "ad": NARROW}
"""By level the presets that are fetched in the night; the longest ones of every ad are many rows that few look at."""
PERIODS_A_CALL = 8
KEPT_FOR = dt.timedelta(days=35)
"""Presets move on every day: a period that is none any more is kept for this long after it was fetched."""
LEFT_OUT = "Meta left reach out of its answer for this period."
MOST_NAMES = 5


@dataclass
class Reach:
    """The periods of one account. ``wait`` runs what waits for Meta where it holds nobody up.

    ``ahead`` is how far the clock of PostgreSQL is ahead of this machine's. ``rows`` counts the objects of periods that
    were stored.
    """

    store: Store
    service: MetaService
    account_id: int
    wait: Callable[[Callable[[], Any]], Awaitable[Any]]
    ahead: dt.timedelta = dt.timedelta()
    rows: int = 0
    _reader: PeriodReader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = PeriodReader(self.service, self.account_id)

    async def fetch_presets(self, local: dt.datetime) -> None:
        """Those of NIGHTLY that are missing or that Meta may have restated; ``local`` is the account's own time.

        What Meta refuses of them costs no ad-day: it is logged, and pages say so. Periods that are no presets any more
        go when they are old.
        """
        wanted = {level: self._presets(level, names, local.date()) for level, names in NIGHTLY.items()}
        async with self.store.working() as session:
            every = [period for periods in wanted.values() for period in periods]
            stored = await stored_ones.stored_periods(session, self.account_id, every)
        try:
            for level, periods in wanted.items():
                due = [one for one in periods if is_due(one.until, local, _known(stored.get(one)))]
                await self._fetch_due(level, due, local)
        except (BrokenObject, TooMuchData, Transient, WrongRequest) as error:
            logger.warning("act_%s: reach was not fetched. %s", self.account_id, error)
        await self._forget(local)

    async def is_empty(self) -> bool:
        """Whether no period of the account was ever fetched."""
        async with self.store.working() as session:
            return not await stored_ones.has_periods(session, self.account_id)

    async def fetch(self, level: str, periods: Iterable[Dates], local: dt.datetime) -> None:
        """Fetch and store these periods of every object of ``level``. What Meta no longer serves is noted as such.

        Raises what Meta refused, once the others are stored and that is noted.
        """
        refused = await self._fetch(level, periods, local)
        await self._note_refused(level, refused, local)
        for refusal in refused.values():
            raise refusal

    async def _fetch_due(self, level: str, due: Iterable[Period], local: dt.datetime) -> None:
        refused = await self._fetch(level, [(one.since, one.until) for one in due], local)
        for error in list(refused.values())[:1]:
            logger.warning("act_%s: reach by %s of %s periods: %s", self.account_id, level, len(refused), error)
        await self._note_refused(level, refused, local)

    async def _note_refused(self, level: str, refused: Mapping[Dates, MetaError], local: dt.datetime) -> None:
        """Numbers that are there stay: they were true when they were fetched."""
        by_period = {Period(self.account_id, level, *dates): error for dates, error in refused.items()}
        if not by_period:
            return
        async with self.store.working() as session:
            stored = await stored_ones.stored_periods(session, self.account_id, by_period)
        for period, error in by_period.items():
            known = stored.get(period)
            if known is None or _is_refused(known):
                await self._store(period, {}, f"{NOT_SERVED}: {error.message}", self._now(), local.date())

    async def _fetch(self, level: str, periods: Iterable[Dates], local: dt.datetime) -> dict[Dates, MetaError]:
        """Store what is served, and hand back the rest with its refusals."""
        today, first = local.date(), earliest(local.date())
        served: list[Dates] = []
        refused: dict[Dates, MetaError] = {}
        for since, until in periods:
            if since < first:
                reason = no_reach_before(first)
                await self._store(Period(self.account_id, level, since, until), {}, reason, self._now(), today)
            else:
                served.append((since, until))
        for start in range(0, len(served), PERIODS_A_CALL):
            some, said_at = served[start : start + PERIODS_A_CALL], self._now()
            found = await self.wait(lambda some=some: self._reader.read(level, some))  # type: ignore[misc]  # mypy loses the default
            refused |= await self._store_served(level, found, said_at, today)
        return refused

    async def _store_served(
        self, level: str, found: Mapping[Dates, Served], said_at: dt.datetime, today: dt.date
    ) -> dict[Dates, MetaError]:
        for dates, served in found.items():
            if served.refusal is None:
                period = Period(self.account_id, level, *dates)
                await self._store(period, served.objects, _reason(served), said_at, today)
        return {dates: served.refusal for dates, served in found.items() if served.refusal is not None}

    async def _store(
        self,
        period: Period,
        objects: Mapping[int, Mapping[str, Any]],
        reason: str | None,
        said_at: dt.datetime,
        today: dt.date,
    ) -> None:
        async with self.store.working() as session:
            is_stored = await stored_ones.replace_period(
                session,
                period,
                [{"object_id": number, **values} for number, values in objects.items()],
                fetched_at=said_at,
                period_ended=period.until < today,
                unavailable_reason=reason,
            )
        self.rows += len(objects) if is_stored else 0

    async def _forget(self, local: dt.datetime) -> None:
        kept = [period for level in LEVELS for period in self._presets(level, PRESETS, local.date())]
        async with self.store.working() as session:
            await stored_ones.forget_periods(session, self.account_id, kept, before=local - KEPT_FOR)

    def _now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.ahead

    def _presets(self, level: str, names: Iterable[str], today: dt.date) -> list[Period]:
        return list(dict.fromkeys(Period(self.account_id, level, *preset(name, today)) for name in names))


def _known(found: StoredPeriod | None) -> Stored | None:
    """As the schedule sees it: what was fetched before it had ended, or refused, is as good as missing."""
    if found is None or not found.period_ended or _is_refused(found):
        return None
    return Stored(found.fetched_at, is_complete=not (found.unavailable_reason or "").startswith(NOT_SERVED))


def _is_refused(found: StoredPeriod) -> bool:
    return not found.rows and (found.unavailable_reason or "").startswith(NOT_SERVED)


def _reason(served: Served) -> str | None:
    """What there is to say of a period that was served; None where nothing is missing."""
    if served.left_out:
        is_few = len(served.left_out) <= MOST_NAMES
        return f"{NOT_SERVED} for {', '.join(served.left_out) if is_few else f'{len(served.left_out)} campaigns'}."
    rows = served.objects.values()
    is_left_out = any(row["impressions"] for row in rows) and all(row["reach"] is None for row in rows)
    return LEFT_OUT if is_left_out else None
