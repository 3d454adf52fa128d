"""Around the routes: other sites' pages, failures that nobody foresaw, engines that fail or are slow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.edge import EXPOSED, PREFIX
from api.main import create_api
from api.middleware import OwnSockets
from lib.access import sessions
from lib.errors import StoreUnavailable
from lib.insights.engine import Engine
from lib.settings import Settings
from tests.integration.api import houses
from tests.integration.api.conftest import House, built_on_mirror, served
from tests.serving import serving

FRIEND, STRANGER = "https://reports.example.com", "https://evil.test"
WORDS = {"since": "2026-01-05", "until": "2026-01-25", "group_by": "campaign", "metrics": "spend"}
ARROW = "application/vnd.apache.arrow.stream"


def friendly(settings: Settings) -> Settings:
    """The settings with a site whose pages may ask."""
    return settings.model_copy(update={"cors_origins": (FRIEND,)})


async def test_pages_of_a_named_site_ask_with_a_token(house: House, settings: Settings) -> None:
    bearer = {"authorization": f"Bearer {house.tokens['viewer']}"}
    async with (
        served(lambda: house.store, friendly(settings)) as url,
        httpx.AsyncClient(base_url=f"{url}{PREFIX}", trust_env=False) as http,
    ):
        asked = {
            "access-control-request-method": "PATCH",
            "access-control-request-headers": "authorization,content-type",
        }
        leave = await http.options("/saved-views/1", headers={"origin": FRIEND, **asked})
        assert leave.status_code == 200
        assert leave.headers["access-control-allow-origin"] == FRIEND
        assert "authorization" in leave.headers["access-control-allow-headers"].lower()
        for path, status in (("/me", 200), ("/nowhere", 404), ("/metrics?page=0", 422)):
            answer = await http.get(path, headers={"origin": FRIEND, **bearer})
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, FRIEND)
            assert {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")} == set(EXPOSED)
            # With this header a page could ask in the name of whoever looks at it.
            assert "access-control-allow-credentials" not in answer.headers
        refused = await http.get("/me", headers={"origin": FRIEND})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, FRIEND)


async def test_pages_of_other_sites_learn_nothing(house: House, settings: Settings) -> None:
    bearer = {"authorization": f"Bearer {house.tokens['viewer']}"}
    for chosen in (settings, friendly(settings)):
        async with (
            served(lambda: house.store, chosen) as url,
            httpx.AsyncClient(base_url=f"{url}{PREFIX}", trust_env=False) as http,
        ):
            for origin in (STRANGER, "null", f"{FRIEND}.evil.test", "http://reports.example.com"):
                answer = await http.get("/me", headers={"origin": origin, **bearer})
                assert "access-control-allow-origin" not in answer.headers
                asked = {"origin": origin, "access-control-request-method": "GET"}
                leave = await http.options("/me", headers=asked)
                assert leave.status_code in (400, 405)
                assert set(leave.json()) == {"error"}
                assert "access-control-allow-origin" not in leave.headers


async def test_a_failure_that_nobody_foresaw_is_an_answer_as_all_others(
    house: House, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Engine:
        raise KeyError("secret detail")

    bearer = {"authorization": f"Bearer {house.tokens['viewer']}", "origin": FRIEND}
    async with (
        served(lambda: house.store, friendly(settings), broken) as url,
        httpx.AsyncClient(base_url=f"{url}{PREFIX}", trust_env=False) as http,
    ):
        answer = await http.get("/insights", params=WORDS, headers=bearer)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (500, "internal_error")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "secret" not in answer.text
    assert error["details"]["number"] in caplog.text


async def on_mirror(
    house: House, settings: Settings, engines: Callable[[], Engine], ask: Callable[[httpx.AsyncClient], Awaitable[Any]]
) -> Any:
    bearer = {"authorization": f"Bearer {house.tokens['analyst']}"}
    async with (
        served(lambda: house.store, settings, engines) as url,
        httpx.AsyncClient(base_url=f"{url}{PREFIX}", headers=bearer, trust_env=False, timeout=30) as http,
    ):
        return await ask(http)


@pytest.mark.parametrize("accept", ["application/json", "text/csv", ARROW])
async def test_where_the_mirror_fails_postgres_answers_unless_it_was_the_mirror_that_was_asked(
    store: Any, settings: Settings, tmp_path: Path, accept: str
) -> None:
    async with built_on_mirror(store, settings, tmp_path) as (house, mirror):
        engine = mirror.engine()
        assert engine is not None

        async def ask(http: httpx.AsyncClient) -> list[httpx.Response]:
            headers = {"accept": accept}
            asked = ({}, {"engine": "mirror"}, {"engine": "postgres"})
            return [await http.get("/insights", params={**WORDS, **more}, headers=headers) for more in asked]

        before = await on_mirror(house, settings, lambda: engine, ask)
        await mirror.close()
        swapped, refused, postgres = await on_mirror(house, settings, lambda: engine, ask)
    assert [answer.status_code for answer in before] == [200, 200, 200]
    assert (swapped.status_code, refused.status_code, postgres.status_code) == (200, 503, 200)
    assert refused.json()["error"]["code"] == "unavailable"
    assert swapped.content == postgres.content
    if accept == "application/json":
        assert [answer.json()["meta"]["engine"] for answer in before] == ["mirror", "mirror", "postgres"]
        assert [answer.json()["data"] for answer in before] == [postgres.json()["data"]] * 3
    else:
        assert [answer.headers["ads-engine"] for answer in before] == ["mirror", "mirror", "postgres"]
        assert before[0].content == postgres.content


async def test_a_question_that_takes_too_long_says_so(house: House) -> None:
    waiting = text(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    analyst = await house.asking("analyst")
    for accept in ("application/json", "text/csv"):
        async with house.store.engine.begin() as lock, house.store.engine.connect() as looking:
            await lock.execute(text("LOCK TABLE insight IN ACCESS EXCLUSIVE MODE"))
            asking = asyncio.create_task(analyst.get("/insights", params=WORDS, headers={"accept": accept}))
            async with asyncio.timeout(15):
                # What PostgreSQL's own limit does, without waiting for a minute.
                while not (await looking.execute(waiting)).all():
                    await looking.rollback()
                    await asyncio.sleep(0.01)
            answer = await asking
        assert answer.status_code == 503
        assert answer.json()["error"]["message"].startswith("The query took too long and was stopped.")
        assert "retry-after" not in answer.headers


async def test_an_export_that_cannot_be_logged_is_not_given_out(house: House) -> None:
    async with house.store.engine.begin() as connection:
        await connection.execute(text("REVOKE INSERT ON export_log FROM ads_app"))
    try:
        analyst = await house.asking("analyst")
        answer = await analyst.get("/insights", params=WORDS, headers={"accept": "text/csv"})
    finally:
        async with house.store.engine.begin() as connection:
            await connection.execute(text("GRANT INSERT ON export_log TO ads_app"))
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/json")
    assert "could not be logged" in answer.json()["error"]["message"]


async def test_beside_streamlit_the_live_feed_knows_whom_to_refuse(house: House, settings: Settings) -> None:
    run = await houses.add_run(house.store, [1101], state="complete")
    session = await sessions.create_session(house.store, house.people["viewer"], "local")
    api = create_api(lambda: house.store, settings=settings)
    guard = Middleware(OwnSockets, base_url="http://localhost:8501")
    async with serving(Starlette(routes=[Mount(PREFIX, app=api)], middleware=[guard])) as site:
        address = f"{site.ws_url}{PREFIX}/live?run={run}"
        bearer = {"authorization": f"Bearer {house.tokens['viewer']}"}
        async with connect(address, additional_headers=bearer, origin=FRIEND, proxy=None) as websocket:
            assert '"type":"end"' in str(await websocket.recv())
        cookie = {"cookie": f"ads_session={session}"}
        with pytest.raises(InvalidStatus) as refused:
            async with connect(address, additional_headers=cookie, origin=FRIEND, proxy=None):
                pass
        assert refused.value.response.status_code == 403
        assert b'"forbidden"' in (refused.value.response.body or b"")
        with pytest.raises(InvalidStatus):
            async with connect(f"{site.ws_url}/_stcore/stream", origin=FRIEND, proxy=None):
                pass


async def test_a_store_that_is_not_open_yet(settings: Settings) -> None:
    def no_store() -> Any:
        raise StoreUnavailable("The database cannot be reached.")

    async with served(no_store, settings) as url, httpx.AsyncClient(base_url=f"{url}{PREFIX}", trust_env=False) as http:
        for headers in ({"authorization": "Bearer ads_pat_x"}, {"cookie": "ads_session=x"}):
            answer = await http.post("/insights", headers=headers, json={})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert (await http.get("/me")).status_code in (401, 503)
