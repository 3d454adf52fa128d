"""Pages are decoded into rows of a class; whatever does not fit is decoded plainly and means the same."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.meta import fields
from lib.meta.cells import jsonb
from lib.meta.fields import BREAKDOWNS
from lib.meta.parse import AdDay, Unreadable, ad_day, breakdown_day
from lib.meta.rows import PLACES, InsightRow, decoded, page_of

ACCOUNT = 583878092736526
ROW = {"account_id": str(ACCOUNT), "date_start": "2026-05-01", "date_stop": "2026-05-01", "ad_id": "90071992547409931",
       "adset_id": "90071992547409933", "campaign_id": "90071992547409935"}  # fmt: skip
BOTH = [{"action_type": "purchase", "value": "2", "7d_click": "1"}, {"action_type": "video_view", "value": "9"}]


def body(*rows: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"data": [ROW | row for row in rows], **more}).encode()


def read(content: bytes) -> list[AdDay]:
    return [ad_day(ACCOUNT, ("7d_click",))(row) for row in page_of(content)["data"]]


def read_plainly(content: bytes) -> list[AdDay]:
    return [ad_day(ACCOUNT, ("7d_click",))(row) for row in orjson.loads(content)["data"]]


def stored(row: AdDay) -> list[Any]:
    """The cells of its line; lists of actions as what they say."""
    *numbers, actions, values = row.line.decode().rstrip("\n").split("\t")
    return [
        *numbers,
        *(None if cell == "\\N" else json.loads(cell.replace("\\\\", "\\")) for cell in (actions, values)),
    ]


def same(left: list[AdDay], right: list[AdDay]) -> bool:
    return [(stored(row), row[:5], row[6:]) for row in left] == [(stored(row), row[:5], row[6:]) for row in right]


def test_a_row_has_a_place_for_all_that_is_asked_for() -> None:
    segments = {name for one in BREAKDOWNS.values() for name in one.columns}
    assert {*fields.AD_INSIGHT, *fields.BREAKDOWN_INSIGHT, *segments, "date_start", "date_stop"} == set(PLACES)


texts = st.text(st.characters(codec="utf-8"), max_size=12)
scalars = (
    st.none() | st.integers(0, 10**12) | st.integers(0, 10**12).map(str) | st.decimals(0, 10**6, places=2).map(str)
)
entries = st.fixed_dictionaries(
    {"action_type": st.sampled_from(["purchase", "omni_purchase", "lead", "video_view", "other"]) | texts},
    optional={"value": scalars, "7d_click": scalars, "id": texts},
)
lists = st.none() | st.lists(entries, max_size=4)
drawn = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("spend", "impressions", "reach", "clicks"), scalars),
        **dict.fromkeys(("actions", "action_values", "video_play_actions", "outbound_clicks"), lists),
        **dict.fromkeys(("ad_name", "campaign_name"), st.none() | texts),
        "something_new": st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner)),
    },
)


@given(rows=st.lists(drawn, max_size=3), ascii_only=st.booleans(), indent=st.sampled_from([None, 1, "\t"]))
def test_both_ways_of_decoding_mean_the_same(rows: list[dict[str, Any]], ascii_only: bool, indent: Any) -> None:
    page = {"data": [ROW | row for row in rows], "paging": {"cursors": {"after": "x"}}}
    content = json.dumps(page, ensure_ascii=ascii_only, indent=indent).encode()
    assert same(read(content), read_plainly(content))
    assert page_of(content)["paging"] == page["paging"]


def test_a_usual_page_is_of_rows() -> None:
    page = page_of(body({"spend": "1.50", "actions": BOTH}, paging={"next": "https://x/?after=y"}))
    assert isinstance(page["data"][0], InsightRow)
    assert (page["data"][0].spend, page["paging"]["next"]) == ("1.50", "https://x/?after=y")


def test_what_was_sent_is_stored_as_it_was_sent() -> None:
    (row,) = read(body({"actions": BOTH}))
    assert row.line.rstrip(b"\n").split(b"\t")[-2] == json.dumps(BOTH).encode()


OTHERS = {
    "laid out over lines": json.dumps({"data": [ROW | {"actions": BOTH}]}, indent=2).encode(),
    "numbers as numbers": body({"spend": 1.5, "impressions": 7, "actions": [{"action_type": "lead", "value": 3}]}),
    "text beyond ASCII": json.dumps({"data": [ROW | {"ad_name": "\u00dcber"}]}, ensure_ascii=False).encode(),
    "half an emoji in a name": body({"ad_name": "cut"}).replace(b"cut", b"\\ud83d"),
    "half an emoji in an action": body({"actions": [{"action_type": "cut"}]}).replace(b"cut", b"\\ud83d"),
    "a NUL in an action": body({"actions": [{"action_type": "a\0b", "value": "1"}]}),
    "empty lists": body({"actions": [], "action_values": None, "video_play_actions": []}),
    "a list that is none": body({"actions": ""}),
    "an entry without its type": body({"outbound_clicks": [{"value": "3"}]}),
    "numbers that PostgreSQL has no room for": body({"actions": [{"action_type": "x", "value": "1", "z": 0}]}).replace(
        b'"z": 0', b'"z": 1e-20000'
    ),
    "a list within": body({"actions": [{"action_type": "x", "value": "1", "z": [[["y"]]]}]}),
    "a type that is a number": body({"actions": [{"action_type": 5, "value": "3"}]}),
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_what_is_unusual_is_read_all_the_same(content: bytes) -> None:
    (row,) = read(content)
    assert (row.ad_id, row.line.count(b"\n"), b"u0000" in row.line) == (90071992547409931, 1, False)
    assert b"\\ud83d" not in row.line
    json.loads(row.line.split(b"\t")[-2].replace(b"\\\\", b"\\").replace(b"\\N", b"null"))


NO_PAGES = {
    "nested too deeply": body({"actions": "x"}).replace(b'"x"', b"[" * 5000 + b"]" * 5000),
    "a page of a gateway": b"<html>502</html>",
    "cut short": body({"actions": BOTH})[:-20],
    "bytes that are no text": body({"ad_name": "x"}).replace(b'"x"', b'"\xff"'),
    "bytes that are no text among what is not read": body({"new": "x"}).replace(b'"x"', b'"\xff"'),
}


@pytest.mark.parametrize("content", NO_PAGES.values(), ids=NO_PAGES)
def test_what_is_no_json_is_none(content: bytes) -> None:
    assert page_of(content) is None


def test_an_error_beside_rows_stays_one() -> None:
    content = body({}, error={"code": 17})
    assert page_of(content) == decoded(content)
    assert page_of(b'{"error": {"code": 17}}') == {"error": {"code": 17}}


def test_a_list_that_cannot_be_decoded_is_no_empty_one() -> None:
    content = body({"actions": [{"action_type": "purchase", "value": "3"}, {"action_type": "x", "value": "9"}]})
    with pytest.raises(Unreadable):
        read(content.replace(b'"9"', b"1e400"))


@pytest.mark.parametrize("row", ["x", 5, None, [], {"actions": 5}, {"video_play_actions": 5}], ids=str)
def test_what_is_no_row_is_refused(row: Any) -> None:
    content = json.dumps({"data": [ROW | row if isinstance(row, dict) else row]}).encode()
    with pytest.raises(Unreadable):
        read(content)


def test_a_segment_that_is_missing_is_refused() -> None:
    rows = page_of(body({"country": "DE"}, {}))["data"]
    parse = breakdown_day(ACCOUNT, BREAKDOWNS["country"])
    assert parse(rows[0]).key == (90071992547409931, "DE", "")
    with pytest.raises(Unreadable, match="segment"):
        parse(rows[1])


def test_a_cell_of_copy_is_one_line_without_nul() -> None:
    assert jsonb(rb'[{"a": "x\\y\u0000\n"}]') == rb'[{"a":"x\\\\y\\n"}]'
