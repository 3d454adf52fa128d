"""``refresh``: fetch ad-days from Meta into the store."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

from lib.commands.terminal import progress_bar
from lib.commands.words import account_id, date
from lib.refresh.cancelling import stop_run
from lib.refresh.failure import Failure, failure_of
from lib.refresh.progress import AccountProgress, RunProgress, whole_progress
from lib.refresh.queue.attending import attend
from lib.refresh.run import NotedRun, note_run
from lib.store.engine import Store

HELP = "fetch ad-days from Meta: by default the last 28 complete days and today"
PARTLY = 3


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--account", action="append", type=account_id, metavar="ID", help="only this account; repeatable"
    )
    parser.add_argument(
        "--since", type=date, metavar="D", help="first day, YYYY-MM-DD; fetched again even if it is fresh"
    )
    parser.add_argument("--until", type=date, metavar="D", help="last day, inclusive")
    parser.add_argument(
        "--reach",
        action="store_true",
        help="fetch reach and its kin of exactly the period from --since to --until, and no ad-days",
    )
    parser.add_argument("--json", action="store_true", help="print the run as JSON")


async def run(args: argparse.Namespace, store: Store) -> int:
    wanted = frozenset(args.account) if args.account else None
    kind = "reach" if args.reach else "asked"
    noted = await note_run(store, account_ids=wanted, since=args.since, until=args.until, kind=kind)
    _say_what_waits(noted)
    if not (await whole_progress(store, noted.run_id)).accounts:
        sys.stderr.write(
            "There is no account to refresh. `python -m lib client add` adds a client with its accounts.\n"
        )
    report = await followed(store, noted)
    say(report)
    if args.json:
        sys.stdout.write(json.dumps(as_json(report)) + "\n")
    return 0 if report.state == "complete" else PARTLY


async def followed(store: Store, noted: NotedRun) -> RunProgress:
    """The run when it has ended, drawn while it goes on; whoever stops the command stops the run.

    Those in which some of the accounts wait already are seen to their ends too.
    """
    try:
        async with progress_bar(store, noted.run_id):
            report = await attend(store, noted.run_id)
        for elsewhere in sorted({*noted.waiting_elsewhere.values()} - {noted.run_id}):
            await attend(store, elsewhere)
        return report
    except asyncio.CancelledError:
        await stop_run(store, noted.run_id)
        raise


def _say_what_waits(noted: NotedRun) -> None:
    for account, run_id in noted.waiting_elsewhere.items():
        sys.stderr.write(f"act_{account} waits for the same already, in the refresh {run_id}.\n")


def say(report: RunProgress) -> None:
    """One line for each account that failed, and one for the whole."""
    for account in report.accounts:
        if account.error_message:
            sys.stderr.write(f"act_{account.account_id} ({account.name}) {account.state}: {_why(account).words}\n")
    healthy = sum(account.state == "complete" for account in report.accounts)
    said = f"{healthy} of {len(report.accounts)} accounts complete, {report.rows:,} rows stored"
    lacking = report.slices_incomplete
    if lacking:
        said += f", {lacking:,} {'slice' if lacking == 1 else 'slices'} not served whole"
    sys.stderr.write(f"{said}.\n")


def _why(account: AccountProgress) -> Failure:
    codes = (account.error_code, account.error_subcode, account.trace_id)
    return failure_of(account.error_message, account.error_remedy, *codes)


def as_json(report: RunProgress) -> dict[str, Any]:
    """The object that ``refresh --json`` prints."""
    return {
        "run_id": str(report.run_id),
        "state": report.state,
        "accounts": [_account_json(account) for account in report.accounts],
    }


def _account_json(account: AccountProgress) -> dict[str, Any]:
    error = account.error_message and {
        "code": account.error_code,
        "subcode": account.error_subcode,
        "trace_id": account.trace_id,
        "message": account.error_message,
        "remedy": account.error_remedy,
    }
    return {
        "account_id": str(account.account_id),
        "state": account.state,
        "rows": account.rows,
        "slices": account.slices_done,
        "slices_incomplete": account.slices_incomplete,
        "api_calls": account.api_calls,
        "seconds": round(account.seconds, 3),
        "error": error or None,
    }
