"""Exports of a million rows: seconds, rows a second, and the memory of a process that does nothing else.

``python -m benchmarks.exports mirror csv 1000000`` makes one of them on the store of DATA_DIR and prints it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from sqlalchemy.engine import URL

from benchmarks.queries import ENGINES, both_engines
from benchmarks.questions import METRICS
from benchmarks.report import Figure, Section
from benchmarks.store import Made, planned_in
from lib.insights.export import export_to
from lib.insights.query import InsightQuery
from lib.settings import ROOT, get_settings
from lib.store.opening import opened

ROWS = 1_000_000
FORMATS = ("csv", "xlsx", "parquet")
ACCOUNTS = 10


def measure(made: Made, rows: int = ROWS) -> Section:
    """CSV from both engines with a quarter of it for constant memory; the other formats from the mirror alone."""
    heads = ("engine", "format", "rows", "seconds", "rows/s", "file", "peak", "grown by")
    found = Section("Exports by day, campaign and ad", heads)
    files: dict[tuple[str, str, int], dict[str, float]] = {}
    for engine, name, some in _plan(rows):
        one = files[engine, name, some] = _apart(engine, name, some)
        cells = (f"{one['rows']:,}", f"{one['seconds']:.1f}", f"{one['rows'] / one['seconds']:,.0f}")
        megabytes = (one["megabytes"], one["peak_mb"], one["peak_mb"] - one["before_mb"])
        found.rows.append((engine, name, *cells, *(f"{each:,.0f} MB" for each in megabytes)))
    whole, quarter = files["mirror", "csv", rows], files["mirror", "csv", rows // 4]
    found.figures = [
        Figure(f"{whole['rows']:,} CSV rows from the mirror", whole["seconds"], "s", most=5),
        Figure("peak memory of that above a quarter of it", whole["peak_mb"] - quarter["peak_mb"], "MB", most=50),
    ]
    found.details = {"exports": [{"engine": key[0], "format": key[1], **one} for key, one in files.items()]}
    return found


def _plan(rows: int) -> Iterator[tuple[str, str, int]]:
    for engine in ENGINES:
        yield engine, "csv", rows // 4
        yield engine, "csv", rows
    for name in FORMATS[1:]:
        yield "mirror", name, rows


def _apart(engine: str, name: str, rows: int) -> dict[str, float]:
    words = [sys.executable, "-m", "benchmarks.exports", engine, name, str(rows)]
    done = subprocess.run(words, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"The export of {rows:,} rows from {engine} as {name} ended with {done.returncode}.")
    return dict(json.loads(done.stdout))


async def export(url: URL, made: Made, engine: str, name: str, rows: int) -> dict[str, float]:
    """One export to a file that is thrown away."""
    accounts = frozenset(int(made.account(place).account_id) for place in range(min(ACCOUNTS, made.accounts)))
    query = InsightQuery(made.since, made.until, ("date", "campaign", "ad"), METRICS, account_ids=accounts, limit=rows)
    with tempfile.TemporaryFile(dir=get_settings().data_path) as file:
        async with both_engines(url) as asked:
            before = psutil.Process().memory_info().rss
            _forget_peak()
            started = time.perf_counter()
            result = await export_to(asked.engines[engine], query, asked.viewer, name, file)
            seconds = time.perf_counter() - started
            peak = _peak()
    return {
        "rows": result.rows,
        "seconds": seconds,
        "megabytes": result.bytes / 1e6,
        "before_mb": before / 1e6,
        "peak_mb": peak / 1e6,
    }


def _forget_peak() -> None:
    """Let the kernel count the process's largest memory from now on."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def main() -> None:
    engine, name, rows = sys.argv[1:]
    settings = get_settings()
    with opened(settings) as url:
        one = asyncio.run(export(url, planned_in(settings.data_path), engine, name, int(rows)))
    print(json.dumps(one))


if __name__ == "__main__":
    main()
