"""The integer columns of the base model: one row for each ad and day."""

from __future__ import annotations

BASE = (
    "spend", "impressions", "reach", "clicks", "link_clicks", "outbound_clicks", "unique_link_clicks",
    "engagements", "page_engagements", "reactions", "comments", "shares", "saves",
    "video_plays", "video_3s_plays", "video_15s_plays", "thruplays",
    "video_p25", "video_p50", "video_p75", "video_p100",
    "landing_page_views", "content_views", "add_to_cart", "checkouts", "purchases", "revenue",
    "leads", "app_installs", "conversations", "unique_clicks",
)  # fmt: skip
INDEX = {name: position for position, name in enumerate(BASE)}
WIDTH = len(BASE)

RESTATED = (
    "content_views",
    "add_to_cart",
    "checkouts",
    "purchases",
    "leads",
    "app_installs",
    "conversations",
)
"""Counts that Meta keeps correcting for 28 days; revenue follows purchases."""

OFF_META = ("landing_page_views", "content_views", "add_to_cart", "checkouts", "purchases", "revenue", "leads",
            "app_installs")  # fmt: skip
"""Events outside Meta's own surfaces: not reported by region or by hour."""

MONEY = ("spend", "revenue")
NEVER_SUMMED = ("reach", "unique_link_clicks", "unique_clicks")
