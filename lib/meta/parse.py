"""From Meta's rows, in which every scalar is a string and every zero is absent, to numbers of the store."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any

import orjson

from lib.meta.errors import Unreachable
from lib.store.models import COUNTS, MONEY, UNIQUES

Row = Mapping[str, Any]
Actions = Sequence[Mapping[str, Any]]

MICROS = Decimal(1_000_000)
LARGEST = 2**63 - 1
"""What a bigint of the store holds; negative as well."""
EVENTS: dict[str, tuple[str, ...]] = {
    "landing_page_views": ("omni_landing_page_view", "landing_page_view"),
    "content_views": (
        "omni_view_content",
        "view_content",
        "offsite_conversion.fb_pixel_view_content",
        "onsite_web_view_content",
        "app_custom_event.fb_mobile_content_view",
    ),
    "add_to_cart": (
        "omni_add_to_cart",
        "add_to_cart",
        "offsite_conversion.fb_pixel_add_to_cart",
        "onsite_web_add_to_cart",
        "app_custom_event.fb_mobile_add_to_cart",
    ),
    "checkouts": (
        "omni_initiated_checkout",
        "omni_initiate_checkout",
        "initiate_checkout",
        "offsite_conversion.fb_pixel_initiate_checkout",
        "onsite_web_initiate_checkout",
        "app_custom_event.fb_mobile_initiated_checkout",
    ),
    "purchases": (
        "omni_purchase",
        "purchase",
        "offsite_conversion.fb_pixel_purchase",
        "onsite_web_purchase",
        "app_custom_event.fb_mobile_purchase",
    ),
    "leads": (
        "omni_lead",
        "lead",
        "offsite_conversion.fb_pixel_lead",
        "onsite_web_lead",
        "onsite_conversion.lead_grouped",
        "leadgen_grouped",
    ),
    "app_installs": ("omni_app_install", "mobile_app_install", "app_install"),
    "conversations": ("onsite_conversion.messaging_conversation_started_7d",),
    "video_3s_plays": ("video_view",),
}
"""The views of one event, the widest first: omni, else the aggregate, else the specific one. Never a sum of them."""

SCALARS = {
    "impressions": "impressions",
    "clicks": "clicks",
    "link_clicks": "inline_link_clicks",
    "engagements": "inline_post_engagement",
}
UNIQUE_FIELDS = {"reach": "reach", "unique_link_clicks": "unique_inline_link_clicks"}
LISTS = {
    "outbound_clicks": "outbound_clicks",
    "video_plays": "video_play_actions",
    "thruplays": "video_thruplay_watched_actions",
    "video_15s_plays": "video_15_sec_watched_actions",
    "video_p25": "video_p25_watched_actions",
    "video_p50": "video_p50_watched_actions",
    "video_p75": "video_p75_watched_actions",
    "video_p100": "video_p100_watched_actions",
}


class Unreadable(Unreachable):
    """An answer of the API does not have the shape that it should."""

    remedy = "Nothing of it was stored. Try again; if it stays, the API has changed and this program has to follow."


def whole(value: Any) -> int:
    """A count; absent is 0."""
    if value is None:
        return 0
    if isinstance(value, str) and len(value) < 18 and value.isascii() and value.isdigit():
        return int(value)
    return _rounded(value, Decimal(1), "a count")


def micros(value: Any) -> int:
    """Money in millionths of a major unit, exactly; absent is 0."""
    if value is None:
        return 0
    return _rounded(value, MICROS, "money")


def _rounded(value: Any, factor: Decimal, what: str) -> int:
    try:
        if "_" in (words := str(value)):
            raise ValueError(words)
        number = Decimal(words) * factor
        if not -LARGEST <= number <= LARGEST:
            raise OverflowError(number)
        return int(number.to_integral_value())
    except (ArithmeticError, ValueError) as error:
        raise Unreadable(f"Meta sent {str(value)[:40]!r} where {what} should be.") from error


def by_type(actions: Any) -> dict[str, Any]:
    """The ``value`` of each ``action_type``; the first one counts where a type comes twice."""
    if not actions:
        return {}
    try:
        return {action["action_type"]: action.get("value") for action in reversed(actions)}
    except (TypeError, KeyError, AttributeError) as error:
        raise Unreadable("Meta sent a list of actions that cannot be read.") from error


def one_view(values: Mapping[str, Any], event: str) -> Any:
    """The value of the widest view of ``event`` that is there; ``None`` where none is."""
    for name in EVENTS[event]:
        if values.get(name) is not None:
            return values[name]
    return None


def first_value(actions: Any) -> Any:
    """The value of a list that holds one action type; of several, that of ``video_view``."""
    values = by_type(actions)
    return values["video_view"] if "video_view" in values else next(iter(values.values()), None)


def numbers(row: Row) -> dict[str, int | None]:
    """Every column of MONEY, COUNTS and UNIQUES from one insight row of any level."""
    get = row.get
    actions = by_type(get("actions"))
    values = get("action_values")
    found: dict[str, int | None] = {
        "spend_micros": micros(get("spend")),
        "revenue_micros": micros(one_view(by_type(values), "purchases")) if values else 0,
    }
    for column, field in UNIQUE_FIELDS.items():
        value = get(field)
        found[column] = None if value is None else whole(value)
    for column, field in SCALARS.items():
        value = get(field)
        found[column] = 0 if value is None else whole(value)
    for column, field in LISTS.items():
        value = get(field)
        found[column] = whole(first_value(value)) if value else 0
    for column in EVENTS:
        value = one_view(actions, column) if actions else None
        found[column] = 0 if value is None else whole(value)
    return found


@dataclass(frozen=True, slots=True)
class AdDay:
    """One ad on one day: the key, the line for COPY, and the names that came along."""

    date: dt.date
    ad_id: int
    adset_id: int
    campaign_id: int
    line: bytes
    names: tuple[str, str, str]


COPY_COLUMNS = (
    "account_id", "date", "ad_id", "adset_id", "campaign_id", *MONEY, *COUNTS, *UNIQUES, "actions", "action_values",
)  # fmt: skip
_cells = itemgetter(*MONEY, *COUNTS, *UNIQUES)


_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def _jsonb(value: Any) -> bytes:
    """A cell of COPY; without NUL, which PostgreSQL does not hold."""
    if not value:
        return b"\\N"
    written = orjson.dumps(value)
    if b"u0000" in written:
        written = _NUL.sub(rb"\1", written)
    return written.replace(b"\\", b"\\\\")


def ad_day(account_id: int) -> Callable[[Row], AdDay]:
    """A parser of ad-level rows of ``account_id``; Unreadable where a row is not one ad on one day of it."""
    prefix = f"{account_id}\t"

    def parse(row: Row) -> AdDay:
        try:
            day = row["date_start"]
            if day != row["date_stop"] or int(row.get("account_id", account_id)) != account_id:
                raise Unreadable(f"Meta sent a row of another account or of more than one day ({day}).")
            ids = int(row["ad_id"]), int(row["adset_id"]), int(row["campaign_id"])
            date = dt.date.fromisoformat(day)
            if max(ids) > LARGEST or date.isoformat() != day:
                raise ValueError(day)
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable("Meta sent an insight row without its ad or day.") from error
        found, get = numbers(row), row.get
        cells = "\t".join(["\\N" if value is None else str(value) for value in _cells(found)])
        start = f"{prefix}{day}\t{ids[0]}\t{ids[1]}\t{ids[2]}\t{cells}\t".encode()
        line = start + _jsonb(row.get("actions")) + b"\t" + _jsonb(row.get("action_values")) + b"\n"
        names = (str(get("campaign_name") or ""), str(get("adset_name") or ""), str(get("ad_name") or ""))
        return AdDay(date, *ids, line=line, names=names)

    return parse
