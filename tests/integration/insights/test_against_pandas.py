"""Drawn queries give what pandas gives, and nothing that is written in one can hurt."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.engine import URL

from lib.errors import AppError, QueryError
from lib.insights.breakdowns import SPLITS
from lib.insights.engine import PostgresEngine
from lib.insights.filters import IDS, LIST_OPERATORS, NUMBER_WORDS, TEXT_WORDS, TEXTS
from lib.insights.metrics import METRICS
from lib.insights.picking import Picked, PickedAccount, accounts_statement
from lib.insights.query import DIMENSIONS, NAMED, TEXTUAL, Filter, InsightQuery, Order, Top
from lib.insights.run import InsightAnswer, run_query
from lib.insights.sql import compile_query
from lib.insights.words import parse_filter
from lib.store.engine import Store
from lib.store.models import Base, Insight
from tests import factories
from tests.emptying import emptying
from tests.integration.insights import reference, split_world, world
from tests.roles import app_alone

SHARES = ("spend_share", "revenue_share")
INJECTIONS = (
    "'; DROP TABLE insight; --",
    "x' OR '1'='1",
    '"; DELETE FROM slice; --',
    "%' UNION SELECT hashed_password FROM app_user --",
    "\\'; TRUNCATE client CASCADE; --",
    "%(account_id)s %s :param {x} $1 ?",
    "$$; SELECT pg_sleep(60); $$",
    "/* */ -- \u2028 ' \" `",
)


@dataclass(frozen=True, repr=False)
class Ground:
    """One loop and one store for the module, with the world in it."""

    runner: asyncio.Runner
    store: Store
    world: world.World
    more: split_world.SplitWorld

    def ask(self, query: InsightQuery) -> InsightAnswer:
        """The answer for the world's viewer."""
        return self.runner.run(run_query(PostgresEngine(self.store), query, self.world.viewer))

    def check(self, query: InsightQuery) -> None:
        """Postgres and pandas agree."""
        assert self.ask(query).rows == reference.answer(query, self.world.viewer, self.world.rows, self.more)


async def _open(url: URL) -> Store:
    store = Store(url)
    async with store.engine.begin() as connection:
        await connection.execute(text(emptying()))
    return store


@pytest.fixture(scope="module")
def ground(database_url: URL) -> Iterator[Ground]:
    """The world, stored once: every query of the module only reads."""
    with asyncio.Runner() as runner:
        store = runner.run(_open(database_url))
        built = runner.run(world.build(store))
        yield Ground(runner, store, built, runner.run(split_world.build(store, built)))
        runner.run(store.dispose())


def pieces() -> st.SearchStrategy[str]:
    """Parts of names, in other letters at times, and texts that no name has."""
    name = st.sampled_from(world.NAMES)
    part = st.tuples(name, st.integers(0, 8), st.integers(1, 9)).map(lambda cut: cut[0][cut[1] : cut[1] + cut[2]])
    drawn = st.text(st.sampled_from("aAbB%_\\'\"éÉ🎉日.*[](){}|^$-;: 01"), min_size=1, max_size=4)
    return st.one_of(part.filter(bool), part.filter(bool).map(str.swapcase), drawn, st.sampled_from(INJECTIONS))


def patterns() -> st.SearchStrategy[str]:
    """Regular expressions that Python and RE2 read alike."""
    plain = st.sampled_from(
        ["^S", "sale|off", ".", "[0-9]+", r"\d{3}", "e$", "^(a|b)", "(x|y)*z", "É", "^.{0,3}$", "a.c"]
    )
    return st.one_of(plain, pieces().map(lambda piece: re.sub(r"([!-/:-@[-^`{-~])", r"\\\1", piece)))


@st.composite
def text_filters(draw: st.DrawFn) -> Filter:
    """A condition on a name or another text."""
    name = draw(st.sampled_from(TEXTS))
    operator = draw(st.sampled_from(list(TEXT_WORDS)))
    exact = {
        "currency": ("EUR", "JPY", ""),
        "status": ("ACTIVE", "PAUSED", ""),
        "objective": ("OUTCOME_SALES", ""),
        "goal": ("VALUE", "OFFSITE_CONVERSIONS", ""),
        **{name: values for each in split_world.SETS.values() for name, values in each.items()},
    }
    known = exact.get(name, (*world.NAMES, "Acme", "acme", "samples", "Account 1"))
    if operator in LIST_OPERATORS:
        return Filter(name, operator, tuple(draw(st.lists(st.sampled_from(known), min_size=1, max_size=4))))
    return Filter(name, operator, (draw(patterns() if operator == "=~" else pieces()),))


@st.composite
def id_filters(draw: st.DrawFn) -> Filter:
    """A condition on the id of an account, a campaign, an ad set or an ad."""
    name = draw(st.sampled_from(IDS))
    first = 0 if name == "account_id" else {"campaign_id": 100, "adset_id": 200, "ad_id": 0, "creative_id": 300}[name]
    numbers = st.integers(101, 106)
    if name != "account_id":
        numbers = st.tuples(numbers, st.integers(0, 7)).map(lambda drawn: drawn[0] * 1000 + first + drawn[1])
    ids = draw(st.lists(numbers | st.just(2**63 - 1), min_size=1, max_size=12))
    return Filter(name, draw(st.sampled_from(LIST_OPERATORS)), tuple(str(number) for number in ids))


def number_filters(*, people: bool) -> st.SearchStrategy[Filter]:
    """A condition on a metric; those of people only where single ad-days are looked at."""
    usable = [slug for slug, each in METRICS.items() if slug not in SHARES and (people or each.additive != "never")]
    numbers = st.sampled_from(["0", "1", "2", "0.01", "0.5", "0.333333333", "3", "100", "-1", "123.456789", "1000"])
    return st.builds(
        lambda slug, operator, number: Filter(slug, operator, (number,)),
        st.sampled_from(usable),
        st.sampled_from(list(NUMBER_WORDS)),
        numbers,
    )


def tops(group_by: tuple[str, ...]) -> st.SearchStrategy[Top | None]:
    """A top of one of the dimensions that can have one, or none."""
    usable = [name for name in group_by if name in (*NAMED, *TEXTUAL)]
    if not usable:
        return st.none()
    by = [slug for slug, each in METRICS.items() if each.additive != "never"]
    some = st.builds(Top, st.sampled_from(usable), st.sampled_from(by), st.integers(1, 5))
    return st.none() | some


@st.composite
def queries(draw: st.DrawFn) -> InsightQuery:
    """Any query that is allowed."""
    slug = draw(st.none() | st.sampled_from(list(split_world.SETS)))
    usable = [name for name in DIMENSIONS if name not in SPLITS or SPLITS[name][0] == slug]
    group_by = tuple(draw(st.lists(st.sampled_from(usable), unique=True, max_size=6)))
    metrics = tuple(draw(st.lists(st.sampled_from(list(METRICS)), unique=True, min_size=1, max_size=6)))
    top = draw(tops(group_by))
    people = top is None and {"date", "ad", *(split_world.SETS[slug] if slug else ())} <= set(group_by)
    days = sorted(draw(st.tuples(*[st.dates(world.FIRST - dt.timedelta(1), world.LAST + dt.timedelta(1))] * 2)))
    filters = st.one_of(text_filters(), text_filters(), id_filters(), number_filters(people=True))
    chosen = [each for each in draw(st.lists(filters, max_size=2)) if each.name in usable or each.name not in SPLITS]
    is_split = any(name in SPLITS for name in (*group_by, *(each.name for each in chosen)))
    return InsightQuery(
        since=days[0],
        until=days[1],
        group_by=group_by,
        metrics=metrics,
        filters=tuple(chosen),
        having=tuple(draw(st.lists(number_filters(people=people), max_size=2))),
        order=tuple(
            draw(st.lists(st.builds(Order, st.sampled_from([*group_by, *METRICS]), st.booleans()), max_size=2))
        ),
        limit=draw(st.none() | st.integers(1, 20)),
        account_ids=draw(st.none() | st.frozensets(st.integers(101, 107))),
        currency=draw(st.none() | st.none() | st.sampled_from(["EUR", "JPY", "CHF"])),
        top=top,
        attribution=None if is_split else draw(st.none() | st.none() | st.sampled_from(split_world.WINDOWS)),
    )


@settings(
    max_examples=int(os.environ.get("DRAWN_QUERIES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(query=queries())
def test_drawn_queries(ground: Ground, query: InsightQuery) -> None:
    ground.check(query)


@settings(max_examples=60, deadline=None)
@given(each=st.one_of(text_filters(), id_filters(), number_filters(people=True)))
def test_drawn_filters(ground: Ground, each: Filter) -> None:
    ground.check(InsightQuery(world.FIRST, world.LAST, ("ad",), ("impressions", "results"), filters=(each,)))


@pytest.mark.parametrize("length", range(3))
def test_every_set_of_dimensions_with_every_metric(ground: Ground, length: int) -> None:
    for group_by in itertools.combinations(DIMENSIONS, length):
        if len({SPLITS[name][0] for name in group_by if name in SPLITS}) > 1:
            with pytest.raises(QueryError, match="Meta does not report this combination"):
                InsightQuery(world.FIRST, world.LAST, group_by, ("spend",))
            continue
        ground.check(InsightQuery(world.FIRST, world.LAST, group_by, tuple(METRICS)))
        ground.check(
            InsightQuery(world.FIRST, world.LAST, group_by[::-1], ("impressions",), order=(Order("roas", True),))
        )


def test_filters_leave_the_query_as_it_was(ground: Ground) -> None:
    query = InsightQuery(world.FIRST, world.LAST, (), ("impressions",))
    for name in TEXTS:
        group_by = (name,) if name in SPLITS else ()
        everything = sum(row[-1] for row in ground.ask(replace(query, group_by=group_by)).rows)
        parts = [ground.ask(replace(query, filters=(Filter(name, operator, ("a",)),))).rows for operator in ("~", "!~")]
        assert sum(rows[0][0] for rows in parts if rows) == everything


@pytest.mark.parametrize("injection", INJECTIONS)
def test_injections_find_nothing_and_break_nothing(ground: Ground, injection: str) -> None:
    before = ground.runner.run(_tables(ground.store))
    query = InsightQuery(world.FIRST, world.LAST, ("ad",), ("spend",))
    names = [name for name in TEXTS if name not in SPLITS or name in ("region", "position")]
    for name, operator in itertools.product(names, TEXT_WORDS):
        filtered = replace(query, filters=(Filter(name, operator, (injection,)),))
        try:
            ground.check(filtered)
        except (QueryError, re.error):
            assert operator == "=~"
    assert ground.ask(replace(query, currency=injection)).rows == []
    for word in (injection, f"campaign{injection}", f"spend>{injection}", f"ad_id={injection}", f"{injection}=1"):
        with pytest.raises(QueryError):
            parse_filter(word)
    for options in ({"group_by": (injection,)}, {"metrics": (injection,)}, {"order": (Order(injection),)}):
        with pytest.raises(QueryError):
            replace(query, **options)
    assert ground.runner.run(_tables(ground.store)) == before


async def _tables(store: Store) -> dict[str, Any]:
    """How many rows each table holds."""
    async with store.engine.connect() as connection:
        tables = Base.metadata.sorted_tables
        counts = [(await connection.execute(select(func.count()).select_from(table))).scalar_one() for table in tables]
    return dict(zip((table.name for table in tables), counts, strict=True))


@settings(max_examples=30, deadline=None)
@given(query=queries(), accounts=st.frozensets(st.integers(101, 106), max_size=2))
def test_drawn_queries_of_others(ground: Ground, query: InsightQuery, accounts: frozenset[int]) -> None:
    viewer = factories.viewer_of(accounts, ground.world.client_ids)
    found = ground.runner.run(run_query(PostgresEngine(ground.store), query, viewer))

    assert found.rows == reference.answer(query, viewer, ground.world.rows, ground.more)
    assert (
        ground.runner.run(
            run_query(PostgresEngine(ground.store), query, factories.viewer_of((), viewer.client_ids))
        ).rows
        == []
    )


@settings(max_examples=30, deadline=None)
@given(query=queries())
def test_drawn_queries_without_a_viewer(ground: Ground, query: InsightQuery) -> None:
    async def look() -> list[Any]:
        everyone = frozenset(range(101, 107))
        async with app_alone(ground.store) as session:
            scope = (await session.execute(accounts_statement(everyone, everyone).statement)).all()
            picked = Picked(tuple(PickedAccount(number, 1, "", "EUR", "", "", False) for number in everyone))
            rows = (await session.execute(compile_query(query, picked).statement)).all()
            stored = (await session.execute(select(Insight.ad_id))).all()
        return [*scope, *rows, *stored]

    assert ground.runner.run(look()) == []


def test_a_query_that_takes_too_long_is_stopped_with_a_sentence(ground: Ground) -> None:
    async def ask() -> None:
        async with ground.store.viewing(ground.world.viewer) as session:
            await session.execute(text("SELECT set_config('statement_timeout', '100ms', true)"))
            await session.execute(text("SELECT pg_sleep(30)"))

    with pytest.raises(AppError, match="took too long and was stopped"):
        ground.runner.run(ask())
