"""Actions, and the several views that Meta gives of one and the same event.

`omni_purchase`, `purchase`, `offsite_conversion.fb_pixel_purchase` and `onsite_web_purchase` overlap: each
counts the event over fewer surfaces. The count to take is the first view that is there, in the order omni,
aggregate, pixel, on-site. One ad on one day may lack the upper ones; the first that is left then carries
the whole count. In sums over ads or days all views come back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.model import rand
from sandbox.model.columns import INDEX
from sandbox.model.rand import Floats, Ints, Keys


@dataclass(frozen=True)
class Event:
    """An event with the column that counts it; views run from the widest to the narrowest, None is missing."""

    column: str
    omni: str | None
    aggregate: str
    pixel: str | None = None
    onsite: str | None = None
    also: tuple[str, ...] = ()
    same: bool = False


_PIXEL = "offsite_conversion.fb_pixel_"
EVENTS = (
    Event("purchases", "omni_purchase", "purchase", f"{_PIXEL}purchase", "onsite_web_purchase",
          ("onsite_web_app_purchase", "web_in_store_purchase", "web_app_in_store_purchase")),
    Event("leads", None, "lead", f"{_PIXEL}lead", "onsite_web_lead", ("onsite_conversion.lead_grouped",)),
    Event("add_to_cart", "omni_add_to_cart", "add_to_cart", f"{_PIXEL}add_to_cart", "onsite_web_add_to_cart",
          ("onsite_web_app_add_to_cart",)),
    Event("content_views", "omni_view_content", "view_content", f"{_PIXEL}view_content", "onsite_web_view_content",
          ("onsite_web_app_view_content",)),
    Event("checkouts", "omni_initiated_checkout", "initiate_checkout", f"{_PIXEL}initiate_checkout",
          "onsite_web_initiate_checkout"),
    Event("landing_page_views", "omni_landing_page_view", "landing_page_view"),
    Event("app_installs", "omni_app_install", "mobile_app_install", same=True),
)  # fmt: skip
PLAIN = (
    ("link_clicks", "link_click"), ("engagements", "post_engagement"), ("page_engagements", "page_engagement"),
    ("video_3s_plays", "video_view"), ("reactions", "post_reaction"), ("comments", "comment"), ("shares", "post"),
    ("saves", "onsite_conversion.post_save"),
    ("conversations", "onsite_conversion.messaging_conversation_started_7d"),
    ("conversations", "onsite_conversion.total_messaging_connection"),
)  # fmt: skip


def _views(event: Event) -> list[str]:
    return [view for view in (event.omni, event.aggregate, event.pixel, event.onsite, *event.also) if view]


TYPES = tuple(view for event in EVENTS for view in _views(event)) + tuple(name for _, name in PLAIN)
PURCHASE_TYPES = tuple(_views(EVENTS[0]))
VALUE_TYPES = (*PURCHASE_TYPES, "omni_add_to_cart", "add_to_cart")
POSITION = {name: n for n, name in enumerate(TYPES)}
_EUROS_IN_CART = 61


def counted(base: Ints, key: Keys, single: bool) -> Ints:
    """The count of every action type: shape (rows, len(TYPES)).

    `single` hides upper views in some rows; it is for rows of one ad and one day, which are shown as they are.
    """
    columns: list[Ints] = []
    draws = rand.uniforms(key, 6 * len(EVENTS), first=200)
    for number, event in enumerate(EVENTS):
        columns += _event(event, base[:, INDEX[event.column]], draws[6 * number : 6 * number + 6], single)
    columns += [base[:, INDEX[column]] for column, _ in PLAIN]
    return np.stack(columns, axis=1) if len(base) else np.zeros((0, len(TYPES)), dtype=np.int64)


def _less(count: Ints, share: Floats, nudge: Floats, floor: int) -> Ints:
    """Take away up to a share, and often at least one, so that small counts differ too."""
    away = np.maximum((count * share).astype(np.int64), ((nudge < 0.5) & (count >= floor)).astype(np.int64))
    return count - away


def _event(event: Event, count: Ints, draws: Floats, single: bool) -> list[Ints]:
    aggregate = _less(count, 0.10 * draws[0], draws[1], 3) if event.omni and not event.same else count
    pixel = _less(aggregate, 0.25 * draws[2], draws[3], 2)
    onsite = (aggregate * 0.4 * draws[4]).astype(np.int64)
    omni, also = count, [onsite if name.startswith("onsite_web") else aggregate for name in event.also]
    if single and not event.same:
        mode = (draws[5] * 10).astype(np.int64)
        omni = np.where(mode >= 6, 0, omni)
        aggregate = np.where(mode >= 6, count, aggregate)
        if event.pixel:
            aggregate = np.where(mode >= 8, 0, aggregate)
            pixel = np.where(mode == 8, count, np.where(mode == 9, 0, pixel))
            onsite = np.where(mode == 9, count, onsite)
            also = [np.where(mode >= 8, 0, one) for one in also]
    shown = ((event.omni, omni), (event.aggregate, aggregate), (event.pixel, pixel), (event.onsite, onsite))
    return [values for name, values in shown if name] + also


def valued(base: Ints, counts: Ints, cart_price: int) -> Ints:
    """The money of every type in VALUE_TYPES, in minor units; each view has its share of the revenue."""
    bought = np.maximum(base[:, INDEX["purchases"]], 1)
    revenue = base[:, INDEX["revenue"]]
    columns = [revenue * counts[:, POSITION[name]] // bought for name in PURCHASE_TYPES]
    columns += [counts[:, POSITION[name]] * cart_price for name in VALUE_TYPES[len(PURCHASE_TYPES) :]]
    return np.stack(columns, axis=1)


def cart_price(rate: float, exponent: int) -> int:
    """What a filled cart is worth on average, in minor units."""
    return int(_EUROS_IN_CART * rate) * int(10**exponent)


def windows(values: Ints, key: Keys, window: str) -> Ints | None:
    """The part of each value that one attribution window sees; None for windows that hold no data any more.

    Windows nest, and each is below the value: adding them up does not give it.
    """
    week = values - (values * 0.2 * rand.uniform(key, 90)).astype(np.int64)
    if window == "7d_click":
        return week
    if window == "1d_click":
        return week - (week * (0.1 + 0.3 * rand.uniform(key, 91))).astype(np.int64)
    if window == "1d_view":
        return (values * 0.3 * rand.uniform(key, 92)).astype(np.int64)
    if window == "28d_click":
        return values
    return None


WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view", "7d_view", "28d_view", "1d_ev", "dda", "default",
           "skan_click", "skan_view")  # fmt: skip
