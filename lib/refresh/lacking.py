"""Which days of a period are stored for none, or not whole, and could still be fetched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Date, DateTime, and_, cast, column, func, literal, or_, select, true

from lib.access.viewer import Viewer
from lib.history import earliest
from lib.insights.dialects import is_among
from lib.meta.fields import BREAKDOWNS, HISTORY_MONTHS
from lib.refresh.plan import COMPLETE_DAYS, Span
from lib.store.engine import Store
from lib.store.models import Account, Client, Slice
from lib.store.repositories import slices

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Lacking:
    """``account_days`` that lack a complete slice of an ended day, of these accounts and within this span."""

    span: Span
    account_ids: frozenset[int]
    account_days: int

    @property
    def fetched_days(self) -> int:
        """How many account-days a refresh of this span and of these accounts fetches."""
        return self.span.days * len(self.account_ids)


def default_days(todays: Collection[dt.date]) -> Span:
    """What a refresh without days fetches of accounts in which it is one of ``todays`` (the days of each apart)."""
    return Span(min(todays) - COMPLETE_DAYS * _DAY, max(todays))


def beyond_default(since: dt.date, until: dt.date, todays: Collection[dt.date]) -> Span | None:
    """The days of a period that such a refresh leaves out for some account, and that Meta still serves."""
    span = Span(max(since, earliest(max(todays))), min(until, max(todays) - (COMPLETE_DAYS + 1) * _DAY))
    return span if span.days else None


async def lacking(
    store: Store, viewer: Viewer, span: Span, account_ids: frozenset[int], breakdown: str = ""
) -> Lacking | None:
    """What lacks of the viewer's accounts among these; None for nothing.

    What Meta did not serve whole less than a day ago is left out: asked again so soon, it answers the same.

    With a ``breakdown`` set its slices count, of those accounts for which it is fetched.
    """
    months = BREAKDOWNS[breakdown].history_months if breakdown else HISTORY_MONTHS
    since = max(span.since, earliest(dt.datetime.now(dt.UTC).date(), months))
    series = func.generate_series(since, span.until, _DAY)
    days = series.table_valued(column("day", DateTime()), name="days").render_derived()
    date = cast(days.c.day, Date)
    not_again = slices.tried_at() > dt.datetime.now(dt.UTC) - _DAY
    kept = slices.tried_at() > Slice.fetched_at
    whole = and_(
        Slice.account_id == Account.account_id,
        Slice.date == date,
        Slice.breakdown == literal(breakdown),
        or_(Slice.is_complete, not_again),
        or_(Slice.account_day_ended, and_(kept, not_again)),
    )
    wanted = (
        select(Account.account_id, func.min(date), func.max(date), func.count())
        .select_from(Account)
        .join(Client, Client.id == Account.client_id)
        .join(days, true())
        .outerjoin(Slice, whole)
        .where(
            is_among(Account.__table__.c.account_id, sorted(account_ids & viewer.account_ids)),
            Slice.account_id.is_(None),
            or_(literal(breakdown) == "", Client.breakdowns.any(literal(breakdown))),
        )
        .group_by(Account.account_id)
    )
    async with store.viewing(viewer) as session:
        rows = (await session.execute(wanted)).tuples().all()
    if not rows:
        return None
    ids, firsts, lasts, counts = zip(*rows, strict=True)
    return Lacking(Span(min(firsts), max(lasts)), frozenset(ids), sum(counts))
