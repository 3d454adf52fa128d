"""The ads' sums held against Meta's own numbers, day by day: the comparison of the trust line, for this viewer."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from lib.access.people import put_person
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError
from lib.insights.compared import COMPARED
from lib.insights.engine import PostgresEngine
from lib.insights.trust import trust
from lib.refresh.reasons import Reason
from lib.refresh.reconciliation import SLUGS, Reconciliation, reconciliation
from lib.refresh.reconciliation_file import COLUMNS, write_reconciliation
from lib.store.engine import Store
from tests import factories
from tests.people import viewer_named

DAYS = [dt.date(2026, 1, day) for day in range(1, 11)]
FIRST, LAST = DAYS[0], DAYS[-1]


@pytest.fixture
async def viewer(store: Store) -> Viewer:
    """Sees accounts 11 and 13 (EUR) and 12 (JPY), not the stranger's 33."""
    async with store.working() as session:
        acme = await factories.add_client(session, "acme")
        stranger = await factories.add_client(session, "stranger")
        for account_id, currency in ((11, "EUR"), (12, "JPY"), (13, "EUR")):
            await factories.add_account(session, account_id, acme, currency=currency, name=f"=Acme {account_id}")
        await factories.add_account(session, 33, stranger)
    await put_person(store, "ana@example.com", Role.ANALYST, slugs=["acme"])
    return await viewer_named(store, "ana@example.com")


async def add_day(store: Store, account_id: int, date: dt.date, ads: dict[str, int], **meta: Any) -> None:
    """A day of two ads that add up to ``ads``, and what Meta says where that is something else."""
    facts = {name: meta.pop(name) for name in (*meta,) if name not in COMPARED}
    halves = [{name: value // 2 for name, value in ads.items()}]
    halves.append({name: value - halves[0][name] for name, value in ads.items()})
    ids = {"account_id": account_id, "date": date, "adset_id": 1, "campaign_id": 1}
    totals = {f"meta_{name}": meta.get(name, ads.get(name, 0)) for name in COMPARED}
    async with store.working() as session:
        if ads:
            await factories.add_insights(
                session, [{**ids, "ad_id": number, **half} for number, half in enumerate(halves)]
            )
        await factories.add_slice(session, account_id, date, **totals, **facts)


async def asked(store: Store, viewer: Viewer, **narrowed: Any) -> Reconciliation:
    return await reconciliation(store, viewer, FIRST, LAST, **narrowed)


async def test_equal_days_are_counted_and_the_others_listed_with_both_numbers(store: Store, viewer: Viewer) -> None:
    ads = {"spend_micros": 12_500_001, "impressions": 100, "purchases": 3, "revenue_micros": 90_000_000}
    await add_day(store, 11, DAYS[0], ads)
    await add_day(store, 11, DAYS[1], ads, spend_micros=13_000_000, purchases=2)
    found = await asked(store, viewer)
    assert (found.days, found.equal_days) == (2, 1)
    (day,) = found.apart
    assert (day.account_id, day.account_name, day.currency, day.date) == (11, "=Acme 11", "EUR", DAYS[1])
    assert day.fetched_at == factories.NOW
    spend, purchases = day.numbers["spend"], day.numbers["purchases"]
    assert (spend.ads, spend.meta, spend.difference) == (Decimal("12.500001"), 13, Decimal("-0.499999"))
    assert (purchases.ads, purchases.meta, purchases.difference) == (3, 2, 1)
    assert day.numbers["revenue"].difference == 0
    assert set(day.numbers) == set(SLUGS.values())


async def test_days_without_an_ad_and_differences_that_cancel_out_are_found(store: Store, viewer: Viewer) -> None:
    await add_day(store, 11, DAYS[0], {}, leads=4)
    await add_day(store, 11, DAYS[1], {"leads": 5}, leads=1)
    await add_day(store, 11, DAYS[2], {})
    found = await asked(store, viewer)
    assert [day.date for day in found.apart] == [DAYS[1], DAYS[0]]
    assert [day.numbers["leads"].difference for day in found.apart] == [4, -4]
    assert (found.days, found.equal_days) == (3, 1)


async def test_what_meta_would_not_serve_is_no_0_and_not_compared(store: Store, viewer: Viewer) -> None:
    unknown = dict.fromkeys(COMPARED)
    await add_day(store, 11, DAYS[0], {"clicks": 5, "spend_micros": 70}, **unknown)
    await add_day(store, 11, DAYS[1], {}, **unknown)
    await add_day(store, 11, DAYS[2], {"clicks": 5})
    await add_day(store, 11, DAYS[3], {"clicks": 5, "spend_micros": 70}, clicks=4, spend_micros=None)
    found = await asked(store, viewer, most_unknown=None)
    assert (found.days, found.equal_days, found.unknown_days) == (2, 1, 2)
    (day,) = found.apart
    assert (day.date, day.numbers["clicks"].difference) == (DAYS[3], 1)
    assert (day.numbers["spend"].meta, day.numbers["spend"].difference) == (None, None)
    (gap,) = [each for each in (await trust(PostgresEngine(store), viewer, FIRST, LAST)).gaps if each.account_id == 11]
    assert (gap.days_apart, gap.days_unknown, gap.spend, gap.clicks) == (1, 2, 0, 1)
    file = io.BytesIO()
    await write_reconciliation(store, viewer, FIRST, LAST, file, via="page")
    apart, *unknown = csv.DictReader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline=""))
    assert [apart[f"spend_{side}"] for side in ("ads", "meta", "difference")] == ["0.00007", "", ""]
    assert [(row["date"], row["clicks_ads"], row["clicks_meta"], row["clicks_difference"]) for row in unknown] == [
        (str(DAYS[1]), "0", "", ""),
        (str(DAYS[0]), "5", "", ""),
    ], "days that were not compared are no matches"
    assert {row["reason"] for row in unknown} == {"not_compared"}
    assert {row["explanation"] for row in unknown} == {found.unknown[0].words}
    assert "no match and no difference" in found.unknown[0].words


async def test_days_that_were_not_compared_are_counted_and_the_newest_of_them_listed(
    store: Store, viewer: Viewer
) -> None:
    unknown = dict.fromkeys(COMPARED)
    for account_id, index in ((11, 0), (12, 3), (13, 3), (12, 5), (11, 2)):
        await add_day(store, account_id, DAYS[index], {"clicks": 5}, **unknown)
    await add_day(store, 11, DAYS[8], {"clicks": 5}, clicks=4)
    await add_day(store, 11, DAYS[9], {"clicks": 5})
    newest = [(DAYS[5], 12), (DAYS[3], 12), (DAYS[3], 13), (DAYS[2], 11), (DAYS[0], 11)]
    for most, listed in ((0, 0), (1, 1), (3, 3), (5, 5), (99, 5), (None, 5)):
        before = store.statements
        found = await asked(store, viewer, most_unknown=most)
        assert store.statements - before == 3
        assert (found.days, found.equal_days, found.unknown_days) == (2, 1, 5)
        assert [(day.date, day.account_id) for day in found.unknown] == newest[:listed], most
        assert [day.date for day in found.no_match] == [DAYS[8], *(date for date, _ in newest[:listed])]
        assert found.no_match_days == 6
    assert (await asked(store, viewer)).unknown == (), "whoever does not ask for them is told how many they are"


async def test_the_largest_gap_in_money_comes_first_and_currencies_stay_apart(store: Store, viewer: Viewer) -> None:
    gaps = [(11, 0, 5), (13, 1, -9), (12, 2, 1000), (11, 3, 7), (12, 4, -2000)]
    for account_id, index, gap in gaps:
        await add_day(store, account_id, DAYS[index], {"spend_micros": 10_000_000}, spend_micros=10_000_000 - gap)
    await add_day(store, 13, DAYS[5], {"revenue_micros": 50}, revenue_micros=0)
    await add_day(store, 13, DAYS[6], {"clicks": 50}, clicks=0)
    found = await asked(store, viewer)
    assert [(day.currency, day.account_id, day.date) for day in found.apart] == [
        ("EUR", 13, DAYS[1]),
        ("EUR", 11, DAYS[3]),
        ("EUR", 11, DAYS[0]),
        ("EUR", 13, DAYS[5]),
        ("EUR", 13, DAYS[6]),
        ("JPY", 12, DAYS[4]),
        ("JPY", 12, DAYS[2]),
    ]
    yen = await asked(store, viewer, currency="JPY")
    assert (yen.days, {day.account_id for day in yen.apart}) == (2, {12})
    some = await asked(store, viewer, account_ids=frozenset({13, 33}))
    assert (some.days, {day.account_id for day in some.apart}) == (3, {13})


async def test_the_reason_comes_from_what_is_stored_of_the_day(store: Store, viewer: Viewer) -> None:
    ads = {"spend_micros": 10}
    gap = {"spend_micros": -5}
    facts: list[tuple[dict[str, Any], Reason]] = [
        ({"account_day_ended": False}, Reason.STILL_RUNNING),
        ({"is_complete": False, "incomplete_reason": "campaign 77"}, Reason.WITHHELD),
        ({"looked_twice_for": gap}, Reason.NOT_LISTED),
        ({"looked_twice_for": {"spend_micros": -6}}, Reason.TWO_MOMENTS),
        ({}, Reason.TWO_MOMENTS),
    ]
    for date, (fact, _) in zip(DAYS, facts, strict=False):
        await add_day(store, 11, date, ads, spend_micros=15, **fact)
    # Fetched at 23:30 UTC: in the account's zone that is the 29th day already.
    late = dt.datetime(2026, 2, 7, 23, 30, tzinfo=dt.UTC)
    await add_day(store, 11, DAYS[9], {"purchases": 1}, purchases=3, fetched_at=late)
    await add_day(store, 11, DAYS[8], {"purchases": 1}, purchases=3, fetched_at=late - dt.timedelta(days=2))
    found = {day.date: day for day in (await asked(store, viewer)).apart}
    assert {date: found[date].reason for date in DAYS[:5]} == dict(
        zip(DAYS, [reason for _, reason in facts], strict=False)
    )
    assert "campaign 77" in found[DAYS[1]].words
    assert (found[DAYS[8]].reason, found[DAYS[9]].reason) == (Reason.MATURING, Reason.TWO_MOMENTS)


async def test_drawn_days_are_apart_exactly_where_the_trust_line_says_so(store: Store, viewer: Viewer) -> None:
    draw = random.Random(5)
    for account_id in (11, 12, 13):
        for date in DAYS:
            ads = {name: draw.randrange(1000) for name in COMPARED}
            meta = {name: value + draw.choice((0, 0, 0, 0, 0, 0, 0, 1, -1)) for name, value in ads.items()}
            await add_day(store, account_id, date, ads, **meta)
    found = await asked(store, viewer)
    state = await trust(PostgresEngine(store), viewer, FIRST, LAST)
    for gap in state.gaps:
        mine = [day for day in found.apart if day.account_id == gap.account_id]
        assert len(mine) == gap.days_apart > 0
        for name, slug in SLUGS.items():
            assert sum(day.numbers[slug].difference for day in mine) == getattr(gap, slug), name
    assert found.days == 3 * len(DAYS)


async def test_other_breakdowns_and_other_days_are_not_compared(store: Store, viewer: Viewer) -> None:
    async with store.working() as session:
        await factories.add_slice(session, 11, DAYS[0], breakdown="country", meta_clicks=9)
        await factories.add_slice(session, 11, FIRST - dt.timedelta(days=1), meta_clicks=9)
    assert await asked(store, viewer) == Reconciliation(0, ())


async def test_nobody_learns_of_a_strangers_days(store: Store, viewer: Viewer) -> None:
    await add_day(store, 33, DAYS[0], {"clicks": 1}, clicks=2)
    for who in (viewer, factories.viewer_of(()), replace(viewer, account_ids=frozenset())):
        assert await asked(store, who) == Reconciliation(0, ())
        assert await asked(store, who, account_ids=frozenset({33})) == Reconciliation(0, ())
    assert (await asked(store, factories.viewer_of([33]))).days == 1


async def test_it_takes_two_statements(store: Store, viewer: Viewer) -> None:
    for date in DAYS:
        await add_day(store, 11, date, {"clicks": 1}, clicks=2)
    before = store.statements
    await asked(store, viewer)
    # The first names the role and the accounts of the transaction.
    assert store.statements - before == 3


async def test_the_file_has_every_day_and_is_logged(store: Store, viewer: Viewer) -> None:
    await add_day(store, 11, DAYS[0], {"spend_micros": 12_340_000, "clicks": 4}, spend_micros=12_350_000)
    await add_day(store, 12, DAYS[1], {"spend_micros": 700_000_000}, spend_micros=600_000_000)
    file = io.BytesIO()
    result = await write_reconciliation(store, viewer, FIRST, LAST, file, account_ids=frozenset({11, 12}), via="page")
    content = file.getvalue()
    assert content.startswith(
        b"\xef\xbb\xbfaccount_id,account_name,currency,date,spend_ads,spend_meta,spend_difference,"
    )
    euros, yen = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert list(euros) == [column.key for column in COLUMNS]
    assert (euros["account_id"], euros["account_name"], euros["date"]) == ("11", "'=Acme 11", "2026-01-01")
    assert [euros[f"spend_{side}"] for side in ("ads", "meta", "difference")] == ["12.34", "12.35", "-0.01"]
    assert [yen[f"spend_{side}"] for side in ("ads", "meta", "difference")] == ["700", "600", "100"]
    assert (euros["clicks_ads"], euros["clicks_difference"], euros["reason"]) == ("4", "0", "two_moments")
    assert (result.rows, result.bytes, result.sha256) == (2, len(content), hashlib.sha256(content).hexdigest())
    question = "reconciliation --since 2026-01-01 --until 2026-01-10 --account 11 --account 12"
    async with store.working() as session:
        logged = (await session.execute(text("SELECT question, rows, sha256 FROM export_log"))).all()
        noted = (
            await session.execute(text("SELECT subject, after ->> 'sha256' FROM audit_log WHERE action = 'exported'"))
        ).all()
    assert [tuple(row) for row in logged] == [(question, 2, result.sha256)]
    assert [tuple(row) for row in noted] == [(question, result.sha256)]


async def test_a_file_without_a_day_has_its_head_and_viewers_get_none(store: Store, viewer: Viewer) -> None:
    file = io.BytesIO()
    result = await write_reconciliation(store, viewer, FIRST, LAST, file, via="page")
    assert result.rows == 0
    assert file.getvalue().count(b"\r\n") == 1
    for other in (replace(viewer, role=Role.VIEWER), replace(viewer, seen_by="root@example.com")):
        nothing = io.BytesIO()
        with pytest.raises(AccessError, match=r"[Nn]othing was written"):
            await write_reconciliation(store, other, FIRST, LAST, nothing, via="page")
        assert nothing.getvalue() == b""
