"""Refreshes one account: what it is, its slices set by set, a second look where they differ, its objects, its reach."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar
from zoneinfo import ZoneInfo

from lib.errors import MetaError
from lib.meta.errors import Transient, WrongRequest
from lib.meta.parse import Unreadable
from lib.meta.service import MetaService
from lib.refresh.entities import account_values
from lib.refresh.fetch import YARDSTICK, Fetched, Fetcher
from lib.refresh.listing import Listing
from lib.refresh.objects import InTheWay
from lib.refresh.pictures import fetch_pictures
from lib.refresh.plan import Span
from lib.refresh.planning import Plan, plans
from lib.refresh.reach import Reach
from lib.refresh.schedule import calls
from lib.refresh.spans import MOST_DAYS, Call, Size, next_call
from lib.refresh.splitting import REFUSED
from lib.refresh.state import AccountState, Wanted
from lib.refresh.storing import Storing
from lib.refresh.withheld import HOPELESS
from lib.store.engine import Store
from lib.store.models.periods import LEVELS
from lib.store.repositories import clients, entities, learned, slices
from lib.zones import zone_of

logger = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass
class AccountRefresh:
    """One account of one run. ``executor`` runs what waits for Meta; ``now`` is the run's start.

    ``ahead`` is how far the clock of PostgreSQL is ahead of this machine's: workers on several machines order what they
    store by the one clock that they share.

    ``graph_url`` is where the client's Marketing API is: pictures may come from its host; without it none are fetched.
    """

    store: Store
    service: MetaService
    state: AccountState
    wanted: Wanted
    executor: Executor
    now: dt.datetime
    graph_url: str = ""
    ahead: dt.timedelta = dt.timedelta()
    _found: InTheWay = field(default_factory=InTheWay)
    _zone: dt.tzinfo = field(default_factory=lambda: ZoneInfo("UTC"))

    async def refresh(self) -> None:
        """Fetch and store; raises MetaError or StoreError, and what was stored until then stays."""
        await self._describe()
        local = self.now.astimezone(self._zone)
        if self.wanted.kind == "reach":
            await self._refresh_one_period(local)
        else:
            await self._refresh_days(local)

    async def _refresh_days(self, local: dt.datetime) -> None:
        work = await plans(self.store, self.state.account_id, self.wanted, local)
        self.state.days_total = sum(len(plan.dates) for plan in work if not plan.kind.slug)
        self.state.slices_total = sum(len(plan.dates) for plan in work)
        storing = Storing(self.store, self.state, self.wanted.run_id, local.date(), self.ahead)
        try:
            for plan in work:
                await self._refresh_set(plan, storing)
            failure = await self._refresh_objects(storing)
            if failure is None:
                await self._refresh_what_is_kept(local)
        except MetaError:
            await self._listing().keep_names(storing.names)
            raise
        async with self.store.working() as session:
            await slices.renew_newest(session, self.state.account_id)
        failure = failure or storing.refusal
        if failure:
            raise failure

    async def wait(self, work: Callable[[], T]) -> T:
        """Run in a thread what waits for Meta."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self.executor, work)
        finally:
            self._count_calls()

    def _count_calls(self) -> None:
        self.state.api_calls = self.service.calls
        left = self.service.quota_left(self.state.account_id)
        self.state.quota_left = None if left is None else round(left)

    async def _describe(self) -> None:
        said = await self.wait(lambda: self.service.get_account(self.state.account_id))
        values = account_values(self.state.account_id, said)
        async with self.store.working() as session:
            await clients.describe_account(session, self.state.account_id, values)
        self.state.name = values["name"]
        self._zone = zone_of(values["timezone_name"])

    async def _refresh_set(self, plan: Plan, storing: Storing) -> None:
        """One breakdown set: fetch the next part while the last one is being stored.

        What Meta refuses of it is kept as the run's refusal and stops no other day and no other set; after several
        refusals in a row the rest of the set waits for another run.
        """
        async with self.store.working() as session:
            known = await entities.ads_by_campaign(session, self.state.account_id)
        fetcher = Fetcher(
            self.service, self.state.account_id, self._count_rows, plan.kind, lambda: known, found=self._found
        )
        if not plan.kind.slug:
            storing.totals = await self._totals(fetcher, plan, storing)
        wanted, due = set(plan.dates), list(plan.dates)
        apart: set[dt.date] = set()
        waiting: asyncio.Task[set[dt.date]] | None = None
        refused = 0
        try:
            while due and refused < HOPELESS:
                call = next_call(due, plan.size)
                parts = await self._parts(fetcher, call, storing)
                refused = 0 if parts else refused + 1
                plan.size = _learned(plan, call, parts) if parts else plan.size
                if waiting:
                    apart |= await waiting
                waiting = asyncio.create_task(storing.store_parts(plan.kind, parts, wanted))
                due = [date for date in due if date < call.span.since]
        finally:
            if waiting:
                apart |= await waiting
            await self._remember(plan)
        await self._look_twice(fetcher, plan, storing, sorted(apart, reverse=True))

    async def _parts(self, fetcher: Fetcher, call: Call, storing: Storing) -> list[Fetched]:
        """What Meta serves of a call; nothing where it refuses all of it and is there otherwise."""
        try:
            return await self.wait(lambda: fetcher.fetch(call.span, by_report=call.by_report))
        except (*REFUSED, WrongRequest) as error:
            if isinstance(error, Transient) and not isinstance(error, Unreadable):
                await self.wait(lambda: self.service.get_account(self.state.account_id))
            storing.refusal = storing.refusal or error
            return []

    async def _totals(self, fetcher: Fetcher, plan: Plan, storing: Storing) -> dict[dt.date, dict[str, int | None]]:
        """Meta's own numbers of every due day, by as few calls as hold them.

        Days whose numbers Meta would not serve have None: their ads are fetched all the same. A question that Meta
        calls wrong is the run's refusal besides: no other run would fare better.
        """
        found: dict[dt.date, dict[str, int | None]] = {}
        for span in calls(plan.dates, plan.span.days, bridge=MOST_DAYS):
            try:
                found |= await self.wait(lambda span=span: fetcher.fetch_totals(span))  # type: ignore[misc]  # as above
            except (*REFUSED, WrongRequest) as error:
                logger.warning("act_%s: %s", self.state.account_id, error)
                if isinstance(error, WrongRequest):
                    storing.refusal = storing.refusal or error
                found |= {date: dict.fromkeys(YARDSTICK) for date in span.dates()}
        return found

    async def _look_twice(self, fetcher: Fetcher, plan: Plan, storing: Storing, apart: list[dt.date]) -> None:
        """Fetch once more, with the yardstick, the days whose ads do not add up to Meta's own numbers."""
        while apart:
            call = next_call(apart, plan.size)
            looked, apart = set(apart), [date for date in apart if date < call.span.since]
            try:
                totals = await self.wait(lambda call=call: fetcher.fetch_totals(call.span))  # type: ignore[misc]  # mypy loses the default
                parts = await self.wait(lambda call=call: fetcher.fetch(call.span, by_report=call.by_report))  # type: ignore[misc]  # as above
            except (*REFUSED, WrongRequest):
                continue  # the first look stands, and the difference is shown
            # A yardstick that was lost meanwhile is no reason to give up the first one.
            lost = {date for date, total in totals.items() if all(value is None for value in total.values())}
            storing.totals |= {date: totals.get(date, {}) for date in call.span.dates() if date not in lost}
            await storing.store_parts(plan.kind, parts, set())
            served = {date for part in parts if part.refusal is None for date in part.span.dates()}
            await storing.note_second_looks(served & looked)

    async def _remember(self, plan: Plan) -> None:
        if plan.size.rows_a_day is None:
            return
        async with self.store.working() as session:
            await learned.remember_span(
                session,
                self.state.account_id,
                plan.kind.slug,
                rows_a_day=plan.size.rows_a_day,
                most_days=plan.size.most_days,
            )

    async def _refresh_objects(self, storing: Storing) -> MetaError | None:
        """By the hour only what has numbers and is not known yet; else every list. What ended the lists.

        Objects that cannot be read are the run's refusal and end nothing.
        """
        listing = self._listing()
        failure = await listing.list_all(storing.names) if self.wanted.kind != "hourly" else None
        await listing.fetch_missing(storing.names)
        storing.refusal = storing.refusal or listing.left_out
        return failure

    def _listing(self) -> Listing:
        return Listing(self.store, self.service, self.state.account_id, self.now, self.wait)

    async def _refresh_one_period(self, local: dt.datetime) -> None:
        """Reach at every level for exactly the days that were named, as far as they have begun."""
        today = local.date()
        since, until = self.wanted.since or today, min(self.wanted.until or today, today)
        if since > until:
            return
        reach = self._reach()
        self.state.slices_total = len(LEVELS)
        refusal: MetaError | None = None
        for level in LEVELS:
            try:
                await reach.fetch(level, [(since, until)], local)
            except REFUSED as error:
                refusal = refusal or error
            self.state.slices_done += 1
            self.state.rows = reach.rows
        async with self.store.working() as session:
            await slices.renew_newest(session, self.state.account_id)
        if refusal:
            raise refusal

    async def _refresh_what_is_kept(self, local: dt.datetime) -> None:
        """Reach of the presets, and thumbnails, whose links of Meta's expire: by the night, or when nobody named days;
        and the first time, so that pages have them from the start."""
        reach = self._reach()
        if not self._names_no_days and not await reach.is_empty():
            return
        await reach.fetch_presets(local)
        if self.graph_url:
            await fetch_pictures(self.store, self.state.account_id, self.graph_url)

    def _reach(self) -> Reach:
        return Reach(self.store, self.service, self.state.account_id, self.wait, self.ahead)

    @property
    def _names_no_days(self) -> bool:
        return self.wanted.kind != "hourly" and self.wanted.since is None and self.wanted.until is None

    def _count_rows(self, rows: int) -> None:
        self.state.fetched_rows += rows
        self._count_calls()


def _learned(plan: Plan, call: Call, parts: list[Fetched]) -> Size:
    rows = sum(part.rows for part in parts)
    spans: list[Span] = [part.span for part in parts]
    return plan.size.learned(call.span, spans, rows, by_report=call.by_report)
