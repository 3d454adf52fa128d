"""One question for insight rows, as it goes over the wire."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lib.meta import fields

PAGE_SIZE = 1000
MOST_IDS = 50
"""More ids than this make an address that servers on the way may refuse; the body of a POST holds any number."""

_STATUSES = {"ad": fields.AD_STATUSES, "adset": fields.ADSET_STATUSES, "campaign": fields.CAMPAIGN_STATUSES}


@dataclass(frozen=True)
class InsightsAsk:
    """Rows of ``level`` from ``since`` to ``until``, both inclusive, objects of every status among them.

    ``daily`` gives one row for each day, else one for the whole period. ``campaign_ids`` and ``ad_ids`` narrow it to
    these objects (None: all), ``without_campaigns`` and ``without_ads`` leave these out. ``windows`` are attribution
    windows that come beside the account's own setting, which is always asked for. ``periods`` (first and last day)
    give one row for each of them, whatever ``since`` and ``until`` say.

    Source: https://developers.facebook.com/docs/marketing-api/insights/parameters
    """

    account_id: int
    since: dt.date
    until: dt.date
    level: str = "ad"
    breakdowns: tuple[str, ...] = ()
    fields: tuple[str, ...] = fields.AD_INSIGHT
    daily: bool = True
    campaign_ids: tuple[int, ...] | None = None
    ad_ids: tuple[int, ...] | None = None
    without_campaigns: tuple[int, ...] = ()
    without_ads: tuple[int, ...] = ()
    windows: tuple[str, ...] = ()
    periods: tuple[tuple[dt.date, dt.date], ...] = ()
    page_size: int = PAGE_SIZE

    @property
    def is_long(self) -> bool:
        """Whether it names too many objects for an address: only a report can be asked for it."""
        return sum(len(ids or ()) for _, _, ids in self._named()) > MOST_IDS

    def params(self) -> dict[str, Any]:
        """The parameters of the call; lists and objects are still to be written as JSON."""
        asked: dict[str, Any] = {
            "level": self.level,
            **self._times(),
            "fields": ",".join(self.fields),
            "use_unified_attribution_setting": "true",
            "limit": self.page_size,
        }
        if self.breakdowns:
            asked["breakdowns"] = ",".join(self.breakdowns)
        if self.windows:
            asked["action_attribution_windows"] = list(self.windows)
        if conditions := self._filtering():
            asked["filtering"] = conditions
        return asked

    def _times(self) -> dict[str, Any]:
        if self.periods:
            return {"time_ranges": [_range(since, until) for since, until in self.periods]}
        return {"time_increment": 1 if self.daily else "all_days", "time_range": _range(self.since, self.until)}

    def _named(self) -> list[tuple[str, str, tuple[int, ...] | None]]:
        return [
            ("campaign.id", "IN", self.campaign_ids),
            ("campaign.id", "NOT_IN", self.without_campaigns or None),
            ("ad.id", "IN", self.ad_ids),
            ("ad.id", "NOT_IN", self.without_ads or None),
        ]

    def _filtering(self) -> list[dict[str, Any]]:
        statuses = _STATUSES.get(self.level)
        found = [_condition(f"{self.level}.effective_status", "IN", statuses)] if statuses else []
        named = [(name, operator, ids) for name, operator, ids in self._named() if ids is not None]
        return found + [_condition(name, operator, map(str, ids)) for name, operator, ids in named]


def _range(since: dt.date, until: dt.date) -> dict[str, str]:
    return {"since": since.isoformat(), "until": until.isoformat()}


def _condition(name: str, operator: str, values: Iterable[str]) -> dict[str, Any]:
    return {"field": name, "operator": operator, "value": list(values)}
