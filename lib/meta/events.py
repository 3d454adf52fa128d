"""Which of Meta's fields and action types each number of the store comes from."""

from __future__ import annotations

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

OFF_META = (
    "revenue_micros",
    "landing_page_views",
    "content_views",
    "add_to_cart",
    "checkouts",
    "purchases",
    "leads",
    "app_installs",
)
"""What a pixel, a server or an app may report to Meta: some breakdowns leave that out without a word."""

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
"""Lists that hold one action type."""
