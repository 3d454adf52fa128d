"""Measures everything that was promised on one store of ad-days, which is made at the first run and kept.

    make bench                                  # 11 million ad-days: 100 accounts x 300 ads x 365 days
    make bench ROWS=1000000 SECTIONS="queries pages"

A section that fails does not keep the others from running; the exit code is 1 then. A wanted figure that was missed is
a result and no failure.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.report import keep, show_figures
from benchmarks.sections import QUICK, SECTIONS, Bench, Effort
from benchmarks.store import benchmark_store, rows_in, size_of
from benchmarks.timing import loop_ms
from lib.settings import ROOT

ROWS = 11_000_000
FOLDER = ROOT / "var" / "bench"
RESULTS = Path(__file__).parent / "results" / "bench.json"
WIDTH = 160
STOPPED = 130


def main() -> int:
    """Run what the words ask for: 0 done, 1 a section failed, 130 stopped."""
    args = arguments(sys.argv[1:])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        return _run(args, console)
    except KeyboardInterrupt:
        console.print("Stopped. What it had started has ended; sections that were done are kept.")
        return STOPPED


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """What these words ask for; SystemExit where they make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"which; default all: {', '.join(SECTIONS)}")
    parser.add_argument("--rows", type=int, default=ROWS, help="ad-days of the store; default %(default)s")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(os.environ.get("BENCH_DIR") or FOLDER),
        help="where stores are kept, each under its number of rows; default BENCH_DIR or var/bench",
    )
    parser.add_argument("--out", type=Path, help="the JSON file; a table in Markdown is written beside it")
    parser.add_argument("--quick", action="store_true", help="everything once, to see that it runs")
    args = parser.parse_args(words)
    unknown = set(args.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    if args.rows < 1000:
        parser.error("--rows is 1000 or more")
    return args


def _run(args: argparse.Namespace, console: Console) -> int:
    started = time.perf_counter()
    folder = args.folder.resolve()
    # Only figures of the whole size belong into the repository.
    out = args.out or (RESULTS if args.rows == ROWS and not args.quick else folder / str(args.rows) / "results.json")
    with benchmark_store(folder / str(args.rows), size_of(args.rows)) as (url, made):
        rows = rows_in(url)
        console.print(
            f"{rows:,} ad-days of {made.accounts} accounts, {made.since} to {made.until},"
            f" ready after {time.perf_counter() - started:.0f} s\n"
        )
        bench = Bench(folder, args.rows, url, made, QUICK if args.quick else Effort())
        failed = [name for name in args.sections or SECTIONS if not _measured(name, bench, out, console)]
        show_figures(console, bench.done.values())
    console.print(f"{time.perf_counter() - started:.0f} s in all; figures and measurements are in {out}")
    if failed:
        console.print(f"Failed: {', '.join(failed)}. Why is said above.")
    return 1 if failed else 0


def _measured(name: str, bench: Bench, out: Path, console: Console) -> bool:
    """Measure a section, show it and keep it; whether that went well."""
    started = time.perf_counter()
    try:
        pace = loop_ms()
        section = SECTIONS[name](bench)
    except Exception:  # noqa: BLE001 (whatever it is, the other sections can still be measured)
        console.print(f"The section {name} failed after {time.perf_counter() - started:.0f} s:")
        sys.stdout.flush()
        traceback.print_exc()
        return False
    section.notes += [
        f"measured in {time.perf_counter() - started:.0f} s",
        f"a fixed loop of Python took {pace:.0f} ms before it and {loop_ms():.0f} ms after",
    ]
    bench.done[name] = section
    section.show(console)
    console.print()
    keep(out, bench.rows, {name: section})
    return True


if __name__ == "__main__":
    raise SystemExit(main())
