"""Pages over the wire: when there is a next one, and what is never believed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from lib.meta.errors import Unreachable
from lib.meta.service import MetaService
from tests.fixtures_wire import Answer, Asked, Wire, ok

DAY = dt.date(2026, 5, 1)


@pytest.fixture
def service(wire: Wire) -> Iterator[MetaService]:
    service = MetaService("t", wire.url, pause=lambda seconds: None)
    yield service
    service.close()


def page(rows: list[Any], after: str | None = None, *, cursors: bool = True, following: bool = True) -> Answer:
    paging: dict[str, Any] = {"cursors": {"before": "B", "after": after or "END"}} if cursors else {}
    if after and following:
        paging["next"] = f"https://graph.facebook.com/v26.0/act_1/insights?limit=25&after={after}&access_token=other"
    return ok({"data": rows, "paging": paging})


def rows(service: MetaService) -> list[Any]:
    return [row for found in service.get_insights(1, DAY, DAY) for row in found]


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
    names = iter(["A", "B"] * 50)

    def go_round(asked: Asked) -> Answer:
        return page([{}], next(names))

    wire.reply = go_round
    with pytest.raises(Unreachable, match="twice"):
        rows(service)
    assert len(wire.asked) == 3


ODD = [{}, {"data": None}, {"data": {"1": 2}}, {"data": [], "paging": {"next": "https://graph.facebook.com/x"}},
       {"data": [], "paging": {"next": 5}}, {"data": [], "paging": ["next"]},
       {"data": [], "paging": {"next": "x", "cursors": "A"}}]  # fmt: skip


@pytest.mark.parametrize("body", ODD, ids=[json.dumps(one)[:40] for one in ODD])
def test_a_page_of_another_shape_is_an_error_not_an_end(wire: Wire, service: MetaService, body: Any) -> None:
    wire.answers(ok(body))
    with pytest.raises(Unreachable):
        rows(service)


def test_a_name_that_was_cut_inside_an_emoji_costs_one_letter(wire: Wire, service: MetaService) -> None:
    wire.answers(Answer(200, b'{"data": [{"ad_name": "Sale \\ud83d", "spend": "1.10", "ad_id": "90071992547409931"}]}'))
    assert rows(service) == [{"ad_name": "Sale ?", "spend": "1.10", "ad_id": "90071992547409931"}]


def test_ads_of_every_status_are_asked_for_day_by_day(wire: Wire, service: MetaService) -> None:
    wire.answers(ok({"data": []}))
    list(service.get_insights(1, DAY, DAY + dt.timedelta(days=2)))
    asked = wire.asked[0]
    assert asked.path == "act_1/insights"
    assert json.loads(asked.params["time_range"]) == {"since": "2026-05-01", "until": "2026-05-03"}
    assert (asked.params["time_increment"], asked.params["level"]) == ("1", "ad")
    (filtering,) = json.loads(asked.params["filtering"])
    assert (filtering["field"], filtering["operator"]) == ("ad.effective_status", "IN")
    assert {"ARCHIVED", "DELETED", "ACTIVE", "PAUSED"} <= set(filtering["value"])


def test_the_account_is_asked_for_without_a_filter(wire: Wire, service: MetaService) -> None:
    wire.answers(ok({"data": []}))
    list(service.get_insights(1, DAY, DAY, level="account"))
    assert "filtering" not in wire.asked[0].params


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
