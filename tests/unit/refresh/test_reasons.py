"""The likely reason of a difference, from the facts that are stored of the day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lib.refresh.reasons import Facts, Reason, likely, sentence
from lib.refresh.schedule import Stored, is_due

DELIVERY = {"spend_micros": -1_230_000, "impressions": -10}
CONVERSIONS = {"purchases": -2, "revenue_micros": -90_000_000}
CASES: list[tuple[str, dict[str, Any], Reason, str]] = [
    (
        "no gap is known",
        {"gaps": {}, "day_ended": False, "withheld": "Meta's own number", "looked_twice_for": DELIVERY},
        Reason.NOT_COMPARED,
        "no match and no difference",
    ),
    ("the day was running", {"day_ended": False, "withheld": "campaign 7"}, Reason.STILL_RUNNING, "was not over"),
    ("something is withheld", {"withheld": "reach, campaign 7"}, Reason.WITHHELD, "of this day: reach, campaign 7."),
    ("withheld, as stored", {"withheld": "Meta did not serve: actions"}, Reason.WITHHELD, "of this day: actions. It"),
    ("withheld without a name", {"withheld": ""}, Reason.WITHHELD, "did not serve all of this day. It"),
    ("confirmed, less delivery", {"looked_twice_for": DELIVERY}, Reason.NOT_LISTED, "lists for no ad any more"),
    (
        "confirmed, fewer conversions",
        {"gaps": CONVERSIONS, "looked_twice_for": CONVERSIONS},
        Reason.ACCOUNT_ONLY,
        "to the account and to no ad",
    ),
    (
        "confirmed, more",
        {"gaps": {"clicks": 3}, "looked_twice_for": {"clicks": 3}},
        Reason.META_DISAGREES,
        "lists more for the ads",
    ),
    ("conversions on the 28th day", {"gaps": CONVERSIONS, "age_days": 28}, Reason.MATURING, "restates conversions"),
    ("conversions after that", {"gaps": CONVERSIONS, "age_days": 29}, Reason.TWO_MOMENTS, "a moment apart"),
    ("delivery", {}, Reason.TWO_MOMENTS, "a moment apart"),
    ("another gap than before", {"looked_twice_for": {"clicks": 1}}, Reason.TWO_MOMENTS, "a moment apart"),
    (
        "another gap in conversions",
        {"gaps": CONVERSIONS, "looked_twice_for": {"purchases": -2}},
        Reason.MATURING,
        "restates conversions",
    ),
]


@pytest.mark.parametrize(("facts", "reason", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_first_reason_that_fits(facts: dict[str, Any], reason: Reason, said: str) -> None:
    known = Facts(**{"gaps": DELIVERY, "day_ended": True, "withheld": None, "age_days": 5, **facts})
    assert likely(known) is reason
    assert said in sentence(known)
    assert sentence(known).endswith(".")


@pytest.mark.parametrize("gaps", [{}, DELIVERY])
def test_what_meta_did_not_serve_is_asked_for_by_the_clock_in_its_own_time(gaps: dict[str, int]) -> None:
    """Of an old day the next refresh leaves it alone."""
    at, noon = dt.date(2026, 1, 1), dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
    assert not is_due(at, noon, Stored(noon - dt.timedelta(days=1), is_complete=False))
    assert is_due(at, noon, Stored(noon - dt.timedelta(days=30), is_complete=False))
    said = sentence(Facts(gaps=gaps, day_ended=True, withheld="", age_days=150))
    assert said.endswith(
        " It is asked again by itself, the more rarely the older the day is; a refresh that covers the day asks at"
        " once."
    )


def test_every_reason_is_told_apart() -> None:
    assert {reason for _, _, reason, _ in CASES} == set(Reason)
