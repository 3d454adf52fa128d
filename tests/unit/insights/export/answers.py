"""Small answers with everything in them that a format could get wrong."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from lib.insights.answer import Column, InsightAnswer
from lib.insights.export import writer

COLUMNS = (
    Column("date", "Date", "date"),
    Column("ad_id", "Ad ID", "id"),
    Column("ad_name", "Ad", "text"),
    Column("currency", "Currency", "text"),
    Column("spend", "Spend", "money"),
    Column("cpa", "CPA", "money"),
    Column("clicks", "Clicks (all)", "count"),
    Column("ctr", "CTR (all)", "percent"),
    Column("roas", "ROAS", "multiple"),
)
KEYS = [column.key for column in COLUMNS]
DAY = dt.date(2026, 1, 31)
AD_ID = "120212345678901234"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
TRAPS = (
    '=HYPERLINK("http://x";"y")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "https://example.com/?a=1&b=2",
    "<r><t>rich</t></r></is></c><c r='A9'><f>1+1</f></c><c><is><r></r>",
    "<r></r>",
    "a,b;c\"d'e",
    "two\nlines",
    " spaces around ",
    "_x0041_",
    "\x01\x1f\ufffe",
    "007",
    "1e5",
    "TRUE",
    "Été 日本語 🎉",
    "'already",
    "\\ back",
    "",
)


def row(
    name: str | None = "x",
    *,
    currency: str | None = "EUR",
    spend: str | None = "-12.30",
    cpa: str | None = "1.366700",
    clicks: int | None = 7,
    ctr: str | None = "0.012300",
    roas: str | None = "2.5",
    day: dt.date | None = DAY,
) -> tuple[Any, ...]:
    """One row of ``COLUMNS``."""
    amounts = [None if value is None else Decimal(value) for value in (spend, cpa, ctr, roas)]
    return (day, AD_ID, name, currency, *amounts[:2], clicks, *amounts[2:])


def table(rows: Sequence[Sequence[Any]]) -> pa.Table:
    """The rows, typed as an answer's."""
    values = zip(*rows, strict=True) if rows else ((),) * len(COLUMNS)
    return pa.table([pa.array(each, column.type) for each, column in zip(values, COLUMNS, strict=True)], names=KEYS)


def answer(*rows: Sequence[Any]) -> InsightAnswer:
    """The rows as an answer."""
    return InsightAnswer(COLUMNS, table(rows))


def written(name: str, *rows: Sequence[Any]) -> bytes:
    """The file of these rows in the format ``name``."""
    file = io.BytesIO()
    to = writer(name, file, COLUMNS)
    try:
        to.write(table(rows))
        to.close()
    finally:
        to.abort()
    return file.getvalue()
