"""Twenty people at once: real websocket sessions, each with a way of its own through the pages, 2 s between clicks."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from benchmarks import views
from benchmarks.dashboard import Dashboard
from benchmarks.report import Figure, Section, p95, spread
from benchmarks.session import Session
from benchmarks.store import Made, client_name, clients_of
from benchmarks.views import Address
from lib.access.viewer import Role
from lib.store.repositories.clients import slug_of

PEOPLE = 20
THINK_S = 2.0
CLICKS = 15


@dataclass
class Crowd:
    """Milliseconds of each click and of each first sight, and the most memory that the process held meanwhile."""

    clicks: list[float] = field(default_factory=list)
    opening: list[float] = field(default_factory=list)
    megabytes: float = 0.0
    own_megabytes: float = 0.0


def measure(dashboard: Dashboard, made: Made, people: int = PEOPLE, clicks: int = CLICKS) -> Section:
    """Sign everyone in, let them look around, and say how long they waited."""
    tokens = [_signed_in(dashboard, made, number) for number in range(people)]
    started = time.perf_counter()
    crowd = asyncio.run(_look_around(dashboard, tokens, made, clicks))
    seconds = time.perf_counter() - started
    found = Section(f"{people} people at {THINK_S:g} s think time", ("", "median", "p95", "slowest"))
    found.rows = [("first sight", *spread(crowd.opening)), ("click", *spread(crowd.clicks))]
    found.notes += [
        f"{len(crowd.clicks)} clicks in {seconds:.0f} s; two of three people on Overview, the others on Explore",
        f"the dashboard's process held {crowd.megabytes:,.0f} MB at most,"
        f" {crowd.own_megabytes:,.0f} MB with shared memory divided among those who share it",
    ]
    found.figures = [
        Figure(f"{people} people, median of a click", statistics.median(crowd.clicks), "ms"),
        Figure(f"{people} people, p95 of a click", p95(crowd.clicks), "ms", most=300),
        Figure(f"memory of the dashboard's process with {people} people", crowd.megabytes, "MB", most=900),
    ]
    found.details = {"clicks_ms": [round(each, 1) for each in crowd.clicks], "own_mb": round(crowd.own_megabytes)}
    return found


def _signed_in(dashboard: Dashboard, made: Made, number: int) -> str:
    """Every second person sees every client, the others two of them each."""
    clients = clients_of(made)
    if number % 2 == 0 or clients < 2:
        return dashboard.sign_in(
            f"person{number}@example.com", Role.MANAGER, [slug_of(client_name(each)) for each in range(clients)]
        )
    mine = (number % clients, (number + 1) % clients)
    return dashboard.sign_in(f"person{number}@example.com", Role.VIEWER, [slug_of(client_name(each)) for each in mine])


async def _look_around(dashboard: Dashboard, tokens: Sequence[str], made: Made, clicks: int) -> Crowd:
    crowd = Crowd()
    watching = asyncio.create_task(_watch(dashboard, crowd))
    try:
        async with asyncio.TaskGroup() as group:
            for number, token in enumerate(tokens):
                path, choices = ("explore", views.EXPLORE) if number % 3 == 2 else ("", views.OVERVIEW)
                way = islice(views.walk(made, number, choices), clicks + 1)
                group.create_task(_person(Session(dashboard.base_url, token, path), number, way, crowd))
    finally:
        watching.cancel()
    crowd.own_megabytes = dashboard.own_megabytes
    return crowd


async def _person(session: Session, number: int, way: Iterator[Address], crowd: Crowd) -> None:
    chance = random.Random(number)
    await asyncio.sleep(chance.random() * THINK_S)
    async with session:
        crowd.opening.append((await session.rerun(next(way))).milliseconds)
        for address in way:
            await asyncio.sleep(chance.uniform(0.5, 1.5) * THINK_S)
            rerun = await session.rerun(address)
            crowd.clicks.append(rerun.milliseconds)
        rerun.check()


async def _watch(dashboard: Dashboard, crowd: Crowd) -> None:
    while True:
        crowd.megabytes = max(crowd.megabytes, dashboard.megabytes)
        await asyncio.sleep(0.2)  # memory is looked at five times a second
