"""People are counted by Meta for one object and one period, and never added up: which of those a query is about.

A query tells single objects apart where it groups by account, campaign, ad set or ad and by nothing finer, and where
its filters leave or take whole objects. Its periods are the whole of it, or each of its days, weeks, months or
quarters as far as the query covers them. What Meta was asked for those stands in ``period_insight``; the ad-days have
their own for one ad on one day.
"""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, and_, literal, select

from lib.history import earliest, no_reach_before
from lib.insights.dialects import is_among
from lib.insights.engine import Bounded, Source
from lib.insights.query import DAYS, InsightQuery
from lib.store.models import Account, PeriodSlice
from lib.zones import today_in

NEVER_ADDED = "not summable: holds for one object and one period, and is never added up"
NOT_FETCHED = "not fetched for this period yet"
NOT_ENDED = "fetched before the period had ended"
NONE = "Meta reports none for this object and period"
NOT_SERVED = "Meta did not serve it"
"""How the stored reason of a period begins that Meta refused, whole or in part: it may serve it another time."""
ASK_AGAIN = "that is a day ago or more, so it may be asked for again"
AGAIN_AFTER = dt.timedelta(days=1)
"""What was refused is refused for hours, as a rule: Meta is not asked for it at every look at a page."""

_LEVELS = ("account", "campaign", "adset", "ad")
_DEPTHS: Mapping[str, int] = {
    **dict.fromkeys(("client", "client_id"), 0),
    **dict.fromkeys(("account", "account_id", "currency"), 1),
    **dict.fromkeys(("campaign", "campaign_id", "objective"), 2),
    **dict.fromkeys(("adset", "adset_id", "goal"), 3),
    **dict.fromkeys(("ad", "ad_id", "status", "creative", "creative_id"), 4),
}
"""How far down in an account a dimension or a filter tells objects apart."""

_SLICES = PeriodSlice.__table__.c
Span = tuple[dt.date, dt.date]
Period = tuple[int, str, dt.date, dt.date]
"""Account, level, first and last day."""


@dataclass(frozen=True)
class Reached:
    """What is known of a query's periods: which are not fetched, or not since they ended, and why Meta serves none.

    ``again`` are those that it refused at least AGAIN_AFTER ago. ``todays`` has the accounts by the day that it is
    there: a period ends with it where it would go on.
    """

    missing: tuple[Period, ...] = ()
    early: tuple[Period, ...] = ()
    again: tuple[Period, ...] = ()
    reasons: tuple[str, ...] = ()
    todays: Mapping[dt.date, frozenset[int]] = field(default_factory=dict)

    @property
    def rule(self) -> str:
        """Why there may be no value; empty where every period was fetched and Meta serves it."""
        known = {ASK_AGAIN: self.again, NOT_FETCHED: self.missing, NOT_ENDED: self.early}
        said = [*self.reasons, *(words for words, periods in known.items() if periods)]
        return "; ".join(reason.strip().removesuffix(".") for reason in said)


def level_of(query: InsightQuery) -> str | None:
    """The level whose periods hold the query's counts of people; None where it asks for none or tells more apart."""
    if not query.counts_people or query.is_one_ad_one_day or query.breakdown or "weekday" in query.group_by:
        return None
    level = next((name for name in reversed(_LEVELS) if name in query.group_by), None)
    if level is None or any(each.is_metric for each in query.filters):
        return None
    finest = (name for name in (*query.group_by, *(each.name for each in query.filters)) if name not in DAYS)
    return level if all(_DEPTHS[name] <= _DEPTHS[level] for name in finest) else None


def spans_of(query: InsightQuery) -> list[Span]:
    """The periods of the query's groups, in order."""
    days = (query.since + dt.timedelta(number) for number in range((query.until - query.since).days + 1))
    return list(dict.fromkeys(_span(query, day) for day in days))


def _span(query: InsightQuery, day: dt.date) -> Span:
    spans = [_span_of(name, day) for name in query.group_by if name in DAYS]
    return max([query.since, *(first for first, _ in spans)]), min([query.until, *(last for _, last in spans)])


def _span_of(name: str, day: dt.date) -> Span:
    if name == "date":
        return day, day
    if name == "week":
        first = day - dt.timedelta(day.weekday())
        return first, first + dt.timedelta(6)
    month = day.month if name == "month" else 3 * ((day.month - 1) // 3) + 1
    end = month if name == "month" else month + 2
    return day.replace(month=month, day=1), day.replace(month=end, day=calendar.monthrange(day.year, end)[1])


async def reached(source: Source, query: InsightQuery, accounts: frozenset[int]) -> Reached:
    """What is known of the periods that ``query`` is about, for these accounts, by one statement."""
    level = level_of(query)
    if level is None or not accounts:
        return Reached()
    rows = (await source.table(Bounded(_periods(query, level, accounts), accounts))).to_pylist()
    return _known(rows, spans_of(query), level)


def _periods(query: InsightQuery, level: str, accounts: Iterable[int]) -> Select[Any]:
    """Each account with its time zone, once for each of the level's periods within the query's, once without any."""
    inside = and_(
        _SLICES.account_id == Account.account_id,
        _SLICES.level == literal(level),
        _SLICES.since >= query.since,
        _SLICES.until <= query.until,
    )
    columns = (_SLICES.since, _SLICES.until, _SLICES.period_ended, _SLICES.unavailable_reason, _SLICES.fetched_at)
    return (
        select(Account.account_id, Account.timezone_name, *columns)
        .outerjoin(PeriodSlice.__table__, inside)
        .where(is_among(Account.__table__.c.account_id, sorted(accounts)))
    )


def _known(rows: list[dict[str, Any]], spans: list[Span], level: str) -> Reached:
    todays = {row["account_id"]: today_in(row["timezone_name"]) for row in rows}
    firsts = {today: earliest(today) for today in todays.values()}
    stored = {(row["account_id"], row["since"], row["until"]): row for row in rows if row["since"]}
    missing: list[Period] = []
    early: list[Period] = []
    again: list[Period] = []
    reasons: set[str] = set()
    refused: dict[str, list[dt.datetime]] = {}
    for account, today, (since, until) in _begun(todays, firsts, spans, stored):
        found, first = stored.get((account, since, min(until, today))), firsts[today]
        if found is not None and found["unavailable_reason"]:
            reason = str(found["unavailable_reason"])
            if reason.startswith(NOT_SERVED):
                refused.setdefault(reason, []).append(found["fetched_at"])
            else:
                reasons.add(reason)
            if since >= first and _is_to_be_asked_again(found):
                again.append((account, level, since, until))
        elif found is not None and (found["period_ended"] or until >= today):
            continue
        elif since < first:
            reasons.add(no_reach_before(first))
        else:
            (missing if found is None else early).append((account, level, since, until))
    reasons.update(_told(reason, moments) for reason, moments in refused.items())
    return Reached(tuple(missing), tuple(early), tuple(again), tuple(sorted(reasons)), _by_day(todays))


def _told(reason: str, asked_at: list[dt.datetime]) -> str:
    """What Meta refused, once for all that it refused it of, and when they were asked for."""
    first, last = (f"{at.day} {at:%B %Y at %H:%M} UTC" for at in _ends(asked_at))
    when = f"on {first}" if first == last else f"between {first} and {last}"
    return f"{reason.strip().removesuffix('.')}, asked {when}"


def _ends(moments: list[dt.datetime]) -> tuple[dt.datetime, dt.datetime]:
    return min(moments).astimezone(dt.UTC), max(moments).astimezone(dt.UTC)


def _is_to_be_asked_again(found: Mapping[str, Any]) -> bool:
    is_refused = str(found["unavailable_reason"]).startswith(NOT_SERVED)
    return is_refused and dt.datetime.now(dt.UTC) - found["fetched_at"] >= AGAIN_AFTER


def _begun(
    todays: Mapping[int, dt.date],
    firsts: Mapping[dt.date, dt.date],
    spans: list[Span],
    stored: Iterable[tuple[int, dt.date, dt.date]],
) -> Iterator[tuple[int, dt.date, Span]]:
    """Each account, its day of today, and each of the periods that has begun there.

    Of those that Meta serves no more, what is ``stored`` and one that is not: there may be a century of them.
    """
    kept: dict[int, set[Span]] = {account: set() for account in todays}
    for account, since, until in stored:
        kept[account].add((since, until))
    steps = {today: _steps(spans, today, first) for today, first in firsts.items()}
    for account, today in sorted(todays.items()):
        old, served = steps[today]
        of_old = [old[key] for key in sorted(kept[account] & old.keys())]
        of_old += itertools.islice((span for key, span in old.items() if key not in kept[account]), 1)
        yield from ((account, today, span) for span in (*of_old, *served))


def _steps(spans: list[Span], today: dt.date, first: dt.date) -> tuple[dict[Span, Span], list[Span]]:
    """The periods that have begun: those from before ``first`` by what they are stored under, and the others."""
    begun = [span for span in spans if span[0] <= today]
    old = {(since, min(until, today)): (since, until) for since, until in begun if since < first}
    return old, [span for span in begun if span[0] >= first]


def _by_day(todays: Mapping[int, dt.date]) -> Mapping[dt.date, frozenset[int]]:
    days = sorted(set(todays.values()))
    return {day: frozenset(account for account, today in todays.items() if today == day) for day in days}
