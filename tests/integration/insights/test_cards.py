"""What is kept of ads is shown to whoever sees their account and to nobody else; rankings are of exactly the days."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from sqlalchemy import insert

from dashboard import bridge
from dashboard.frames import Reader
from lib.access.viewer import Viewer
from lib.errors import StoreUnavailable
from lib.history import earliest
from lib.insights.cards import (
    NO_CREATIVE,
    NO_LINK,
    NOT_BEGUN,
    NOT_DESCRIBED,
    NOT_KEPT,
    NOT_RANKED,
    Card,
    ad_cards,
    creative_cards,
)
from lib.insights.reach import NONE, NOT_ENDED, NOT_FETCHED
from lib.store.engine import Store
from lib.store.models import CreativePicture
from lib.zones import today_in
from tests import factories
from tests.factories import viewer_of

SINCE, UNTIL = dt.date(2026, 1, 5), dt.date(2026, 1, 11)
LINK = "https://scontent.fbcdn.net/a.png?oe=1"
MINE, ALL = (71, 72, 73, 74, 75), (71, 72, 73, 74, 75, 91)
RANKED = {"quality_ranking": "ABOVE_AVERAGE", "conversion_rate_ranking": "BELOW_AVERAGE_35"}


@pytest.fixture
async def viewers(store: Store) -> tuple[Viewer, Viewer]:
    """Ana sees account 11 and its ads 71 to 75, Ben account 22 and its ad 91; both creatives have a picture."""
    async with store.working() as session:
        acme, bolt = [await factories.add_client(session, slug) for slug in ("acme", "bolt")]
        await factories.add_account(session, 11, acme)
        await factories.add_account(session, 22, bolt)
        for account, ad, creative in ((11, 71, 701), (11, 72, 702), (11, 73, 703), (11, 74, 704), (22, 91, 901)):
            await factories.add_ad(session, account, ad, name=f"Ad {ad}", creative_id=creative)
        await factories.add_ad(session, 11, 75, effective_status="DELETED")
        texts = {"title": "A title", "body": "A body", "thumbnail_url": LINK}
        for account, creative in ((11, 701), (22, 901)):
            await factories.put_creative(session, account, creative, **texts, effective_status="ACTIVE")
            await keep(session, account, creative, f"picture {creative}".encode())
        await factories.put_creative(session, 11, 702, thumbnail_url=LINK)
        await factories.put_creative(session, 11, 703)
        rows = [{"object_id": 71, **RANKED}, {"object_id": 72}]
        await factories.add_period(session, 11, "ad", SINCE, UNTIL, rows)
        await factories.add_period(session, 22, "ad", SINCE, UNTIL, [{"object_id": 91, **RANKED}])
    return viewer_of((11,), (acme,)), viewer_of((22,), (bolt,))


async def keep(session: Any, account: int, creative: int, content: bytes) -> None:
    values = {"account_id": account, "creative_id": creative, "content": content, "content_type": "image/png"}
    await session.execute(insert(CreativePicture).values(**values, source_key="/a.png", fetched_at=factories.NOW))


async def test_a_card_has_the_picture_the_texts_the_status_and_the_rankings(
    store: Store, viewers: tuple[Viewer, Viewer]
) -> None:
    before = store.statements
    found = await ad_cards(store, viewers[0], ALL, SINCE, UNTIL)
    assert store.statements - before == 4, "the ads, their account's period, the rankings, and the role"
    card = found[71]
    assert (card.account_id, card.name, card.status) == (11, "Ad 71", "ACTIVE")
    assert (card.title, card.body) == ("A title", "A body")
    assert card.picture is not None
    assert (card.picture.content, card.picture.content_type, card.no_picture) == (b"picture 701", "image/png", "")
    assert (card.rankings, card.no_ranking) == (RANKED, NOT_RANKED)
    assert found[75].status == "DELETED"


async def test_nobody_gets_a_card_of_what_is_not_theirs(store: Store, viewers: tuple[Viewer, Viewer]) -> None:
    ana, ben = viewers
    assert set(await ad_cards(store, ana, ALL, SINCE, UNTIL)) == set(MINE)
    hers, his = await creative_cards(store, ana, (701, 901)), await creative_cards(store, ben, (701, 901))
    assert (set(hers), set(his)) == ({701}, {901})
    assert set(await ad_cards(store, ben, ALL, SINCE, UNTIL)) == {91}
    for stranger in (viewer_of(()), viewer_of((33,)), dataclasses.replace(ana, account_ids=frozenset())):
        assert await ad_cards(store, stranger, ALL, SINCE, UNTIL) == {}
        assert await creative_cards(store, stranger, (701, 901)) == {}


async def test_the_same_id_in_another_account_is_another_creative(store: Store, viewers: tuple[Viewer, Viewer]) -> None:
    async with store.working() as session:
        await factories.put_creative(session, 22, 702, thumbnail_url=LINK, title="Theirs")
        await factories.put_creative(session, 22, 704, thumbnail_url=LINK, title="Theirs")
        await keep(session, 22, 702, b"theirs")
        await factories.add_period(session, 22, "ad", UNTIL, UNTIL, [{"object_id": 71, **RANKED}])
    found = await ad_cards(store, viewer_of((11, 22)), (72, 74), SINCE, UNTIL)
    assert [(card.title, card.picture) for card in found.values()] == [("", None), ("", None)]
    assert (await ad_cards(store, viewer_of((11, 22)), (71,), UNTIL, UNTIL))[71].rankings == {}


async def test_what_is_missing_says_why(store: Store, viewers: tuple[Viewer, Viewer]) -> None:
    found = await ad_cards(store, viewers[0], MINE, SINCE, UNTIL)
    said = {number: (card.no_picture, card.no_ranking) for number, card in found.items()}
    assert said == {
        71: ("", NOT_RANKED),
        72: (NOT_KEPT, NOT_RANKED),
        73: (NO_LINK, NONE),
        74: (NOT_DESCRIBED, NONE),
        75: (NO_CREATIVE, NONE),
    }


@pytest.mark.parametrize(
    ("since", "until", "reason"),
    [
        (SINCE, UNTIL - dt.timedelta(days=1), NOT_FETCHED),
        (SINCE + dt.timedelta(days=1), UNTIL, NOT_FETCHED),
        (SINCE, UNTIL + dt.timedelta(days=1), NOT_FETCHED),
        (dt.date(2006, 1, 1), dt.date(2006, 1, 31), "Meta keeps 37 months"),
        (dt.date(2100, 1, 1), dt.date(2100, 1, 31), NOT_BEGUN),
    ],
)
async def test_rankings_of_other_days_are_not_taken_for_these(
    store: Store, viewers: tuple[Viewer, Viewer], since: dt.date, until: dt.date, reason: str
) -> None:
    card = (await ad_cards(store, viewers[0], (71,), since, until))[71]
    assert card.rankings == {}
    assert card.no_ranking.startswith(reason)
    assert card.can_be_fetched == (reason == NOT_FETCHED)


async def test_a_period_that_goes_on_is_that_until_today_of_the_account(
    store: Store, viewers: tuple[Viewer, Viewer]
) -> None:
    today = today_in("Europe/Berlin")
    async with store.working() as session:
        until_now = (today - dt.timedelta(days=3), today)
        await factories.add_period(session, 11, "ad", *until_now, [{"object_id": 71, **RANKED}], period_ended=False)
    for until in (today, today + dt.timedelta(days=4)):
        card = (await ad_cards(store, viewers[0], (71,), today - dt.timedelta(days=3), until))[71]
        assert (card.rankings, card.no_ranking, card.can_be_fetched) == (RANKED, NOT_RANKED, False)


async def test_a_period_that_ended_since_and_one_that_meta_refused(
    store: Store, viewers: tuple[Viewer, Viewer]
) -> None:
    first = earliest(today_in("Europe/Berlin")) + dt.timedelta(days=60)
    async with store.working() as session:
        early = {"period_ended": False}
        await factories.add_period(session, 11, "ad", first, first, [{"object_id": 71, **RANKED}], **early)
        refusal = {"unavailable_reason": "Meta did not serve it: no.", "fetched_at": dt.datetime.now(dt.UTC)}
        await factories.add_period(session, 11, "ad", SINCE, SINCE, **refusal)
        await factories.add_period(session, 11, "ad", UNTIL, UNTIL, **{**refusal, "fetched_at": factories.NOW})
    card = (await ad_cards(store, viewers[0], (71,), first, first))[71]
    assert (card.rankings, card.no_ranking, card.can_be_fetched) == (RANKED, NOT_ENDED, True)
    refused = (await ad_cards(store, viewers[0], (71,), SINCE, SINCE))[71]
    assert (refused.rankings, refused.can_be_fetched) == ({}, False)
    assert refused.no_ranking.startswith("Meta did not serve it: no")
    assert (await ad_cards(store, viewers[0], (71,), UNTIL, UNTIL))[71].can_be_fetched, "that was long ago"


@pytest.fixture
def on_this_loop(store: Store) -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()
    bridge.detach()


async def test_what_is_held_of_one_viewer_is_not_given_to_another(
    store: Store, viewers: tuple[Viewer, Viewer], on_this_loop: None
) -> None:
    bridge.attach(asyncio.get_running_loop(), store)

    def asked(viewer: Viewer) -> dict[int, Card]:
        reader = Reader(viewer, "mirror 1")
        return {**reader.ad_cards(ALL, SINCE, UNTIL), **reader.creative_cards((701, 901))}

    ana, ben = viewers
    assert set(await asyncio.to_thread(asked, ana)) == {*MINE, 701}
    assert set(await asyncio.to_thread(asked, ben)) == {91, 901}
    before = store.statements
    assert set(await asyncio.to_thread(asked, viewer_of((11,)))) == {*MINE, 701}
    assert store.statements == before, "the same accounts and role share it"
    assert not await asyncio.to_thread(asked, dataclasses.replace(ana, account_ids=frozenset()))
    bridge.detach()
    with pytest.raises(StoreUnavailable):
        await asyncio.to_thread(lambda: Reader(viewer_of((11, 22)), "mirror 1").ad_cards(ALL, SINCE, UNTIL))
