"""The fields that insights know, and how each is made from a row's integers."""

from __future__ import annotations

COUNTS = {
    "impressions": "impressions", "reach": "reach", "clicks": "clicks", "inline_link_clicks": "link_clicks",
    "inline_post_engagement": "engagements", "unique_inline_link_clicks": "unique_link_clicks",
    "unique_clicks": "unique_clicks",
}  # fmt: skip
MONEY = {"spend": "spend"}
RATIOS = {
    "cpm": ("spend", "impressions", 1000), "cpc": ("spend", "clicks", 1), "cpp": ("spend", "reach", 1000),
    "ctr": ("clicks", "impressions", 100), "frequency": ("impressions", "reach", 1),
    "inline_link_click_ctr": ("link_clicks", "impressions", 100),
    "unique_inline_link_click_ctr": ("unique_link_clicks", "reach", 100),
    "unique_link_clicks_ctr": ("unique_link_clicks", "reach", 100),
    "cost_per_inline_link_click": ("spend", "link_clicks", 1),
    "cost_per_inline_post_engagement": ("spend", "engagements", 1),
    "cost_per_unique_inline_link_click": ("spend", "unique_link_clicks", 1),
    "unique_ctr": ("unique_clicks", "reach", 100), "cost_per_unique_click": ("spend", "unique_clicks", 1),
}  # fmt: skip
LISTS = {
    "outbound_clicks": ("outbound_clicks", "outbound_click"), "video_play_actions": ("video_plays", "video_view"),
    "video_thruplay_watched_actions": ("thruplays", "video_view"),
    "video_15_sec_watched_actions": ("video_15s_plays", "video_view"),
    "video_p25_watched_actions": ("video_p25", "video_view"),
    "video_p50_watched_actions": ("video_p50", "video_view"),
    "video_p75_watched_actions": ("video_p75", "video_view"),
    "video_p100_watched_actions": ("video_p100", "video_view"),
}  # fmt: skip
LIST_RATIOS = {
    "outbound_clicks_ctr": ("outbound_clicks", "impressions", 100, "outbound_click"),
    "cost_per_outbound_click": ("spend", "outbound_clicks", 1, "outbound_click"),
    "cost_per_thruplay": ("spend", "thruplays", 1, "video_view"),
    "cost_per_15_sec_video_view": ("spend", "video_15s_plays", 1, "video_view"),
    "website_ctr": ("link_clicks", "impressions", 100, "link_click"),
}  # fmt: skip
ROAS = {"purchase_roas": "omni_purchase", "website_purchase_roas": "offsite_conversion.fb_pixel_purchase"}
ACTIONS = ("actions", "action_values", "cost_per_action_type")
RANKINGS = ("quality_ranking", "engagement_rate_ranking", "conversion_rate_ranking")
IDENTITY = (
    "account_id", "account_name", "account_currency", "campaign_id", "campaign_name", "adset_id", "adset_name",
    "ad_id", "ad_name", "objective", "optimization_goal", "buying_type", "attribution_setting", "created_time",
    "updated_time", *RANKINGS,
)  # fmt: skip
DATES = ("date_start", "date_stop")
OF_PEOPLE = (
    "reach", "frequency", "cpp", "unique_clicks", "unique_ctr", "cost_per_unique_click", "unique_inline_link_clicks",
    "unique_inline_link_click_ctr", "unique_link_clicks_ctr", "cost_per_unique_inline_link_click",
)  # fmt: skip
"""What counts people, each once: not by hour, and by other breakdowns not beyond 13 months."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEVER_FILLED = _names(
    "ad_click_actions ad_impression_actions adset_end adset_start age_targeting auction_bid "
    "auction_competitiveness auction_max_competitor_bid average_purchases_conversion_value "
    "canvas_avg_view_percent canvas_avg_view_time catalog_segment_actions catalog_segment_value "
    "catalog_segment_value_mobile_purchase_roas catalog_segment_value_omni_purchase_roas "
    "catalog_segment_value_website_purchase_roas conversion_lead_rate conversion_leads conversion_values "
    "conversions converted_product_quantity converted_product_value cost_per_2_sec_continuous_video_view "
    "cost_per_6_sec_video_view cost_per_ad_click cost_per_conversion cost_per_conversion_lead "
    "cost_per_dda_countby_convs cost_per_estimated_ad_recallers cost_per_objective_result "
    "cost_per_one_thousand_ad_impression cost_per_result cost_per_unique_action_type "
    "cost_per_unique_conversion cost_per_unique_outbound_click dda_countby_convs dda_results "
    "estimated_ad_recall_rate estimated_ad_recall_rate_lower_bound estimated_ad_recall_rate_upper_bound "
    "estimated_ad_recallers estimated_ad_recallers_lower_bound estimated_ad_recallers_upper_bound "
    "full_view_impressions full_view_reach gender_targeting instagram_upcoming_event_reminders_set "
    "instant_experience_clicks_to_open instant_experience_clicks_to_start instant_experience_outbound_clicks "
    "interactive_component_tap labels landing_page_view_actions_per_link_click "
    "landing_page_view_per_link_click landing_page_view_per_purchase_rate link_clicks_per_results location "
    "marketing_messages_delivered mobile_app_purchase_roas objective_result_rate objective_results "
    "onsite_conversion_messaging_detected_purchase_deduped place_page_name product_views "
    "purchase_per_landing_page_view purchases_per_link_click qualifying_question_qualify_answer_rate "
    "result_rate result_values_performance_indicator results shops_assisted_purchases social_spend "
    "total_card_view unique_actions unique_conversions unique_outbound_clicks "
    "unique_outbound_clicks_ctr unique_video_continuous_2_sec_watched_actions unique_video_view_15_sec "
    "video_30_sec_watched_actions video_avg_time_watched_actions video_continuous_2_sec_watched_actions "
    "video_p95_watched_actions video_play_curve_actions video_play_retention_0_to_15s_actions "
    "video_play_retention_20_to_60s_actions video_play_retention_graph_actions video_time_watched_actions "
    "video_view_per_impression website_purchases wish_bid"
)
"""Fields that Meta knows and this sandbox leaves out, as Meta leaves out what does not apply."""

FILLED = frozenset([*COUNTS, *MONEY, *RATIOS, *LISTS, *LIST_RATIOS, *ROAS, *ACTIONS, *IDENTITY, *DATES])
KNOWN = FILLED | NEVER_FILLED
