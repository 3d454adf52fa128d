"""No text that a person can enter becomes a part of a statement, and no regular expression takes long."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from lib.access import people, personal_tokens, sessions
from lib.access.viewer import Role, Viewer
from lib.errors import AppError, QueryError
from lib.insights import matching, saved_views
from lib.insights.dialects import duckdb_sql
from lib.insights.engine import Bounded, Engine, PostgresEngine, Source
from lib.insights.export.log import log_export
from lib.insights.export.run import ExportResult
from lib.insights.filters import TEXT_WORDS, TEXTS, Filter
from lib.insights.matching import matcher
from lib.insights.query import WORDS, InsightQuery, Top
from lib.insights.run import run_query
from lib.store.engine import Store
from tests import factories
from tests.factories import viewer_of
from tests.integration.insights import world
from tests.integration.insights.test_against_pandas import INJECTIONS, Ground, ground

__all__ = ["ground"]
"""The fixture of the other module: the same world, stored once."""

MARK = "zq9mark9qz"
EXAMPLES = int(os.environ.get("DRAWN_TEXTS", "60"))
QUERY = InsightQuery(world.FIRST, world.LAST, ("campaign", "status"), ("spend", "roas"))
DRAWN = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def texts() -> st.SearchStrategy[str]:
    """Anything, around a mark that no statement of ours has."""
    hostile = st.sampled_from(INJECTIONS) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    return st.tuples(hostile, hostile).map(lambda parts: f"{parts[0][:80]}{MARK}{parts[1][:80]}")


class Overheard:
    """An engine whose statements are also written down, as DuckDB would get them."""

    def __init__(self, engine: PostgresEngine, heard: list[str]) -> None:
        self._engine, self._heard, self.name = engine, heard, engine.name

    @contextlib.asynccontextmanager
    async def reading(self, viewer: Viewer) -> AsyncIterator[Source]:
        """A look that is written down."""
        async with self._engine.reading(viewer) as source:
            table = source.table

            async def written(question: Bounded) -> Any:
                self._heard.append(duckdb_sql(question.statement)[0])
                return await table(question)

            source.table = written  # type: ignore[method-assign]  # the real one is called
            yield source

    async def version(self, viewer: Viewer) -> int:
        """As the engine says."""
        return await self._engine.version(viewer)


@pytest.fixture
def heard(ground: Ground) -> Iterator[list[str]]:
    """Every statement that PostgreSQL is sent, and the mirror would be; none has the mark in it at the end."""
    said: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(ground.store.engine.sync_engine, "before_cursor_execute", hear)
    yield said
    event.remove(ground.store.engine.sync_engine, "before_cursor_execute", hear)
    assert said
    assert not [statement for statement in said if MARK in statement.casefold()]


@DRAWN
@given(text=texts(), name=st.sampled_from(TEXTS), operator=st.sampled_from(list(TEXT_WORDS)))
def test_texts_of_a_query(ground: Ground, heard: list[str], text: str, name: str, operator: str) -> None:
    engine: Engine = Overheard(PostgresEngine(ground.store), heard)
    with contextlib.suppress(QueryError):
        filtered = replace(QUERY, filters=(Filter(name, operator, (text,)),))
        ground.runner.run(run_query(engine, filtered, ground.world.viewer))
    assert ground.runner.run(run_query(engine, replace(QUERY, currency=text), ground.world.viewer)).rows == []


@DRAWN
@given(text=texts(), other=texts())
def test_names_that_come_from_meta(ground: Ground, heard: list[str], text: str, other: str) -> None:
    engine: Engine = Overheard(PostgresEngine(ground.store), heard)
    account = 900
    viewer = viewer_of([account])

    async def with_these_names() -> None:
        async with ground.store.working() as session:
            client = await factories.add_client(session, "foreign", name=text)
            await factories.add_account(session, account, client, name=other, currency="EUR")
            await factories.add_campaign(session, account, 1, name=other, objective=text)
            await factories.add_adset(session, account, 1, name=text, optimization_goal=other)
            await factories.add_ad(session, account, 1, name=other, effective_status=text)
            await factories.add_insights(session, [factories.insight_row(account, world.FIRST, 1, spend_micros=5)])
        try:
            for word in WORDS:
                asked = replace(QUERY, group_by=(word,), top=Top(word, "spend", 1) if word != "weekday" else None)
                assert (await run_query(engine, asked, viewer)).table.num_rows == 1
        finally:
            async with ground.store.engine.begin() as connection:
                await connection.exec_driver_sql("DELETE FROM client WHERE slug = 'foreign'")

    ground.runner.run(with_these_names())


async def _entered_everywhere(store: Store, text: str) -> None:
    """Each way by which a person's words come to the store beside queries."""
    viewer = viewer_of([101], role=Role.ADMIN)
    result = ExportResult(text, 1, "0" * 64, 1, "postgres", is_sample=False)
    asked = replace(QUERY, filters=(Filter("ad", "!~", (text,)),))
    ways: tuple[Callable[[], Any], ...] = (
        lambda: people.put_person(store, f"{text}@example.com", Role.VIEWER, slugs=[text]),
        lambda: personal_tokens.create_token(store, text, name=text),
        lambda: personal_tokens.list_tokens(store, text),
        lambda: personal_tokens.holder_of(store, text),
        lambda: sessions.viewer_of(store, text),
        lambda: sessions.redeem_link(store, text),
        lambda: saved_views.create_view(store, viewer, text, "explore", "a=1"),
        lambda: saved_views.create_view(store, viewer, "name", "explore", f"a={text}"),
        lambda: saved_views.list_views(store, viewer, text),
        lambda: log_export(store, viewer, asked, result, "page"),
    )
    for way in ways:
        with contextlib.suppress(AppError):
            await way()


@settings(DRAWN, max_examples=EXAMPLES // 3)
@given(text=texts())
def test_texts_beside_queries(ground: Ground, heard: list[str], text: str) -> None:
    ground.runner.run(_entered_everywhere(ground.store, text))


def patterns() -> st.SearchStrategy[str]:
    """Regular expressions of the kind that run away: what repeats is repeated."""
    letters = st.sampled_from(["a", "b", ".", "[a-b]", r"\w", "(a|aa)", "(a|b|ab)", "^", "$", "é"])
    repeats = st.sampled_from(["*", "+", "?", "{2,}", "{1,50}", "{20}", "*?", "+?"])

    def repeated(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        many = st.lists(inner, min_size=1, max_size=4).map("".join)
        return st.tuples(many, repeats).map(lambda drawn: f"({drawn[0]}){drawn[1]}")

    return st.recursive(letters, repeated, max_leaves=25).map(lambda drawn: f"{drawn}$") | st.text(
        st.sampled_from("ab.*+?()[]{}|^$\\\\1,0d")
    )


@settings(DRAWN, max_examples=3 * EXAMPLES)
@given(pattern=patterns())
def test_no_regular_expression_runs_away_on_a_name(pattern: str) -> None:
    began = time.process_time()
    with contextlib.suppress(QueryError):
        matches = matcher(Filter("campaign", "=~", (pattern,)))
        for length in (10, 100, 400):
            matches("a" * length + "!")
    assert time.process_time() - began < 3


def test_a_pattern_that_is_slow_on_many_names_is_given_up(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "LIMIT_S", 0.0)
    slow = replace(QUERY, filters=(Filter("ad", "=~", ("(a{1,50}){20}" * 40 + "$",)),))
    with pytest.raises(QueryError, match="takes too long"):
        ground.runner.run(run_query(PostgresEngine(ground.store), slow, ground.world.viewer))
