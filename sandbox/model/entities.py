"""Which campaigns, ad sets and ads exist on a day: an absolute calendar, laid out in slots.

An account has a fixed number of ad slots. A slot always holds one ad; every 91 days a new creative takes
over, and every 182 or 364 days a new campaign does. The slots are out of step with each other, so on any
day some ads are new, some are tired and some have just ended.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.model import rand
from sandbox.model.accounts import Account
from sandbox.model.rand import Floats, Ints, Keys

CREATIVE_DAYS = 91
ORDINAL_BITS = 14
SPARE_SLOTS = 1.2
"""Ads that never deliver or pause early leave holes; these spare slots make up for them."""


@dataclass(frozen=True)
class Lives:
    """Ads side by side. Days are ordinals of `datetime.date`; an end is the first day without the ad."""

    slot: Ints
    ordinal: Ints
    generation: Ints
    start: Ints
    end: Ints
    campaign_start: Ints
    campaign_end: Ints

    def take(self, which: Ints) -> Lives:
        """The same ads in another order, or fewer of them."""
        return Lives(*(getattr(self, name)[which] for name in self.__dataclass_fields__))

    @property
    def code(self) -> Ints:
        """One integer for each ad, unique within its account."""
        return (self.slot << ORDINAL_BITS) | self.ordinal


@dataclass(frozen=True)
class Traits:
    """What was drawn for each ad when it was made."""

    key: Keys
    first: Ints
    last: Ints
    own_end: Ints
    adset_end: Ints
    campaign_end: Ints
    delivers: np.ndarray[tuple[int], np.dtype[np.bool_]]
    draws: Floats


class Calendar:
    """The slots of one account and what each holds on a given day."""

    def __init__(self, account: Account, ads: int) -> None:
        self.account = account
        slots = max(1, round(ads * SPARE_SLOTS))
        self.ads_per_adset, adsets_per_campaign = (4, 3) if ads < 400 else (10, 5)
        self.ads_per_campaign = self.ads_per_adset * adsets_per_campaign
        self.slot = np.arange(slots, dtype=np.int64)
        self.adset_slot = self.slot // self.ads_per_adset
        self.campaign_slot = self.slot // self.ads_per_campaign
        campaign_keys = rand.keys(account.key ^ 0xCA, self.campaign_slot)
        self._length = np.where(rand.uniform(campaign_keys, 1) < 0.45, 364, 182).astype(np.int64)
        self._phase = (rand.uniform(campaign_keys, 2) * self._length).astype(np.int64)
        slot_keys = rand.keys(account.key ^ 0x51, self.slot)
        self._turn = 1 + (rand.uniform(slot_keys, 1) * (CREATIVE_DAYS - 1)).astype(np.int64)

    def on(self, day: int) -> Lives:
        """The ad in every slot on one day."""
        elapsed = day - self._phase
        generation = elapsed // self._length
        creative = (elapsed - self._turn) // CREATIVE_DAYS
        campaign_start = self._phase + generation * self._length
        campaign_end = campaign_start + self._length
        creative_start = self._phase + self._turn + creative * CREATIVE_DAYS
        return Lives(
            slot=self.slot,
            ordinal=creative + 1 + generation,
            generation=generation,
            start=np.maximum(campaign_start, creative_start),
            end=np.minimum(campaign_end, creative_start + CREATIVE_DAYS),
            campaign_start=campaign_start,
            campaign_end=campaign_end,
        )

    def between(self, first: int, last: int) -> Lives:
        """Every ad that stood in a slot on some day from first to last, campaign by campaign."""
        days = [self.on(day) for day in range(first, last + 1)]
        joined = Lives(*(np.concatenate([getattr(d, n) for d in days]) for n in Lives.__dataclass_fields__))
        _, position = np.unique(joined.code, return_index=True)
        ads = joined.take(position)
        order = np.lexsort((ads.ordinal, ads.slot, ads.generation, ads.slot // self.ads_per_campaign))
        return ads.take(order)

    def traits(self, ads: Lives) -> Traits:
        """The draws of each ad; the same wherever and whenever they are asked for."""
        account = self.account.key
        key = rand.keys(account ^ 0xAD, ads.slot, ads.ordinal)
        adset_key = rand.keys(account ^ 0xA5, ads.slot // self.ads_per_adset, ads.generation)
        campaign_key = rand.keys(account ^ 0xC0, ads.slot // self.ads_per_campaign, ads.generation)
        draws = rand.uniforms(key, 16)
        campaign_end = ads.campaign_end - (rand.uniform(campaign_key, 1) * 12).astype(np.int64)
        span = ads.campaign_end - ads.campaign_start
        cut = rand.uniform(adset_key, 1)
        paused_early = ads.campaign_start + ((0.35 + 2.5 * cut) * span).astype(np.int64)
        adset_end = np.where(cut < 0.12, paused_early, campaign_end)
        own_end = ads.end - (draws[0] ** 3 * 10).astype(np.int64)
        return Traits(
            key=key,
            first=ads.start + (draws[1] ** 2 * 4).astype(np.int64),
            last=np.minimum(np.minimum(own_end, adset_end), campaign_end),
            own_end=own_end,
            adset_end=adset_end,
            campaign_end=campaign_end,
            delivers=draws[2] >= 0.04,
            draws=draws,
        )
