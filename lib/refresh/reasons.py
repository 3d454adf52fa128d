"""Why the ads of a day do not add up to Meta's own number: the likeliest reason that the stored facts allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lib.refresh.plan import COMPLETE_DAYS

NOT_SERVED = "Meta did not serve: "
"""How the stored reason of an incomplete slice begins, before the names."""
_CONVERSIONS = frozenset({"purchases", "revenue_micros", "leads"})
"""What Meta goes on changing for weeks; all else of a day that is over is delivery."""


class Reason(StrEnum):
    """The kinds of reasons."""

    NOT_COMPARED = "not_compared"
    STILL_RUNNING = "still_running"
    WITHHELD = "withheld"
    NOT_LISTED = "not_listed"
    ACCOUNT_ONLY = "account_only"
    META_DISAGREES = "meta_disagrees"
    MATURING = "maturing"
    TWO_MOMENTS = "two_moments"


@dataclass(frozen=True)
class Facts:
    """What is known of a day that differs, or that could not be compared.

    ``gaps``: the ads' sum less Meta's by column, where it is known and not zero; of a day without one Meta would not
    serve all of its own numbers.

    ``withheld`` is the stored reason, which names what Meta did not serve (None: nothing), ``age_days`` is how old the
    day was in its account's zone when it was fetched, ``looked_twice_for`` the gaps that were still the same after a
    second look.
    """

    gaps: Mapping[str, int]
    day_ended: bool
    withheld: str | None
    age_days: int
    looked_twice_for: Mapping[str, int] | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether the day was fetched once more, with every status named, and differs by just as much."""
        return self.looked_twice_for is not None and dict(self.looked_twice_for) == dict(self.gaps)

    @property
    def only_conversions(self) -> bool:
        """Whether all that was delivered is equal."""
        return self.gaps.keys() <= _CONVERSIONS


def likely(facts: Facts) -> Reason:
    """The first reason that fits, from the plainest one on."""
    if not facts.gaps:
        return Reason.NOT_COMPARED
    if not facts.day_ended:
        return Reason.STILL_RUNNING
    if facts.withheld is not None:
        return Reason.WITHHELD
    if facts.is_confirmed:
        return _confirmed(facts)
    if facts.only_conversions and facts.age_days <= COMPLETE_DAYS:
        return Reason.MATURING
    return Reason.TWO_MOMENTS


def _confirmed(facts: Facts) -> Reason:
    if max(facts.gaps.values()) > 0:
        return Reason.META_DISAGREES
    return Reason.ACCOUNT_ONLY if facts.only_conversions else Reason.NOT_LISTED


def withheld_names(reason: str | None) -> str:
    """The names alone of what a slice is without, from its stored reason; empty where that names nothing."""
    return (reason or "").removeprefix(NOT_SERVED)


def sentence(facts: Facts) -> str:
    """The likely reason in plain words, and what becomes of the difference."""
    reason = likely(facts)
    if reason is Reason.WITHHELD:
        what = f": {withheld_names(facts.withheld)}" if facts.withheld else ""
        return f"Meta did not serve all of this day{what}. {_AGAIN}"
    return _SENTENCES[reason]


_AGAIN = (
    "It is asked again by itself, the more rarely the older the day is; a refresh that covers the day asks at once."
)
_TWICE = "It was fetched once more, deleted and archived ads named, with the same outcome"
_SENTENCES = {
    Reason.NOT_COMPARED: (
        "Meta would not serve its own number of the account for this day, so this is no match and no difference."
        f" {_AGAIN}"
    ),
    Reason.STILL_RUNNING: (
        "The day was not over when it was fetched, so Meta went on counting between the two answers. A refresh after"
        " its end settles it."
    ),
    Reason.NOT_LISTED: (
        f"{_TWICE}: Meta counts delivery for the account that it lists for no ad any more, as of objects that were"
        " deleted. The account's number is the whole one."
    ),
    Reason.ACCOUNT_ONLY: f"{_TWICE}: Meta attributes these conversions to the account and to no ad that it lists.",
    Reason.META_DISAGREES: f"{_TWICE}: Meta's own answers differ, as it lists more for the ads than for the account.",
    Reason.MATURING: (
        f"Meta restates conversions for {COMPLETE_DAYS} days, and this day was fetched within them. It is fetched again"
        " until they are over."
    ),
    Reason.TWO_MOMENTS: (
        "The ads and the account were read a moment apart, and Meta changed its numbers in between. The next refresh"
        " of this day settles it."
    ),
}
