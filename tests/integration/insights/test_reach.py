"""People are shown for one object and one period as Meta counted them, and are never the sum of any days."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as hs
from sqlalchemy import text

from dashboard import bridge
from dashboard.frames import Reader
from lib.access.viewer import Viewer
from lib.history import earliest, no_reach_before
from lib.insights.engine import PostgresEngine
from lib.insights.export import export_to
from lib.insights.mirror import Mirror
from lib.insights.missing import missing_periods
from lib.insights.query import DIMENSIONS, FIRST_DAY, LAST_DAY, Filter, InsightQuery, Order, Top
from lib.insights.reach import ASK_AGAIN, NEVER_ADDED, NONE, NOT_ENDED, NOT_FETCHED, NOT_SERVED, spans_of
from lib.insights.run import InsightAnswer, run_query
from lib.store.engine import Store
from lib.zones import today_in
from tests import factories
from tests.factories import insight_row

DAYS = [dt.date(2026, 1, day) for day in range(5, 12)]
FIRST, LAST = DAYS[0], DAYS[-1]
PEOPLE = ("reach", "frequency", "cpp", "unique_link_clicks")
REACHED = {"object_id": 7, "reach": 1001, "unique_link_clicks": 33, "impressions": 2500, "spend_micros": 5_000_000}


@pytest.fixture
async def viewer(store: Store) -> Viewer:
    """Sees account 11: campaign 7 with ads 71 and 72, campaign 8 with ad 81, every day of a week 100 people each."""
    async with store.working() as session:
        acme = await factories.add_client(session, "acme")
        stranger = await factories.add_client(session, "stranger")
        for account_id, client in ((11, acme), (22, acme), (33, stranger)):
            await factories.add_account(session, account_id, client)
        counts = {"spend": "1", "impressions": 150, "reach": 100, "unique_link_clicks": 10}
        rows = [
            insight_row(11, day, ad_id, campaign_id=ad_id // 10, adset_id=ad_id // 10, **counts)
            for day in DAYS
            for ad_id in (71, 72, 81)
        ]
        await factories.add_insights(session, rows)
        await factories.add_period(session, 11, "campaign", FIRST, LAST, [REACHED])
        await factories.add_period(session, 11, "account", FIRST, LAST, [{"object_id": 11, "reach": 1201}])
    return factories.viewer_of((11, 22), (acme,))


def asked(group_by: str, metrics: str = "reach", **options: Any) -> InsightQuery:
    """A question about the week of account 11; words are separated by spaces."""
    whole = {"since": FIRST, "until": LAST, "account_ids": frozenset({11}), **options}
    return InsightQuery(group_by=tuple(group_by.split()), metrics=tuple(metrics.split()), **whole)


async def answered(store: Store, viewer: Viewer, query: InsightQuery) -> InsightAnswer:
    """PostgreSQL's answer."""
    return await run_query(PostgresEngine(store), query, viewer)


async def test_one_object_and_one_period_is_as_meta_counted_it(store: Store, viewer: Viewer) -> None:
    answer = await answered(store, viewer, asked("campaign", f"{' '.join(PEOPLE)} impressions"))
    seven, eight = (row[3:] for row in answer.rows)
    assert seven == (1001, Decimal("2.497502"), Decimal("4.9950"), 33, 2100), "of the same row of Meta's"
    assert eight == (None, None, None, None, 1050)
    assert answer.notes == dict.fromkeys(PEOPLE, NONE)
    account = await answered(store, viewer, asked("account client", "reach"))
    assert account.rows[0][-1] == 1201
    assert account.notes == {}


@pytest.mark.parametrize(
    ("group_by", "options"),
    [
        ("", {}),
        ("client", {}),
        ("objective", {}),
        ("weekday campaign", {}),
        ("campaign status", {}),
        ("campaign", {"filters": (Filter("ad_id", "=", ("71",)),)}),
        ("campaign", {"filters": (Filter("spend", ">", ("0",)),)}),
    ],
)
async def test_anything_else_is_blank_and_says_why(
    store: Store, viewer: Viewer, group_by: str, options: dict[str, Any]
) -> None:
    query = asked(group_by, " ".join(PEOPLE), **options)
    answer = await answered(store, viewer, query)
    assert {row[-4:] for row in answer.rows} == {(None, None, None, None)}
    assert answer.notes == dict.fromkeys(PEOPLE, NEVER_ADDED)
    assert await missing_periods(PostgresEngine(store), query, viewer) == []


async def test_a_filter_of_whole_objects_and_a_second_dimension_change_nothing(store: Store, viewer: Viewer) -> None:
    options = {"filters": (Filter("campaign", "~", ("7",)), Filter("currency", "=", ("EUR",)))}
    answer = await answered(store, viewer, asked("account objective campaign", **options))
    assert [row[-1] for row in answer.rows] == [1001]


async def test_a_period_that_is_not_there_is_named_so_that_it_can_be_fetched(store: Store, viewer: Viewer) -> None:
    engine = PostgresEngine(store)
    by_adset = asked("adset", account_ids=None)
    assert (await answered(store, viewer, by_adset)).notes == {"reach": NOT_FETCHED}
    assert await missing_periods(engine, by_adset, viewer) == [
        (account, "adset", FIRST, LAST) for account in (11, 22)
    ]  # fmt: skip
    by_day = asked("date campaign")
    assert await missing_periods(engine, by_day, viewer) == [(11, "campaign", day, day) for day in DAYS]
    assert await missing_periods(engine, asked("campaign"), viewer) == []
    assert await missing_periods(engine, asked("date ad"), viewer) == []
    assert await missing_periods(engine, asked("campaign", "spend"), viewer) == []
    assert await missing_periods(engine, by_day, factories.viewer_of((33,))) == []
    tomorrow = today_in("Europe/Berlin") + dt.timedelta(2)
    assert await missing_periods(engine, asked("campaign", since=tomorrow, until=tomorrow), viewer) == []


async def test_of_two_centuries_of_days_those_are_missing_that_meta_still_serves(store: Store, viewer: Viewer) -> None:
    today = today_in("Europe/Berlin")
    old, first = earliest(today) - dt.timedelta(40), earliest(today)
    async with store.working() as session:
        await factories.add_period(session, 11, "campaign", old, old, [{**REACHED, "reach": 140}])
        await factories.add_period(session, 11, "campaign", first, first, [{**REACHED, "reach": 150}])
    query = asked("date campaign", since=FIRST_DAY, until=LAST_DAY)
    missing = await missing_periods(PostgresEngine(store), query, viewer)
    days = [first + dt.timedelta(number) for number in range(1, (today - first).days + 1)]
    assert missing == [(11, "campaign", day, day) for day in days]
    assert no_reach_before(first).removesuffix(".") in (await answered(store, viewer, query)).notes["reach"]


async def test_steps_of_time_are_periods_of_their_own(store: Store, viewer: Viewer) -> None:
    since, until = FIRST - dt.timedelta(1), dt.date(2026, 2, 3)
    weeks = spans_of(asked("week campaign", since=since, until=until))
    assert weeks[:2] == [(since, since), (FIRST, LAST)]
    assert weeks[-1] == (dt.date(2026, 2, 2), until)
    months = spans_of(asked("month account", since=since, until=until))
    assert months == [(since, dt.date(2026, 1, 31)), (dt.date(2026, 2, 1), until)]
    answer = await answered(store, viewer, asked("week campaign", since=since, until=until))
    assert [row[-1] for row in answer.rows] == [1001, None]
    async with store.working() as session:
        await factories.add_period(session, 11, "campaign", DAYS[2], DAYS[2], [{**REACHED, "reach": 140}])
        await factories.add_period(session, 11, "account", since, months[0][1], [{**REACHED, "object_id": 11}])
        await factories.add_period(session, 11, "account", months[1][0], until)
    of_days = await answered(store, viewer, asked("date campaign", filters=(Filter("campaign_id", "=", ("7",)),)))
    assert [row[-1] for row in of_days.rows] == [None, None, 140, None, None, None, None]
    of_months = await answered(store, viewer, asked("month account", since=since, until=until))
    assert [row[-1] for row in of_months.rows] == [1001]
    of_quarter = await answered(store, viewer, asked("quarter month account", since=since, until=until))
    assert [row[-1] for row in of_quarter.rows] == [1001]


async def test_metas_reason_is_passed_on(store: Store, viewer: Viewer) -> None:
    async with store.working() as session:
        reason = "Meta serves reach of this period no more."
        await factories.add_period(session, 11, "ad", FIRST, LAST, unavailable_reason=reason)
    answer = await answered(store, viewer, asked("ad"))
    assert answer.notes == {"reach": "Meta serves reach of this period no more"}
    assert await missing_periods(PostgresEngine(store), asked("ad"), viewer) == []


async def test_a_period_that_was_fetched_too_early_is_shown_and_to_be_fetched_again(
    store: Store, viewer: Viewer
) -> None:
    async with store.working() as session:
        people = [{"object_id": number, "reach": 5} for number in (7, 8)]
        await factories.add_period(session, 11, "adset", FIRST, LAST, people, period_ended=False)
    answer = await answered(store, viewer, asked("adset"))
    assert ([row[-1] for row in answer.rows], answer.notes) == ([5, 5], {"reach": NOT_ENDED})
    assert await missing_periods(PostgresEngine(store), asked("adset"), viewer) == [(11, "adset", FIRST, LAST)]


async def test_a_day_that_has_not_come_for_an_account_is_no_part_of_its_period(
    store: Store, viewer: Viewer, tmp_path: Path
) -> None:
    """Accounts on both sides of the date line: each is asked, and found, as far as its own calendar goes."""
    here, behind = today_in("Pacific/Kiritimati"), today_in("Pacific/Pago_Pago")
    since = behind - dt.timedelta(3)
    async with store.working() as session:
        client = (await session.execute(text("SELECT client_id FROM account WHERE account_id = 11"))).scalar_one()
        for account_id, zone, today in ((41, "Pacific/Kiritimati", here), (42, "Pacific/Pago_Pago", behind)):
            await factories.add_account(session, account_id, client, timezone_name=zone)
            rows = [insight_row(account_id, since, 9, impressions=5), insight_row(account_id, behind, 9, impressions=5)]
            await factories.add_insights(session, rows)
            counted = [{"object_id": account_id, "reach": account_id * 10}]
            await factories.add_period(session, account_id, "account", since, today, counted, period_ended=False)
            await factories.add_period(session, account_id, "account", behind, today, counted, period_ended=False)
    both = factories.viewer_of((41, 42), (client,))
    options = {"since": since, "until": here, "account_ids": None}
    mirror = Mirror(tmp_path / "mirror-test.duckdb", store, memory_mb=128)
    await mirror.catch_up()
    on_mirror = mirror.engine()
    assert on_mirror is not None, mirror.status().reason
    for engine in (PostgresEngine(store), on_mirror):
        answer = await run_query(engine, asked("account", **options), both)
        assert ([row[-1] for row in answer.rows], answer.notes) == ([410, 420], {})
        by_account = asked("account", **{**options, "since": behind})
        assert [row[-1] for row in (await run_query(engine, by_account, both)).rows] == [410, 420]
        assert await missing_periods(engine, asked("account", **options), both) == []
        lacking = asked("campaign", **options)
        assert await missing_periods(engine, lacking, both) == [(each, "campaign", since, here) for each in (41, 42)], (
            "one run serves both"
        )
    await mirror.close()


@pytest.mark.parametrize("part", [": Meta is busy.", " for campaign 8."], ids=["whole", "in part"])
async def test_what_meta_refused_says_when_and_is_offered_again_after_a_day(
    store: Store, viewer: Viewer, tmp_path: Path, part: str
) -> None:
    now, query = dt.datetime.now(dt.UTC), asked("adset")
    rows = [{**REACHED, "object_id": 7}] if part.startswith(" ") else []
    for age, offered in ((dt.timedelta(hours=23), []), (dt.timedelta(hours=25), [(11, "adset", FIRST, LAST)])):
        async with store.working() as session:
            await session.execute(text("DELETE FROM period_slice WHERE level = 'adset'"))
            await session.execute(text("DELETE FROM period_insight WHERE level = 'adset'"))
            refused = {"unavailable_reason": f"{NOT_SERVED}{part}", "fetched_at": now - age}
            await factories.add_period(session, 11, "adset", FIRST, LAST, rows, **refused)
        mirror = Mirror(tmp_path / f"mirror-{age.seconds}.duckdb", store, memory_mb=128)
        await mirror.catch_up()
        on_mirror = mirror.engine()
        assert on_mirror is not None, mirror.status().reason
        at = now - age
        told = f"{NOT_SERVED}{part.removesuffix('.')}, asked on {at.day} {at:%B %Y at %H:%M} UTC"
        for engine in (PostgresEngine(store), on_mirror):
            answer = await run_query(engine, query, viewer)
            assert answer.notes == {"reach": f"{told}; {ASK_AGAIN}" if offered else told}
            assert await missing_periods(engine, query, viewer) == offered
        await mirror.close()


async def test_a_refusal_of_many_accounts_is_said_once(store: Store) -> None:
    """Of as many accounts as there are; whoever was asked first and last says when."""
    at = dt.datetime(2026, 2, 1, 9, 0, tzinfo=dt.UTC)
    busy, lost = f"{NOT_SERVED}: Meta is busy.", f"{NOT_SERVED}: no report came about."
    moments = [at + dt.timedelta(minutes=minute) for minute in (31, *range(30))]
    async with store.working() as session:
        client = await factories.add_client(session, "acme")
        for number, moment in enumerate([*moments, at, at + dt.timedelta(seconds=59)]):
            await factories.add_account(session, 100 + number, client)
            refused = {"unavailable_reason": busy if number < len(moments) else lost, "fetched_at": moment}
            await factories.add_period(session, 100 + number, "adset", FIRST, LAST, **refused)
            row = insight_row(100 + number, FIRST, number, adset_id=number, impressions=5)
            await factories.add_insights(session, [row])
    everyone = factories.viewer_of(range(100, 100 + len(moments) + 2), (client,))
    answer = await answered(store, everyone, asked("adset", account_ids=None))
    assert answer.notes["reach"].split("; ") == [
        f"{busy[:-1]}, asked between 1 February 2026 at 09:00 UTC and 1 February 2026 at 09:31 UTC",
        f"{lost[:-1]}, asked on 1 February 2026 at 09:00 UTC",
        ASK_AGAIN,
    ]


async def test_a_period_older_than_metas_history_says_so_and_is_not_offered(store: Store, viewer: Viewer) -> None:
    first = earliest(today_in("Europe/Berlin"))
    before, week = first - dt.timedelta(1), dt.timedelta(6)
    async with store.working() as session:
        await factories.add_insights(session, [insight_row(11, first, 71, campaign_id=7, impressions=5)])
    engine = PostgresEngine(store)
    too_old = asked("campaign", since=before, until=before + week)
    assert await missing_periods(engine, too_old, viewer) == []
    note = (await answered(store, viewer, too_old)).notes["reach"]
    assert note == f"Meta keeps 37 months: of a period that begins before {first} it serves no reach"
    assert NOT_FETCHED not in note
    served = asked("campaign", since=first, until=first + week)
    assert (await answered(store, viewer, served)).notes == {"reach": NOT_FETCHED}
    assert await missing_periods(engine, served, viewer) == [(11, "campaign", first, first + week)]
    async with store.working() as session:
        await factories.add_period(session, 11, "campaign", before, before + week, [{**REACHED, "reach": 77}])
        await factories.add_period(session, 11, "adset", before, before + week, period_ended=False)
    assert await missing_periods(engine, asked("adset", since=before, until=before + week), viewer) == []
    assert [row[-1] for row in (await answered(store, viewer, too_old)).rows] == [77], "what was fetched in time stays"


async def test_people_sort_and_other_has_none(store: Store, viewer: Viewer) -> None:
    async with store.working() as session:
        people = [{"object_id": number, "reach": reach} for number, reach in ((71, 5), (72, 900), (81, 60))]
        await factories.add_period(session, 11, "ad", FIRST, LAST, people)
    by_reach = await answered(store, viewer, asked("ad", order=(Order("reach", descending=True),), limit=2))
    assert [(row[0], row[-1]) for row in by_reach.rows] == [("72", 900), ("81", 60)]
    folded = await answered(store, viewer, asked("campaign", "reach", top=Top("campaign", "impressions", 1)))
    assert [(row[1], row[-1]) for row in folded.rows] == [("7", 1001), ("Other", None)]
    assert folded.notes == {"reach": NEVER_ADDED}


@pytest.fixture
def drawing(store: Store, viewer: Viewer) -> Iterator[Reader]:
    """A page's reader of the same numbers."""
    st.cache_resource.clear()
    yield Reader(viewer, "postgres 1")
    bridge.detach()
    st.cache_resource.clear()


def drawn_queries() -> hs.SearchStrategy[InsightQuery]:
    """Groupings of more than single ad-days, in any part of the week."""
    plain = [name for name in DIMENSIONS[:14] if name not in ("weekday",)]
    groups = hs.lists(hs.sampled_from(plain), max_size=3, unique=True).filter(lambda by: not {"date", "ad"} <= set(by))
    spans = hs.lists(hs.sampled_from(DAYS), min_size=2, max_size=2).map(sorted)
    return hs.builds(
        lambda by, span: asked(" ".join(by), " ".join(PEOPLE), since=span[0], until=span[1]), groups, spans
    )


async def test_reach_is_never_a_sum_of_days_in_frame_file_or_answer(
    store: Store, viewer: Viewer, drawing: Reader
) -> None:
    """What Meta counted ends in 1 for every object and period; what days or ads add up to ends in 00."""
    async with store.working() as session:
        for level, ids in (("adset", (7, 8)), ("ad", (71, 72, 81))):
            people = [{**REACHED, "object_id": each, "reach": 1001, "unique_link_clicks": 31} for each in ids]
            await factories.add_period(session, 11, level, FIRST, LAST, people)
    bridge.attach(asyncio.get_running_loop(), store)
    loop, told = asyncio.get_running_loop(), {1001, 1201}

    async def shown(query: InsightQuery) -> list[list[Any]]:
        frame = await asyncio.to_thread(drawing.load, query)
        answer, file = await answered(store, viewer, query), io.BytesIO()
        await export_to(PostgresEngine(store), query, viewer, "csv", file)
        place = [column.key for column in answer.columns].index("reach")
        text = io.BytesIO()
        await export_to(PostgresEngine(store), query, viewer, "json", text)
        in_file = list(csv.DictReader(io.StringIO(file.getvalue().decode("utf-8-sig"))))
        return [
            [None if pd.isna(value) else int(value) for value in frame.data["reach"]],
            [int(row["reach"]) if row["reach"] else None for row in in_file],
            [row["reach"] for row in json.loads(text.getvalue())],
            [row[place] for row in answer.rows],
        ]

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(query=drawn_queries())
    def agree(query: InsightQuery) -> None:
        found = asyncio.run_coroutine_threadsafe(shown(query), loop).result(60)
        assert found[0] == found[1] == found[2] == found[3]
        assert {value for value in found[0] if value is not None} <= told
        if (query.since, query.until) != (FIRST, LAST):
            assert set(found[0]) <= {None}

    await asyncio.to_thread(agree)
    assert (await shown(asked("campaign")))[0] == [1001, None]
    assert (await shown(asked("ad")))[0] == [1001] * 3
