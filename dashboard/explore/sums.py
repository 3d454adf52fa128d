"""Totals of rows that are on the page: sums of what can be summed, ratios made anew from the sums.

Money is summed in whole millionths, so that a total is exact to the last digit however many rows it has.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lib.insights.exact import DIGITS
from lib.insights.metrics import METRICS, leaves

_MICROS = 1_000_000


def needed(metrics: Sequence[str]) -> tuple[str, ...]:
    """The metrics and the summable ones that they are made of: what a frame must have to be totalled."""
    made_of = (leaf for slug in metrics for leaf in sorted(leaves(slug)) if METRICS[leaf].additive == "sum")
    return tuple(dict.fromkeys((*metrics, *made_of)))


def is_summable(slug: str) -> bool:
    """Whether the metric of several rows follows from theirs."""
    return all(METRICS[leaf].additive == "sum" for leaf in leaves(slug))


def is_share(slug: str) -> bool:
    """Whether the metric is a part of the total of all rows."""
    return METRICS[slug].parsed.kind == "share"


def with_shares(data: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """``data`` with the shares among ``metrics``: of what its rows hold together, as fine as an answer has them.

    ``data`` has the columns of ``needed(metrics)`` that are no shares.
    """
    shares = {}
    for slug in filter(is_share, metrics):
        part = METRICS[slug].parsed.top
        whole = _whole(data[part], part)
        total = float(whole.sum()) if data[part].notna().all() else np.nan
        shares[slug] = share_of(whole, total).round(DIGITS)
    return data.assign(**shares)


def summed(data: pd.DataFrame, by: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """A row for each group of ``by`` (one in all without any), in the order in which they appear in ``data``.

    ``data`` has the columns of ``needed(metrics)``. A metric that is not summable, whose divisor is zero, or that any
    row lacks is NaN, and so is a share of a total of which any group lacks its part.
    """
    stored = [leaf for leaf in needed(metrics) if METRICS[leaf].additive == "sum"]
    whole = pd.DataFrame({leaf: _whole(data[leaf], leaf) for leaf in stored}, index=data.index)
    groups = [data[name] for name in by]
    sums = whole.groupby(groups, sort=False, dropna=False).sum() if groups else whole.sum().to_frame().T
    if groups and not stored:
        sums = data[list(by)].drop_duplicates().set_index(list(by))
    amounts = pd.DataFrame({leaf: _amount(sums[leaf], leaf) for leaf in stored}, index=sums.index)
    known = data[stored].notna()
    if len(data) and not known.to_numpy().all():
        parts = known.groupby(groups, sort=False, dropna=False) if groups else known
        amounts = amounts.where(parts.all() if groups else parts.all().to_frame().T)
    found = pd.DataFrame({slug: _metric(slug, amounts) for slug in metrics}, index=sums.index)
    return found.reset_index(drop=not groups)


def _whole(values: pd.Series, slug: str) -> pd.Series:
    numbers = values.astype("float64").fillna(0.0)
    return (numbers * _MICROS if METRICS[slug].format == "money" else numbers).round().astype("int64")


def _amount(values: pd.Series, slug: str) -> pd.Series:
    return values / _MICROS if METRICS[slug].format == "money" else values.astype("float64")


def _metric(slug: str, sums: pd.DataFrame) -> pd.Series:
    if not is_summable(slug):
        return pd.Series(np.nan, index=sums.index)
    parsed = METRICS[slug].parsed
    if parsed.kind == "stored":
        return sums[slug]
    top, bottom = _metric(parsed.top, sums), _metric(parsed.bottom, sums)
    if parsed.kind == "share":
        total = bottom.sum(skipna=False)
        return top / total if total else pd.Series(np.nan, index=sums.index)
    return parsed.factor * top / bottom.where(bottom != 0)


def share_of(values: pd.Series, total: float) -> pd.Series:
    """Each value as a part of ``total``; NaN where there is nothing to be a part of."""
    return values.astype("float64") / total if total and not np.isnan(total) else values.astype("float64") * np.nan
