"""What is asked of the Marketing API."""

from __future__ import annotations

from dataclasses import dataclass

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

CORE = ("spend", "impressions", "clicks", "inline_link_clicks", "inline_post_engagement", "outbound_clicks")
UNIQUES = ("reach", "unique_inline_link_clicks")
ACTIONS = ("actions", "action_values")
VIDEO = (
    "video_play_actions",
    "video_thruplay_watched_actions",
    "video_15_sec_watched_actions",
    "video_p25_watched_actions",
    "video_p50_watched_actions",
    "video_p75_watched_actions",
    "video_p100_watched_actions",
)
NUMBERS = (*CORE, *UNIQUES, *ACTIONS, *VIDEO)
SACRIFICES = (VIDEO, UNIQUES, ACTIONS)
"""What a call that is too much goes without first; CORE it never goes without."""

AD_IDS = ("account_id", "campaign_id", "adset_id", "ad_id")
AD_INSIGHT = (*AD_IDS, "campaign_name", "adset_name", "ad_name", *NUMBERS)
ACCOUNT_INSIGHT = ("account_id", "account_currency", *CORE, *UNIQUES, *ACTIONS)
BREAKDOWN_INSIGHT = (*AD_IDS, *NUMBERS)

RANKINGS = ("quality_ranking", "engagement_rate_ranking", "conversion_rate_ranking")
"""Meta's words for how an ad stands against others; of ads only."""
_PERIOD_NUMBERS = (
    "spend",
    "impressions",
    "reach",
    "frequency",
    "cpp",
    "clicks",
    "unique_clicks",
    "unique_inline_link_clicks",
)
PERIOD_INSIGHT = {
    "account": ("account_id", *_PERIOD_NUMBERS),
    "campaign": ("account_id", "campaign_id", *_PERIOD_NUMBERS),
    "adset": ("account_id", "campaign_id", "adset_id", *_PERIOD_NUMBERS),
    "ad": (*AD_IDS, *_PERIOD_NUMBERS, *RANKINGS),
}
"""By level: what holds for one object and one period only."""

HISTORY_MONTHS = 37
UNIQUE_HISTORY_MONTHS = 13
"""How long Meta keeps people's counts by a breakdown, and hours."""


@dataclass(frozen=True)
class BreakdownSet:
    """Breakdowns that are asked for together. ``most_days`` go into one call; None leaves that to the account's size.

    Where off-Meta conversions are not reported by it, an absent one is unknown and not 0. Without ``has_uniques``
    Meta counts no people by it.
    """

    slug: str
    columns: tuple[str, ...]
    label: str
    most_days: int | None = None
    off_meta_reported: bool = True
    history_months: int = HISTORY_MONTHS
    has_uniques: bool = True


_HOURLY = "hourly_stats_aggregated_by_advertiser_time_zone"
BREAKDOWNS = {
    one.slug: one
    for one in (
        BreakdownSet("age_gender", ("age", "gender"), "Age and gender"),
        BreakdownSet("country", ("country",), "Country"),
        BreakdownSet("region", ("region",), "Region", off_meta_reported=False),
        BreakdownSet("platform_position", ("publisher_platform", "platform_position"), "Platform and position"),
        BreakdownSet("device", ("device_platform",), "Device"),
        BreakdownSet(
            "hour",
            (_HOURLY,),
            "Hour of day",
            most_days=1,
            off_meta_reported=False,
            history_months=UNIQUE_HISTORY_MONTHS,
            has_uniques=False,
        ),
    )
}
"""Over several days Meta merges each hour across the days: hours are asked for one day at a time."""
