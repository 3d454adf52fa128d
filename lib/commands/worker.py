"""``worker``: take refreshes out of the queue until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress

from lib.refresh.queue.worker import CONCURRENCY, Working
from lib.store.engine import Store

HELP = "work on refreshes until told to stop; as many workers on as many machines as wanted"
MOST = 64


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--concurrency",
        type=_concurrency,
        default=CONCURRENCY,
        metavar="N",
        help=f"accounts at once, 1 to {MOST} (default {CONCURRENCY}); those that wait for Meta do not count",
    )


def _concurrency(word: str) -> int:
    if not word.isdecimal() or not 1 <= int(word) <= MOST:
        raise argparse.ArgumentTypeError(f"{word!r} is not a number from 1 to {MOST}")
    return int(word)


async def run(args: argparse.Namespace, store: Store) -> int:
    """Work until a signal; what is in flight ends within seconds and goes on with the next worker."""
    working = Working(store, concurrency=args.concurrency, strikes=True)
    sys.stdout.write(f"The worker takes refreshes, {args.concurrency} accounts at once. Ctrl-C stops it.\n")
    sys.stdout.flush()
    with suppress(asyncio.CancelledError):  # told to stop, which is how a worker ends well
        await working.run()
    return 0
