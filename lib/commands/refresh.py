"""``refresh``: fetch ad-days from Meta into the store."""

from __future__ import annotations

import argparse
import json
import sys

from lib.commands.terminal import progress_bar
from lib.commands.words import account_id, date
from lib.refresh.run import RunReport, execute_run, prepare, start_run
from lib.store.engine import Store

HELP = "fetch ad-days from Meta: by default the last 28 complete days and today"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--account", action="append", type=account_id, metavar="ID", help="only this account; repeatable"
    )
    parser.add_argument(
        "--since", type=date, metavar="D", help="first day, YYYY-MM-DD; fetched again even if it is fresh"
    )
    parser.add_argument("--until", type=date, metavar="D", help="last day, inclusive")
    parser.add_argument("--json", action="store_true", help="print the run as JSON")


async def run(args: argparse.Namespace, store: Store) -> int:
    wanted = frozenset(args.account) if args.account else None
    run_id = await start_run(store, account_ids=wanted, since=args.since, until=args.until)
    report = await prepare(store, run_id)
    if not report.accounts:
        sys.stderr.write(
            "There is no account to refresh. `python -m lib client add` adds a client with its accounts.\n"
        )
    async with progress_bar(report):
        await execute_run(store, run_id, report)
    say(report)
    if args.json:
        sys.stdout.write(json.dumps(report.as_json()) + "\n")
    return report.exit_code


def say(report: RunReport) -> None:
    """One line for each account that failed, and one for the whole."""
    for account in report.accounts:
        if account.error:
            sys.stderr.write(f"act_{account.account_id} ({account.name}) failed: {account.error}\n")
    rows = sum(account.rows for account in report.accounts)
    healthy = sum(account.state == "complete" for account in report.accounts)
    sys.stderr.write(f"{healthy} of {len(report.accounts)} accounts complete, {rows:,} ad-days stored.\n")
