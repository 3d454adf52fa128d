"""The named rival: pandas, with every ad-day in memory and a groupby a question."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pandas as pd
from sqlalchemy.engine import URL

from lib.insights.metrics import METRICS
from lib.insights.query import InsightQuery

_FACTS = """
    SELECT account_id, currency, campaign_id, ad_id, date, spend_micros AS spend, revenue_micros AS revenue,
           impressions, clicks, purchases
    FROM insight JOIN account USING (account_id)"""
_NAMES = {
    "account": "SELECT account_id, name FROM account",
    "campaign": "SELECT campaign_id, name FROM campaign",
    "ad": "SELECT ad_id, name FROM ad",
}
MICROS = 1_000_000
MONEY = ("spend", "revenue")


class Rival:
    """Every ad-day as a DataFrame of integers, and the names of accounts, campaigns and ads."""

    def __init__(self, url: URL) -> None:
        address = f"postgresql:///{url.database}?user={url.username}&host={url.query['host']}"
        with adbc.connect(address) as connection, connection.cursor() as cursor:
            cursor.execute(_FACTS)
            table = cursor.fetch_arrow_table()
            self.frame: pd.DataFrame = table.to_pandas(
                categories=["currency"], date_as_object=False, split_blocks=True, self_destruct=True
            )
            self.names: dict[str, pd.DataFrame] = {}
            for level, statement in _NAMES.items():
                cursor.execute(statement)
                self.names[level] = cursor.fetch_arrow_table().to_pandas().set_index(f"{level}_id")

    @property
    def megabytes(self) -> float:
        """What the frame takes."""
        return float(self.frame.memory_usage(deep=True).sum()) / 1e6

    def answer(self, query: InsightQuery) -> pd.DataFrame:
        """The query's groups with its metrics as floats, money in major units."""
        frame = self.frame
        chosen = frame["date"].between(pd.Timestamp(query.since), pd.Timestamp(query.until))
        if query.account_ids is not None:
            chosen &= frame["account_id"].isin(query.account_ids)
        for each in query.filters:
            chosen &= frame[each.name] > float(each.number) * (MICROS if each.name in MONEY else 1)
        (level,) = query.group_by
        key = level if level == "date" else f"{level}_id"
        sums = [slug for slug in query.metrics if not METRICS[slug].parts]
        found = frame[chosen].groupby([key, "currency"], observed=True, sort=True)[sums].sum()
        money = found[[slug for slug in sums if slug in MONEY]] / MICROS
        shown = pd.DataFrame({slug: money[slug] if slug in money else found[slug] for slug in sums})
        for slug in query.metrics:
            if METRICS[slug].parts:
                top, bottom = METRICS[slug].parts
                shown[slug] = shown[top] * METRICS[slug].parsed.factor / shown[bottom].where(shown[bottom] != 0)
        shown = self._picked(query, shown).reset_index()
        return shown if level == "date" else shown.join(self.names[level], on=key)

    @staticmethod
    def _picked(query: InsightQuery, shown: pd.DataFrame) -> pd.DataFrame:
        for each in query.having:
            shown = shown[shown[each.name] > float(each.number)]
        for order in query.order:
            shown = shown.sort_values(order.key, ascending=not order.descending, kind="stable", na_position="last")
        return shown if query.limit is None else shown.head(query.limit)


def differences(query: InsightQuery, mine: list[tuple[Any, ...]], frame: pd.DataFrame) -> list[str]:
    """Where the rival's groups or numbers are not ours; to the digits that ours are written with."""
    (level,) = query.group_by
    key = "date" if level == "date" else f"{level}_id"
    theirs = {(_word(row[key]), row["currency"]): row for row in frame.to_dict("records")}
    skipped = 1 if level == "date" else 2
    if {(_word(row[0]), row[skipped]) for row in mine} != set(theirs):
        return [f"{len(mine)} groups here, {len(theirs)} other ones there"]
    found = []
    for row in mine:
        other = theirs[_word(row[0]), row[skipped]]
        for slug, value in zip(query.metrics, row[skipped + 1 :], strict=True):
            if not _equal(slug, value, other[slug]):
                found.append(f"{row[0]} {slug}: {value} here, {other[slug]} there")
    return found


def _word(value: Any) -> str:
    return str(value)[:10] if hasattr(value, "year") else str(value)


def _equal(slug: str, mine: Decimal | int | None, theirs: float) -> bool:
    if mine is None or pd.isna(theirs):
        return mine is None and bool(pd.isna(theirs))
    # Ours are rounded: costs per something to two decimals beyond those of their currency, the rest to six.
    step = Decimal("0.0051") if METRICS[slug].parts and METRICS[slug].format == "money" else Decimal("0.000001")
    return abs(Decimal(mine) - Decimal(float(theirs))) <= max(step, abs(Decimal(mine)) * Decimal("1e-9"))
