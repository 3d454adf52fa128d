"""The sections of the benchmark by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import URL

from benchmarks import clicks, exports, growth, mirror, pages, people, queries, refresh
from benchmarks.dashboard import running_dashboard
from benchmarks.report import Section
from benchmarks.store import Made, benchmark_store, rows_in, size_of


@dataclass(frozen=True)
class Effort:
    """How much is done: reruns and clicks a page, people and the clicks of each, rows of an export, a refresh."""

    reruns: int = pages.RERUNS
    page_clicks: int = pages.CLICKS
    crowd: int = people.PEOPLE
    crowd_clicks: int = people.CLICKS
    export_rows: int = exports.ROWS
    refreshed: refresh.Size = field(default_factory=refresh.Size)


QUICK = Effort(2, 1, 3, 1, 1000, refresh.Size(accounts=1, ads=10, days=3, rounds=1))
"""Everything once, to see that it runs; the figures mean nothing."""


@dataclass
class Bench:
    """What the sections work on: a store, the folder that has it and a smaller one, and what was measured before."""

    folder: Path
    rows: int
    url: URL
    made: Made
    effort: Effort
    done: dict[str, Section] = field(default_factory=dict)


def _growth(bench: Bench) -> Section:
    measured = bench.done.get("queries")
    large = measured.details["median_s"] if measured else growth.medians(bench.url, bench.made)
    few = bench.rows // growth.SHARE
    with benchmark_store(bench.folder / str(few), size_of(few)) as (url, made):
        small = growth.medians(url, made)
        return growth.compare(rows_in(url), small, rows_in(bench.url), large)


def _pages(bench: Bench) -> Section:
    clicks.check_chromium()
    with running_dashboard(bench.url, bench.folder / str(bench.rows) / "dashboard.log") as dashboard:
        return pages.measure(dashboard, bench.made, bench.effort.reruns, bench.effort.page_clicks)


def _people(bench: Bench) -> Section:
    with running_dashboard(bench.url, bench.folder / str(bench.rows) / "dashboard.log") as dashboard:
        return people.measure(dashboard, bench.made, bench.effort.crowd, bench.effort.crowd_clicks)


SECTIONS: dict[str, Callable[[Bench], Section]] = {
    "queries": lambda bench: queries.measure(bench.url, bench.made),
    "growth": _growth,
    "mirror": lambda bench: mirror.measure(bench.url, bench.made),
    "exports": lambda bench: exports.measure(bench.made, bench.effort.export_rows),
    "pages": _pages,
    "people": _people,
    "refresh": lambda bench: refresh.measure(bench.effort.refreshed),
}
