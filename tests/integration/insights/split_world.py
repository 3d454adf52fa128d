"""The world's ad-days split by breakdowns and attribution windows, and what Meta counted by object and period."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from sqlalchemy import text

from lib.store.engine import Store
from lib.store.models import ATTRIBUTED, COUNTS, UNIQUES
from tests import factories
from tests.integration.insights.world import FIRST, LAST, World

SETS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "age_gender": {"age": ("18-24", "65+", "unknown"), "gender": ("female", "male", "unknown")},
    "country": {"country": ("DE", "AT", "unknown")},
    "region": {"region": ("Bavaria", "Île-de-France", "'; --")},
    "platform_position": {"platform": ("facebook", "instagram"), "position": ("feed", "instagram_reels", "Other")},
    "device": {"device": ("mobile_app", "desktop")},
    "hour": {"hour": ("00:00:00 - 00:59:59", "23:00:00 - 23:59:59")},
}
"""Set to its dimensions in the order of their keys, with the values that are drawn."""

WITHOUT_OFF_META = ("region", "hour")
WINDOWS = ("1d_click", "7d_click", "1d_view")
LEVELS = ("account", "campaign", "adset", "ad")
PeriodKey = tuple[int, str, dt.date, dt.date, int]


@dataclass(repr=False)
class SplitWorld:
    """What is stored beside the plain ad-days, as the reference takes it.

    ``rows`` has the rows of each set with all their names and dimensions, ``credited`` what a window credits to an
    ad-day (by account, date, ad and window), ``fetched`` the account-days of which a window was fetched, ``periods``
    the numbers of an object's period.
    """

    rows: dict[str, pd.DataFrame] = field(default_factory=dict)
    credited: dict[tuple[int, dt.date, int, str], dict[str, int]] = field(default_factory=dict)
    fetched: set[tuple[int, dt.date, str]] = field(default_factory=set)
    periods: dict[PeriodKey, dict[str, int | None]] = field(default_factory=dict)


async def build(store: Store, world: World) -> SplitWorld:
    """Store it beside the world's rows; accounts that end in 3 have no rows of breakdowns."""
    draw = random.Random(11)
    found = SplitWorld()
    ad_days = world.rows.to_dict("records")
    async with store.working() as session:
        for slug, dimensions in SETS.items():
            some = [day for day in ad_days if day["account_id"] != 103 and draw.random() < 0.5]
            rows = [row for day in some for row in _segments(draw, slug, dimensions, day)]
            await factories.add_breakdowns(session, [_stored(slug, dimensions, row) for row in rows])
            found.rows[slug] = pd.DataFrame(rows).astype(object)
        await _credit(session, draw, found, ad_days)
        await _count_people(session, draw, found, world)
        await session.execute(text("UPDATE client SET breakdowns = '{country,hour}' WHERE slug = 'acme'"))
    return found


def _segments(
    draw: random.Random, slug: str, dimensions: Mapping[str, tuple[str, ...]], day: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    values = list(itertools.product(*dimensions.values()))
    for keys in draw.sample(values, 2):
        numbers: dict[str, Any] = {name: draw.choice((0, 1, 2, 3, 100)) for name in COUNTS}
        numbers |= {name: draw.choice((None, 0, 3, 50)) for name in UNIQUES}
        numbers |= {
            "spend_micros": draw.choice((0, 10_000, 123_456_789)),
            "revenue_micros": draw.choice((0, 99_990_000)),
        }
        if slug in WITHOUT_OFF_META:
            numbers |= {name: None for name in ("purchases", "revenue_micros", "leads") if draw.random() < 0.7}
        yield {**day, **numbers, **dict(zip(dimensions, keys, strict=True))}


def _stored(slug: str, dimensions: Mapping[str, tuple[str, ...]], row: dict[str, Any]) -> dict[str, Any]:
    ids = ("account_id", "date", "ad_id", "adset_id", "campaign_id", "spend_micros", "revenue_micros")
    return factories.breakdown_row(
        slug, *(row[name] for name in dimensions), **{name: row[name] for name in (*ids, *COUNTS, *UNIQUES)}
    )


async def _credit(session: Any, draw: random.Random, found: SplitWorld, ad_days: list[dict[str, Any]]) -> None:
    """A slice for each day of each account; one in eight was fetched without the window 7d_click."""
    days = sorted({(day["account_id"], day["date"]) for day in ad_days})
    for account_id, date in days:
        windows = [window for window in WINDOWS if window != "7d_click" or draw.random() < 0.875]
        found.fetched |= {(account_id, date, window) for window in windows}
        await factories.add_slice(session, account_id, date, attribution_windows=windows)
        for slug in SETS:
            if account_id != 103:
                await factories.add_slice(session, account_id, date, breakdown=slug)
    for day, window in itertools.product(ad_days, WINDOWS):
        key = (day["account_id"], day["date"], day["ad_id"], window)
        if (*key[:2], window) in found.fetched and draw.random() < 0.5:
            found.credited[key] = {name: draw.choice((0, 1, 2, 9)) for name in ATTRIBUTED}
    keys = ("account_id", "date", "ad_id", "attribution_window")
    rows = [{**dict(zip(keys, key, strict=True)), **values} for key, values in found.credited.items()]
    await factories.add_attributions(session, rows)


async def _count_people(session: Any, draw: random.Random, found: SplitWorld, world: World) -> None:
    """Most periods within a day before and after the world's days, for most objects: never the sum of any days."""
    days = [FIRST + dt.timedelta(number) for number in range(-1, (LAST - FIRST).days + 2)]
    spans = [(since, until) for since in days for until in days if since <= until]
    for account_id, frame in world.rows.groupby("account_id"):
        for level, (since, until) in itertools.product(LEVELS, spans):
            if draw.random() < 0.3:
                continue
            ids = sorted(set(frame[f"{level}_id"]))
            rows = {int(object_id): _people(draw) for object_id in ids if draw.random() < 0.8}
            found.periods |= {(int(account_id), level, since, until, each): row for each, row in rows.items()}
            listed = [{"object_id": each, **row} for each, row in rows.items()]
            await factories.add_period(session, int(account_id), level, since, until, listed)


def _people(draw: random.Random) -> dict[str, int | None]:
    return {
        "spend_micros": draw.choice((0, 10_000, 7_770_000)),
        "impressions": draw.randrange(1, 5000),
        "reach": draw.choice((None, 0, draw.randrange(1, 4000))),
        "unique_link_clicks": draw.choice((None, draw.randrange(9))),
    }
