"""``python -m lib export``: stored numbers as JSON or CSV, for scripts and spreadsheets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from lib.access.viewer import Viewer
from lib.commands.output import write_to_file, write_to_stdout
from lib.errors import UsageError
from lib.insights.answer import InsightAnswer
from lib.insights.export import write_csv, write_json
from lib.insights.filters import as_id
from lib.insights.nearest import shown
from lib.insights.query import InsightQuery
from lib.insights.run import run_query
from lib.insights.scope import operator_viewer
from lib.insights.trust import trust
from lib.insights.words import parse_date, parse_filter, parse_having, parse_order
from lib.store.engine import Store

HELP = "write stored numbers as JSON or CSV"
KNOWN_SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """The words of the command."""
    _let_orders_begin_with_minus(parser)
    parser.add_argument("--since", required=True, metavar="DATE", help="first day, YYYY-MM-DD")
    parser.add_argument("--until", required=True, metavar="DATE", help="last day, included")
    parser.add_argument(
        "--group-by", default="", metavar="DIM,…", help="any of date,client,account,campaign,adset,ad; default totals"
    )
    parser.add_argument("--metrics", required=True, metavar="SLUG,…", help="such as spend,impressions,ctr,roas")
    parser.add_argument("--account", action="append", default=[], metavar="ID", help="only this account; repeatable")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="CONDITION", help="'campaign~Sale', 'ad_id=1,2', 'spend>0'"
    )
    parser.add_argument("--having", action="append", default=[], metavar="CONDITION", help="on sums: 'spend>100'")
    parser.add_argument("--order", default="", metavar="KEY,…", help="such as -spend or date,-spend")
    parser.add_argument("--limit", metavar="N", help="at most this many rows")
    parser.add_argument(
        "--format", choices=("json", "csv"), default="json", help="default json; percents are fractions"
    )
    parser.add_argument("--out", metavar="FILE", help="write there, all or nothing; default the standard output")


def _let_orders_begin_with_minus(parser: argparse.ArgumentParser) -> None:
    """``--order -spend`` as ``--order=-spend``: argparse takes every word with a minus for an option."""
    parse = parser.parse_known_args

    def joined(words: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        whole: list[str] = []
        for word in sys.argv[1:] if words is None else words:
            if whole and whole[-1] == "--order" and not word.startswith("--"):
                whole[-1] = f"--order={word}"
            else:
                whole.append(word)
        return parse(whole, namespace)

    parser.parse_known_args = joined  # type: ignore[method-assign, assignment]  # argparse has no setting for it


async def run(args: argparse.Namespace, store: Store) -> int:
    """Write the answer, and to stderr what one should know of it; 0 also for an empty one."""
    query = query_of(args)
    viewer = await operator_viewer(store)
    _check_accounts(query, viewer)
    answer = await run_query(store, query, viewer)
    write = write_csv if args.format == "csv" else write_json
    if args.out:
        write_to_file(args.out, lambda file: write(answer, file))
    else:
        write_to_stdout(lambda file: write(answer, file))
    for remark in await _remarks(store, query, viewer, answer):
        sys.stderr.write(f"{remark}\n")
    return 0


def query_of(args: argparse.Namespace) -> InsightQuery:
    """The query that the words ask for; QueryError where one is off."""
    return InsightQuery(
        since=parse_date(args.since),
        until=parse_date(args.until),
        group_by=_split(args.group_by),
        metrics=_split(args.metrics),
        filters=tuple(parse_filter(text) for text in args.filter),
        having=tuple(parse_having(text) for text in args.having),
        order=tuple(parse_order(text) for text in _split(args.order)),
        limit=_limit(args.limit),
        account_ids=frozenset(as_id(text.strip()) for text in args.account) or None,
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",")) if text.strip() else ()


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"The limit {shown(text)} is not a number of rows.", "Ask for at least 1.")
    return int(text[:20])


def _check_accounts(query: InsightQuery, viewer: Viewer) -> None:
    foreign = sorted((query.account_ids or frozenset()) - viewer.account_ids)
    if not foreign:
        return
    known = [f"act_{account_id}" for account_id in sorted(viewer.account_ids)]
    more = f" and {len(known) - KNOWN_SHOWN} more" if len(known) > KNOWN_SHOWN else ""
    remedy = (
        f"The known ones are {', '.join(known[:KNOWN_SHOWN])}{more}." if known else "There is none yet: client add."
    )
    raise UsageError(f"No client has the account {', '.join(f'act_{each}' for each in foreign)}.", remedy)


async def _remarks(store: Store, query: InsightQuery, viewer: Viewer, answer: InsightAnswer) -> list[str]:
    if not viewer.account_ids:
        return ["No row: there is no client yet. Add one with `python -m lib client add`."]
    state = await trust(store, viewer, query.since, query.until, account_ids=query.account_ids)
    remarks = [f"Blank values of {slug}: {rule}." for slug, rule in answer.notes.items()]
    if answer.is_sample:
        remarks.append("Sample data: these numbers are of sample clients and are made up.")
    if not answer.rows and not state.gaps:
        return ["No row: these days are not refreshed yet. Run `python -m lib refresh` with the same dates."]
    if not answer.rows:
        remarks.append("No row: nothing stored of these days matches the conditions.")
    if state.missing_days:
        remarks.append(
            f"Incomplete: days that are not refreshed, or not whole, over all accounts: {state.missing_days}."
        )
    return remarks
