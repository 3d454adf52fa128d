"""Two people with different grants ask the same questions in turn, by the API and by the pages' frames, on Postgres
and on the mirror: nobody ever hears of the other.

``ALTERNATIONS`` is how often they ask, of each way and each engine.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import parse_qs

import pytest
import pytest_asyncio
import streamlit as st
from sqlalchemy.engine import URL

from api.negotiation import ARROW, CSV, JSON
from dashboard import bridge, frames
from lib.access import sessions
from lib.access.viewer import Viewer
from lib.insights.mirror import Mirror
from lib.insights.query import InsightQuery
from lib.insights.words import query_of_words
from lib.settings import Settings
from tests.conftest import emptied
from tests.integration.api import houses
from tests.integration.api.conftest import House, built_on_mirror
from tests.integration.api.whose import check_pairs, check_whose

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROUNDS = int(os.environ.get("ALTERNATIONS", "120"))
AT_ONCE = 8
ENGINES = ("postgres", "mirror")
WHEN = "since=2026-01-05&until=2026-01-25"
QUESTIONS = (
    f"{WHEN}&group_by=client,account&metrics=spend,clicks",
    f"{WHEN}&group_by=ad&metrics=clicks&order=-clicks&limit=5",
    f"{WHEN}&group_by=campaign&metrics=spend,spend_share&filter=campaign~sale",
    f"{WHEN}&group_by=week,adset&metrics=ctr&top=2:adset:clicks",
    f"{WHEN}&group_by=date,campaign,ad&metrics=spend,roas&having=clicks>20",
)
LISTS = ("/me", "/clients", "/accounts", "/saved-views", "/refresh-runs", "/metrics?per_page=5")
PEOPLE = ("analyst", "zed")
MEDIA = (JSON, CSV, ARROW)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(
    database_url: URL, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[House, Mirror]]:
    """Two clients with views and runs, one run of both, and a mirror of it all."""
    folder = tmp_path_factory.mktemp("mirror")
    async with emptied(database_url) as store, built_on_mirror(store, settings, folder) as (house, mirror):
        for name, word, account in (("analyst", "acme", 1101), ("zed", "zebra", 990011)):
            await houses.add_view(store, house.people[name], f"{word}, private")
            await houses.add_run(store, [account])
        await houses.add_run(store, [1102, 990022])
        yield house, mirror


@pytest.mark.parametrize("engine", ENGINES)
async def test_by_the_api(place: tuple[House, Mirror], engine: str) -> None:
    house, _ = place
    clients = {name: await house.asking(name) for name in PEOPLE}
    asked = tuple(f"/insights?{words}&engine={engine}" for words in QUESTIONS)
    turns = itertools.islice(
        itertools.cycle([*itertools.product(asked, MEDIA, PEOPLE), *itertools.product(LISTS, [JSON], PEOPLE)]), ROUNDS
    )
    sizes: dict[tuple[str, ...], set[int]] = {}
    found = 0

    async def ask() -> None:
        nonlocal found
        for address, media, name in turns:
            answer = await clients[name].get(address, headers={"accept": media})
            assert answer.status_code == 200, answer.text
            found += check_whose(answer.content, answer.headers["content-type"], name)
            assert answer.headers.get("ads-engine", engine) == engine
            sizes.setdefault((address, media, name), set()).add(len(answer.content))

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(ask())
    assert all(len(each) == 1 for each in sizes.values()), sizes
    assert found > ROUNDS


def query_of(address: str) -> InsightQuery:
    words = parse_qs(address)
    lists = {"filters": words.pop("filter", []), "having": words.pop("having", [])}
    return query_of_words(**{name: value for name, (value,) in words.items()}, **lists)  # type: ignore[arg-type]


async def viewer_of(house: House, name: str) -> Viewer:
    token = await sessions.create_session(house.store, house.people[name], "local")
    viewer = await sessions.viewer_of(house.store, token)
    assert viewer is not None
    return viewer


def read_frames(
    viewer: Viewer, name: str, query: InsightQuery, engine: str, together: Sequence[InsightQuery] = ()
) -> int:
    """What a page reads of this question; the rows that it has, all of them this person's."""
    reader = frames.reader(viewer)
    reader.load_together(together)
    frame = reader.load(query)
    assert frame.error is None
    assert frame.engine == engine
    rows = frame.data.to_dict("records")
    check_pairs([pair for row in rows for pair in row.items()], frame.data.to_csv(), name)
    everyone = frozenset(account for accounts in houses.ACCOUNTS.values() for account in accounts)
    campaigns = frozenset(account * 1000 + 100 for account in everyone)
    named = reader.names("campaign", campaigns)
    assert len(named) == 2
    check_pairs([("campaign_id", key) for key in (*named, *reader.statuses(everyone))], str(named), name)
    check_pairs([("client_id", client.slug) for client in frames.scope(viewer)], str(frames.scope(viewer)), name)
    return len(rows)


@pytest.mark.parametrize("engine", ENGINES)
async def test_by_frames(place: tuple[House, Mirror], engine: str) -> None:
    house, mirror = place
    viewers = {name: await viewer_of(house, name) for name in PEOPLE}
    queries = [query_of(words) for words in QUESTIONS]
    turns = enumerate(itertools.islice(itertools.cycle(itertools.product(queries, PEOPLE)), ROUNDS))
    rows = 0
    bridge.attach(asyncio.get_running_loop(), house.store, mirror if engine == "mirror" else None)
    # Threads of their own, as Streamlit's scripts have: the loop's are for what the answers need.
    scripts = ThreadPoolExecutor(AT_ONCE)

    async def ask() -> None:
        nonlocal rows
        for number, (query, name) in turns:
            if number % 50 == 0:
                # Else nearly every answer would be a kept one.
                st.cache_resource.clear()
            together = queries if number % 3 == 0 else ()
            work = partial(read_frames, viewers[name], name, query, engine, together)
            rows += await asyncio.get_running_loop().run_in_executor(scripts, work)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(ask())
    finally:
        scripts.shutdown(wait=False)
        bridge.detach()
        st.cache_resource.clear()
    assert rows > ROUNDS
