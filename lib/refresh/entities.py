"""Meta's objects as rows of the entity tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lib.meta import fields
from lib.meta.parse import LARGEST, Unreadable
from lib.store.models import Ad, AdSet, Campaign, Creative
from lib.store.repositories.entities import Entity

Json = Mapping[str, Any]
Row = dict[str, Any]
MOST_LETTERS = 40
"""Of an odd value so many are told."""


def text(value: Any) -> str | None:
    """Text without NUL, which PostgreSQL does not hold."""
    return None if value is None else str(value).replace("\x00", "")


def moment(value: Any) -> dt.datetime | None:
    """A time of Meta's such as 2024-03-01T09:30:00+0100; ``None`` where it cannot be read."""
    try:
        return dt.datetime.fromisoformat(str(value))
    except ValueError:
        return None


def number(json: Json, name: str) -> int:
    """An id or a budget; ValueError in words where it is missing, or none that the store could hold."""
    value = json.get(name)
    if value in (None, ""):
        raise ValueError(f"it has no {name}")
    try:
        found = int(str(value))
    except ValueError:
        found = None
    if found is None or abs(found) > LARGEST:
        words = str(value).replace("\x00", "")[:MOST_LETTERS]
        raise ValueError(f"its {name} is {words!r}")
    return found


def number_or_none(json: Json, name: str) -> int | None:
    """The same where it may be missing."""
    return None if json.get(name) in (None, "") else number(json, name)


def account_values(account_id: int, said: Json) -> Row:
    """What the account table holds of an account; Unreadable where its currency or time zone is missing."""
    currency, zone, status = said.get("currency"), said.get("timezone_name"), said.get("account_status")
    if not isinstance(currency, str) or not isinstance(zone, str) or not currency or not zone:
        raise Unreadable("Meta described the account without its currency or its time zone.")
    return {
        "name": text(said.get("name")) or f"act_{account_id}",
        "currency": currency,
        "timezone_name": zone,
        "status": status if isinstance(status, int) else None,
    }


def _common(json: Json) -> Row:
    return {
        "name": text(json.get("name")) or f"{json['id']}",
        "status": text(json.get("status")),
        "effective_status": text(json.get("effective_status")),
        "created_time": moment(json.get("created_time")),
    }


def _budgets(json: Json) -> Row:
    return {f"{kind}_budget_minor": number_or_none(json, f"{kind}_budget") for kind in ("daily", "lifetime")}


def campaign(json: Json) -> Row:
    return {
        "campaign_id": number(json, "id"),
        "objective": text(json.get("objective")),
        "buying_type": text(json.get("buying_type")),
        **_common(json),
        **_budgets(json),
    }


def adset(json: Json) -> Row:
    promoted = json.get("promoted_object")
    return {
        "adset_id": number(json, "id"),
        "campaign_id": number(json, "campaign_id"),
        "optimization_goal": text(json.get("optimization_goal")),
        "custom_event_type": text(promoted.get("custom_event_type")) if isinstance(promoted, dict) else None,
        "billing_event": text(json.get("billing_event")),
        **_common(json),
        **_budgets(json),
    }


def ad(json: Json) -> Row:
    creative_of = json.get("creative")
    creative_id = creative_of.get("id") if isinstance(creative_of, dict) else None
    return {
        "ad_id": number(json, "id"),
        "adset_id": number(json, "adset_id"),
        "campaign_id": number(json, "campaign_id"),
        "creative_id": number_or_none({"creative": creative_id}, "creative"),
        **_common(json),
    }


def creative(json: Json) -> Row:
    return {
        "creative_id": number(json, "id"),
        "title": text(json.get("title")),
        "body": text(json.get("body")),
        "object_type": text(json.get("object_type")),
        "thumbnail_url": text(json.get("thumbnail_url")),
        **_common(json),
    }


KINDS: dict[str, tuple[Entity, Callable[[Json], Row], tuple[str, ...]]] = {
    "campaigns": (Campaign, campaign, fields.CAMPAIGN),
    "adsets": (AdSet, adset, fields.ADSET),
    "ads": (Ad, ad, fields.AD),
    "adcreatives": (Creative, creative, fields.CREATIVE),
}


ID_OF = {"campaigns": "campaign_id", "adsets": "adset_id", "ads": "ad_id", "adcreatives": "creative_id"}
_CALLED = {"campaigns": "campaign", "adsets": "ad set", "ads": "ad", "adcreatives": "creative"}


def rows_of(edge: str, account_id: int, objects: Iterable[Any], seen_at: dt.datetime) -> tuple[list[Row], list[str]]:
    """Rows for the table of ``edge``, each object once; and the names of those that cannot be read, each with why."""
    _, parse, _ = KINDS[edge]
    found: dict[int, Row] = {}
    odd = []
    for json in objects:
        try:
            if not isinstance(json, dict):
                raise ValueError("it is no object")
            row = parse(json)
        except ValueError as error:
            odd.append(f"{_name(edge, json)} ({error})")
        else:
            found[row[ID_OF[edge]]] = {"account_id": account_id, "seen_at": seen_at, **row}
    return list(found.values()), odd


def _name(edge: str, json: Any) -> str:
    known = (text(json.get("id")) or "") if isinstance(json, dict) else ""
    return f"{_CALLED[edge]} {known[:MOST_LETTERS]}".strip()
