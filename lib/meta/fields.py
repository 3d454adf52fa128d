"""What is asked of the Marketing API."""

from __future__ import annotations

AD_STATUSES = (
    "ACTIVE",
    "PAUSED",
    "DELETED",
    "PENDING_REVIEW",
    "DISAPPROVED",
    "PREAPPROVED",
    "PENDING_BILLING_INFO",
    "CAMPAIGN_PAUSED",
    "ARCHIVED",
    "ADSET_PAUSED",
    "IN_PROCESS",
    "WITH_ISSUES",
)
"""Every effective status of an ad: without naming them, Meta leaves deleted and archived ads out."""

CAMPAIGN_STATUSES = ("ACTIVE", "PAUSED", "DELETED", "ARCHIVED", "IN_PROCESS", "WITH_ISSUES")
ADSET_STATUSES = ("ACTIVE", "PAUSED", "DELETED", "CAMPAIGN_PAUSED", "ARCHIVED", "IN_PROCESS", "WITH_ISSUES")

ACCOUNT = ("account_id", "name", "currency", "timezone_name", "account_status")
CAMPAIGN = (
    "id",
    "name",
    "status",
    "effective_status",
    "created_time",
    "objective",
    "buying_type",
    "daily_budget",
    "lifetime_budget",
)
ADSET = (
    "id",
    "name",
    "status",
    "effective_status",
    "created_time",
    "campaign_id",
    "optimization_goal",
    "promoted_object",
    "billing_event",
    "daily_budget",
    "lifetime_budget",
)
AD = ("id", "name", "status", "effective_status", "created_time", "campaign_id", "adset_id", "creative")
CREATIVE = ("id", "name", "status", "title", "body", "object_type", "thumbnail_url")

NUMBERS = (
    "spend",
    "impressions",
    "reach",
    "clicks",
    "inline_link_clicks",
    "unique_inline_link_clicks",
    "inline_post_engagement",
    "outbound_clicks",
    "actions",
    "action_values",
    "video_play_actions",
    "video_thruplay_watched_actions",
    "video_15_sec_watched_actions",
    "video_p25_watched_actions",
    "video_p50_watched_actions",
    "video_p75_watched_actions",
    "video_p100_watched_actions",
)
AD_INSIGHT = ("account_id", "campaign_id", "campaign_name", "adset_id", "adset_name", "ad_id", "ad_name", *NUMBERS)
ACCOUNT_INSIGHT = ("account_id", "account_currency", *NUMBERS[:6], "actions", "action_values")
