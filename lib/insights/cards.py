"""What is kept of ads and creatives for people to recognise them by: picture, texts, status, and Meta's rankings.

Rankings hold for one ad and one period, as reach does, and stand in ``period_insight`` as Meta words them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, select

from lib.access.viewer import Viewer
from lib.insights.dialects import is_among
from lib.insights.engine import PostgresSource, Source
from lib.insights.query import InsightQuery
from lib.insights.reach import NONE, NOT_ENDED, reached
from lib.meta.fields import RANKINGS
from lib.store.engine import Store
from lib.store.models import Ad, Creative, CreativePicture, PeriodInsight

NOT_RANKED = "Meta gave no ranking: as a rule it ranks no ad with fewer than 500 impressions in the period"
NOT_BEGUN = "this period has not begun yet"
NO_CREATIVE = "Meta names no creative of this ad"
NOT_DESCRIBED = "Meta has not described this creative yet"
NO_LINK = "Meta gives no picture of this creative"
NOT_KEPT = "Not kept here yet; fetched in the night"

_RANKED = PeriodInsight.__table__.c


@dataclass(frozen=True)
class Picture:
    """A picture as it was downloaded; ``content_type`` is an image's that no browser runs."""

    content: bytes = field(repr=False)
    content_type: str


@dataclass(frozen=True)
class Card:
    """An ad or a creative. Texts and ``status`` (Meta's word) are '' where there are none.

    ``no_picture`` says why there is no picture. ``rankings`` has Meta's words by name; ``no_ranking`` says why others
    are missing, or that all of them are from before the period had ended; ``can_be_fetched`` whether it is worth
    asking Meta for exactly this period. A creative has none of these.
    """

    account_id: int
    object_id: int
    name: str
    status: str
    title: str
    body: str
    picture: Picture | None = None
    no_picture: str = ""
    rankings: Mapping[str, str] = field(default_factory=dict)
    no_ranking: str = ""
    can_be_fetched: bool = False


@dataclass(frozen=True)
class _Period:
    """What is known of an account's period: its last day there, and why rankings of it may be missing."""

    until: dt.date
    reason: str
    is_early: bool
    can_be_fetched: bool


async def ad_cards(
    store: Store, viewer: Viewer, ids: Collection[int], since: dt.date, until: dt.date
) -> Mapping[int, Card]:
    """The ads of ``ids`` in the viewer's accounts, by id, with their rankings of exactly these days.

    It takes two statements as this viewer and one for each account that has any of the ads; one where none has.
    """
    async with store.viewing(viewer) as session:
        described = (await session.execute(_ads(viewer, ids))).all()
        accounts = sorted({row.account_id for row in described})
        if not accounts:
            return {}
        source = PostgresSource(session, viewer)
        periods = {account: await _period(source, account, since, until) for account in accounts}
        ranked = (await session.execute(_rankings(accounts, ids, since, until))).all()
    words = {(row.account_id, row.object_id, row.until): row for row in ranked}
    found: dict[int, Card] = {}
    for row in described:
        period = periods[row.account_id]
        found[row.object_id] = _ranked(_card(row), period, words.get((row.account_id, row.object_id, period.until)))
    return found


async def creative_cards(store: Store, viewer: Viewer, ids: Collection[int]) -> Mapping[int, Card]:
    """The creatives of ``ids`` in the viewer's accounts, by id; one statement as this viewer."""
    async with store.viewing(viewer) as session:
        described = (await session.execute(_creatives(viewer, ids))).all()
    return {row.object_id: _card(row) for row in described}


_TEXTS = (
    func.coalesce(Creative.title, "").label("title"),
    func.coalesce(Creative.body, "").label("body"),
    Creative.creative_id.label("described_id"),
    Creative.thumbnail_url.is_not(None).label("has_link"),
    CreativePicture.content,
    CreativePicture.content_type,
)
_KEPT = and_(
    CreativePicture.account_id == Creative.account_id,
    CreativePicture.creative_id == Creative.creative_id,
)


def _ads(viewer: Viewer, ids: Collection[int]) -> Select[Any]:
    shown = and_(Creative.account_id == Ad.account_id, Creative.creative_id == Ad.creative_id)
    return (
        select(*_own(Ad, Ad.ad_id), Ad.creative_id, *_TEXTS)
        .outerjoin(Creative, shown)
        .outerjoin(CreativePicture, _KEPT)
        .where(*_mine(Ad, Ad.ad_id, viewer, ids))
    )


def _creatives(viewer: Viewer, ids: Collection[int]) -> Select[Any]:
    return (
        select(*_own(Creative, Creative.creative_id), Creative.creative_id, *_TEXTS)
        .outerjoin(CreativePicture, _KEPT)
        .where(*_mine(Creative, Creative.creative_id, viewer, ids))
    )


def _own(model: type[Ad | Creative], own_id: Any) -> tuple[ColumnElement[Any], ...]:
    status = func.coalesce(model.effective_status, model.status, "").label("status")
    return model.__table__.c.account_id, own_id.label("object_id"), model.__table__.c.name, status


def _mine(
    model: type[Ad | Creative], own_id: Any, viewer: Viewer, ids: Collection[int]
) -> tuple[ColumnElement[bool], ...]:
    return is_among(model.__table__.c.account_id, sorted(viewer.account_ids)), is_among(own_id, sorted(set(ids)))


async def _period(source: Source, account: int, since: dt.date, until: dt.date) -> _Period:
    """The period as it is in the account today: it ends with that day where it would go on."""
    by_ad = InsightQuery(since, until, group_by=("ad",), metrics=("reach",))
    known = await reached(source, by_ad, frozenset({account}))
    (today,) = known.todays
    reason = NOT_BEGUN if since > today else known.rule
    return _Period(min(until, today), reason, bool(known.early), bool(known.missing or known.early or known.again))


def _rankings(accounts: Sequence[int], ids: Collection[int], since: dt.date, until: dt.date) -> Select[Any]:
    columns = (_RANKED[name] for name in ("account_id", "object_id", "until", *RANKINGS))
    return select(*columns).where(
        is_among(_RANKED.account_id, accounts),
        _RANKED.level == literal("ad"),
        _RANKED.since == since,
        _RANKED.until <= until,
        is_among(_RANKED.object_id, sorted(set(ids))),
    )


def _card(row: Any) -> Card:
    picture = Picture(bytes(row.content), row.content_type) if row.content else None
    why = "" if picture else _why_no_picture(row)
    return Card(row.account_id, row.object_id, row.name, row.status, row.title, row.body, picture, why)


def _ranked(card: Card, period: _Period, row: Any) -> Card:
    """The card with what is stored of it and its period; ``row`` is None where nothing is."""
    rankings = {name: word for name in RANKINGS if (word := getattr(row, name, None))}
    of_row = NOT_ENDED if period.is_early else NOT_RANKED
    reason = (period.reason or NONE) if row is None else of_row
    return replace(card, rankings=rankings, no_ranking=reason, can_be_fetched=period.can_be_fetched)


def _why_no_picture(row: Any) -> str:
    if row.creative_id is None:
        return NO_CREATIVE
    if row.described_id is None:
        return NOT_DESCRIBED
    return NOT_KEPT if row.has_link else NO_LINK
