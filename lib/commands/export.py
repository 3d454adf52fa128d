"""``python -m lib export``: stored numbers as a file, for scripts and spreadsheets. Each export is logged."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from lib.access.viewer import Viewer
from lib.commands.output import standard_output, whole_file
from lib.errors import UsageError
from lib.insights.attribution import WINDOWS
from lib.insights.breakdowns import NOT_CHOSEN, NOT_YET, SPLITS
from lib.insights.engine import Engine, PostgresEngine
from lib.insights.export import FORMATS, ExportResult, export_logged
from lib.insights.query import DIMENSIONS, InsightQuery
from lib.insights.scope import operator_viewer
from lib.insights.trust import trust
from lib.insights.words import query_of_words
from lib.settings import get_settings
from lib.store.engine import Store

HELP = "write stored numbers as CSV, Excel, Parquet, Arrow or JSON"
ENGINES = ("postgres", "mirror")
KNOWN_SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """The words of the command."""
    _let_orders_begin_with_minus(parser)
    parser.add_argument("--since", required=True, metavar="DATE", help="first day, YYYY-MM-DD")
    parser.add_argument("--until", required=True, metavar="DATE", help="last day, included")
    parser.add_argument(
        "--group-by", default="", metavar="DIM,…", help=f"any of {','.join(DIMENSIONS)}; default totals"
    )
    parser.add_argument("--metrics", required=True, metavar="SLUG,…", help="such as spend,impressions,ctr,roas")
    parser.add_argument("--account", action="append", default=[], metavar="ID", help="only this account; repeatable")
    parser.add_argument("--currency", metavar="CODE", help="only the accounts in this currency, such as EUR")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="CONDITION", help="'campaign~Sale', 'ad_id=1,2', 'spend>0'"
    )
    parser.add_argument("--having", action="append", default=[], metavar="CONDITION", help="on sums: 'spend>100'")
    parser.add_argument("--order", default="", metavar="KEY,…", help="such as -spend or date,-spend")
    parser.add_argument("--limit", metavar="N", help="at most this many rows")
    parser.add_argument(
        "--top", metavar="N:DIM:SLUG", help="the groups with the most, the rest as one: 10:campaign:spend"
    )
    parser.add_argument(
        "--attribution", choices=tuple(WINDOWS), help="count conversions by this window; default each account's own"
    )
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="json",
        help="default json; csv-eu has ; and decimal commas; percents are fractions",
    )
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="what answers; default postgres")
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
    if not args.out and not FORMATS[args.format].is_text and sys.stdout.isatty():
        raise UsageError("This format is not for a terminal; nothing was written.", "Name a file with --out.")
    async with _engine(args.engine, store) as engine:
        with whole_file(args.out) if args.out else standard_output() as file:
            result = await export_logged(store, engine, query, viewer, args.format, file=file, via="cli")
        remarks = await _remarks(engine, query, viewer, result)
    for remark in (*remarks, f"Answered by {result.engine}."):
        sys.stderr.write(f"{remark}\n")
    return 0


@asynccontextmanager
async def _engine(name: str, store: Store) -> AsyncIterator[Engine]:
    if name == "postgres":
        yield PostgresEngine(store)
        return
    from lib.insights.mirror import opened_mirror

    async with opened_mirror(store, get_settings()) as mirror:
        yield mirror


def query_of(args: argparse.Namespace) -> InsightQuery:
    """The query that the words ask for; QueryError where one is off."""
    return query_of_words(
        since=args.since,
        until=args.until,
        group_by=args.group_by,
        metrics=args.metrics,
        filters=args.filter,
        having=args.having,
        order=args.order,
        limit=args.limit,
        accounts=args.account,
        currency=args.currency,
        top=args.top,
        attribution=args.attribution,
    )


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


async def _remarks(engine: Engine, query: InsightQuery, viewer: Viewer, result: ExportResult) -> list[str]:
    if not viewer.account_ids:
        return ["No row: there is no client yet. Add one with `python -m lib client add`."]
    breakdown = query.breakdown.slug if query.breakdown else ""
    state = await trust(engine, viewer, query.since, query.until, account_ids=query.account_ids, breakdown=breakdown)
    lacking = next((rule for name, rule in result.notes.items() if name in SPLITS), "")
    if lacking.startswith((NOT_CHOSEN, NOT_YET)):
        return [f"No row: {lacking[0].lower()}{lacking[1:]}."]
    remarks = [f"{lacking}."] if lacking else []
    remarks += [f"Blank values of {slug}: {rule}." for slug, rule in result.notes.items() if slug not in SPLITS]
    if result.is_sample:
        remarks.append("Sample data: these numbers are of sample clients and are made up.")
    if not result.rows and not state.gaps:
        return ["No row: these days are not refreshed yet. Run `python -m lib refresh` with the same dates."]
    if not result.rows:
        remarks.append("No row: nothing stored of these days matches the conditions.")
    if state.missing_days:
        remarks.append(
            f"Incomplete: days that are not refreshed, or not whole, over all accounts: {state.missing_days}."
        )
    return remarks
