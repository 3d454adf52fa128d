"""Meta's strings become exact numbers: absent zeros, one view of an event, money that is never a float."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.meta.fields import BREAKDOWNS
from lib.meta.parse import (
    ATTRIBUTION_COLUMNS,
    BREAKDOWN_COLUMNS,
    COPY_COLUMNS,
    EVENTS,
    AdDay,
    Unreadable,
    ad_day,
    breakdown_day,
    micros,
    numbers,
    whole,
)
from lib.store.models import COUNTS, MONEY, UNIQUES

ACCOUNT = 583878092736526
ROW = {"account_id": str(ACCOUNT), "date_start": "2026-05-01", "date_stop": "2026-05-01", "ad_id": "90071992547409931",
       "adset_id": "90071992547409933", "campaign_id": "90071992547409935"}  # fmt: skip


def cells(line: bytes) -> dict[str, str]:
    """A line of COPY by its columns."""
    return dict(zip(COPY_COLUMNS, line.decode().rstrip("\n").split("\t"), strict=True))


def actions(**values: Any) -> list[dict[str, Any]]:
    return [{"action_type": name.replace("__", "."), "value": str(value)} for name, value in values.items()]


def test_what_is_absent_is_zero_and_unknown_for_people() -> None:
    found = numbers({})
    assert set(found) == {*MONEY, *COUNTS, *UNIQUES}
    assert all(found[name] == 0 for name in (*MONEY, *COUNTS))
    assert all(found[name] is None for name in UNIQUES)


def test_zero_that_is_there_is_zero() -> None:
    found = numbers({"spend": "0", "reach": "0", "impressions": "0", "actions": actions(purchase=0)})
    assert (found["spend_micros"], found["reach"], found["impressions"], found["purchases"]) == (0, 0, 0, 0)


MONEY_CASES = [("12.34", 12_340_000), ("0.01", 10_000), ("0.1", 100_000), ("123456789012.99", 123_456_789_012_990_000),
               ("1480", 1_480_000_000), ("0.000001", 1), ("-3.5", -3_500_000), ("1E+3", 1_000_000_000),
               (12.34, 12_340_000), (7, 7_000_000), ("4503599627.370497", 4_503_599_627_370_497),
               ("0.1000000", 100_000)]  # fmt: skip


@pytest.mark.parametrize(("said", "stored"), MONEY_CASES)
def test_money_is_exact(said: Any, stored: int) -> None:
    assert micros(said) == stored
    assert type(micros(said)) is int


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_money_of_any_size_is_exact_to_the_cent(amount: Decimal) -> None:
    assert Decimal(micros(str(amount))) / 1_000_000 == amount


@given(st.integers(min_value=-(2**62), max_value=2**62))
def test_counts_beyond_floats_are_exact(count: int) -> None:
    assert whole(str(count)) == count


NO_NUMBERS = ["", ".", ".5.5", "1.2.3", "-", "+1,0", True, "abc", "1,234", "NaN", "Infinity", "-inf", [], {}, "9" * 25,
              "1e300"]  # fmt: skip


@pytest.mark.parametrize("said", NO_NUMBERS, ids=str)
@pytest.mark.parametrize("read", [whole, micros])
def test_what_is_no_number_or_fits_nowhere_is_refused(said: Any, read: Any) -> None:
    with pytest.raises(Unreadable):
        read(said)


def test_negative_values_stay_negative() -> None:
    found = numbers(
        {"spend": "-1.50", "actions": actions(omni_purchase=-2), "action_values": actions(purchase="-9.99")}
    )
    assert (found["spend_micros"], found["purchases"], found["revenue_micros"]) == (-1_500_000, -2, -9_990_000)


@pytest.mark.parametrize("event", EVENTS)
@given(data=st.data())
def test_the_widest_view_counts_in_whatever_order_and_never_a_sum(event: str, data: st.DataObject) -> None:
    views = EVENTS[event]
    there = data.draw(st.lists(st.sampled_from(views), min_size=1, unique=True))
    values = {name: data.draw(st.integers(0, 10**6), label=name) for name in there}
    listed = [{"action_type": name, "value": str(value)} for name, value in values.items()]
    others = [{"action_type": f"{name}_other", "value": "5"} for name in there]
    found = numbers({"actions": data.draw(st.permutations(listed + others))})
    widest = min(there, key=views.index)
    assert found[event] == values[widest]
    assert all(found[name] == 0 for name in EVENTS if name != event)


@given(st.permutations(["omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase", "onsite_web_purchase"]))
def test_revenue_follows_the_same_order(order: list[str]) -> None:
    worth = {"omni_purchase": "40.10", "purchase": "30.10", "offsite_conversion.fb_pixel_purchase": "20.10",
             "onsite_web_purchase": "10.10"}  # fmt: skip
    for left in range(4):
        names = [name for name in order if name in list(worth)[left:]]
        found = numbers({"action_values": [{"action_type": name, "value": worth[name]} for name in names]})
        assert found["revenue_micros"] == micros(list(worth.values())[left])


def test_the_windows_of_a_value_are_not_added() -> None:
    one = {"action_type": "lead", "value": "3", "7d_click": "2", "1d_view": "1"}
    assert numbers({"actions": [one]})["leads"] == 3


def test_yen_have_no_decimals_and_stay_major_units() -> None:
    assert numbers({"spend": "120", "action_values": actions(omni_purchase=4980)})["revenue_micros"] == 4_980_000_000


NO_ACTIONS = ["x", 5, [5], [None], [{"value": "1"}], {"action_type": "lead"}, [{"action_type": ["a"], "value": "1"}],
              [{"action_type": "lead", "value": "many"}]]  # fmt: skip


@pytest.mark.parametrize("listed", NO_ACTIONS, ids=str)
def test_actions_of_another_shape_are_refused(listed: Any) -> None:
    with pytest.raises(Unreadable):
        numbers({"actions": listed})


def test_ids_beyond_2_53_are_exact() -> None:
    parsed = ad_day(ACCOUNT)(ROW)
    assert (parsed.ad_id, parsed.adset_id, parsed.campaign_id) == (
        90071992547409931, 90071992547409933, 90071992547409935,
    )  # fmt: skip
    found = cells(parsed.line)
    assert found["ad_id"] == ROW["ad_id"]
    assert found["reach"] == "\\N"
    assert found["actions"] == "\\N"


BAD_ROWS: list[tuple[str, Any]] = [
    ("another account", {"account_id": "1"}), ("two days", {"date_stop": "2026-05-02"}), ("no ad", {"ad_id": None}),
    ("no number", {"ad_id": "x"}), ("no day", {"date_start": "May", "date_stop": "May"}),
    ("too big", {"ad_id": "9" * 25}),
    ("a day of another form", {"date_start": "2026-W18-5", "date_stop": "2026-W18-5"}),
]  # fmt: skip


@pytest.mark.parametrize("change", [change for _, change in BAD_ROWS], ids=[name for name, _ in BAD_ROWS])
def test_a_row_that_is_not_one_ad_on_one_day_of_this_account_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        ad_day(ACCOUNT)(ROW | change)


@pytest.mark.parametrize("row", [None, [], "x", {}])
def test_what_is_no_row_is_refused(row: Any) -> None:
    with pytest.raises(Unreadable):
        ad_day(ACCOUNT)(row)


def test_names_that_are_null_are_empty() -> None:
    assert ad_day(ACCOUNT)(ROW | {"ad_name": None, "adset_name": "A"}).names == ("", "A", "")


def test_text_inside_actions_breaks_neither_the_line_nor_the_column() -> None:
    strange = [{"action_type": 'a\tb\\n"\n\\', "value": "1"}]
    line = ad_day(ACCOUNT)(ROW | {"actions": strange}).line
    assert line.count(b"\n") == 1
    assert line.count(b"\t") == len(COPY_COLUMNS) - 1


def test_text_that_postgresql_does_not_hold_is_cut_out_of_actions() -> None:
    line = ad_day(ACCOUNT)(ROW | {"actions": [{"action_type": "a\0b", "value": "1"}]}).line
    assert b"u0000" not in line


@given(st.lists(st.sampled_from(["0", "7", "007", "+5", " 8 ", "1e2", 3, 4.0, "12"]), max_size=30))
def test_a_number_is_the_same_the_first_time_and_ever_after(values: list[Any]) -> None:
    for value in values:
        assert numbers({"impressions": value})["impressions"] == whole(value)
        assert numbers({"spend": value})["spend_micros"] == micros(value)


def test_a_line_holds_what_numbers_says() -> None:
    row = ROW | {
        "spend": "12.30", "impressions": "1000", "clicks": "007", "reach": "900", "inline_link_clicks": "3",
        "outbound_clicks": [{"action_type": "outbound_click", "value": "2"}],
        "video_play_actions": [{"action_type": "other", "value": "5"}, {"action_type": "video_view", "value": "4"}],
        "actions": actions(omni_purchase=2, purchase=1), "action_values": actions(purchase="1.5", omni_purchase="2.25"),
    }  # fmt: skip
    said, found = cells(ad_day(ACCOUNT)(row).line), numbers(row)
    assert {name: said[name] for name in found} == {
        name: "\\N" if value is None else str(value) for name, value in found.items()
    }
    assert (found["spend_micros"], found["revenue_micros"], found["clicks"]) == (12_300_000, 2_250_000, 7)
    assert (found["purchases"], found["video_plays"], found["outbound_clicks"]) == (2, 4, 2)


SEGMENTS = {
    "age_gender": ({"age": "25-34", "gender": "unknown"}, ("25-34", "unknown")),
    "country": ({"country": "DE"}, ("DE", "")),
    "region": ({"region": "Baden-Württemberg"}, ("Baden-Württemberg", "")),
    "platform_position": (
        {"publisher_platform": "facebook", "platform_position": "feed"}, ("facebook", "feed"),
    ),
    "device": ({"device_platform": "mobile_app"}, ("mobile_app", "")),
    "hour": ({"hourly_stats_aggregated_by_advertiser_time_zone": "00:00:00 - 00:59:59"}, ("00:00:00 - 00:59:59", "")),
}  # fmt: skip


def by(slug: str, row: dict[str, Any]) -> tuple[AdDay, dict[str, str]]:
    """The row of a breakdown set, and its line by its columns."""
    parsed = breakdown_day(ACCOUNT, BREAKDOWNS[slug])(row)
    return parsed, dict(zip(BREAKDOWN_COLUMNS, parsed.line.decode().rstrip("\n").split("\t"), strict=True))


@pytest.mark.parametrize("slug", BREAKDOWNS)
def test_a_row_of_a_breakdown_is_told_by_its_segment(slug: str) -> None:
    segment, keys = SEGMENTS[slug]
    parsed, found = by(slug, ROW | segment | {"impressions": "9"})
    assert parsed.key == (int(ROW["ad_id"]), *keys)
    assert (found["breakdown"], found["key1"], found["key2"], found["ad_id"]) == (slug, *keys, ROW["ad_id"])
    assert (found["account_id"], found["impressions"], found["adset_id"]) == (str(ACCOUNT), "9", ROW["adset_id"])


OF_PIXELS = {"revenue_micros", "landing_page_views", "content_views", "add_to_cart", "checkouts", "purchases", "leads",
             "app_installs"}  # fmt: skip


@pytest.mark.parametrize("slug", BREAKDOWNS)
def test_conversions_that_meta_does_not_report_by_a_breakdown_are_unknown_and_never_zero(slug: str) -> None:
    _, found = by(slug, ROW | SEGMENTS[slug][0] | {"actions": actions(lead=2)})
    unknown = {name for name, value in found.items() if value == "\\N"} - {*UNIQUES, "actions", "action_values"}
    assert unknown == (OF_PIXELS - {"leads"} if slug in ("region", "hour") else set())
    assert (found["leads"], found["conversations"], found["spend_micros"]) == ("2", "0", "0")


@pytest.mark.parametrize("slug", BREAKDOWNS)
def test_a_row_without_its_segment_is_refused(slug: str) -> None:
    for column in SEGMENTS[slug][0]:
        with pytest.raises(Unreadable):
            by(slug, ROW | {name: value for name, value in SEGMENTS[slug][0].items() if name != column})


def test_a_segment_breaks_neither_the_line_nor_the_column() -> None:
    parsed, found = by("country", ROW | {"country": "a\tb\\\n\r\0c"})
    assert parsed.line.count(b"\n") == 1
    assert found["key1"] == "a\\tb\\\\\\n\\rc"


def attributed(row: dict[str, Any], *windows: str) -> list[dict[str, str]]:
    """The lines of the windows by their columns."""
    lines = ad_day(ACCOUNT, windows)(ROW | row).attributed.decode().splitlines()
    return [dict(zip(ATTRIBUTION_COLUMNS, line.split("\t"), strict=True)) for line in lines]


def test_each_window_that_meta_listed_is_a_line_of_the_widest_view() -> None:
    listed = [
        {"action_type": "purchase", "value": "5", "1d_click": "4", "1d_view": "4"},
        {"action_type": "omni_purchase", "value": "3", "1d_click": "2"},
        {"action_type": "lead", "value": "1", "7d_click": "1"},
        {"action_type": "link_click", "value": "9", "1d_view": "9"},
    ]
    worth = [{"action_type": "omni_purchase", "value": "30.00", "1d_click": "20.05"}]
    one, seven = attributed({"actions": listed, "action_values": worth}, "1d_click", "7d_click", "1d_view")
    assert (one["attribution_window"], one["ad_id"], one["date"]) == ("1d_click", ROW["ad_id"], "2026-05-01")
    assert (one["purchases"], one["revenue_micros"], one["leads"]) == ("2", "20050000", "0")
    assert (seven["attribution_window"], seven["purchases"], seven["leads"]) == ("7d_click", "0", "1")


def test_a_window_is_a_line_though_the_accounts_own_setting_counted_nothing() -> None:
    listed = [{"action_type": "purchase", "7d_click": "1", "1d_view": "1"}, {"action_type": "omni_purchase"},
              {"action_type": "omni_purchase", "7d_click": "2"}, {"action_type": "lead", "value": "1"}]  # fmt: skip
    worth = [{"action_type": "omni_purchase", "7d_click": "19.50"}]
    (line,) = attributed({"actions": listed, "action_values": worth}, "1d_click", "7d_click", "1d_view")
    said = (line["attribution_window"], line["purchases"], line["revenue_micros"], line["leads"])
    assert said == ("7d_click", "2", "19500000", "0")
    assert numbers(ROW | {"actions": listed, "action_values": worth})["purchases"] == 0


@pytest.mark.parametrize("row", [{}, {"actions": actions(purchase=3)}, {"actions": None, "action_values": []}], ids=str)
def test_a_window_that_meta_did_not_list_is_no_line(row: dict[str, Any]) -> None:
    assert attributed(row, "1d_click", "7d_view") == []


@pytest.mark.parametrize(
    "listed", [*NO_ACTIONS[:-1], [{"action_type": "lead", "value": "1", "1d_click": "x"}]], ids=str
)
def test_windows_of_another_shape_are_refused(listed: Any) -> None:
    with pytest.raises(Unreadable):
        attributed({"actions": listed}, "1d_click")
