"""Pages: a rerun as the server takes it, and from a click to the settled page in Chromium."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page

from benchmarks import clicks, views
from benchmarks.dashboard import Dashboard
from benchmarks.report import Figure, Section, spread
from benchmarks.session import Session
from benchmarks.store import Made
from benchmarks.views import Address

RERUNS = 40
CLICKS = 25
WARM_UP = 3
APART = 50
"""Pages have questions in common, so each asks about days of its own."""
Taken = dict[str, list[float]]


@dataclass(frozen=True)
class Sight:
    """A page of the benchmark: its part of the address, what the store's days add to it, and what is clicked on it.

    ``ready`` is a selector of what is drawn last; ``buttons`` are clicked one after the other, round and round.
    """

    name: str
    path: str
    address: Address
    ready: str
    buttons: Sequence[Callable[[Page], Locator]]


SORT_AND_TURN = (
    lambda page: page.locator(".st-key-sort_direction button").first,
    lambda page: page.get_by_role("button", name="Next"),
    lambda page: page.get_by_role("button", name="Previous"),
)
SIGHTS = (
    Sight("Overview", "", {}, ".st-key-pager", SORT_AND_TURN),
    Sight("Explore", "explore", {"limit": "25"}, ".st-key-pager", SORT_AND_TURN),
)
"""The pages that people work with. In a small store there may be no second page of rows to turn to."""


def measure(dashboard: Dashboard, made: Made, rounds: int = RERUNS, clicked: int = CLICKS) -> Section:
    """Every page, as somebody who sees everything."""
    found = Section("Pages", ("page", "", "median", "p95", "slowest"))
    token = dashboard.sign_in("someone@example.com")
    for number, sight in enumerate(SIGHTS):
        taken = asyncio.run(reruns(dashboard, token, sight, views.never_asked(made, number * APART), rounds))
        taken |= {"click to settled": click_through(dashboard, token, sight, made, clicked)}
        found.rows += [(sight.name, words, *spread(each)) for words, each in taken.items()]
        found.figures += _figures(sight, taken)
        found.details[sight.name] = {name: [round(one, 1) for one in each] for name, each in taken.items()}
    found.notes.append(f"the dashboard's process holds {dashboard.megabytes:,.0f} MB after that")
    return found


def _figures(sight: Sight, taken: Taken) -> list[Figure]:
    again, new, clicked = (statistics.median(each) for each in taken.values())
    return [
        Figure(f"{sight.name}, rerun on the server, same view again", again, "ms", most=40),
        Figure(f"{sight.name}, rerun on the server, a view never asked before", new, "ms"),
        Figure(f"{sight.name}, click to settled in Chromium", clicked, "ms", most=150),
    ]


async def reruns(dashboard: Dashboard, token: str, sight: Sight, asked: Iterator[Address], rounds: int) -> Taken:
    """Milliseconds of reruns, from the message that asks for one to the end of the script."""
    taken: Taken = {"same view again": [], "new view": []}
    async with Session(dashboard.base_url, token, sight.path) as session:
        for number in range(WARM_UP + rounds):
            address = {**next(asked), **sight.address}
            for kind in ("new view", "same view again"):
                rerun = await session.rerun(address)
                if number >= WARM_UP:
                    taken[kind].append(rerun.milliseconds)
            rerun.check()
    return taken


def click_through(dashboard: Dashboard, token: str, sight: Sight, made: Made, clicked: int) -> list[float]:
    """Milliseconds from each click until nothing on the page moves any more; what is not there is not clicked."""
    address = f"{sight.path}?{urlencode({**views.days(made), **sight.address})}"
    with clicks.opened(dashboard.base_url, token, address, sight.ready) as page:
        sight.buttons[0](page).wait_for()
        there = [find for find in sight.buttons if find(page).count()]
        warm_up = len(there) * WARM_UP
        turns = islice(cycle(there), warm_up + clicked)
        return [clicks.click(page, find(page)) for find in turns][warm_up:]
