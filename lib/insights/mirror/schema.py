"""What the mirror holds: the store's tables by their own names, without what no question asks for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, Date, DateTime, Integer, String, Table
from sqlalchemy.types import TypeEngine

from lib.store.models import (
    COUNTS,
    MONEY,
    Account,
    Ad,
    AdSet,
    Base,
    Campaign,
    Client,
    Creative,
    Insight,
    InsightAttribution,
    InsightBreakdown,
    PeriodInsight,
    PeriodSlice,
    Slice,
)

FORMAT = 3
"""Goes up when files of before must not be read any more although their tables look the same."""

LEFT_OUT = {
    "client": {"graph_url", "created_at", "archived_at"},
    "account": {"checked_at", "created_at", "disconnected_at"},
    "campaign": {"created_time", "seen_at"},
    "adset": {"created_time", "seen_at"},
    "ad": {"created_time", "seen_at"},
    "creative": {"created_time", "seen_at", "title", "body", "thumbnail_url"},
    "slice": {"run_id", "incomplete_reason", "looked_twice_for"},
    "period_insight": {"unique_clicks", "quality_ranking", "engagement_rate_ranking", "conversion_rate_ranking"},
    "period_slice": {"rows"},
}
_TYPES: dict[type[TypeEngine[Any]], str] = {
    BigInteger: "BIGINT",
    Integer: "INTEGER",
    Boolean: "BOOLEAN",
    Date: "DATE",
    DateTime: "TIMESTAMPTZ",
    String: "VARCHAR",
    ARRAY: "VARCHAR[]",
}


@dataclass(frozen=True)
class Mirrored:
    """A table of the store in the mirror: its columns in order, each with DuckDB's type, and its key."""

    name: str
    types: dict[str, str]
    key: tuple[str, ...]

    @property
    def columns(self) -> str:
        """The columns as a list for SQL."""
        return ", ".join(f'"{name}"' for name in self.types)

    @property
    def order(self) -> str:
        """The key as a list for SQL."""
        return ", ".join(f'"{name}"' for name in self.key)

    @property
    def ddl(self) -> str:
        """The statement that makes it; without a key, which DuckDB would keep an index in memory for."""
        columns = ", ".join(f'"{name}" {kind}' for name, kind in self.types.items())
        return f'CREATE TABLE "{self.name}" ({columns})'


def _mirrored(model: type[Base]) -> Mirrored:
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model} is no table")
    kept = [column for column in table.columns if column.name not in LEFT_OUT.get(table.name, ())]
    # BigInteger is an Integer too, so the first type that fits is the right one.
    types = {column.name: next(sql for kind, sql in _TYPES.items() if isinstance(column.type, kind)) for column in kept}
    return Mirrored(table.name, types, tuple(column.name for column in table.primary_key))


CLIENT, ACCOUNT, SLICE, INSIGHT = (_mirrored(model) for model in (Client, Account, Slice, Insight))
ENTITIES = tuple(_mirrored(model) for model in (Campaign, AdSet, Ad, Creative))
PERIOD_SLICE, PERIOD_INSIGHT = _mirrored(PeriodSlice), _mirrored(PeriodInsight)
OF_SLICES = (INSIGHT, *(_mirrored(model) for model in (InsightBreakdown, InsightAttribution)))
"""What changes only together with its slice, in the order of the account and the date."""

TABLES = (CLIENT, ACCOUNT, *ENTITIES, PERIOD_SLICE, PERIOD_INSIGHT, SLICE, *OF_SLICES)

SUMMED = (*MONEY, *COUNTS)
"""What rollups add up."""


@dataclass(frozen=True)
class Rollup:
    """A table of sums of the ad-days by ``by``, which begins with the account and the date."""

    name: str
    by: tuple[str, ...]

    @property
    def ddl(self) -> str:
        """The statement that makes it."""
        keys = [f'"{name}" {INSIGHT.types[name]}' for name in self.by]
        return f'CREATE TABLE "{self.name}" ({", ".join((*keys, *(f"{name} HUGEINT" for name in SUMMED)))})'


ROLLUPS = (
    Rollup("insight_by_account", ("account_id", "date")),
    Rollup("insight_by_campaign", ("account_id", "date", "campaign_id")),
)
"""The smallest first."""


STAMPS = {
    SLICE.name: "hashint8extended(version, date - DATE '2000-01-01')",
    **{table.name: f"hashint8extended(xmin::text::bigint, {table.key[-1]})" for table in ENTITIES},
    PERIOD_SLICE.name: "hashtextextended(concat_ws(':', level, since - DATE '2000-01-01', until - since),"
    " xmin::text::bigint)",
}
"""What is combined over an account's rows to see whether any of them changed: as good as different for any two states.

A slice has a version. Entities and periods have none, so the number of the transaction that wrote the row stands in.
"""

WHOLE = {**{table.name: (table,) for table in ENTITIES}, PERIOD_SLICE.name: (PERIOD_SLICE, PERIOD_INSIGHT)}
"""What is replaced whole for an account of which a row with a stamp differs, by the name of the stamp."""

OWN_TABLES = (
    "CREATE TABLE mirror_about (format VARCHAR, origin VARCHAR)",
    "CREATE TABLE mirror_taken (kind VARCHAR, account_id BIGINT, rows BIGINT, stamp BIGINT)",
)
DDL = (*(table.ddl for table in TABLES), *(rollup.ddl for rollup in ROLLUPS), *OWN_TABLES)


def fingerprint() -> str:
    """Names this form of the file; a file of another form is built anew."""
    return hashlib.sha256("\n".join((str(FORMAT), *DDL, *STAMPS.values())).encode()).hexdigest()[:16]
