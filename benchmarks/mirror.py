"""The mirror built anew while somebody reads, and a refresh of one account taken in."""

from __future__ import annotations

import asyncio
import datetime as dt
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.engine import URL

from benchmarks.questions import Question, questions
from benchmarks.report import Figure, Section, amount
from benchmarks.rows import AccountDays
from benchmarks.store import Made
from lib.access.viewer import Viewer
from lib.insights.engine import PostgresEngine
from lib.insights.mirror import Mirror, mirror_path
from lib.insights.run import run_query
from lib.insights.scope import operator_viewer
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.models import Slice
from lib.store.repositories import slices

REFRESHED_DAYS = 28
ROUNDS = 3
LOOK_S = 0.002
PATIENCE_S = 60


@dataclass
class Building:
    """Seconds and rows of a rebuild, and what a reader got meanwhile: seconds of each answer by its engine."""

    seconds: float = 0.0
    rows: int = 0
    bytes: int = 0
    answers: dict[str, list[float]] = field(default_factory=dict)


@dataclass
class TakenIn:
    """Milliseconds to take a refresh in, to see it after its last commit, and how much it was."""

    costs: list[float] = field(default_factory=list)
    visible: list[float] = field(default_factory=list)
    rows: int = 0


def measure(url: URL, made: Made) -> Section:
    """Rebuild and catch-up of a mirror of the benchmark's own."""
    building, taken = asyncio.run(_measure(url, made))
    pace = building.rows / building.seconds
    found = Section("Mirror", ("", "reached"))
    found.rows.append((f"built from {building.rows:,} ad-days", f"{building.seconds:.1f} s, {pace:,.0f} rows/s"))
    found.rows.append(("file", f"{building.bytes / 1e6:,.0f} MB"))
    for engine, seconds in building.answers.items():
        words = f"{len(seconds)} answers, median {amount(1000 * statistics.median(seconds))} ms"
        found.rows.append((f"a reader meanwhile, from {engine}", words))
    about = f"{REFRESHED_DAYS} days of one account ({taken.rows:,} ad-days)"
    found.rows.append((f"{about} taken in", f"{amount(statistics.median(taken.costs))} ms"))
    found.rows.append(("from their last commit until answers have them", f"{amount(max(taken.visible))} ms at most"))
    found.figures = [
        Figure("mirror built anew", building.seconds, "s", most=60),
        Figure("a 28-day refresh of one account, taken in", statistics.median(taken.costs), "ms", most=300),
        Figure("a 28-day refresh of one account, visible after", max(taken.visible) / 1000, "s", most=2),
    ]
    found.details = {
        "rows_a_second": round(pace),
        "file_bytes": building.bytes,
        "answers_meanwhile": {name: len(each) for name, each in building.answers.items()},
        "catch_up_ms": taken.costs,
        "visible_ms": taken.visible,
    }
    return found


async def _measure(url: URL, made: Made) -> tuple[Building, TakenIn]:
    store = Store(url)
    try:
        viewer = await operator_viewer(store)
        async with _own_mirror(store) as mirror:
            building = await _build(mirror, store, viewer, questions(made)[1])
            taken = TakenIn()
            for number in range(ROUNDS):
                await refresh(store, made, later=dt.timedelta(days=1 - number % 2))
                caught = await mirror.catch_up()
                taken.costs.append(1000 * caught.seconds)
                taken.rows = caught.rows
            await mirror.start()
            for number in range(ROUNDS):
                version = await refresh(store, made, later=dt.timedelta(days=number % 2))
                taken.visible.append(1000 * await _seen(mirror, viewer, version))
            return building, taken
    finally:
        await store.dispose()


@asynccontextmanager
async def _own_mirror(store: Store) -> AsyncIterator[Mirror]:
    """A mirror beside those of the dashboard and the command line, removed at the end."""
    settings = get_settings()
    path = mirror_path(settings, "bench")
    path.unlink(missing_ok=True)
    mirror = Mirror(path, store, memory_mb=settings.mirror_memory_mb)
    try:
        yield mirror
    finally:
        await mirror.close()
        path.unlink(missing_ok=True)


async def _build(mirror: Mirror, store: Store, viewer: Viewer, question: Question) -> Building:
    building = Building()
    started = time.perf_counter()
    task = asyncio.create_task(mirror.rebuild())
    while not task.done():
        engine = mirror.engine() or PostgresEngine(store)
        asked = time.perf_counter()
        answer = await run_query(engine, question.queries[0], viewer)
        building.answers.setdefault(answer.engine, []).append(time.perf_counter() - asked)
    await task
    building.seconds = time.perf_counter() - started
    building.rows, building.bytes = mirror.status().rows, mirror.status().size_bytes
    return building


async def refresh(store: Store, made: Made, later: dt.timedelta) -> int:
    """Store the last days of the first account as Meta tells them ``later``; the version of the last slice.

    This is what a refresh does to the store, slice by slice; Meta's answers come from memory.
    """
    source = AccountDays(made.world(later), made.account(0))
    until = [made.until - dt.timedelta(days=back) for back in range(min(REFRESHED_DAYS, made.days))]
    days = [source.day(date) for date in until]
    async with store.working() as session:
        newest = await session.scalar(select(func.max(Slice.fetched_at)))
    fetched_at = max(newest or made.now, dt.datetime.now(dt.UTC))
    for day in days:
        async with store.working() as session:
            new = slices.NewSlice(
                account_id=source.account_id,
                date=day.date,
                columns=source.columns,
                lines=day.lines,
                meta=day.meta,
                fetched_at=fetched_at,
                account_day_ended=True,
            )
            await slices.replace_slice(session, new)
    async with store.working() as session:
        await slices.renew_newest(session, source.account_id)
    async with store.working() as session:
        newest_version = select(func.max(Slice.version)).where(Slice.account_id == source.account_id)
        return int(await session.scalar(newest_version) or 0)


async def _seen(mirror: Mirror, viewer: Viewer, version: int) -> float:
    """Seconds until the mirror's answers have this version."""
    started = time.perf_counter()
    while time.perf_counter() - started < PATIENCE_S:
        engine = mirror.engine()
        if engine is not None and await engine.version(viewer) >= version:
            return time.perf_counter() - started
        await asyncio.sleep(LOOK_S)
    raise TimeoutError(f"The mirror has not taken version {version} in within {PATIENCE_S} s.")
