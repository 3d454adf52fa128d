"""A small world with everything that is awkward: names, currencies, gaps, goals, and ads that nobody described."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lib.access.viewer import Viewer
from lib.store.engine import Store
from lib.store.models import COUNTS, UNIQUES
from tests import factories

FIRST, LAST = dt.date(2026, 1, 29), dt.date(2026, 2, 3)
NAMES = (
    "Summer Sale 🎉",
    "summer sale",
    "100% off_now",
    "100x offZnow",
    "a\\b",
    "'; DROP TABLE insight; --",
    '"quoted", with comma',
    "=HYPERLINK(1)",
    "line\nbreak",
    "(a|b)*[c]{2}^$.+?",
    "ÉTÉ Ångström",
    "%",
    "_",
    "日本語 キャンペーン",
    ":name %(name)s {0} $1 /",
    "Same name",
    "Same name",
)
GOALS = (
    ("OFFSITE_CONVERSIONS", "PURCHASE"),
    ("OFFSITE_CONVERSIONS", "LEAD"),
    ("OFFSITE_CONVERSIONS", "OTHER"),
    ("LINK_CLICKS", None),
    ("VALUE", "PURCHASE"),
    ("REACH", None),
    (None, None),
    ("CONVERSATIONS", None),
)
RESULTS = {
    ("OFFSITE_CONVERSIONS", "PURCHASE"): "purchases",
    ("OFFSITE_CONVERSIONS", "LEAD"): "leads",
    ("LINK_CLICKS", None): "link_clicks",
    ("VALUE", None): "purchases",
    ("CONVERSATIONS", None): "conversations",
}
"""What the reference takes for the result of a goal with its event, where the goal has one."""


@dataclass(frozen=True)
class World:
    """The viewer, who sees accounts 101 to 105 and not 106, the stored rows with all their names, and all clients."""

    viewer: Viewer
    rows: pd.DataFrame
    client_ids: frozenset[int]


async def build(store: Store) -> World:
    """Store the world and return what was stored, joined by hand."""
    draw = random.Random(7)
    rows: list[dict[str, Any]] = []
    async with store.working() as session:
        clients = {}
        for slug, name in (("acme", "Acme"), ("acme-2", "Acme"), ("samples", "Ünïcode & Söhne"), ("stranger", "No")):
            # Only an archived client has the name of another; rows of both are asked for all the same.
            kind = {"is_sample": slug == "samples", "is_archived": slug == "acme-2"}
            clients[slug] = await factories.add_client(session, slug, name=name, **kind)
        accounts = (
            (101, "acme", "EUR"), (102, "acme", "JPY"), (103, "acme-2", "EUR"), (104, "samples", "KWD"),
            (105, "samples", None), (106, "stranger", "EUR"),
        )  # fmt: skip
        for account_id, slug, currency in accounts:
            name = f"Account {account_id % 2}"
            await factories.add_account(session, account_id, clients[slug], name=name, currency=currency)
            of = {"account_id": account_id, "account_name": name, "currency": currency, "client": clients[slug]}
            of |= {"client_slug": slug, "client_name": "Acme" if slug.startswith("acme") else ""}
            of["client_name"] = {"samples": "Ünïcode & Söhne", "stranger": "No"}.get(slug, "Acme")
            for described in await _ads(session, draw, account_id):
                rows += _days(draw, {**of, **described})
        await factories.add_insights(session, [_stored(row) for row in rows])
    mine = [client_id for slug, client_id in clients.items() if slug != "stranger"]
    return World(factories.viewer_of(range(101, 106), mine), pd.DataFrame(rows), frozenset(clients.values()))


async def _ads(session: Any, draw: random.Random, account_id: int) -> list[dict[str, Any]]:
    """Two campaigns with two ad sets with two ads each; the last ad and its parents are never described."""
    ads: list[dict[str, Any]] = []
    for number in range(8):
        campaign_id, adset_id, ad_id = (account_id * 1000 + number // step for step in (4, 2, 1))
        campaign_id, adset_id = campaign_id + 100, adset_id + 200
        known = number < 7
        objective, status = draw.choice(("OUTCOME_SALES", None)), draw.choice(("ACTIVE", "PAUSED", None))
        goal, event = draw.choice(GOALS)
        names = [draw.choice(NAMES) for _ in range(3)]
        earlier = ads[-1] if ads else {}
        if earlier.get("campaign_id") == campaign_id:
            objective, names[0] = earlier["objective"], earlier["campaign_name"]
        elif known:
            await factories.add_campaign(session, account_id, campaign_id, name=names[0], objective=objective)
        if earlier.get("adset_id") == adset_id:
            (goal, event), names[1] = earlier["goal"], earlier["adset_name"]
        elif known:
            goals = {"optimization_goal": goal, "custom_event_type": event}
            await factories.add_adset(session, account_id, adset_id, name=names[1], **goals)
        creative_id, creative = _creative(draw, account_id, number) if known else (None, "")
        if known:
            shown = {"effective_status": status, "creative_id": creative_id}
            await factories.add_ad(session, account_id, ad_id, name=names[2], **shown)
        else:
            status, names[2] = None, str(ad_id)
        if creative_id is not None and creative != str(creative_id):
            await factories.put_creative(session, account_id, creative_id, name=creative)
        ads.append({
            "campaign_id": campaign_id, "adset_id": adset_id, "ad_id": ad_id, "objective": objective, "status": status,
            "campaign_name": names[0], "adset_name": names[1], "ad_name": names[2], "goal": (goal, event),
            "creative_id": creative_id, "creative_name": creative,
        })  # fmt: skip
    return ads


def _creative(draw: random.Random, account_id: int, number: int) -> tuple[int | None, str]:
    """Two ads share a creative; some have none, and some one that was never described."""
    creative_id = account_id * 1000 + 300 + number // 2
    kind = (account_id + number // 2) % 4
    if kind == 0:
        return None, ""
    return creative_id, str(creative_id) if kind == 1 else NAMES[(account_id + number // 2) % len(NAMES)]


def _days(draw: random.Random, ad: dict[str, Any]) -> list[dict[str, Any]]:
    days = []
    for offset in range((LAST - FIRST).days + 1):
        if draw.random() < 0.4:
            continue
        numbers: dict[str, Any] = {name: draw.choice((0, 0, 1, 2, 3, 7, 100)) for name in COUNTS}
        numbers |= {name: draw.choice((None, 0, 3, 50)) for name in UNIQUES}
        numbers |= {name: draw.choice((0, 10_000, 20_000, 1_000_000, 123_456_789)) for name in ("spend_micros",)}
        numbers["revenue_micros"] = draw.choice((0, 0, 5_000_000, 99_990_000))
        days.append({**ad, "date": FIRST + dt.timedelta(days=offset), **numbers})
    return days


def _stored(row: dict[str, Any]) -> dict[str, Any]:
    ids = ("account_id", "date", "ad_id", "adset_id", "campaign_id", "spend_micros", "revenue_micros")
    return {name: row[name] for name in (*ids, *COUNTS, *UNIQUES)}
