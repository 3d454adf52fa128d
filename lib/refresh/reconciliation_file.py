"""The reconciliation as CSV: every day that is no match, written and logged as all files of the house are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa

from lib.access.viewer import Viewer
from lib.insights.answer import Column
from lib.insights.export import ExportResult, Writer, writer
from lib.insights.export.formats import schema_of
from lib.insights.export.log import Via, check_export, log_file
from lib.insights.export.run import in_thread
from lib.insights.metrics import METRICS
from lib.refresh.reconciliation import SLUGS, DayApart, Reconciliation, reconciliation
from lib.store.engine import Store

FORMAT, ENGINE = "csv", "postgres"
SIDES = {"ads": "ads added up", "meta": "Meta's own", "difference": "difference"}


def _columns() -> Iterator[Column]:
    yield Column("account_id", "Account ID", "id")
    yield Column("account_name", "Account", "text")
    yield Column("currency", "Currency", "text")
    yield Column("date", "Date", "date")
    for slug in SLUGS.values():
        for side, words in SIDES.items():
            yield Column(f"{slug}_{side}", f"{METRICS[slug].label}, {words}", METRICS[slug].format)
    yield Column("reason", "Reason", "text")
    yield Column("explanation", "Explanation", "text")


COLUMNS = tuple(_columns())
_SCHEMA = schema_of(COLUMNS)


async def write_reconciliation(
    store: Store,
    viewer: Viewer,
    since: dt.date,
    until: dt.date,
    file: BinaryIO,
    *,
    account_ids: frozenset[int] | None = None,
    currency: str | None = None,
    via: Via,
) -> ExportResult:
    """Write every day that differs, then those that were not compared, to ``file``, which stays open, and log that.

    AccessError for whoever may take no files away; AppError where the file cannot be written; NotLogged where it could
    not be noted, and then nothing may be handed out.
    """
    check_export(viewer)
    found = await reconciliation(
        store, viewer, since, until, account_ids=account_ids, currency=currency, most_unknown=None
    )
    to: Writer = await in_thread(writer, FORMAT, file, COLUMNS)
    await in_thread(_write, to, found)
    result = ExportResult(FORMAT, to.rows, to.size, to.sha256, ENGINE)
    question = question_words(since, until, account_ids, currency)
    await log_file(store, viewer, result, question=question, account_ids=account_ids, via=via)
    return result


def question_words(
    since: dt.date, until: dt.date, account_ids: frozenset[int] | None, currency: str | None = None
) -> str:
    """reconciliation --since 2026-01-01 --until 2026-01-31 --account 11: what the logs call the file."""
    words = ["reconciliation", "--since", str(since), "--until", str(until)]
    words += [word for number in sorted(account_ids or ()) for word in ("--account", str(number))]
    return " ".join([*words, *(["--currency", currency] if currency else [])])


def _write(to: Writer, found: Reconciliation) -> None:
    if found.no_match:
        to.write(table(found.no_match))
    to.close()


def table(days: Sequence[DayApart]) -> pa.Table:
    """The days with a column for each of ``COLUMNS``; money in decimals of its major unit."""
    rows = [_row(day) for day in days]
    return pa.table({column.key: [row[column.key] for row in rows] for column in COLUMNS}, schema=_SCHEMA)


def _row(day: DayApart) -> Mapping[str, Any]:
    numbers: dict[str, int | Decimal | None] = {
        f"{slug}_{side}": getattr(pair, side) for slug, pair in day.numbers.items() for side in SIDES
    }
    return {
        "account_id": str(day.account_id),
        "account_name": day.account_name,
        "currency": day.currency,
        "date": day.date,
        **numbers,
        "reason": day.reason.value,
        "explanation": day.words,
    }
