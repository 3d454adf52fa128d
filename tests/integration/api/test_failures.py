"""Every failure is ``{"error": {"code", "message", "details"}}`` with the right status, whatever was sent."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.envelope import CODES
from lib.errors import StoreUnavailable
from lib.settings import Settings
from lib.store.engine import Store
from tests.integration.api import houses
from tests.integration.api.conftest import House, served

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHEN = {"since": "2026-01-05", "until": "2026-01-25"}
QUESTION = {**WHEN, "metrics": ["spend"]}
JSON = {"content-type": "application/json"}
NOBODY = "00000000-0000-0000-0000-000000000000"


def check(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The envelope holds; its error."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["code"] == CODES[status]
    assert body["error"]["message"]
    error: dict[str, Any] = body["error"]
    return error


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/me/", 404),
        ("POST", "/me", 405),
        ("HEAD", "/me", 405),
        ("DELETE", "/saved-views", 405),
        ("TRACE", "/insights", 405),
        ("BREW", "/insights", 405),
        ("GET", f"/saved-views/{NOBODY}", 404),
        ("GET", f"/refresh-runs/{NOBODY}", 404),
        ("GET", "/refresh-runs/1", 422),
        ("GET", "/clients/%00", 404),
        ("GET", "/clients/%0A", 404),
        ("GET", "/%0Anowhere", 404),
        ("GET", "/clients/%FF%FE", 404),
        ("GET", "/accounts/%E2%80%AE", 404),
        ("GET", f"/accounts/{'9' * 5000}", 404),
        ("GET", "/metrics?page=0", 422),
        ("GET", "/metrics?page=1.5", 422),
        ("GET", "/metrics?page=99999999999999999999999", 422),
        ("GET", f"/metrics?page={'9' * 5000}", 422),
        ("GET", "/metrics?per_page=501", 422),
        ("GET", "/metrics?per_page=%00", 422),
        ("GET", "/metrics?pages=1", 422),
        ("GET", f"/metrics?x={'y' * 17000}", 414),
        ("GET", f"/{'y' * 17000}", 414),
        ("GET", "/insights", 422),
        ("GET", "/insights?since=2026-01-05", 422),
        ("GET", "/insights?since=2026-01-05&until=2026-01-04&metrics=spend", 422),
        ("GET", "/insights?since=2026-02-30&until=2026-03-04&metrics=spend", 422),
        ("GET", "/insights?since=0000-01-01&until=2026-03-04&metrics=spend", 422),
        ("GET", "/insights?since=2026-01-01&until=2026-03-04&metrics=spent", 422),
        ("GET", "/insights?since=2026-01-01&until=2026-03-04&metrics=spend&filter=campaign~%00", 422),
        ("GET", "/insights?since=2026-01-01&until=2026-03-04&metrics=spend&filter=campaign=~(", 422),
        ("GET", "/insights?since=2026-01-01&until=2026-03-04&metrics=spend&currency=%00%00%00", 422),
        ("GET", f"/insights?since=2026-01-01&until=2026-03-04&metrics=spend&limit={'9' * 5000}", 422),
        ("GET", "/insights?since=2026-01-01&until=2026-03-04&metrics=spend&engine=abacus", 422),
        ("GET", "/insights?since=2026-01-01&until=2026-03-04&metrics=spend&per_page=5001", 422),
        ("GET", "/insights?since=2026-01-01&until=2026-03-04&metrics=spend&metric=spend", 422),
    ],
)
async def test_addresses(shared_house: House, method: str, path: str, status: int) -> None:
    analyst = await shared_house.asking("analyst")
    answer = await analyst.request(method, f"{shared_house.url}/api/v1{path}")
    if method == "HEAD":
        assert answer.status_code == status
    else:
        check(answer, status)


async def test_a_method_that_is_not_taken_names_those_that_are(shared_house: House) -> None:
    viewer = await shared_house.asking("viewer")
    assert (await viewer.put("/saved-views")).headers["allow"] == "GET, POST"
    assert (await viewer.put(f"/saved-views/{NOBODY}")).headers["allow"] == "DELETE, GET, PATCH"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", JSON, 422),
        (b"", {}, 422),
        (b"{", JSON, 400),
        (b"[]", JSON, 422),
        (b"null", JSON, 422),
        (b'"\xff\xfe"', JSON, 400),
        (b'{"since": NaN}', JSON, 400),
        (b'{"limit": -Infinity}', JSON, 400),
        (b'{"limit": ' + b"9" * 5000 + b"}", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, JSON, 400),
        (b'{"\\u0000": 1, "\\ud800": 2}', JSON, 422),
        (b'{"since": "\\ud800", "until": "\\u0000"}', JSON, 422),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {"content-type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"content-type": "application/json; charset=latin-1"}, 415),
        (b"{}", {"content-type": "nonsense"}, 415),
        (b"{}", {}, 415),
        (b"x" * 1_048_577, JSON, 413),
        (b"{" + b'"x": 1, ' * 100_000 + b'"y": 1}', JSON, 422),
    ],
)
@pytest.mark.parametrize("path", ["/insights", "/saved-views", "/refresh-runs"])
async def test_bodies(shared_house: House, path: str, body: bytes, headers: dict[str, str], status: int) -> None:
    admin = await shared_house.asking("admin")
    check(await admin.post(path, content=body, headers=headers), status)


async def test_a_body_without_a_length_is_counted(shared_house: House) -> None:
    async def endless() -> Any:
        for _ in range(200):
            yield b" " * 10_000

    check(await (await shared_house.asking("viewer")).post("/insights", content=endless(), headers=JSON), 413)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"metrics": ["spent"]}, "Did you mean spend"),
        ({"metrics": ["spend", "spend"]}, "named 2 times"),
        ({"group_by": ["adst"]}, "Did you mean adset"),
        ({"metrics": []}, "neither a metric nor a dimension"),
        ({"since": "2026-02-30"}, "There is no day"),
        ({"since": "yesterday"}, "is not a date"),
        ({"until": "2020-01-01"}, "is after the last day"),
        ({"filters": [{"name": "campagne", "operator": "~", "values": ["x"]}]}, "Did you mean campaign"),
        ({"filters": [{"name": "campaign", "operator": ">", "values": ["x"]}]}, "does not take"),
        ({"filters": [{"name": "campaign", "operator": "~", "values": ["x\0"]}]}, "NUL"),
        ({"filters": [{"name": "campaign", "operator": "=~", "values": ["(x"]}]}, "regular expression"),
        ({"filters": [{"name": "ad_id", "operator": "=", "values": ["9" * 20]}]}, "is not an id"),
        ({"having": [{"name": "campaign", "operator": "~", "values": ["x"]}]}, "Only metrics decide"),
        ({"having": [{"name": "spend", "operator": ">", "values": ["1e5"]}]}, "needs a number"),
        ({"order": [{"key": "spent"}]}, "Did you mean spend"),
        ({"top": {"dimension": "ad", "by": "spend", "n": 3}}, "has no ad to keep the top of"),
        ({"account_ids": ["act_x"]}, "is not an id"),
    ],
)
async def test_questions_that_cannot_be_asked(shared_house: House, changes: dict[str, Any], sentence: str) -> None:
    answer = await (await shared_house.asking("viewer")).post("/insights", json={**QUESTION, **changes})
    assert sentence in check(answer, 422)["message"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"limit": "5"}, ["body", "limit"]),
        ({"limit": True}, ["body", "limit"]),
        ({"limit": 0}, ["body", "limit"]),
        ({"limit": 2**70}, ["body", "limit"]),
        ({"metrics": "spend"}, ["body", "metrics"]),
        ({"metrics": None}, ["body", "metrics"]),
        ({"metrics": [7]}, ["body", "metrics", 0]),
        ({"metricks": []}, ["body", "metricks"]),
        ({"since": 20260101}, ["body", "since"]),
        ({"filters": [{"name": "campaign", "operator": "~", "values": []}]}, ["body", "filters", 0, "values"]),
        ({"currency": "euro"}, ["body", "currency"]),
        ({"top": {"dimension": "ad", "by": "spend", "n": 0}}, ["body", "top", "n"]),
    ],
)
async def test_what_is_wrong_where(shared_house: House, changes: dict[str, Any], where: list[str | int]) -> None:
    answer = await (await shared_house.asking("viewer")).post("/insights", json={**QUESTION, **changes})
    details = check(answer, 422)["details"]
    assert [one["where"] for one in details] == [where]
    assert all(one["what"] for one in details)


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer x", "Basic dXNlcjpwYXNz", "bearer a.b.c"])
async def test_nobody_and_bad_tokens(shared_house: House, authorization: str | None) -> None:
    stranger = await shared_house.asking()
    headers = {} if authorization is None else {"authorization": authorization}
    for path in ("/me", "/clients", "/insights?since=2026-01-01&until=2026-01-02&metrics=spend", "/openapi.json"):
        answer = await stranger.get(path, headers=headers)
        check(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/insights", "/saved-views", "/refresh-runs"])
async def test_strangers_learn_nothing_of_what_else_is_wrong(shared_house: House, path: str) -> None:
    stranger = await shared_house.asking()
    for body, headers in (
        (b"{", JSON),
        (b"[" * 5000, JSON),
        (b"{}", {"content-type": "text/plain"}),
        (b'{"since": 5}', JSON),
        (b"{}", {**JSON, "accept": "text/html"}),
    ):
        check(await stranger.post(path, content=body, headers=headers), 401)
    check(await stranger.get(path, params={"page": "0"}, headers={"accept": "text/html"}), 401)
    check(await stranger.get(f"{path}/{NOBODY}"), 404 if path == "/insights" else 401)


async def test_what_a_role_may_not_do(shared_house: House) -> None:
    viewer, analyst = await shared_house.asking("viewer"), await shared_house.asking("analyst")
    view = {"name": "Mine", "page": "explore", "address": ""}
    assert "analysts" in check(await viewer.post("/saved-views", json=view), 403)["message"]
    for person in (viewer, analyst):
        check(await person.post("/refresh-runs", json={}), 403)


async def test_what_a_scope_is_not_for(shared_house: House) -> None:
    shared_house.tokens["reading"] = await houses.token_of(shared_house.store, "manager@example.com", "read")
    reading = await shared_house.asking("reading")
    view = {"name": "Mine", "page": "explore", "address": ""}
    assert (await reading.get("/saved-views")).status_code == 200
    check(await reading.post("/saved-views", json=view), 403)
    check(await reading.patch(f"/saved-views/{NOBODY}", json={}), 403)
    check(await reading.delete(f"/saved-views/{NOBODY}"), 403)
    check(await reading.post("/refresh-runs", json={}), 403)


async def test_no_answer_but_json(shared_house: House) -> None:
    viewer = await shared_house.asking("viewer")
    for path in ("/me", "/clients", "/metrics", "/saved-views", "/refresh-runs"):
        check(await viewer.get(path, headers={"accept": "text/csv"}), 406)
        assert (await viewer.get(path, headers={"accept": "text/csv, */*;q=0.1"})).status_code == 200


async def test_a_database_that_is_gone(settings: Settings) -> None:
    def no_store() -> Store:
        raise StoreUnavailable("The database cannot be reached.")

    async with served(no_store, settings) as url, httpx.AsyncClient(base_url=f"{url}/api/v1") as http:
        answer = await http.get("/clients", headers={"authorization": f"Bearer ads_pat_{'x' * 43}"})
        assert "cannot be reached" in check(answer, 503)["message"]
        assert answer.headers["retry-after"]


async def test_what_nobody_foresaw_has_a_number(shared_house: House, caplog: pytest.LogCaptureFixture) -> None:
    async with shared_house.store.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE saved_view RENAME COLUMN address TO elsewhere"))
    try:
        with caplog.at_level(logging.ERROR):
            error = check(await (await shared_house.asking("viewer")).get("/saved-views"), 500)
    finally:
        async with shared_house.store.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE saved_view RENAME COLUMN elsewhere TO address"))
    number = error["details"]["number"]
    assert number in error["message"]
    assert number in caplog.text
    assert "saved_view" not in error["message"]
