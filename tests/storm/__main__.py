"""``make storm``: one storm of full size, or as large as told; its seed repeats it."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from benchmarks.store import settings_for
from lib.store.opening import opened
from tests.storm.storm import Size, weather


def main() -> int:
    """0 where everything is as it should be after the storm."""
    parser = argparse.ArgumentParser(prog="make storm", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**6))
    parser.add_argument("--accounts", type=int, default=Size.accounts)
    parser.add_argument("--days", type=int, default=Size.days)
    asked = parser.parse_args()
    sys.stdout.write(f"Storm with SEED={asked.seed}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="ads-storm-") as name, settings_for(Path(name)) as settings:
        folder = Path(name)
        with opened(settings) as url:
            outcome = weather(asked.seed, Size(asked.accounts, asked.days), url, folder)
        problems = outcome.problems()
        days = len(outcome.truth)
        sys.stdout.write(
            f"{len(outcome.accounts)} accounts, {days} account-days of healthy ones, {outcome.struck} of"
            f" {outcome.calls} calls spoilt, {outcome.kills} workers killed, {outcome.seconds:.0f} s:"
            f" {len(problems) or 'no'} problems\n"
        )
        for problem in problems:
            sys.stdout.write(f"  {problem}\n")
        if problems:
            for log in ("worker.log", "refresh.log"):
                sys.stdout.write(f"--- {log}\n{(folder / log).read_text()[-4000:]}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
