"""Words about the numbers on a page."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboard import states
from lib.insights.trust import Gap, Trust


@pytest.mark.parametrize(
    ("engine", "reason", "said"),
    [
        ("mirror", "", "Answered by the mirror"),
        ("postgres", "", "Answered by PostgreSQL"),
        ("postgres", "No space is left [here].", "Answered by PostgreSQL. No space is left \\[here\\]\\."),
    ],
)
def test_the_engine_is_named_with_the_reason_where_there_is_one(engine: str, reason: str, said: str) -> None:
    assert states.engine_words(engine, reason).endswith(said)


def test_a_gap_names_what_was_not_compared() -> None:
    gap = Gap(11, "Acme", "EUR", Decimal("-1.5"), 0, 0, 0, 2, Decimal(0), 0, 2, 1)
    unknown = "1 day not compared, as Meta's own number is not known"
    assert states.gap_words(gap) == f"Acme: €1.50 less spend, 2 more purchases on 2 days; {unknown}"
    assert states.gap_words(Gap(11, "Acme", "EUR", Decimal(0), 0, 0, 0, 0, Decimal(0), 0, 0, 1)) == f"Acme: {unknown}"


def test_what_meta_does_not_report_by_a_breakdown_is_not_called_equal() -> None:
    whole = Trust(None, None, 0, ())
    assert states.matching_words(whole) == "Sums equal Meta's own totals"
    split = Trust(None, None, 0, (), unreported=("purchases", "revenue_micros", "leads"))
    assert states.matching_words(split).endswith("by this breakdown: purchases, purchase value and leads")
