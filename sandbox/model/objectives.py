"""What each campaign is for, and the market rates that follow from it (prices in euros)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.model.rand import Floats, Ints


@dataclass(frozen=True)
class Objective:
    """One kind of campaign: Meta's names for it, and how its funnel converts step by step."""

    label: str
    objective: str
    goals: tuple[str, ...]
    billing_event: str
    call_to_action: str
    promoted: str
    budget: float
    cpm: float
    ctr: float
    link: float
    landing: float
    content: float
    cart: float
    checkout: float
    purchase: float
    lead: float
    install: float
    conversation: float
    order_value: float


OBJECTIVES = (
    Objective("Prospecting", "OUTCOME_SALES", ("OFFSITE_CONVERSIONS", "VALUE"), "IMPRESSIONS", "SHOP_NOW", "PURCHASE",
              1.7, 7.6, 0.0155, 0.68, 0.80, 0.76, 0.115, 0.50, 0.52, 0, 0, 0, 92),
    Objective("Retargeting", "OUTCOME_SALES", ("OFFSITE_CONVERSIONS",), "IMPRESSIONS", "SHOP_NOW", "PURCHASE",
              1.3, 11.2, 0.0185, 0.72, 0.85, 0.86, 0.17, 0.55, 0.55, 0, 0, 0, 96),
    Objective("Leads", "OUTCOME_LEADS", ("LEAD_GENERATION", "QUALITY_LEAD"), "IMPRESSIONS", "SIGN_UP", "LEAD",
              0.9, 9.1, 0.0130, 0.62, 0.70, 0.25, 0, 0, 0, 0.125, 0, 0, 0),
    Objective("Traffic", "OUTCOME_TRAFFIC", ("LANDING_PAGE_VIEWS", "LINK_CLICKS"), "IMPRESSIONS", "LEARN_MORE", "",
              0.5, 4.9, 0.0210, 0.85, 0.74, 0.42, 0.03, 0.42, 0.42, 0, 0, 0, 78),
    Objective("App", "OUTCOME_APP_PROMOTION", ("APP_INSTALLS",), "IMPRESSIONS", "INSTALL_MOBILE_APP", "APP",
              0.7, 6.4, 0.0120, 0.76, 0, 0, 0, 0, 0, 0, 0.15, 0, 0),
    Objective("Messages", "OUTCOME_ENGAGEMENT", ("CONVERSATIONS",), "IMPRESSIONS", "MESSAGE_PAGE", "PAGE",
              0.5, 6.0, 0.0140, 0.55, 0.05, 0, 0, 0, 0, 0, 0, 0.17, 0),
    Objective("Catalogue", "OUTCOME_SALES", ("VALUE", "OFFSITE_CONVERSIONS"), "IMPRESSIONS", "SHOP_NOW", "PURCHASE",
              1.4, 8.4, 0.0165, 0.70, 0.82, 0.92, 0.13, 0.52, 0.53, 0, 0, 0, 85),
    Objective("Awareness", "OUTCOME_AWARENESS", ("THRUPLAY", "REACH"), "THRUPLAY", "WATCH_MORE", "PAGE",
              0.4, 4.2, 0.0080, 0.45, 0.60, 0.2, 0, 0, 0, 0, 0, 0, 0),
)  # fmt: skip

_RATES = ("budget", "cpm", "ctr", "link", "landing", "content", "cart", "checkout", "purchase", "lead", "install",
          "conversation", "order_value")  # fmt: skip
_TABLE = np.array([[getattr(o, name) for o in OBJECTIVES] for name in _RATES], dtype=np.float64)


def of_campaign(campaign_slot: int) -> Objective:
    """The objective of a campaign slot; a slot keeps its objective through all generations."""
    return OBJECTIVES[campaign_slot % len(OBJECTIVES)]


def rates(campaign_slot: Ints) -> dict[str, Floats]:
    """The rates of many campaign slots at once, one array for each rate."""
    taken = _TABLE[:, campaign_slot % len(OBJECTIVES)]
    return {name: taken[position] for position, name in enumerate(_RATES)}
