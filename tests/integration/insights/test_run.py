"""Queries on PostgreSQL: sums, currencies, people counted once, goals, samples, and who sees what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from lib.access.viewer import Viewer
from lib.errors import QueryError
from lib.insights.engine import PostgresEngine
from lib.insights.goals import RULE
from lib.insights.metrics import METRICS
from lib.insights.picking import Picked, PickedAccount, accounts_statement
from lib.insights.query import InsightQuery, Top
from lib.insights.run import InsightAnswer, run_queries, run_query
from lib.insights.sql import compile_query
from lib.insights.words import parse_filter, parse_having, parse_order
from lib.store.engine import Store
from tests import factories
from tests.roles import app_alone

DAY, NEXT_DAY = dt.date(2026, 1, 1), dt.date(2026, 1, 2)


@pytest.fixture
async def viewer(store: Store) -> Viewer:
    """Sees a European account (11), a sample client's Japanese one (22), and not the stranger's (33)."""
    async with store.working() as session:
        acme = await factories.add_client(session, "acme")
        sample = await factories.add_client(session, "sample-shop", is_sample=True)
        stranger = await factories.add_client(session, "stranger")
        await factories.add_account(session, 11, acme)
        await factories.add_account(session, 22, sample, currency="JPY")
        await factories.add_account(session, 33, stranger)
        for account_id, goal in ((11, "LINK_CLICKS"), (22, "REACH"), (33, "VALUE")):
            await factories.add_campaign(session, account_id, account_id * 10)
            await factories.add_adset(session, account_id, account_id * 100, campaign_id=account_id * 10)
            await factories.add_adset(
                session, account_id, account_id * 100 + 1, campaign_id=account_id * 10, optimization_goal=goal
            )
        rows: list[dict[str, Any]] = []
        for account_id in (11, 22, 33):
            of = {"campaign_id": account_id * 10, "impressions": 1000, "link_clicks": 7, "purchases": 3, "reach": 800}
            for number, spend in enumerate(("10.01", "20.02")):
                amounts = {"spend": spend if account_id != 22 else int(float(spend)) * 100, "revenue": "100"}
                for day in (DAY, NEXT_DAY):
                    where = {"adset_id": account_id * 100 + number, "ad_id": account_id * 1000 + number}
                    rows.append(factories.insight_row(account_id, day, **where, **amounts, **of))
        await factories.add_insights(session, rows)
    return factories.viewer_of((11, 22), (acme, sample))


async def ask(store: Store, viewer: Viewer, group_by: str, metrics: str, **options: Any) -> InsightAnswer:
    """The answer over both days; words are separated by spaces."""
    since, until = options.pop("since", DAY), options.pop("until", NEXT_DAY)
    query = InsightQuery(since, until, tuple(group_by.split()), tuple(metrics.split()), **options)
    return await run_query(PostgresEngine(store), query, viewer)


def picked(accounts: Iterable[int]) -> Picked:
    """These accounts, as if someone had picked them."""
    return Picked(tuple(PickedAccount(number, 1, "", "EUR", "", "", False) for number in accounts))


async def test_money_is_exact_and_never_added_over_currencies(store: Store, viewer: Viewer) -> None:
    answer = await ask(store, viewer, "", "spend impressions cpc roas link_cpc")

    assert answer.columns[0].key == "currency"
    assert answer.rows == [
        ("EUR", Decimal("60.06"), 4000, None, Decimal("6.660007"), Decimal("2.1450")),
        ("JPY", Decimal("6000"), 4000, None, Decimal("0.066667"), Decimal("214.29")),
    ]
    assert str(answer.rows[1][1]) == "6000"


async def test_counts_alone_are_one_row(store: Store, viewer: Viewer) -> None:
    answer = await ask(store, viewer, "", "impressions purchases")

    assert answer.rows == [(8000, 24)]
    assert [(column.key, column.kind) for column in answer.columns] == [
        ("impressions", "count"),
        ("purchases", "count"),
    ]


async def test_money_that_only_picks_groups_keeps_currencies_apart(store: Store, viewer: Viewer) -> None:
    answer = await ask(store, viewer, "", "impressions", having=(parse_having("spend>1000"),))

    assert answer.rows == [("JPY", 4000)]


async def test_decimals_beyond_those_of_the_currency_are_kept(store: Store, viewer: Viewer) -> None:
    async with store.working() as session:
        await factories.add_insights(session, [factories.insight_row(22, DAY, ad_id=5, spend="0.125")])

    answer = await ask(store, viewer, "", "spend", currency="JPY", filters=(parse_filter("ad_id=5"),))

    assert answer.rows == [("JPY", Decimal("0.125"))]


async def test_people_are_never_added_up(store: Store, viewer: Viewer) -> None:
    summed = await ask(store, viewer, "date campaign", "reach frequency cpp unique_link_clicks impressions")
    single = await ask(store, viewer, "ad date", "reach frequency", filters=(parse_filter("ad_id=11000"),))

    assert {row[-5:-1] for row in summed.rows} == {(None, None, None, None)}
    assert set(summed.notes) == {"reach", "frequency", "cpp", "unique_link_clicks"}
    assert [row[-2:] for row in single.rows] == [(800, Decimal("1.250000"))] * 2
    assert single.notes == {}


async def test_results_hold_within_one_goal(store: Store, viewer: Viewer) -> None:
    by_adset = await ask(store, viewer, "adset", "results cost_per_result", currency="EUR")
    by_campaign = await ask(store, viewer, "campaign", "results cost_per_result", currency="EUR")
    of_reach = await ask(store, viewer, "adset", "results", filters=(parse_filter("adset_id=2201"),))

    assert [row[-2:] for row in by_adset.rows] == [(6, Decimal("3.3367")), (14, Decimal("2.8600"))]
    assert by_adset.notes == {}
    assert [row[-2:] for row in by_campaign.rows] == [(None, None)]
    assert by_campaign.notes == {"results": RULE, "cost_per_result": RULE}
    assert of_reach.rows[0][-1] is None


async def test_shares_are_of_what_is_shown_before_the_limit(store: Store, viewer: Viewer) -> None:
    answer = await ask(
        store, viewer, "ad", "spend_share", currency="EUR", order=(parse_order("-spend_share"),), limit=1
    )
    picked = await ask(store, viewer, "ad", "spend_share", currency="EUR", having=(parse_having("spend>30"),))

    assert [row[-1] for row in answer.rows] == [Decimal("0.666667")]
    assert [row[-1] for row in picked.rows] == [Decimal(1)]


async def test_an_ad_that_meta_has_not_described_counts_under_its_id(store: Store, viewer: Viewer) -> None:
    ids = {"ad_id": 99, "adset_id": 98, "campaign_id": 97}
    async with store.working() as session:
        await factories.add_insights(session, [factories.insight_row(11, DAY, **ids, spend="0.5")])

    answer = await ask(store, viewer, "campaign adset ad", "spend", filters=(parse_filter("campaign=97"),))

    assert answer.rows == [("97", "97", "98", "98", "99", "99", "EUR", Decimal("0.50"))]
    for word in ('objective=""', "status!=ACTIVE", "ad=~^9+$", "adset^=98"):
        found = await ask(store, viewer, "ad", "spend", filters=(parse_filter(word), parse_filter("ad_id=99")))
        assert len(found.rows) == 1, word


async def test_samples_are_marked_only_where_they_are_in_the_answer(store: Store, viewer: Viewer) -> None:
    assert (await ask(store, viewer, "", "clicks")).is_sample
    assert (await ask(store, viewer, "", "clicks", currency="JPY")).is_sample
    assert not (await ask(store, viewer, "", "clicks", account_ids=frozenset({11}))).is_sample
    assert not (await ask(store, viewer, "", "clicks", filters=(parse_filter("client_id=acme"),))).is_sample


async def test_clients_go_by_slug_and_name(store: Store, viewer: Viewer) -> None:
    answer = await ask(store, viewer, "client", "impressions", order=(parse_order("-client"),))

    assert answer.rows == [("sample-shop", "Sample-Shop", 4000), ("acme", "Acme", 4000)]


async def test_dimensions_alone_are_the_list_of_what_there_is(store: Store, viewer: Viewer) -> None:
    answer = await ask(store, viewer, "account", "")

    assert answer.rows == [("11", "Account 11"), ("22", "Account 22")]


@pytest.mark.parametrize("asked", [None, frozenset({33}), frozenset({11, 22, 33})])
async def test_a_foreign_viewer_gets_no_row(store: Store, viewer: Viewer, asked: frozenset[int] | None) -> None:
    for other in (factories.viewer_of(()), factories.viewer_of((44,), (1, 2, 3))):
        answer = await ask(store, other, "account", "spend", account_ids=asked)
        assert answer.rows == []
        assert len(answer.columns) == 4
    assert {row[0] for row in (await ask(store, viewer, "account", "clicks", account_ids=asked)).rows} <= {"11", "22"}


async def test_a_client_that_is_not_granted_stays_nameless(store: Store, viewer: Viewer) -> None:
    half = factories.viewer_of((33,), viewer.client_ids)

    (row,) = (await ask(store, half, "client", "impressions")).rows

    assert row[0] == row[1]
    assert row[0].isdigit()
    assert (await ask(store, half, "", "impressions", filters=(parse_filter("client~stranger"),))).rows == []


async def test_without_a_viewer_the_database_itself_gives_no_row(store: Store, viewer: Viewer) -> None:
    everyone = frozenset({11, 22, 33})
    for group_by in ((), ("date", "client", "account", "campaign", "adset", "ad")):
        query = InsightQuery(DAY, NEXT_DAY, group_by, tuple(METRICS))
        async with app_alone(store) as session:
            assert (await session.execute(accounts_statement(everyone, everyone).statement)).all() == []
            assert (await session.execute(compile_query(query, picked(everyone)).statement)).all() == []


async def test_a_query_takes_two_statements(store: Store, viewer: Viewer) -> None:
    await ask(store, viewer, "ad", "spend")
    before = store.statements
    await ask(store, viewer, "date client account campaign adset ad", " ".join(METRICS))
    # One more names the role and the accounts of the transaction.
    assert store.statements - before == 3


async def test_queries_together_have_the_same_answers_and_read_accounts_and_names_once(
    store: Store, viewer: Viewer
) -> None:
    engine = PostgresEngine(store)
    named = (parse_filter("campaign~a"),)
    queries = [
        InsightQuery(DAY, NEXT_DAY, ("date",), ("spend", "reach")),
        InsightQuery(DAY, NEXT_DAY, ("campaign",), ("impressions",), filters=named),
        InsightQuery(DAY, NEXT_DAY, (), ("impressions",), filters=named),
        InsightQuery(DAY, DAY, ("ad",), ("spend",), account_ids=frozenset({33})),
        InsightQuery(DAY, NEXT_DAY, ("account",), ("spend",), account_ids=frozenset({22})),
    ]
    alone = [await run_query(engine, query, viewer) for query in queries]
    before = store.statements
    together = await run_queries(engine, queries, viewer)
    assert together == alone
    assert [len(answer.rows) for answer in together] == [4, 2, 1, 0, 1]
    # One that names role and accounts, the accounts of three sets, two for the names, and one for each that has any.
    assert store.statements - before == 1 + 3 + 2 + 4
    assert await run_queries(engine, [], viewer) == []


async def test_one_sum_beyond_64_bits_among_several_queries(store: Store, viewer: Viewer) -> None:
    most = 2**63 - 1
    async with store.working() as session:
        rows = [factories.insight_row(11, DAY, ad_id=number, impressions=most) for number in (1, 2)]
        await factories.add_insights(session, rows)
    metrics = [("link_clicks",), ("impressions",)]
    queries = [InsightQuery(DAY, DAY, ("account",), each, account_ids=frozenset({11})) for each in metrics]
    together = await run_queries(PostgresEngine(store), queries, viewer)
    assert [answer.rows for answer in together] == [[("11", "Account 11", 14)], [("11", "Account 11", 2 * most + 2000)]]


@pytest.mark.parametrize("word", ["campaign=~(", "account=~[", "ad=~*x", "client=~\\"])
def test_a_broken_regular_expression_is_a_sentence(word: str) -> None:
    with pytest.raises(QueryError, match="A regular expression of the filters cannot be read: "):
        parse_filter(word)


async def test_the_largest_numbers_are_summed_exactly(store: Store, viewer: Viewer) -> None:
    largest = 2**63 - 1
    async with store.working() as session:
        rows = [
            {**factories.insight_row(22, day, ad_id=6, impressions=largest), "spend_micros": largest}
            for day in (DAY, NEXT_DAY)
        ]
        await factories.add_insights(session, rows)

    answer = await ask(store, viewer, "", "impressions spend cpm", filters=(parse_filter("ad_id=6"),), limit=2**63 - 1)

    assert answer.rows == [("JPY", 2 * largest, Decimal(2 * largest).scaleb(-6), Decimal("0.00"))]


async def test_a_top_of_money_is_ranked_within_each_currency(store: Store) -> None:
    spends = {11: ("acme", "EUR", 900), 12: ("acme", "USD", 800), 21: ("beta", "EUR", 700), 31: ("gamma", "JPY", 90000)}
    async with store.working() as session:
        clients = {slug: await factories.add_client(session, slug) for slug in ("acme", "beta", "gamma")}
        for account, (slug, currency, spend) in spends.items():
            await factories.add_account(session, account, clients[slug], currency=currency)
            row = factories.insight_row(account, DAY, account, spend_micros=spend * 1_000_000)
            await factories.add_insights(session, [row])
    viewer = factories.viewer_of(spends, clients.values())
    for n, named in ((3, {"acme", "beta", "gamma"}), (1, {"acme", "", "gamma"})):
        query = InsightQuery(DAY, DAY, ("client",), ("spend",), top=Top("client", "spend", n))
        rows = (await run_query(PostgresEngine(store), query, viewer)).rows
        assert {row[0] for row in rows} == named
        assert sum(row[-1] for row in rows if row[2] == "EUR") == 1600
