"""Refreshes one account: what it is, its ad-days slice by slice, then the names and states of its objects."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

from lib.errors import MetaError
from lib.meta.errors import BrokenObject, NoAccess, TooMuchData
from lib.meta.parse import COPY_COLUMNS, Unreadable
from lib.meta.service import ENTITIES_A_PAGE, MetaService
from lib.refresh.entities import KINDS, account_values, rows_of
from lib.refresh.fetch import SMALLEST_PAGE, YARDSTICK, Fetched, Fetcher, Totals
from lib.refresh.plan import Span, span_of
from lib.store.engine import Store
from lib.store.repositories import clients, entities, slices
from lib.zones import today_in

logger = logging.getLogger(__name__)

DAYS_A_CALL = 7
MOST_DAYS_A_CALL = 31
FEW_ROWS = 2000
T = TypeVar("T")


@dataclass
class AccountState:
    """How far one account is; the runner writes it to the store as it changes."""

    account_id: int
    name: str
    state: str = "waiting"
    days_total: int = 0
    days_done: int = 0
    rows: int = 0
    slices: int = 0
    api_calls: int = 0
    seconds: float = 0.0
    fetched_rows: int = 0
    error: MetaError | None = None


@dataclass
class AccountRefresh:
    """One account of one run. ``executor`` runs what waits for Meta; ``now`` is the run's start."""

    store: Store
    service: MetaService
    state: AccountState
    run_id: uuid.UUID
    executor: Executor
    now: dt.datetime
    since: dt.date | None
    until: dt.date | None
    _totals: Totals = field(default_factory=dict)
    _names: dict[str, dict[int, tuple[str, int, int]]] = field(default_factory=dict)

    async def refresh(self) -> None:
        """Fetch and store; raises MetaError or StoreError, and what was stored until then stays."""
        today = await self._describe()
        span = span_of(today, self.since, self.until)
        self.state.days_total = span.days
        await self._refresh_span(span, today)
        failure = None
        try:
            for edge in KINDS:
                await self._refresh_entities(edge)
        except MetaError as error:
            failure = error
        await self._fetch_the_missing()
        async with self.store.working() as session:
            await slices.renew_newest(session, self.state.account_id)
        if failure:
            raise failure

    async def _wait(self, work: Callable[[], T]) -> T:
        result = await asyncio.get_running_loop().run_in_executor(self.executor, work)
        self.state.api_calls = self.service.calls
        return result

    async def _describe(self) -> dt.date:
        said = await self._wait(lambda: self.service.get_account(self.state.account_id))
        values = account_values(self.state.account_id, said)
        async with self.store.working() as session:
            await clients.describe_account(session, self.state.account_id, values)
        self.state.name = values["name"]
        return today_in(values["timezone_name"], self.now)

    async def _refresh_span(self, span: Span, today: dt.date) -> None:
        """Fetch the next part while the last one is being stored; a part grows while Meta's answers are small."""
        if not span.days:
            return
        fetcher = Fetcher(self.service, self.state.account_id, self._count_rows)
        self._totals = await self._wait(lambda: fetcher.fetch_totals(span))
        days = DAYS_A_CALL
        storing: asyncio.Task[None] | None = None
        until = span.until
        try:
            while until >= span.since:
                part = next(Span(span.since, until).parts(days))
                fetched = await self._wait(lambda part=part: fetcher.fetch(part))  # type: ignore[misc]  # mypy loses the default
                if storing:
                    await storing
                storing = asyncio.create_task(self._store(fetched, today))
                if sum(one.rows for one in fetched) < FEW_ROWS:
                    days = min(days * 2, MOST_DAYS_A_CALL)
                until = part.since - dt.timedelta(days=1)
        finally:
            if storing:
                await storing

    def _count_rows(self, rows: int) -> None:
        self.state.fetched_rows += rows
        self.state.api_calls = self.service.calls

    async def _store(self, parts: list[Fetched], today: dt.date) -> None:
        for fetched in parts:
            for date in sorted(fetched.span.dates(), reverse=True):
                await self._store_day(fetched, date, today)

    async def _store_day(self, fetched: Fetched, date: dt.date, today: dt.date) -> None:
        ads = fetched.days.get(date, {})
        totals = self._totals.get(date, {})
        new = slices.NewSlice(
            account_id=self.state.account_id,
            date=date,
            columns=COPY_COLUMNS,
            lines=[row.line for row in ads.values()],
            meta={f"meta_{name}": totals.get(name) if name == "reach" else totals.get(name) or 0 for name in YARDSTICK},
            fetched_at=fetched.started_at,
            account_day_ended=date < today,
            run_id=self.run_id,
        )
        async with self.store.working() as session:
            stored = await slices.replace_slice(session, new)
        self.state.days_done += 1
        self.state.rows += len(ads) if stored else 0
        self.state.slices += stored
        self._remember_names(fetched, date)

    def _remember_names(self, fetched: Fetched, date: dt.date) -> None:
        for row in fetched.days.get(date, {}).values():
            names = zip(
                ("campaigns", "adsets", "ads"), (row.campaign_id, row.adset_id, row.ad_id), row.names, strict=True
            )
            for edge, number, name in names:
                self._names.setdefault(edge, {}).setdefault(number, (name, row.campaign_id, row.adset_id))

    async def _refresh_entities(self, edge: str) -> None:
        size = ENTITIES_A_PAGE
        while True:
            try:
                await self._read_entities(edge, size)
            except TooMuchData:
                if size <= SMALLEST_PAGE:
                    raise
                size = max(SMALLEST_PAGE, size // 4)
                continue
            return

    async def _read_entities(self, edge: str, page_size: int) -> None:
        pages = self.service.get_entities(self.state.account_id, edge, page_size)
        try:
            while (page := await self._wait(lambda: next(pages, None))) is not None:
                async with self.store.working() as session:
                    rows = rows_of(edge, self.state.account_id, page, self.now)
                    await entities.upsert(session, KINDS[edge][0], rows)
        except BrokenObject as error:
            if edge != "adcreatives":
                raise
            logger.warning("act_%s: not every creative was read. %s", self.state.account_id, error)

    async def _fetch_the_missing(self) -> None:
        """Objects that have numbers and that no edge listed: ask for each, and else keep the name their rows gave."""
        for edge, named in self._names.items():
            model, _, wanted = KINDS[edge]
            async with self.store.working() as session:
                known = await entities.known_ids(session, model, self.state.account_id, named)
            missing = [number for number in named if number not in known]
            if missing:
                await self._fetch_nodes(edge, missing, wanted)

    async def _fetch_nodes(self, edge: str, missing: list[int], wanted: tuple[str, ...]) -> None:
        try:
            nodes = await self._wait(lambda: self.service.get_nodes(missing, wanted))
            rows = rows_of(edge, self.state.account_id, nodes, self.now)
        except (NoAccess, BrokenObject, Unreadable):
            rows = []  # one unknown id refuses them all: the names of the insight rows remain
        async with self.store.working() as session:
            if rows:
                await entities.upsert(session, KINDS[edge][0], rows)
            await entities.upsert(session, KINDS[edge][0], self._rows_by_name(edge, missing), replace=False)

    def _rows_by_name(self, edge: str, numbers: list[int]) -> list[dict[str, object]]:
        rows = []
        for number in numbers:
            name, campaign_id, adset_id = self._names[edge][number]
            row = {
                "account_id": self.state.account_id,
                "seen_at": self.now,
                "name": name.replace("\x00", "") or f"{number}",
            }
            key = {"campaigns": "campaign_id", "adsets": "adset_id", "ads": "ad_id"}[edge]
            parents = {"campaigns": {}, "adsets": {"campaign_id": campaign_id}}
            row |= parents.get(edge, {"campaign_id": campaign_id, "adset_id": adset_id})
            rows.append(row | {key: number})
        return rows
