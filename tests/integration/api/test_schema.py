"""Requests drawn from the description of the API, as each role and as nobody: no 5xx, no answer other than described,
and no id of a client who is not the asker's.

``API_EXAMPLES`` is how many requests are drawn for each operation and person, as described and otherwise; the same
ones every time.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as drawing
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy.engine import URL

from api.edge import PREFIX
from api.negotiation import ARROW, CSV, JSON
from lib.settings import Settings
from tests.conftest import emptied
from tests.integration.api import houses
from tests.integration.api.conftest import House, built_on_mirror
from tests.integration.api.whose import CLIENTS, check_whose

EXAMPLES = int(os.environ.get("API_EXAMPLES", "2"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]
NOBODY = ""
WHEN = {"since": "2026-01-05", "until": "2026-01-25"}
QUESTIONS: list[dict[str, Any]] = [
    {},
    {**WHEN, "group_by": "client,account", "metrics": "spend,ctr"},
    {**WHEN, "group_by": "ad", "metrics": "clicks", "order": "-clicks", "limit": "7", "top": "2:ad:clicks"},
    {**WHEN, "group_by": "date,campaign,adset", "metrics": "spend,spend_share", "filter": ["campaign~sale"]},
    {**WHEN, "group_by": "account", "account": ["1101", "990011"]},
    {**WHEN, "group_by": "country,campaign", "metrics": "spend,reach", "filter": ["country!=DE"]},
    {**WHEN, "group_by": "account,campaign", "metrics": "purchases,reach", "attribution": "7d_click"},
    {"since": "1900-01-01", "until": "2100-12-31", "group_by": "week,account", "metrics": "reach"},
    {"since": "2026-01-05", "until": "9999-12-31", "group_by": "month,campaign", "metrics": "frequency"},
    {**WHEN, "group_by": "creative,status,goal,objective", "metrics": "results,reach", "having": ["results>0"]},
]


@dataclass
class Site:
    """The served API, its description, ids of things that are there, and what was answered so far."""

    house: House
    schema: schemathesis.BaseSchema
    known: dict[str, list[str]]
    answered: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    ids: Counter[str] = field(default_factory=Counter)

    @property
    def operations(self) -> list[APIOperation[Any, Any, Any, Any]]:
        return [found.ok() for found in self.schema.get_all_operations()]


@pytest.fixture(scope="module")
def site(database_url: URL, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The API with a mirror, on a loop of its own: schemathesis waits for its answers."""
    folder = tmp_path_factory.mktemp("mirror")
    ready: Future[tuple[House, dict[str, list[str]], asyncio.Event]] = Future()

    async def hold() -> None:
        over = asyncio.Event()
        try:
            async with emptied(database_url) as store, built_on_mirror(store, settings, folder) as (house, _):
                ready.set_result((house, await things(house), over))
                await over.wait()
        except Exception as error:  # it is raised in the test instead
            if ready.done():
                raise
            ready.set_exception(error)

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        holding = Thread(target=runner.run, args=(hold(),))
        holding.start()
        house, known, over = ready.result(60)
        try:
            yield Site(house, described(house), known)
        finally:
            loop.call_soon_threadsafe(over.set)
            holding.join(60)


async def things(house: House) -> dict[str, list[str]]:
    """Views and runs of both clients are stored; the ids of everything by the names of parameters."""
    known = {"client_id": ["acme", "zebra"], "account_id": ["1101", "act_990011"], "slug": ["spend", "roas"]}
    known |= {"view_id": [], "run_id": []}
    for name, word, account in (("analyst", "acme", 1101), ("zed", "zebra", 990011)):
        known["view_id"].append(str(await houses.add_view(house.store, house.people[name], f"{word}, private")))
        known["run_id"].append(str(await houses.add_run(house.store, [account])))
    known["run_id"].append(str(await houses.add_run(house.store, [1102, 990022])))
    return known


def described(house: House) -> schemathesis.BaseSchema:
    """What the API says of itself."""
    bearer = {"authorization": f"Bearer {house.tokens['viewer']}"}
    description = requests.get(f"{house.url}{PREFIX}/openapi.json", headers=bearer, timeout=30).json()
    return schemathesis.openapi.from_dict(description)


# The server works in a thread beside the drawing, and what it opens connections with draws from ``random`` as well.
@pytest.mark.filterwarnings("ignore:Do not use the .random. module:hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", [*CLIENTS, NOBODY], ids=lambda name: name or "nobody")
def test_drawn_requests(site: Site, name: str, mode: GenerationMode) -> None:
    before = site.answered.total()
    for operation in site.operations:
        draw_and_ask(site, operation, name, mode)
    assert site.answered.total() - before >= EXAMPLES * len(site.operations) // 2
    codes = {status for (_, who, status), times in site.answered.items() if who == name}
    assert codes >= ({401} if name == NOBODY else {200})
    assert codes & {401, 404, 406, 422}, "something was refused as well"
    least = 10 if name == "viewer" else 20  # viewers are given no files
    assert site.ids[name] > least or name == NOBODY


def draw_and_ask(site: Site, operation: APIOperation[Any, Any, Any, Any], name: str, mode: GenerationMode) -> None:
    times = EXAMPLES * (6 if operation.path == "/insights" else 1)

    @drawing(
        max_examples=times,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=HealthCheck,
    )
    @given(
        case=operation.as_strategy(generation_mode=mode),
        accept=st.sampled_from(["*/*", JSON, CSV, ARROW, f"{CSV};q=0.5, {JSON};q=0.4", "text/html"]),
        words=st.sampled_from(QUESTIONS),
        pick=st.integers(0, 5),
    )
    def ask(case: Case, accept: str, words: dict[str, Any], pick: int) -> None:
        for key in case.path_parameters or {}:
            ids = site.known[key]
            if pick < len(ids):
                case.path_parameters[key] = ids[pick]
        if operation.label == "GET /insights" and words:
            case.query = dict(words)
        if operation.label == "GET /reconciliation" and words:
            case.query = {"since": words["since"], "until": words["until"]}
        send(site, case, name, accept)

    ask()


def send(site: Site, case: Case, name: str, accept: str) -> None:
    headers = {"accept": accept}
    if name:
        headers["authorization"] = f"Bearer {site.house.tokens[name]}"
    answer = case.call(base_url=f"{site.house.url}{PREFIX}", headers=headers)
    site.answered[case.operation.label, name, answer.status_code] += 1
    case.validate_response(answer, CHECKS)
    if name == NOBODY:
        # Whoever signs in is nobody yet.
        assert answer.status_code in ((401, 413, 415, 422, 429) if case.path == "/auth/login" else (401,)), answer.text
    elif answer.status_code < 300:
        (media,) = answer.headers.get("content-type", [JSON])
        site.ids[name] += check_whose(answer.content, media, name)
