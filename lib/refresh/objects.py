"""A question in smaller pieces: by the account's objects, and by the fields that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lib.meta.asking import InsightsAsk
from lib.meta.errors import BrokenObject, TooMuchData, Transient
from lib.meta.service import ENTITIES_A_PAGE, MetaService

Known = Callable[[], Mapping[int, Sequence[int]]]
SMALL_LIST = 10
"""A list that was refused is read in pages of so many, as far as it goes."""


@dataclass
class InTheWay:
    """What was in the way of one account's questions for any kind of rows, and its objects as Meta lists them.

    Nothing is left out for it: where a question of another kind is refused as well, this is what is tried apart first.
    ``lost_by_some`` are fields that single objects lack; they are tried apart where one campaign or less is asked for.
    """

    campaigns: list[int] | None = None
    ads: dict[int, list[int]] = field(default_factory=dict)
    sick_campaigns: set[int] = field(default_factory=set)
    sick_ads: set[int] = field(default_factory=set)
    lost_fields: set[str] = field(default_factory=set)
    lost_by_some: set[str] = field(default_factory=set)


def is_one_campaign(ask: InsightsAsk) -> bool:
    """Whether it asks for all of one campaign."""
    return ask.campaign_ids is not None and len(ask.campaign_ids) == 1 and ask.ad_ids is None and not ask.without_ads


class Objects:
    """The campaigns and ads of one account, listed when they are first needed, and those that were poisonous.

    ``found`` is what is known of them by any kind of rows. Where Meta refuses a list as well, ``known`` gives the ads
    by campaign that the store knows of.
    """

    def __init__(self, service: MetaService, account_id: int, known: Known, found: InTheWay) -> None:
        self._service = service
        self._account_id = account_id
        self._known = known
        self._found = found
        self._sick_campaigns: set[int] = set()
        self._given_up: set[int] = set()

    def suspects_others(self, ask: InsightsAsk) -> bool:
        """Whether a question of the whole account, which was refused, may be so for what other kinds have found.

        From then on it is asked for around that.
        """
        is_whole = ask.campaign_ids is None and not ask.without_campaigns
        if not is_whole or self._found.sick_campaigns <= self._sick_campaigns:
            return False
        self._sick_campaigns |= self._found.sick_campaigns
        return True

    def around_the_sick(self, ask: InsightsAsk) -> list[InsightsAsk]:
        """The whole account's question without its sick campaigns, and one for each of these; none where all are well.

        It saves the search for them in every further span.
        """
        if not self._sick_campaigns or ask.without_campaigns or ask.campaign_ids is not None:
            return []
        sick = tuple(sorted(self._sick_campaigns))
        return [replace(ask, without_campaigns=sick), *(replace(ask, campaign_ids=(number,)) for number in sick)]

    def pieces(self, ask: InsightsAsk) -> list[InsightsAsk]:
        """Smaller questions that make up ``ask`` together; none where it cannot be divided.

        What Meta's lists leave out is asked for as the rest of them.
        """
        if ask.ad_ids is not None:
            return [replace(ask, ad_ids=part) for part in _parts(ask.ad_ids, self._found.sick_ads)]
        if ask.campaign_ids is None:
            return self._by_campaigns(ask)
        if len(ask.campaign_ids) == 1:
            is_whole = not ask.without_ads and ask.campaign_ids[0] not in self._given_up
            return self._by_ads(ask, ask.campaign_ids[0]) if is_whole else []
        return [replace(ask, campaign_ids=part) for part in _parts(ask.campaign_ids, self._found.sick_campaigns)]

    def give_up(self, ask: InsightsAsk) -> None:
        """Divide this campaign no more."""
        self._given_up.update(ask.campaign_ids or ())

    def note_sick(self, ask: InsightsAsk) -> list[str]:
        """The names of what a question that cannot be divided asks for; none where that is no object."""
        for sick in (self._sick_campaigns, self._found.sick_campaigns):
            sick.update(ask.campaign_ids or ())
        self._found.sick_ads.update(ask.ad_ids or ())
        if ask.ad_ids is not None:
            return [f"ad {number}" for number in ask.ad_ids]
        if ask.without_ads:
            return [f"ads of campaign {number} that no list names" for number in ask.campaign_ids or ()]
        if ask.without_campaigns:
            return ["campaigns that no list names"]
        return [f"campaign {number}" for number in ask.campaign_ids or ()]

    def _by_campaigns(self, ask: InsightsAsk) -> list[InsightsAsk]:
        if self._found.campaigns is None:
            self._found.campaigns = self._listed(
                lambda size: self._service.get_campaign_ids(self._account_id, size), self._known
            )
        known = [number for number in self._found.campaigns if number not in ask.without_campaigns]
        if not known:
            return []
        parts = _parts(known, self._found.sick_campaigns) or [tuple(known)]
        asked = [replace(ask, campaign_ids=part, without_campaigns=()) for part in parts]
        return [*asked, replace(ask, without_campaigns=(*ask.without_campaigns, *known))]

    def _by_ads(self, ask: InsightsAsk, campaign_id: int) -> list[InsightsAsk]:
        ads = self._found.ads
        if campaign_id not in ads:
            ads[campaign_id] = self._listed(
                lambda size: self._service.get_ad_ids(self._account_id, campaign_id, size),
                lambda: self._known().get(campaign_id, ()),
            )
        parts = _parts(ads[campaign_id], self._found.sick_ads)
        if not parts:
            return []
        return [*(replace(ask, ad_ids=part) for part in parts), replace(ask, without_ads=tuple(ads[campaign_id]))]

    def _listed(self, pages: Callable[[int], Iterator[list[int]]], known: Callable[[], Iterable[int]]) -> list[int]:
        """What Meta lists; where it refuses that, what it lists until then and what is known besides."""
        found: dict[int, None] = {}
        for size in (ENTITIES_A_PAGE, SMALL_LIST):
            try:
                for page in pages(size):
                    found |= dict.fromkeys(page)
            except (TooMuchData, Transient, BrokenObject):
                continue
            return list(found)
        return list(found | dict.fromkeys(known()))


def _parts(ids: Sequence[int], sick: Iterable[int]) -> list[tuple[int, ...]]:
    """The healthy ones together and each sick one alone; halves where there are no sick ones; none of one id."""
    if len(ids) < 2:
        return []
    alone = [number for number in ids if number in set(sick)]
    if not alone or len(alone) == len(ids):
        middle = len(ids) // 2
        return [tuple(ids[:middle]), tuple(ids[middle:])]
    healthy = tuple(number for number in ids if number not in alone)
    return [healthy, *((number,) for number in alone)]
