"""The campaigns, ad sets, ads and creatives of one account as they stand today, in the order of their slots."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from sandbox.model import ids, names, rand
from sandbox.model.accounts import Account
from sandbox.model.entities import Calendar
from sandbox.model.objectives import Objective, of_campaign
from sandbox.model.rand import Ints

HIDDEN = ("ARCHIVED", "DELETED")


@dataclass(frozen=True, eq=False)
class Item:
    """What campaigns, ad sets and ads have in common. `draw` seeds the object's remaining details."""

    id: str
    name: str
    status: str
    effective_status: str
    start: dt.date
    end: dt.date
    draw: int
    slot: int
    objective: Objective


@dataclass(frozen=True, eq=False)
class Campaign(Item):
    """A campaign."""


@dataclass(frozen=True, eq=False)
class AdSet(Item):
    """An ad set and the campaign it belongs to."""

    campaign: Campaign

    @property
    def goal(self) -> str:
        """The optimisation goal; it follows from what the campaign is for."""
        return self.objective.goals[rand.pick(self.draw, 3, 10) * len(self.objective.goals) // 10]

    @property
    def attribution(self) -> str:
        """The attribution setting: most keep Meta's default, a day's click and seven days' click are there too."""
        return ("1d_click", "7d_click", "7d_click", *["7d_click_1d_view"] * 7)[rand.pick(self.draw, 4, 10)]


@dataclass(frozen=True, eq=False)
class Ad(Item):
    """An ad, its parents and the id of its creative."""

    campaign: Campaign
    adset: AdSet
    creative_id: str


def _outcome(draw: int, stream: int, ended: bool, stays_active: int) -> str:
    """What a team did with an object after it ended, in percent: left on, paused, archived or deleted."""
    if not ended:
        return "ACTIVE"
    chance = rand.pick(draw, stream, 100)
    if chance < stays_active:
        return "ACTIVE"
    return ("PAUSED", "PAUSED", "PAUSED", "ARCHIVED", "DELETED")[rand.pick(draw, stream + 1, 5)]


def _effective(own: str, *parents: tuple[str, str]) -> str:
    """Meta's effective status: gone beats everything, then the object's own switch, then its parents'."""
    everyone = (own, *(status for status, _ in parents))
    for gone in ("DELETED", "ARCHIVED"):
        if gone in everyone:
            return gone
    if own == "PAUSED":
        return "PAUSED"
    return next((label for status, label in parents if status == "PAUSED"), own)


Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
_MASKS = 128


class Inventory:
    """Every object that stood in the window, with the parents of each ad as positions.

    `ad_campaign` and `ad_adset` map an ad's position to its parents' positions; ads of one parent are neighbours.
    """

    def __init__(self, calendar: Calendar, first: int, today: int) -> None:
        self.account: Account = calendar.account
        self.today = today
        lives = calendar.between(first, today)
        traits = calendar.traits(lives)
        self._codes_sorted = np.sort(lives.code)
        self._codes_order = np.argsort(lives.code)
        self.campaigns: list[Campaign] = []
        self.adsets: list[AdSet] = []
        self.ads: list[Ad] = []
        ad_campaign: list[int] = []
        ad_adset: list[int] = []
        seen_campaign, seen_adset = (-1, -1), (-1, -1)
        columns = (lives.slot, lives.ordinal, lives.generation, lives.start, lives.end, lives.campaign_start,
                   lives.campaign_end, traits.own_end, traits.adset_end, traits.campaign_end,
                   traits.delivers.astype(np.int64))  # fmt: skip
        for slot, ordinal, generation, start, end, c_start, c_end, own_end, a_stop, c_stop, delivers in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            campaign_slot, adset_slot = slot // calendar.ads_per_campaign, slot // calendar.ads_per_adset
            if (campaign_slot, generation) != seen_campaign:
                seen_campaign = (campaign_slot, generation)
                self.campaigns.append(self._campaign(campaign_slot, generation, c_start, c_end, c_stop))
            if (adset_slot, generation) != seen_adset:
                seen_adset = (adset_slot, generation)
                self.adsets.append(self._adset(adset_slot, generation, c_start, a_stop))
            ad_campaign.append(len(self.campaigns) - 1)
            ad_adset.append(len(self.adsets) - 1)
            self.ads.append(self._ad(slot, ordinal, start, end, own_end=own_end, delivers=bool(delivers)))
        self.texts: dict[tuple[str, str], list[str]] = {}
        self.masks: dict[Hashable, Mask] = {}
        self.ad_campaign: Ints = np.array(ad_campaign, dtype=np.int64)
        self.ad_adset: Ints = np.array(ad_adset, dtype=np.int64)

    def _campaign(self, slot: int, generation: int, start: int, end: int, stop: int) -> Campaign:
        draw = rand.key(self.account.key, 1, slot, generation)
        begins, objective = dt.date.fromordinal(start), of_campaign(slot)
        name = names.campaign(self.account.key, slot, objective.label, self.account.market.countries, begins)
        status = _outcome(draw, 1, self.today >= stop, 0)
        return Campaign(ids.object_id(self.account.number, ids.CAMPAIGN, slot, generation), name, status, status,
                        begins, dt.date.fromordinal(end), draw, slot, objective)  # fmt: skip

    def _adset(self, slot: int, generation: int, start: int, stop: int) -> AdSet:
        draw, campaign = rand.key(self.account.key, 2, slot, generation), self.campaigns[-1]
        status = _outcome(draw, 1, self.today >= stop, 35)
        effective = _effective(status, (campaign.status, "CAMPAIGN_PAUSED"))
        return AdSet(ids.object_id(self.account.number, ids.ADSET, slot, generation),
                     names.adset(self.account.key, slot, generation), status, effective,
                     dt.date.fromordinal(start), dt.date.fromordinal(stop), draw, slot, campaign.objective,
                     campaign)  # fmt: skip

    def _ad(self, slot: int, ordinal: int, start: int, end: int, *, own_end: int, delivers: bool) -> Ad:
        draw, adset = rand.key(self.account.key, 3, slot, ordinal), self.adsets[-1]
        status = _outcome(draw, 1, self.today >= own_end, 20)
        parents = ((adset.campaign.status, "CAMPAIGN_PAUSED"), (adset.status, "ADSET_PAUSED"))
        effective = _effective(status, *parents)
        if effective == "ACTIVE" and not delivers:
            effective = ("DISAPPROVED", "WITH_ISSUES", "PENDING_REVIEW")[rand.pick(draw, 9, 3)]
        begins = dt.date.fromordinal(start)
        return Ad(ids.object_id(self.account.number, ids.AD, slot, ordinal),
                  names.ad(self.account.key, slot, ordinal, begins), status, effective, begins,
                  dt.date.fromordinal(end), draw, slot, adset.objective, adset.campaign, adset,
                  ids.object_id(self.account.number, ids.CREATIVE, slot, ordinal))  # fmt: skip

    def remove(self, gone: Sequence[int], status: str) -> None:
        """Let these ads be archived or deleted; only for an inventory that nobody has read from yet."""
        for position in gone:
            self.ads[position] = replace(self.ads[position], status=status, effective_status=status)

    def positions(self, codes: Ints) -> Ints:
        """Where the ads with these codes stand in `ads`."""
        return self._codes_order[np.searchsorted(self._codes_sorted, codes)]

    def at(self, level: str) -> Sequence[Any]:
        """The objects of a level, in order: `campaign`, `adset` or `ad`."""
        levels: dict[str, Sequence[Any]] = {"campaign": self.campaigns, "adset": self.adsets, "ad": self.ads}
        return levels[level]

    def mask(self, level: str, of: Hashable, test: Callable[[Any], bool]) -> Mask:
        """Which objects of a level pass a test; remembered under `of`, since each page of a report asks again."""
        found = self.masks.get((level, of))
        if found is None:
            found = np.array([test(item) for item in self.at(level)], dtype=np.bool_)
            if len(self.masks) >= _MASKS:
                self.masks.clear()
            self.masks[level, of] = found
        return found

    def parents(self, level: str) -> Ints:
        """For each ad, the position of its object at `level`."""
        if level == "ad":
            return np.arange(len(self.ads), dtype=np.int64)
        return self.ad_campaign if level == "campaign" else self.ad_adset

    def attributions(self, level: str) -> list[str]:
        """For each object of a level, or for the account, the setting of its ad sets; `mixed` where they differ."""
        if level == "ad":
            return [ad.adset.attribution for ad in self.ads]
        if level == "adset":
            return [adset.attribution for adset in self.adsets]
        found: dict[str, set[str]] = {}
        for adset in self.adsets:
            found.setdefault(adset.campaign.id if level == "campaign" else "", set()).add(adset.attribution)
        return [settings.pop() if len(settings) == 1 else "mixed" for settings in found.values()]

    @cached_property
    def by_id(self) -> dict[str, tuple[str, int]]:
        """Each object's level and position by its id; a creative stands where its ad stands."""
        found = {item.id: (level, n) for level in ("campaign", "adset", "ad") for n, item in enumerate(self.at(level))}
        found.update({ad.creative_id: ("creative", n) for n, ad in enumerate(self.ads)})
        return found


__all__ = ["HIDDEN", "Ad", "AdSet", "Campaign", "Inventory", "Item"]
