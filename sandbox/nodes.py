"""Accounts, campaigns, ad sets, ads and creatives as the Graph writes them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sandbox import tokens
from sandbox.model import names, rand
from sandbox.model.accounts import Account
from sandbox.model.objects import Ad, AdSet, Campaign, Item
from sandbox.world import World

_ATTRIBUTION_SPECS = {
    "1d_click": [{"event_type": "CLICK_THROUGH", "window_days": 1}],
    "7d_click": [{"event_type": "CLICK_THROUGH", "window_days": 7}],
    "7d_click_1d_view": [{"event_type": "CLICK_THROUGH", "window_days": 7},
                         {"event_type": "VIEW_THROUGH", "window_days": 1}],
}  # fmt: skip


def _moment(account: Account, day: dt.date, draw: int, stream: int) -> str:
    """A time on that day, in the account's zone, as Meta writes it."""
    at = dt.time(7 + rand.pick(draw, stream, 12), rand.pick(draw, stream + 1, 60), rand.pick(draw, stream + 2, 60))
    return dt.datetime.combine(day, at, account.timezone).strftime("%Y-%m-%dT%H:%M:%S%z")


def _budget(account: Account, draw: int, euros: float) -> str:
    """An amount in minor units, rounded as people round."""
    major = euros * account.scale * account.market.rate * (0.6 + rand.pick(draw, 40, 100) / 100)
    step = 10 ** max(0, len(str(int(major))) - 2)
    return str(max(1, round(major / step)) * step * 10**account.market.exponent)


def _times(world: World, account: Account, item: Item) -> dict[str, Any]:
    """Created a little before the start; last touched at the latest of launch, end and yesterday's fiddling."""
    touched = min(max(item.start, min(item.end, world.today(account) - dt.timedelta(days=1))), world.today(account))
    return {"start_time": _moment(account, item.start, item.draw, 50),
            "created_time": _moment(account, item.start - dt.timedelta(days=1), item.draw, 53),
            "updated_time": _moment(account, touched, item.draw, 56)}  # fmt: skip


def account(world: World, of: Account) -> dict[str, Any]:
    """An ad account's own fields. Money here is in minor units."""
    local = world.now().astimezone(of.timezone)
    offset = local.utcoffset() or dt.timedelta()
    open_days = (local.date() - of.created).days
    daily = 1500 * of.scale * of.market.rate * 10**of.market.exponent
    return {
        "id": of.id, "account_id": of.account_id, "name": of.name, "currency": of.market.currency,
        "timezone_name": of.market.timezone_name, "timezone_id": of.market.timezone_id,
        "timezone_offset_hours_utc": offset.total_seconds() / 3600, "account_status": 1, "disable_reason": 0,
        "business_name": of.business_name, "business_country_code": of.market.countries[0],
        "created_time": _moment(of, of.created, of.key, 60), "age": float(open_days),
        "amount_spent": str(int(daily * open_days)), "balance": str(int(daily * 3)),
        "spend_cap": str(int(daily * (open_days + 900))) if of.number % 4 == 1 else "0",
        "min_daily_budget": int(of.market.rate * 10**of.market.exponent), "is_personal": 0,
        "business": {"id": str(10**14 + of.key % 10**14), "name": of.business_name}, "owner": str(of.key % 10**15),
        "user_tasks": ["ANALYZE", "ADVERTISE", "MANAGE"], "capabilities": [], "is_prepay_account": False,
    }  # fmt: skip


def campaign(world: World, of: Account, item: Campaign) -> dict[str, Any]:
    """A campaign's own fields. Every second one holds the budget itself, every seventh for its whole life."""
    found = {
        "id": item.id, "account_id": of.account_id, "name": item.name, "objective": item.objective.objective,
        "status": item.status, "configured_status": item.status, "effective_status": item.effective_status,
        "buying_type": "AUCTION", "bid_strategy": "LOWEST_COST_WITHOUT_CAP", "special_ad_categories": [],
        "stop_time": _moment(of, item.end, item.draw, 59), **_times(world, of, item),
    }  # fmt: skip
    if item.slot % 7 == 3:
        found["lifetime_budget"] = _budget(of, item.draw, 42_000)
    elif item.slot % 2 == 0:
        found["daily_budget"] = _budget(of, item.draw, 240)
    return found


def adset(world: World, of: Account, item: AdSet) -> dict[str, Any]:
    """An ad set's own fields; it holds the budget where its campaign does not."""
    promoted = {
        "PURCHASE": {"pixel_id": str(10**14 + of.key % 10**13), "custom_event_type": "PURCHASE"},
        "LEAD": {"page_id": str(10**14 + of.key % 10**12)},
        "PAGE": {"page_id": str(10**14 + of.key % 10**12)},
        "APP": {"application_id": str(10**14 + of.key % 10**11), "object_store_url": "https://example.com/app"},
    }  # fmt: skip
    found = {
        "id": item.id, "account_id": of.account_id, "campaign_id": item.campaign.id, "name": item.name,
        "status": item.status, "configured_status": item.status, "effective_status": item.effective_status,
        "optimization_goal": item.goal, "billing_event": item.objective.billing_event, "buying_type": "AUCTION",
        "attribution_spec": _ATTRIBUTION_SPECS[item.attribution],
        "bid_strategy": "LOWEST_COST_WITHOUT_CAP", "destination_type": "UNDEFINED",
        "targeting": {"age_min": 18, "age_max": 65, "geo_locations": {"countries": list(of.market.countries[:2])}},
        "end_time": _moment(of, item.campaign.end, item.draw, 59), **_times(world, of, item),
    }  # fmt: skip
    if item.objective.promoted:
        found["promoted_object"] = promoted[item.objective.promoted]
    if item.campaign.slot % 2 == 1 and item.campaign.slot % 7 != 3:
        found["daily_budget"] = _budget(of, item.draw, 80)
    return found


def ad(world: World, of: Account, item: Ad) -> dict[str, Any]:
    """An ad's own fields; its creative is only named."""
    return {
        "id": item.id, "account_id": of.account_id, "campaign_id": item.campaign.id, "adset_id": item.adset.id,
        "name": item.name, "status": item.status, "configured_status": item.status,
        "effective_status": item.effective_status, "creative": {"id": item.creative_id}, "bid_type": "ABSOLUTE_OCPM",
        "preview_shareable_link": f"https://fb.me/{item.draw % 10**12:x}",
        "source_ad_id": "0", "tracking_specs": [], "conversion_domain": "example.com", **_times(world, of, item),
    }  # fmt: skip


def creative(of: Account, item: Ad, base_url: str) -> dict[str, Any]:
    """The creative of an ad. Its pictures are painted by this server."""
    kind = ("VIDEO", "SHARE", "PHOTO")[rand.pick(item.draw, 70, 3)]
    return {
        "id": item.creative_id, "account_id": of.account_id, "name": f"{item.name} {item.start:%Y-%m-%d}",
        "title": names.title(item.draw), "body": names.body(item.draw), "object_type": kind,
        "call_to_action_type": item.objective.call_to_action, "status": "ACTIVE",
        "thumbnail_url": f"{base_url}/__sandbox/thumb/{item.creative_id}.png",
        "image_url": f"{base_url}/__sandbox/image/{item.creative_id}.png",
        "image_hash": f"{item.draw:016x}{item.slot:016x}", "link_url": "https://example.com/landing",
        "effective_object_story_id": f"{10**14 + of.key % 10**12}_{item.draw % 10**15}",
    }  # fmt: skip


def me(token: str) -> dict[str, Any]:
    """The person behind the token."""
    return {"id": tokens.user_id(token), "name": "Sandbox System User"}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


KNOWN: dict[str, frozenset[str]] = {
    "account": _names(
        "agency_client_declaration ad_account_promotable_objects all_capabilities business_city business_state "
        "business_street business_zip end_advertiser end_advertiser_name funding_source funding_source_details "
        "has_migrated_permissions io_number line_numbers media_agency min_campaign_group_spend_cap "
        "offsite_pixels_tos_accepted partner tax_id tax_id_status tax_id_type tos_accepted user_tos_accepted "
        "default_dsa_beneficiary default_dsa_payor fb_entity is_direct_deals_enabled rf_spec"
    ),
    "campaign": _names(
        "adlabels boosted_object_id brand_lift_studies budget_rebalance_flag budget_remaining can_use_spend_cap "
        "daily_budget issues_info last_budget_toggling_time lifetime_budget pacing_type primary_attribution "
        "promoted_object recommendations smart_promotion_type source_campaign source_campaign_id spend_cap "
        "special_ad_category special_ad_category_country topline_id"
    ),
    "adset": _names(
        "adlabels asset_feed_id bid_adjustments bid_amount bid_constraints bid_info budget_remaining "
        "created_by daily_budget daily_min_spend_target daily_spend_cap dsa_beneficiary dsa_payor issues_info "
        "instagram_user_id is_dynamic_creative learning_stage_info lifetime_budget lifetime_imps "
        "lifetime_spend_cap pacing_type promoted_object recommendations rf_prediction_id source_adset_id "
        "use_new_app_click"
    ),
    "ad": _names(
        "ad_active_time ad_review_feedback ad_schedule_end_time ad_schedule_start_time adlabels bid_amount "
        "bid_info conversion_specs demolink_hash display_sequence engagement_audience issues_info "
        "last_updated_by_app_id recommendations source_ad"
    ),
    "creative": _names(
        "actor_id adlabels applink_treatment asset_feed_spec authorization_category effective_authorization_category "
        "effective_instagram_media_id instagram_permalink_url instagram_user_id link_og_id object_id "
        "object_story_id object_story_spec object_store_url object_url platform_customizations product_set_id "
        "template_url thumbnail_id url_tags video_id"
    ),
    "me": frozenset(("first_name", "last_name", "email")),
}
"""Fields that Meta knows and these objects never have: asking for one is no error, and nothing comes back."""
