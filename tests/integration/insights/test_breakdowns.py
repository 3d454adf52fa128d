"""Questions by breakdown: whose rows they read, what Meta does not report, what was never fetched, who sees them."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from lib.access.viewer import Viewer
from lib.errors import AccessError, QueryError
from lib.insights.breakdowns import NOT_CHOSEN, NOT_YET
from lib.insights.engine import Bounded, Engine, PostgresEngine
from lib.insights.export import export_to
from lib.insights.mirror import Mirror
from lib.insights.paging import read_page
from lib.insights.query import Filter, InsightQuery, Top
from lib.insights.run import InsightAnswer, run_query
from lib.insights.trust import trust
from lib.store.engine import Store
from lib.store.models import InsightAttribution, InsightBreakdown, PeriodInsight, PeriodSlice
from tests import factories
from tests.factories import breakdown_row, insight_row
from tests.roles import app_alone

DAY, NEXT_DAY = dt.date(2026, 1, 1), dt.date(2026, 1, 2)
UNREPORTED = "Meta does not report it by region"
OF_ONE = "Not fetched for 1 of 2 accounts: choose the breakdown for their clients under Clients"
"""Nobody has chosen anything for account 22."""


@pytest.fixture
async def viewer(store: Store) -> Viewer:
    """Sees account 11, whose regions and countries are fetched for a day, and 22, where nothing was chosen; not 33."""
    async with store.working() as session:
        acme = await factories.add_client(session, "acme")
        stranger = await factories.add_client(session, "stranger")
        await session.execute(text("UPDATE client SET breakdowns = '{region,country,device}' WHERE slug = 'acme'"))
        for account_id, client in ((11, acme), (22, stranger), (33, stranger)):
            await factories.add_account(session, account_id, client)
            whole = {"spend": "100", "impressions": 1000, "purchases": 50, "reach": 700}
            await factories.add_insights(session, [insight_row(account_id, DAY, 1, **whole)])
            await factories.add_slice(session, account_id, DAY)
        for account_id in (11, 33):
            await factories.add_breakdowns(session, _regions(account_id))
            for slug in ("region", "country"):
                await factories.add_slice(session, account_id, DAY, breakdown=slug)
    return factories.viewer_of((11, 22), (acme,))


def _regions(account_id: int) -> list[dict[str, Any]]:
    """Bavaria has two ads, of which one sold something on Meta itself; of Saxony no purchase is reported."""
    rows = (("Bavaria", 1, "10", 100, 3, 90), ("Bavaria", 2, "20", 200, None, 150), ("Saxony", 1, "30", 300, None, 80))
    return [
        breakdown_row(
            "region", region,
            **insight_row(
                account_id, DAY, ad_id, spend=spend, impressions=shown, purchases=bought, reach=people,
                campaign_id=ad_id,
            ) | {"revenue_micros": bought and 5_000_000},
        )
        for region, ad_id, spend, shown, bought, people in rows
    ]  # fmt: skip


def asked(group_by: str, metrics: str, **options: Any) -> InsightQuery:
    """A question about both days; words are separated by spaces."""
    return InsightQuery(DAY, NEXT_DAY, tuple(group_by.split()), tuple(metrics.split()), **options)


async def answered(store: Store, viewer: Viewer, query: InsightQuery) -> InsightAnswer:
    """PostgreSQL's answer."""
    return await run_query(PostgresEngine(store), query, viewer)


async def test_a_breakdown_is_read_from_its_own_rows(store: Store, viewer: Viewer) -> None:
    answer = await answered(store, viewer, asked("region", "spend impressions cpm"))
    assert [column.label for column in answer.columns] == ["Region", "Currency", "Spend", "Impressions", "CPM"]
    assert answer.rows == [
        ("Bavaria", "EUR", Decimal("30.00"), 300, Decimal("100.0000")),
        ("Saxony", "EUR", Decimal("30.00"), 300, Decimal("100.0000")),
    ]
    assert answer.notes == {"region": OF_ONE}


async def test_what_meta_does_not_report_is_blank_and_never_0_nor_a_part(store: Store, viewer: Viewer) -> None:
    answer = await answered(store, viewer, asked("region", "purchases cpa revenue_share"))
    assert [row[-3:] for row in answer.rows] == [(None, None, None)] * 2
    assert answer.notes == {"region": OF_ONE, "purchases": UNREPORTED, "cpa": UNREPORTED, "revenue_share": UNREPORTED}
    cut = await answered(store, viewer, asked("region ad", "revenue revenue_share", limit=1))
    assert (cut.rows[0][-2:], cut.notes["revenue_share"]) == ((Decimal("5.00"), None), UNREPORTED)
    by_ad = await answered(store, viewer, asked("region ad", "purchases cpa"))
    assert [row[-2:] for row in by_ad.rows] == [(3, Decimal("3.3333")), (None, None), (None, None)]
    saxony = Filter("region", "=", ("Saxony",))
    total = await answered(store, viewer, asked("", "purchases", filters=(saxony,)))
    assert total.rows == [(None,)]
    none = await answered(store, viewer, asked("ad", "purchases", filters=(saxony, Filter("purchases", "=", ("0",)))))
    assert none.rows == []


async def test_people_of_a_segment_are_not_added_up(store: Store, viewer: Viewer) -> None:
    by_region = await answered(store, viewer, asked("region", "reach frequency"))
    assert [row[1:] for row in by_region.rows] == [(None, None)] * 2
    assert set(by_region.notes) == {"reach", "frequency", "region"}
    ads = await answered(store, viewer, asked("date ad", "reach", filters=(Filter("region", "~", ("bav",)),)))
    assert {row[-1] for row in ads.rows} == {None}
    whole = await answered(store, viewer, asked("date ad region", "reach frequency"))
    assert [row[-2:] for row in whole.rows] == [
        (90, Decimal("1.111111")), (80, Decimal("3.750000")), (150, Decimal("1.333333")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "values", "found"),
    [
        ("=", ("Saxony",), ["Saxony"]),
        ("!=", ("Saxony", "'; --"), ["Bavaria"]),
        ("~", ("AV",), ["Bavaria"]),
        ("=~", ("^(S|X)",), ["Saxony"]),
        ("^=", ("hesse",), []),
    ],
)
async def test_values_are_filtered(
    store: Store, viewer: Viewer, operator: str, values: tuple[str, ...], found: list[str]
) -> None:
    answer = await answered(store, viewer, asked("region", "clicks", filters=(Filter("region", operator, values),)))
    assert [row[0] for row in answer.rows] == found


async def test_a_filter_alone_names_the_rows(store: Store, viewer: Viewer) -> None:
    only = Filter("region", "=", ("Bavaria",))
    answer = await answered(store, viewer, asked("campaign", "spend", filters=(only,)))
    assert [(row[0], row[-1]) for row in answer.rows] == [("1", Decimal("10.00")), ("2", Decimal("20.00"))]


async def test_the_top_is_ranked_by_the_same_rows(store: Store, viewer: Viewer) -> None:
    query = asked("campaign region", "impressions", top=Top("campaign", "impressions", 1))
    answer = await answered(store, viewer, query)
    assert [row[1:] for row in answer.rows] == [("1", "Bavaria", 100), ("1", "Saxony", 300), ("Other", "Bavaria", 200)]


@pytest.mark.parametrize(
    ("group_by", "filters"),
    [("age country", ()), ("region", (Filter("gender", "=", ("female",)),)), ("platform hour device", ())],
)
def test_a_combination_that_meta_does_not_report(group_by: str, filters: tuple[Filter, ...]) -> None:
    with pytest.raises(QueryError, match=r"Meta does not report this combination: .* age and gender may go together"):
        asked(group_by, "spend", filters=filters)


async def test_what_was_never_fetched_says_what_to_do(store: Store, viewer: Viewer) -> None:
    assert (await answered(store, viewer, asked("age gender", "spend"))).notes == {
        "age": NOT_CHOSEN,
        "gender": NOT_CHOSEN,
    }
    assert (await answered(store, viewer, asked("device", "spend"))).notes == {"device": f"{NOT_YET}; n{OF_ONE[1:]}"}
    assert (await answered(store, viewer, asked("country", "spend"))).notes == {"country": OF_ONE}
    alone = {"account_ids": frozenset({11})}
    assert (await answered(store, viewer, asked("device", "spend", **alone))).notes == {"device": NOT_YET}
    assert (await answered(store, viewer, asked("country", "spend", **alone))).notes == {}
    of_other = asked("region", "spend", account_ids=frozenset({22}))
    assert (await answered(store, viewer, of_other)).notes == {"region": NOT_CHOSEN}
    written = await export_to(PostgresEngine(store), asked("hour", "spend"), viewer, "csv", io.BytesIO())
    assert (written.rows, written.notes) == (0, {"hour": NOT_CHOSEN})


async def test_completeness_counts_the_slices_of_the_set(store: Store, viewer: Viewer) -> None:
    engine = PostgresEngine(store)
    only = {"account_ids": frozenset({11})}
    page = await read_page(engine, asked("region", "spend", **only), viewer, offset=0, limit=1)
    assert (page.total, page.days.complete_until, page.days.missing_days) == (2, DAY, 1)
    page = await read_page(engine, asked("age", "spend", **only), viewer, offset=0, limit=1)
    assert (page.total, page.days.complete_until, page.days.missing_days) == (0, None, 2)
    plain = await trust(engine, viewer, DAY, DAY)
    split = await trust(engine, viewer, DAY, DAY, breakdown="region")
    assert (plain.missing_days, split.missing_days) == (0, 1)
    assert (plain.refreshed_at, split.refreshed_at) == (factories.NOW, None)
    assert (await trust(engine, viewer, DAY, DAY, breakdown="region", **only)).refreshed_at == factories.NOW


async def test_each_window_is_counted_alone_and_only_where_it_was_fetched(store: Store, viewer: Viewer) -> None:
    async with store.working() as session:
        rows = [insight_row(11, NEXT_DAY, ad_id, spend="1", purchases=9, clicks=4) for ad_id in (1, 2)]
        await factories.add_insights(session, rows)
        await factories.add_slice(session, 11, NEXT_DAY, attribution_windows=["1d_click", "1d_view"])
        credited = {"account_id": 11, "date": NEXT_DAY, "ad_id": 1, "purchases": 2, "revenue_micros": 5_000_000}
        await factories.add_attributions(session, [{**credited, "attribution_window": "1d_click"}])
    of_day = {"filters": (Filter("account_id", "=", ("11",)),)}

    async def asks(window: str, group_by: str = "date") -> InsightAnswer:
        return await answered(store, viewer, asked(group_by, "purchases revenue clicks", attribution=window, **of_day))

    clicked = await asks("1d_click")
    assert [row[2:] for row in clicked.rows] == [(None, None, 0), (2, Decimal("5.00"), 8)]
    assert set(clicked.notes) == {"purchases", "revenue"}
    nowhere = "not fetched for 1 day after a click on each of these days: choose the window"
    assert clicked.notes["purchases"] == f"{nowhere} for the client under Clients"
    async with store.working() as session:
        await session.execute(text("UPDATE client SET attribution_windows = '{1d_click}' WHERE slug = 'acme'"))
    assert (await asks("1d_click")).notes["revenue"].endswith("on each of these days: refresh these days")
    both = await answered(store, viewer, asked("date", "purchases", attribution="1d_click"))
    assert both.notes["purchases"].startswith(
        f"{nowhere} for the clients of 1 of 2 accounts under Clients, and refresh"
    )
    assert [row[1:] for row in (await asks("1d_click", "")).rows] == [(None, None, 8)]
    assert [row[2:4] for row in (await asks("1d_view")).rows] == [(None, None), (0, Decimal("0.00"))]
    assert [row[2:4] for row in (await asks("7d_click")).rows] == [(None, None)] * 2
    with pytest.raises(QueryError, match="Attribution windows are not kept by breakdown"):
        asked("region", "purchases", attribution="1d_click")
    with pytest.raises(QueryError, match="There is no attribution window “28d_view”"):
        asked("date", "purchases", attribution="28d_view")


@pytest.fixture
async def mirror(store: Store, viewer: Viewer, tmp_path: Path) -> Any:
    """A mirror of it."""
    found = Mirror(tmp_path / "mirror.duckdb", store, memory_mb=128)
    await found.catch_up()
    yield found
    await found.close()


def engine_of(mirror: Mirror) -> Engine:
    """What answers from it."""
    engine = mirror.engine()
    assert engine is not None
    return engine


async def test_the_mirror_takes_in_what_changed_of_breakdowns_and_periods(
    store: Store, viewer: Viewer, mirror: Mirror
) -> None:
    by_region, by_campaign = asked("region", "spend purchases"), asked("campaign", "reach frequency cpp")
    queries = (by_region, by_campaign, asked("device", "spend"), asked("date", "purchases", attribution="1d_view"))
    for change in (_nothing, _another_region, _a_period, _a_device, _a_choice):
        await change(store)
        await mirror.catch_up()
        for query in queries:
            ours, theirs = [await run_query(each, query, viewer) for each in (engine_of(mirror), PostgresEngine(store))]
            assert (ours.engine, ours.rows, ours.notes) == ("mirror", theirs.rows, theirs.notes), (change, query)
    assert (await mirror.catch_up()).accounts == set()
    assert ("Hesse", "EUR", Decimal("7.00"), None) in (await run_query(engine_of(mirror), by_region, viewer)).rows
    assert 444 in [row[-3] for row in (await run_query(engine_of(mirror), by_campaign, viewer)).rows]


async def _nothing(store: Store) -> None:
    pass


async def _another_region(store: Store) -> None:
    async with store.working() as session:
        row = breakdown_row("region", "Hesse", **insight_row(11, NEXT_DAY, 1, spend="7"))
        await factories.add_breakdowns(session, [row])
        await factories.add_slice(session, 11, NEXT_DAY, breakdown="region")


async def _a_period(store: Store) -> None:
    async with store.working() as session:
        people = [{"object_id": 1, "reach": 444, "impressions": 888, "spend_micros": 1_000_000}]
        await factories.add_period(session, 11, "campaign", DAY, NEXT_DAY, people)


async def _a_device(store: Store) -> None:
    async with store.working() as session:
        row = breakdown_row("device", "desktop", **insight_row(11, DAY, 1, spend="9"))
        await factories.add_breakdowns(session, [row])
        await factories.add_slice(session, 11, DAY, breakdown="device")


async def _a_choice(store: Store) -> None:
    async with store.working() as session:
        chosen = "SET breakdowns = '{}', attribution_windows = '{1d_view}'"
        await session.execute(text(f"UPDATE client {chosen} WHERE slug = 'acme'"))


async def test_nobody_sees_the_rows_of_others(store: Store, viewer: Viewer, mirror: Mirror) -> None:
    async with store.working() as session:
        await factories.add_period(session, 33, "ad", DAY, DAY, [{"object_id": 1, "reach": 5}])
        credited = {"account_id": 33, "date": DAY, "ad_id": 1, "attribution_window": "1d_click"}
        await factories.add_attributions(session, [credited])
    tables = (InsightBreakdown, InsightAttribution, PeriodInsight, PeriodSlice)
    for table in tables:
        async with app_alone(store) as session:
            assert (await session.execute(select(table))).all() == [], table
        async with store.viewing(viewer) as session:
            seen = (await session.scalars(select(table.account_id))).all()
            assert 33 not in seen, table
        async with store.viewing(factories.viewer_of((33,))) as session:
            assert set((await session.scalars(select(table.account_id))).all()) == {33}, table
    split = Bounded(select(InsightBreakdown.account_id.label("account_id")), frozenset({33}))
    for engine in (engine_of(mirror), PostgresEngine(store)):
        async with engine.reading(viewer) as source:
            with pytest.raises(AccessError):
                await source.table(split)
        assert (await run_query(engine, asked("region", "spend"), factories.viewer_of(()))).rows == []
