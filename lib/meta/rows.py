"""Insight rows as they are decoded: the numbers that the store keeps, and Meta's lists of actions as they were sent.

A page of several thousand rows is read into these classes in a third of the time that dictionaries take, and its lists
of actions reach the store without being written anew. What does not fit them is decoded the plain way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from lib.meta.events import LISTS

Decode = Callable[[bytes], Any]
"""What reads the body of an answer: ``decoded`` or ``page_of``."""
Scalar = str | int | float | None
"""Meta writes numbers as strings; another server may not."""


class Action(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """One entry of ``actions`` or ``action_values``; of windows only those that may be asked for.

    It takes nothing but texts, so that what was sent as such may go to the store unseen.
    """

    action_type: str
    value: str | None = None
    click_1d: str | None = msgspec.field(name="1d_click", default=None)
    click_7d: str | None = msgspec.field(name="7d_click", default=None)
    view_1d: str | None = msgspec.field(name="1d_view", default=None)


class Listed(msgspec.Struct, gc=False):
    """One entry of a list that should hold one action type."""

    action_type: Scalar = None
    value: Scalar = None


Entries = list[Listed] | None


class InsightRow(msgspec.Struct, gc=False):
    """A row of any level and breakdown; ``None`` is what was not sent, an empty ``Raw`` as well."""

    account_id: Scalar = None
    campaign_id: Scalar = None
    adset_id: Scalar = None
    ad_id: Scalar = None
    date_start: Scalar = None
    date_stop: Scalar = None
    campaign_name: Scalar = None
    adset_name: Scalar = None
    ad_name: Scalar = None
    age: Scalar = None
    gender: Scalar = None
    country: Scalar = None
    region: Scalar = None
    publisher_platform: Scalar = None
    platform_position: Scalar = None
    device_platform: Scalar = None
    hourly_stats_aggregated_by_advertiser_time_zone: Scalar = None
    spend: Scalar = None
    impressions: Scalar = None
    clicks: Scalar = None
    inline_link_clicks: Scalar = None
    inline_post_engagement: Scalar = None
    reach: Scalar = None
    unique_inline_link_clicks: Scalar = None
    outbound_clicks: Entries = None
    video_play_actions: Entries = None
    video_thruplay_watched_actions: Entries = None
    video_15_sec_watched_actions: Entries = None
    video_p25_watched_actions: Entries = None
    video_p50_watched_actions: Entries = None
    video_p75_watched_actions: Entries = None
    video_p100_watched_actions: Entries = None
    actions: msgspec.Raw = msgspec.Raw()
    action_values: msgspec.Raw = msgspec.Raw()


_RAW = ("actions", "action_values")
_LAID_OUT = (b"\n", b"\r", b"\t")
PLACES = {name: place for place, name in enumerate(InsightRow.__struct_fields__)}
"""Where each field stands in ``msgspec.structs.astuple`` of a row."""


class _Page(msgspec.Struct, gc=False):
    data: list[InsightRow]
    paging: Any = None
    error: Any = msgspec.UNSET


_pages = msgspec.json.Decoder(_Page)
_actions = msgspec.json.Decoder(list[Action])


def page_of(content: bytes) -> Any:
    """A page whose ``data`` are InsightRows; whatever else was sent as ``decoded`` reads it.

    What is handed on as it was sent is text in one line, each control character of it escaped: a line of COPY may hold
    it. ``Raw`` is not looked at for more than its syntax.
    """
    try:
        if not content.isascii():
            content.decode()
        page = None if any(map(content.__contains__, _LAID_OUT)) else _pages.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        page = None
    if page is None or page.error is not msgspec.UNSET:
        return decoded(content)
    return {"data": page.data, "paging": page.paging}


def decoded(content: bytes) -> Any:
    """The decoded body; ``None`` where it is no JSON.

    Meta cuts long names, at times inside an emoji; the half that is left is no text, and becomes a question mark.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    try:
        mended = json.dumps(json.loads(content), ensure_ascii=False).encode("utf-8", "replace")
        return orjson.loads(mended)
    except (ValueError, RecursionError):
        return None


def row_of(row: Any) -> InsightRow:
    """The row, whichever way it was decoded; TypeError, KeyError or AttributeError where it is none."""
    if isinstance(row, InsightRow):
        return row
    values = {name: row[name] for name in PLACES if name in row}
    for name in LISTS.values():
        if values.get(name):
            values[name] = [Listed(one.get("action_type"), one.get("value")) for one in values[name]]
    for name in _RAW:
        values[name] = msgspec.Raw(orjson.dumps(values[name]) if values.get(name) else b"")
    return InsightRow(**values)


class Actions(NamedTuple):
    """A list of actions, and the same as JSON in one line for ``cells.jsonb``."""

    entries: Sequence[Action]
    written: bytes


_NONE = Actions((), b"")


def actions_of(raw: msgspec.Raw) -> Actions:
    """The entries of a list of actions; TypeError, KeyError or AttributeError where it is none.

    It is written anew only where it is not of texts alone.
    """
    if not raw:
        return _NONE
    try:
        return Actions(_actions.decode(raw), bytes(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        found = entries_of(raw)
        return Actions([Action(one["action_type"], one.get("value")) for one in found], orjson.dumps(found))


def entries_of(raw: msgspec.Raw) -> list[Mapping[str, Any]]:
    """The same as they were sent, attribution windows and all; TypeError where it is no list."""
    sent = bytes(raw).strip()
    found = decoded(sent)
    if found is None and sent not in (b"", b"null"):
        raise TypeError(sent[:40])
    if found and not isinstance(found, list):
        raise TypeError(found)
    return found or []
