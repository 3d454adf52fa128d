"""Faults from the command line: a storm, and accounts that are sick from the start."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from sandbox.model.accounts import Account

SICK = {"dead": "dead_token", "forbidden": "forbidden_account", "broken_creative": "broken_creative"}


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, not {text}")
    return share


def _sick(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        name, _, count = part.partition("=")
        if name not in SICK or not count.isdecimal():
            raise argparse.ArgumentTypeError(f"must be a list like dead=1,forbidden=1,broken_creative=1, not {text}")
        counts[name] = int(count)
    return counts


def arguments(parser: argparse.ArgumentParser, seed: Callable[[str], int]) -> None:
    """The options about faults."""
    parser.add_argument("--faults", choices=("none", "storm"), default="none", help="storm spoils a share of all calls")
    parser.add_argument("--fault-seed", type=seed, default=1, help="another seed is another storm")
    parser.add_argument("--fault-rate", type=_share, default=0.33, help="the share of calls that a storm spoils")
    parser.add_argument("--sick", type=_sick, default={}, metavar="dead=N,forbidden=N,broken_creative=N",
                        help="how many of the accounts, from the last backwards, never get well")  # fmt: skip


def rules(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """The rules that the options stand for, the sick accounts before the storm."""
    left = list(range(asked.accounts))
    found = []
    for name, count in asked.sick.items():
        for _ in range(min(count, len(left))):
            account = Account(left.pop(), asked.seed).id
            found.append({"kind": SICK[name], "account": account})
    if asked.faults == "storm":
        found.append({"kind": "storm", "seed": asked.fault_seed, "rate": asked.fault_rate})
    return found
