"""A page that comes again in place of the next one: its rows are read again, in smaller questions, or named as lost."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import pytest

from lib.meta import fields
from lib.meta.service import MetaService
from lib.refresh.fetch import Fetched, Fetcher, FetchKind
from lib.refresh.plan import Span
from tests.clocks import FakeClock
from tests.fixtures_wire import Answer, Asked, Wire, ok

DAY = dt.date(2026, 5, 1)
ADS = {1: 10, 2: 10, 3: 20, 4: 20, 5: 30, 6: 30}
"""Ads and their campaigns."""
KINDS = [FetchKind(), FetchKind(fields.BREAKDOWNS["country"])]


@pytest.fixture
def service(wire: Wire) -> Iterator[MetaService]:
    service = MetaService("t", wire.url, clock=FakeClock())
    yield service
    service.close()


def row(ad: int) -> dict[str, Any]:
    ids = {"account_id": "7", "campaign_id": str(ADS[ad]), "adset_id": "2", "ad_id": str(ad)}
    return {**ids, "date_start": DAY.isoformat(), "date_stop": DAY.isoformat(), "spend": "1", "country": "DE"}


def server(repeats: Callable[[list[int]], bool]) -> Callable[[Asked], Answer]:
    """Two ads a page; the second page of a question for these ads is the first one again where it ``repeats``."""

    def reply(asked: Asked) -> Answer:
        edge = asked.path.partition("/")[2]
        if edge == "campaigns":
            return ok({"data": [{"id": str(number)} for number in sorted(set(ADS.values()))]})
        if edge == "ads":
            return ok({"data": [{"id": str(ad)} for ad in ADS if asked.path == f"{ADS[ad]}/ads"]})
        if not edge:
            return ok({"id": "act_7", "account_id": "7"})
        ads = [ad for ad in ADS if wanted(asked, ad)]
        start = int(asked.params.get("after", 0))
        page = ads[:2] if start and repeats(ads) else ads[start : start + 2]
        paging = {"next": "y", "cursors": {"after": str(start + 2)}} if start + 2 < len(ads) else {}
        return ok({"data": [row(ad) for ad in page], "paging": paging})

    return reply


def wanted(asked: Asked, ad: int) -> bool:
    values = {"campaign.id": ADS[ad], "ad.id": ad}
    conditions = [one for one in json.loads(asked.params.get("filtering", "[]")) if one["field"] in values]
    return all((str(values[one["field"]]) in one["value"]) == (one["operator"] == "IN") for one in conditions)


def fetched(service: MetaService, kind: FetchKind) -> tuple[list[Hashable], list[Fetched]]:
    parts = Fetcher(service, 7, kind=kind).fetch(Span(DAY, DAY))
    ads = sorted(row.ad_id for part in parts for row in part.days[DAY].values())
    return list(ads), parts


@pytest.mark.parametrize("kind", KINDS, ids=["plain", "country"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_page_in_place_of_the_next_one_costs_no_ad(
    wire: Wire, service: MetaService, kind: FetchKind, times: int
) -> None:
    left = [True] * times
    wire.reply = server(lambda ads: bool(left) and left.pop())
    ads, (part,) = fetched(service, kind)
    assert (ads, part.dropped) == ([1, 2, 3, 4, 5, 6], {})
    assert not left


@pytest.mark.parametrize("kind", KINDS, ids=["plain", "country"])
def test_pages_that_always_repeat_are_asked_for_in_smaller_questions(
    wire: Wire, service: MetaService, kind: FetchKind
) -> None:
    wire.reply = server(lambda ads: True)
    ads, (part,) = fetched(service, kind)
    assert (ads, part.dropped) == ([1, 2, 3, 4, 5, 6], {})
