"""GET /reconciliation: days that differ from Meta's own numbers, as JSON in pages and as CSV."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from sqlalchemy import text

from lib.access.viewer import Role
from lib.insights.compared import COMPARED
from tests import factories
from tests.integration.api import houses
from tests.integration.api.conftest import House

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHEN = {"since": str(houses.FIRST), "until": str(houses.LAST)}
LENGTH = (houses.LAST - houses.FIRST).days + 1


async def asked(house: House, name: str, accept: str = "*/*", **words: Any) -> Any:
    client = await house.asking(name)
    return await client.get("/reconciliation", params={**WHEN, **words}, headers={"accept": accept})


async def test_days_that_differ_with_the_counts_of_all(shared_house: House) -> None:
    answer = await asked(shared_house, "viewer", account="act_1101", per_page=5)
    assert answer.status_code == 200
    assert answer.headers["vary"] == "Accept"
    body = answer.json()
    assert body["meta"] == {
        "page": 1,
        "per_page": 5,
        "total": LENGTH,
        "days": LENGTH,
        "equal_days": 0,
        "unknown_days": 0,
    }
    assert len(body["data"]) == 5
    gaps = [abs(float(day["spend"]["difference"])) for day in body["data"]]
    assert gaps == sorted(gaps, reverse=True)
    day = body["data"][0]
    assert (day["account_id"], day["currency"], day["reason"]) == ("1101", "EUR", "two_moments")
    assert day["spend"]["meta"] == "0.00"
    assert day["spend"]["difference"] == day["spend"]["ads"]
    assert day["clicks"]["difference"] == day["clicks"]["ads"] > 0
    assert day["explanation"].endswith(".")
    last = (await asked(shared_house, "viewer", account="1101", per_page=5, page=99)).json()
    assert (last["data"], last["meta"]["total"]) == ([], LENGTH)


async def test_everyone_sees_their_own_accounts(shared_house: House) -> None:
    whose: dict[str, set[int]] = {name: set() for name in ("viewer", "manager", "zed", "admin")}
    for name, found in whose.items():
        body = (await asked(shared_house, name, per_page=500)).json()
        found.update(int(day["account_id"]) for day in body["data"])
        assert body["meta"]["days"] == LENGTH * len(found)
    mine, theirs = set(houses.ACCOUNTS["acme"]), set(houses.ACCOUNTS["zebra"])
    assert whose == {"viewer": mine, "manager": mine, "zed": theirs, "admin": mine | theirs}


async def test_the_file_holds_every_day_and_is_not_for_viewers(shared_house: House) -> None:
    refused = await asked(shared_house, "viewer", accept="text/csv")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    answer = await asked(shared_house, "analyst", accept="text/csv", page=2, per_page=3)
    assert answer.headers["content-type"].startswith("text/csv")
    assert f"reconciliation_{houses.FIRST}_{houses.LAST}.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert len(rows) == int(answer.headers["ads-rows"]) == LENGTH * 2
    assert {row["account_id"] for row in rows} == {str(number) for number in houses.ACCOUNTS["acme"]}
    async with shared_house.store.working() as session:
        words = await session.scalar(text("SELECT question FROM export_log ORDER BY id DESC LIMIT 1"))
    assert words == f"reconciliation --since {houses.FIRST} --until {houses.LAST}"


async def test_whose_numbers_are_shown_is_noted(shared_house: House) -> None:
    seen = "SELECT subject FROM audit_log WHERE action = 'saw client' AND email = 'manager@example.com'"
    assert (await asked(shared_house, "manager")).status_code == 200
    async with shared_house.store.working() as session:
        assert list(await session.scalars(text(seen))) == ["acme"]


async def test_days_that_were_not_compared_are_counted_and_show_nobodys_number(shared_house: House) -> None:
    email, store, day = "kim@example.com", shared_house.store, houses.LAST + dt.timedelta(days=9)
    await houses.add_person(store, email, Role.ANALYST, ["acme", "zebra"])
    shared_house.tokens["kim"] = await houses.token_of(store, email)
    async with store.working() as session:
        await factories.add_slice(session, 1101, day, **dict.fromkeys(f"meta_{name}" for name in COMPARED))
        await factories.add_slice(session, 990011, day, meta_clicks=4)
    when = {"since": str(day), "until": str(day)}
    body = (await asked(shared_house, "kim", **when)).json()
    assert [each["account_id"] for each in body["data"]] == ["990011"]
    assert {name: body["meta"][name] for name in ("days", "equal_days", "unknown_days")} == {
        "days": 1,
        "equal_days": 0,
        "unknown_days": 1,
    }
    noted = text("SELECT action, subject, after -> 'clients' FROM audit_log WHERE email = :email ORDER BY at, id")
    async with store.working() as session:
        (seen,) = (await session.execute(noted, {"email": email})).all()
    assert tuple(seen)[:2] == ("saw client", "zebra")
    lines = (await asked(shared_house, "kim", accept="text/csv", **when)).text.splitlines()
    assert len(lines) == 3
    async with store.working() as session:
        *_, taken = (await session.execute(noted, {"email": email})).all()
    assert (taken[0], taken[2]) == ("exported", ["acme", "zebra"]), "the file has those days too"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"account": "990011"}, "There is no account act_990011 among yours."),
        ({"account": "17"}, "There is no account act_17 among yours."),
        ({"since": "2026-01-31"}, "since 2026-01-31 is after until"),
        ({"since": "soon"}, "soon"),
        ({"account": "acme"}, "acme"),
    ],
)
async def test_what_cannot_be_asked_is_a_sentence(shared_house: House, words: dict[str, str], said: str) -> None:
    answer = await asked(shared_house, "viewer", **words)
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]


async def test_other_media_and_other_words_are_refused(shared_house: House) -> None:
    assert (await asked(shared_house, "analyst", accept="application/pdf")).status_code == 406
    assert (await asked(shared_house, "analyst", group_by="day")).status_code == 422
    assert (await asked(shared_house, "")).status_code == 401
