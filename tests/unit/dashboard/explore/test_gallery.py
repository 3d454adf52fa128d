"""Cards below the table: Meta's words as Ads Manager has them, each ad once in the order of its rows, nothing runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.explore import cards
from dashboard.explore.gallery import ids_of, level_of, why_none
from dashboard.explore.view import ExploreView
from lib.insights.cards import NOT_RANKED, Card, Picture
from lib.insights.reach import NOT_ENDED, NOT_FETCHED
from lib.meta.fields import RANKINGS

PICTURE = Picture(b"\x89PNG\r\n\x1a\n", "image/png")
CARD = Card(11, 7, "Summer", "ACTIVE", "A title", "A body", PICTURE, "", {"quality_ranking": "AVERAGE"}, NOT_RANKED)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("ABOVE_AVERAGE", "Above average"),
        ("AVERAGE", "Average"),
        ("BELOW_AVERAGE_35", "Below average (bottom 35%)"),
        ("BELOW_AVERAGE_20", "Below average (bottom 20%)"),
        ("BELOW_AVERAGE_10", "Below average (bottom 10%)"),
        ("BELOW_AVERAGE_", "Below average "),
        ("SOMETHING_NEW", "Something new"),
    ],
)
def test_rankings_read_as_in_ads_manager(word: str, said: str) -> None:
    assert cards.ranking(word) == said


def test_every_ranking_that_is_fetched_has_a_label_in_the_order_of_ads_manager() -> None:
    assert list(cards.LABELS) == list(RANKINGS)
    assert list(cards.LABELS.values()) == ["Quality", "Engagement rate", "Conversion rate"]


@pytest.mark.parametrize(
    ("group_by", "pivot", "level"),
    [
        (("ad",), "", "ad"),
        (("creative",), "", "creative"),
        (("week", "creative", "ad"), "", "ad"),
        (("campaign", "ad"), "ad", ""),
        (("ad", "creative"), "ad", "creative"),
        (("ad", "week"), "week", "ad"),
        (("campaign", "status"), "", ""),
        ((), "", ""),
    ],
)
def test_rows_are_of_ads_or_of_creatives_or_of_neither(group_by: tuple[str, ...], pivot: str, level: str) -> None:
    assert level_of(ExploreView(group_by=group_by, pivot=pivot)) == level


def test_each_ad_comes_once_in_the_order_of_the_rows_and_other_is_none() -> None:
    rows = [{"ad": "9", "week": "2026-01-05"}, {"ad": "7"}, {"ad": ""}, {"ad": "9", "week": "2026-01-12"}, {"ad": "8"}]
    assert ids_of("ad", rows) == (9, 7, 8)
    assert ids_of("creative", rows) == ids_of("", rows) == ids_of("ad", []) == ()


def test_what_is_missing_is_a_dash_that_says_why() -> None:
    drawn = cards.grid([CARD], ranked=True)
    assert "<dt>Quality</dt><dd>Average</dd>" in drawn
    assert drawn.count(f'<dd title="{NOT_RANKED}">-</dd>') == 2
    assert "Quality" not in cards.grid([CARD], ranked=False)


def test_a_ranking_from_before_the_period_ended_says_so() -> None:
    drawn = cards.grid([replace(CARD, no_ranking=NOT_ENDED)], ranked=True)
    assert '<dd title="Fetched before the period had ended">Average</dd>' in drawn


def test_a_missing_picture_says_why_in_its_place() -> None:
    drawn = cards.grid([replace(CARD, picture=None, no_picture="Meta gives no <picture>")], ranked=True)
    assert "Meta gives no &lt;picture&gt;" in drawn
    assert "<img" not in drawn


def test_deleted_and_archived_ads_stand_out() -> None:
    drawn = {status: cards.grid([replace(CARD, status=status)], ranked=True) for status in ("DELETED", "ARCHIVED", "")}
    assert '<span class="card_status card_gone">Deleted</span>' in drawn["DELETED"]
    assert '<span class="card_status card_gone">Archived</span>' in drawn["ARCHIVED"]
    assert "card_status" not in drawn[""]
    assert "card_gone" not in cards.grid([CARD], ranked=True)


def test_words_from_outside_are_words() -> None:
    hostile = "\"><script>alert('x')</script>"
    picture = Picture(b'"><script>', hostile)
    card = Card(11, 7, hostile, hostile, hostile, hostile, picture, "", {"quality_ranking": hostile}, hostile)
    drawn = cards.grid([card], ranked=True)
    assert "<script" not in drawn
    assert "&lt;script&gt;" in drawn
    assert cards.address(PICTURE) == "data:image/png;base64,iVBORw0KGgo="
    assert 'src="data:' in drawn
    assert "http" not in drawn.replace(hostile, "")


def test_why_there_is_none_is_said_once_where_it_is_one_reason() -> None:
    bare = replace(CARD, rankings={}, no_ranking=NOT_FETCHED)
    assert why_none([bare, bare]) == NOT_FETCHED
    assert why_none([bare, CARD]) == why_none([bare, replace(bare, no_ranking=NOT_RANKED)]) == why_none([]) == ""
    assert cards.sentence(NOT_FETCHED) == "Not fetched for this period yet"
