"""Totals: exact sums, ratios of the sums, and no number where there is none."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.explore import sums

MONEY = st.integers(0, 10**12).map(lambda micros: Decimal(micros).scaleb(-4))
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), MONEY, st.integers(0, 10**9)), min_size=1, max_size=40)


def frame(rows: list[tuple[str, Decimal, int]]) -> pd.DataFrame:
    data = pd.DataFrame(rows, columns=["campaign_id", "spend", "purchases"])
    return data.assign(spend=data["spend"].map(float), purchases=data["purchases"].astype("Int64"))


@given(ROWS)
def test_a_total_is_the_exact_sum_and_its_ratio_is_made_of_it(rows: list[tuple[str, Decimal, int]]) -> None:
    found = sums.summed(frame(rows), [], ["spend", "purchases", "cpa"]).iloc[0]
    spend, purchases = sum(row[1] for row in rows), sum(row[2] for row in rows)
    assert found["spend"] == float(spend)
    assert found["purchases"] == purchases
    if purchases:
        assert found["cpa"] == pytest.approx(float(spend / purchases), rel=1e-12)
    else:
        assert np.isnan(found["cpa"])


@given(ROWS)
def test_the_groups_add_up_to_the_total_in_the_order_of_the_rows(rows: list[tuple[str, Decimal, int]]) -> None:
    found = sums.summed(frame(rows), ["campaign_id"], ["spend"])
    assert found["campaign_id"].tolist() == list(dict.fromkeys(row[0] for row in rows))
    of = {name: float(sum(row[1] for row in rows if row[0] == name)) for name in found["campaign_id"]}
    assert dict(zip(found["campaign_id"], found["spend"], strict=True)) == of


def test_what_does_not_add_up_has_no_total() -> None:
    data = frame([("a", Decimal(1), 2)]).assign(reach=[5], impressions=[7])
    found = sums.summed(data, [], ["reach", "frequency", "spend"]).iloc[0]
    assert np.isnan(found["reach"])
    assert np.isnan(found["frequency"])
    assert found["spend"] == 1


def test_shares_are_of_the_total_and_none_of_nothing() -> None:
    found = sums.summed(frame([("a", Decimal(1), 0), ("b", Decimal(3), 0)]), ["campaign_id"], ["spend_share"])
    assert found["spend_share"].tolist() == [0.25, 0.75]
    assert sums.share_of(pd.Series([1.0, None]), 4.0).tolist()[0] == 0.25
    assert sums.share_of(pd.Series([0.0]), 0.0).isna().all()
    assert sums.share_of(pd.Series([1.0]), float("nan")).isna().all()


def test_shares_of_rows_are_of_what_they_hold_together() -> None:
    data = frame([("a", Decimal(1), 0), ("b", Decimal(2), 0)])
    assert sums.with_shares(data, ["spend_share", "spend"])["spend_share"].tolist() == [0.333333, 0.666667]
    assert sums.with_shares(data.assign(spend=0.0), ["spend_share"])["spend_share"].isna().all()
    assert list(sums.with_shares(data, ["spend"])) == list(data)


def test_no_rows_add_up_to_nothing() -> None:
    found = sums.summed(frame([]), ["campaign_id"], ["spend", "cpa"])
    assert found.empty


def test_a_ratio_needs_its_parts_in_the_frame() -> None:
    assert sums.needed(["cpa", "reach"]) == ("cpa", "reach", "purchases", "spend")


def test_what_is_not_known_of_every_row_has_no_total_and_is_never_0() -> None:
    data = frame([("a", Decimal(1), 0), ("b", Decimal(2), 0), ("b", Decimal(3), 0)])
    data["purchases"] = pd.array([pd.NA, 4, pd.NA], dtype="Int64")
    by_campaign = sums.summed(data, ["campaign_id"], ["purchases", "cpa", "spend"])
    assert by_campaign["spend"].tolist() == [1.0, 5.0]
    assert by_campaign[["purchases", "cpa"]].isna().all(axis=None)
    assert np.isnan(sums.summed(data, [], ["purchases"]).iloc[0]["purchases"])
    known = sums.summed(data.iloc[1:2], ["campaign_id"], ["purchases", "cpa"])
    assert known[["purchases", "cpa"]].to_numpy().tolist() == [[4, 0.5]]


def test_there_are_no_shares_of_a_total_that_is_not_known() -> None:
    data = frame([("a", Decimal(1), 0), ("b", Decimal(2), 0)]).assign(revenue=[5.0, np.nan])
    assert sums.with_shares(data, ["revenue_share"])["revenue_share"].isna().all()
    shared = sums.summed(data, ["campaign_id"], ["revenue_share", "spend_share"])
    assert shared["revenue_share"].isna().all()
    assert shared["spend_share"].notna().all()
    assert sums.with_shares(data.iloc[:1], ["revenue_share"])["revenue_share"].tolist() == [1]
