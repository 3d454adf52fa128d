"""Pages over the wire: when there is a next one, and what is never believed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from lib.meta.asking import InsightsAsk
from lib.meta.errors import PagesRepeat
from lib.meta.paging import EMPTY_PAGES, READINGS, NoPage, gathered
from lib.meta.service import MetaService
from tests.clocks import FakeClock
from tests.fixtures_wire import Answer, Asked, Wire, ok

DAY = dt.date(2026, 5, 1)


@pytest.fixture
def service(wire: Wire) -> Iterator[MetaService]:
    service = MetaService("t", wire.url, clock=FakeClock())
    yield service
    service.close()


def page(rows: list[Any], after: str | None = None, *, cursors: bool = True, following: bool = True) -> Answer:
    paging: dict[str, Any] = {"cursors": {"before": "B", "after": after or "END"}} if cursors else {}
    if after and following:
        paging["next"] = f"https://graph.facebook.com/v26.0/act_1/insights?limit=25&after={after}&access_token=other"
    return ok({"data": rows, "paging": paging})


def rows(service: MetaService) -> list[Any]:
    return [row for found in service.get_insights(InsightsAsk(1, DAY, DAY)) for row in found]


def test_the_next_page_is_the_same_question_with_its_cursor(wire: Wire, service: MetaService) -> None:
    wire.answers(page([{"n": 1}], "A1"), page([], "A2"), page([{"n": 2}]))
    assert rows(service) == [{"n": 1}, {"n": 2}]
    first, second, third = (asked.params for asked in wire.asked)
    assert second == first | {"after": "A1"}
    assert third == first | {"after": "A2"}


def test_a_cursor_without_next_is_the_end(wire: Wire, service: MetaService) -> None:
    wire.answers(page([{"n": 1}], "A1", following=False))
    assert rows(service) == [{"n": 1}]
    assert len(wire.asked) == 1


def test_next_without_cursors_is_followed_on_the_same_server(wire: Wire, service: MetaService) -> None:
    wire.answers(page([{"n": 1}], "A/1+2=", cursors=False), page([{"n": 2}]))
    assert rows(service) == [{"n": 1}, {"n": 2}]
    assert wire.asked[1].params["after"] in ("A/1+2=", "A/1 2="), "the address was not encoded"
    assert wire.asked[1].params["access_token"] == "t"


def test_a_page_without_paging_is_the_last(wire: Wire, service: MetaService) -> None:
    wire.answers(ok({"data": [{"n": 1}]}))
    assert rows(service) == [{"n": 1}]


def test_pages_that_go_round_end_in_an_error(wire: Wire, service: MetaService) -> None:
    names, numbers = iter(["A", "B"] * 50), iter(range(100))

    def go_round(asked: Asked) -> Answer:
        return page([{"n": next(numbers)}], next(names))

    wire.reply = go_round
    with pytest.raises(PagesRepeat, match="twice"):
        rows(service)
    assert len(wire.asked) == 3


def test_the_rows_of_a_page_in_place_of_the_next_ones_are_not_taken_for_progress(
    wire: Wire, service: MetaService
) -> None:
    names = iter(range(100))
    wire.reply = lambda asked: page([{"n": 1}, {"n": 2}], f"A{next(names)}")
    with pytest.raises(PagesRepeat, match="in place of others"):
        rows(service)
    assert len(wire.asked) == 2


@pytest.mark.parametrize("after", [None, "C"])
def test_neither_are_those_of_an_earlier_page_nor_on_the_last_one(
    wire: Wire, service: MetaService, after: str | None
) -> None:
    wire.answers(page([{"n": 1}], "A"), page([{"n": 2}], "B"), page([{"n": 1}], after))
    with pytest.raises(PagesRepeat, match="in place of others"):
        rows(service)
    assert len(wire.asked) == 3


def test_rows_that_come_once_more_on_top_of_others_are_handed_on(wire: Wire, service: MetaService) -> None:
    wire.answers(page([{"n": 1}], "A"), page([{"n": 1}, {"n": 2}], "B"), page([{"n": 3}]))
    assert rows(service) == [{"n": 1}, {"n": 1}, {"n": 2}, {"n": 3}]
    assert len(wire.asked) == 3


def test_empty_pages_are_read_past_but_not_for_ever(wire: Wire, service: MetaService) -> None:
    wire.answers(*(page([], f"A{number}") for number in range(20)), page([{"n": 1}]))
    assert rows(service) == [{"n": 1}]
    names = iter(range(1000))
    wire.reply = lambda asked: page([], f"B{next(names)}")
    with pytest.raises(PagesRepeat):
        rows(service)
    assert len(wire.asked) == 21 + EMPTY_PAGES + 1


def begun_again(service: MetaService) -> list[Any]:
    return gathered(service.reader(InsightsAsk(1, DAY, DAY)), list, lambda found, rows: found.extend(rows))


def test_a_reading_whose_pages_repeat_begins_again_and_keeps_nothing_of_the_first(
    wire: Wire, service: MetaService
) -> None:
    wire.answers(
        page([{"n": 1}], "A"), page([{"n": 2}], "A"), page([{"n": 1}], "A"), page([{"n": 2}], "B"), page([{"n": 3}])
    )
    assert begun_again(service) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert ["after" in asked.params for asked in wire.asked] == [False, True, False, True, True]


def test_a_page_that_came_in_place_of_the_next_costs_no_rows(wire: Wire, service: MetaService) -> None:
    first, second, last = [{"n": 1}, {"n": 2}], [{"n": 3}, {"n": 4}], [{"n": 5}]
    wire.answers(page(first, "A"), page(first, "B"), page(first, "A"), page(second, "B"), page(last))
    assert begun_again(service) == [*first, *second, *last]
    assert [asked.params.get("after") for asked in wire.asked] == [None, "A", None, "A", "B"]


def test_a_reading_is_begun_three_times_at_most(wire: Wire, service: MetaService) -> None:
    wire.answers(page([{"n": 1}], "A"))
    with pytest.raises(PagesRepeat):
        begun_again(service)
    assert len(wire.asked) == 2 * READINGS


def test_objects_are_read_again_from_the_first_page(wire: Wire, service: MetaService) -> None:
    wire.answers(page([{"id": "1"}], "A"), page([{"id": "2"}], "A"), page([{"id": "1"}], "A"), page([{"id": "2"}]))
    found = [row["id"] for rows in service.get_entities(1, "ads") for row in rows]
    assert (found[-2:], set(found)) == (["1", "2"], {"1", "2"})


ODD = [{}, {"data": None}, {"data": {"1": 2}}, {"data": [], "paging": {"next": "https://graph.facebook.com/x"}},
       {"data": [], "paging": {"next": 5}}, {"data": [], "paging": ["next"]},
       {"data": [], "paging": {"next": "x", "cursors": "A"}}]  # fmt: skip


@pytest.mark.parametrize("body", ODD, ids=[json.dumps(one)[:40] for one in ODD])
def test_a_page_of_another_shape_is_an_error_not_an_end(wire: Wire, service: MetaService, body: Any) -> None:
    wire.answers(ok(body))
    with pytest.raises(NoPage):
        rows(service)
    with pytest.raises(NoPage):
        begun_again(service)
    assert len(wire.asked) == 1 + READINGS


def test_a_name_that_was_cut_inside_an_emoji_costs_one_letter(wire: Wire, service: MetaService) -> None:
    wire.answers(Answer(200, b'{"data": [{"ad_name": "Sale \\ud83d", "spend": "1.10", "ad_id": "90071992547409931"}]}'))
    assert rows(service) == [{"ad_name": "Sale ?", "spend": "1.10", "ad_id": "90071992547409931"}]


@pytest.mark.parametrize("edge", ["campaigns", "adsets", "ads"])
def test_objects_of_every_status_are_asked_for(wire: Wire, service: MetaService, edge: str) -> None:
    wire.answers(ok({"data": []}))
    list(service.get_entities(1, edge))
    assert {"ARCHIVED", "DELETED"} <= set(json.loads(wire.asked[0].params["effective_status"]))


def test_nodes_are_asked_for_fifty_at_a_time(wire: Wire, service: MetaService) -> None:
    wire.reply = lambda asked: ok({number: {"id": number} for number in asked.params["ids"].split(",")})
    found = service.get_nodes(range(1, 121), ("id", "name"))
    assert [node["id"] for node in found] == [str(number) for number in range(1, 121)]
    assert [len(asked.params["ids"].split(",")) for asked in wire.asked] == [50, 50, 20]
    assert wire.asked[0].path == ""


def test_the_accounts_of_a_token(wire: Wire, service: MetaService) -> None:
    wire.answers(page([{"account_id": "1"}], "A"), page([{"account_id": "2"}]))
    assert [one["account_id"] for one in service.get_accounts()] == ["1", "2"]
    assert wire.asked[0].path == "me/adaccounts"
