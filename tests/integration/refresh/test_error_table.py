"""Every row of Meta's error table at each place where it can come: what is called, waited for, told and stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from lib.errors import MetaError
from lib.meta.errors import NoAccess, TokenDead, WrongRequest
from lib.store.engine import Store
from lib.store.repositories import learned
from lib.store.repositories.periods import Period, replace_period
from sandbox.faults.presets import PRESETS
from tests.clocks import FakeClock
from tests.fixtures_sandbox import LAST_DAY, PRESENT, Sandbox, Serve
from tests.integration.refresh.refreshing import add_account, refresh

SPAN = (LAST_DAY - dt.timedelta(days=1), LAST_DAY)
TOO_LARGE_FOR_A_GET = 6_000
FATAL = {"dead": TokenDead, "denied": NoAccess, "wrong": WrongRequest}
PLACES = ("get", "post", "job", "page")


@pytest.fixture(scope="module")
def faulty(serve_sandbox: Serve) -> Sandbox:
    """A small sandbox of this module's own, whose faults nobody else meets."""
    return serve_sandbox("--accounts", "1", "--days", "60", "--ads", "9", "--seed", "31")


@pytest.fixture
def faults(faulty: Sandbox) -> Iterator[str]:
    """Where faults are asked for; none are left afterwards."""
    address = f"{faulty.url}/__sandbox/faults"
    yield address
    faulty.http.delete(address).raise_for_status()


@pytest.fixture
async def account(store: Store, faulty: Sandbox) -> AsyncIterator[int]:
    """The account, never refreshed; gone afterwards."""
    await add_account(store, faulty.ids[0])
    async with store.working() as session:  # with one period stored, a run that names its days asks for no reach
        period = Period(faulty.ids[0], "account", *SPAN)
        await replace_period(session, period, [], fetched_at=PRESENT, period_ended=True)
    yield faulty.ids[0]
    async with store.working() as session:
        await session.execute(text("DELETE FROM client WHERE slug = :slug"), {"slug": f"client-{faulty.ids[0]}"})


def ask(faulty: Sandbox, faults: str, *rules: dict[str, Any]) -> None:
    faulty.http.post(faults, json=list(rules)).raise_for_status()


async def stored(store: Store) -> dict[dt.date, Decimal]:
    query = text("SELECT date, sum(spend_micros) FROM insight GROUP BY 1")
    async with store.working() as session:
        return {date: Decimal(spend) / 1_000_000 for date, spend in await session.execute(query)}


def truth(faulty: Sandbox, account: int) -> dict[dt.date, Decimal]:
    return {dt.date.fromisoformat(day["date"]): Decimal(day["spend"]) for day in faulty.days(account, *SPAN)}


async def calls_without_faults(store: Store, faulty: Sandbox, account: int) -> int:
    state = await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=FakeClock())
    assert await stored(store) == truth(faulty, account)
    return state.api_calls


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", PRESETS)
async def test_a_refusal_is_answered_as_the_table_says(
    store: Store, faulty: Sandbox, faults: str, account: int, name: str, place: str
) -> None:
    """A refusal that comes once costs nothing that honest work does not mend; a fatal one is told, and ends it."""
    group = PRESETS[name].group
    if name == "forbidden_100_33" and place in ("job", "page"):
        group = "transient"  # so says a report that Meta has only just made
    if place != "get":
        async with store.working() as session:
            await learned.remember_span(session, account, "", rows_a_day=TOO_LARGE_FOR_A_GET, most_days=None)
    where = {"place": place, "edge": "insights", "level": "ad"} if place == "get" else {"place": place}
    ask(faulty, faults, {"kind": "error", "preset": name, "times": 1, **where})
    clock = FakeClock()
    if group in FATAL:
        with pytest.raises(FATAL[group]) as told:
            await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=clock)
        assert told.value.code == PRESETS[name].code
        assert told.value.trace_id
        assert told.value.remedy.endswith(".")
        assert await stored(store) == {}
        return
    state = await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=clock)
    (rule,) = faulty.http.get(faults).json()["rules"]
    assert rule["struck"] == 1
    assert await stored(store) == truth(faulty, account)
    assert (state.days_done, state.slices_incomplete) == (2, 0)
    waited = [seconds for seconds in clock.slept if seconds > 0]
    if group == "rate":
        assert max(waited) >= 5, "the account is left alone for a while"
    elif group == "transient":
        assert waited, "it is not asked again at once"
    assert state.api_calls < 40


@pytest.mark.parametrize("kind", ["html_502", "html_500", "no_error_object", "word_error", "empty", "cut"])
@pytest.mark.parametrize("place", PLACES)
async def test_an_answer_that_is_none_is_transient(
    store: Store, faulty: Sandbox, faults: str, account: int, kind: str, place: str
) -> None:
    if place != "get":
        async with store.working() as session:
            await learned.remember_span(session, account, "", rows_a_day=TOO_LARGE_FOR_A_GET, most_days=None)
    ask(faulty, faults, {"kind": kind, "place": place, "times": 2})
    clock = FakeClock()
    state = await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=clock)
    assert await stored(store) == truth(faulty, account)
    assert sum(clock.slept) > 0.5
    assert state.slices_incomplete == 0


@pytest.mark.parametrize(
    "kind", ["job_stuck_100", "job_failed", "job_failed_plain", "job_skipped", "job_lost", "job_results_late",
             "job_never", "repeat_page", "repeat_rows"]
)  # fmt: skip
async def test_a_report_that_goes_wrong_delivers_all_the_same(
    store: Store, faulty: Sandbox, faults: str, account: int, kind: str
) -> None:
    async with store.working() as session:
        await learned.remember_span(session, account, "", rows_a_day=TOO_LARGE_FOR_A_GET, most_days=None)
    ask(faulty, faults, {"kind": kind, "times": 1})
    state = await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=FakeClock())
    assert await stored(store) == truth(faulty, account)
    assert state.slices_incomplete == 0


async def test_what_only_fails_as_a_whole_is_split_until_it_is_served(
    store: Store, faulty: Sandbox, faults: str, account: int
) -> None:
    rule = {"kind": "too_much_rows", "rows": 4, "level": "ad", "edge": "insights"}
    ask(faulty, faults, rule)
    state = await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=FakeClock())
    assert await stored(store) == truth(faulty, account)
    assert state.slices_incomplete == 0


async def test_a_poisonous_ad_is_left_out_by_name_and_costs_no_other(
    store: Store, faulty: Sandbox, faults: str, account: int
) -> None:
    await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=FakeClock())
    whole = await stored(store)
    async with store.working() as session:
        query = "SELECT ad_id, date, spend_micros FROM insight ORDER BY spend_micros DESC LIMIT 1"
        ((ad, date, spend),) = await session.execute(text(query))
    ask(faulty, faults, {"kind": "poison_ad", "ids": [str(ad)]})
    state = await refresh(store, faulty.url, account, now=PRESENT, span=(date, date), clock=FakeClock())
    assert await stored(store) == {**whole, date: whole[date] - Decimal(spend) / 1_000_000}
    assert state.slices_incomplete == 1
    async with store.working() as session:
        query = "SELECT is_complete, incomplete_reason FROM slice WHERE date = :date"
        ((is_complete, reason),) = await session.execute(text(query), {"date": date})
    assert (is_complete, str(ad) in reason) == (False, True)


async def test_a_field_that_meta_will_not_serve_is_named(
    store: Store, faulty: Sandbox, faults: str, account: int
) -> None:
    await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=FakeClock())
    count = "SELECT sum(purchases), sum(video_plays) FROM insight"
    async with store.working() as session:
        (before,) = await session.execute(text(count))
    ask(faulty, faults, {"kind": "too_much_fields", "fields": ["actions"], "level": "ad"})
    state = await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=FakeClock())
    assert state.slices_incomplete == 2
    async with store.working() as session:
        reasons = set(await session.scalars(text("SELECT incomplete_reason FROM slice")))
        (after,) = await session.execute(text(count))
    assert len(reasons) == 1
    assert "actions" in reasons.pop()
    assert after == before, "no zero takes the place of a number"
    assert await stored(store) == truth(faulty, account)


async def test_a_day_without_a_field_is_not_stored_as_if_it_were_zero(
    store: Store, faulty: Sandbox, faults: str, account: int
) -> None:
    ask(faulty, faults, {"kind": "too_much_fields", "fields": ["action_values"], "level": "ad"})
    await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=FakeClock())
    assert await stored(store) == {}
    async with store.working() as session:
        slices = (await session.execute(text("SELECT is_complete, rows, incomplete_reason FROM slice"))).all()
    assert slices == [(False, 0, "Meta did not serve: action_values")] * 2
    faulty.http.delete(faults).raise_for_status()
    await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=FakeClock())
    assert await stored(store) == truth(faulty, account)


async def test_a_broken_creative_costs_no_other_creative(
    store: Store, faulty: Sandbox, faults: str, account: int
) -> None:
    ask(faulty, faults, {"kind": "broken_creative", "number": 1})
    await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=FakeClock())
    async with store.working() as session:
        ((ads, creatives),) = await session.execute(
            text("SELECT (SELECT count(DISTINCT creative_id) FROM ad), (SELECT count(*) FROM creative)")
        )
    assert creatives == ads - 1 > 0


async def test_an_api_that_is_down_is_told_and_keeps_what_was_stored(
    store: Store, faulty: Sandbox, faults: str, account: int
) -> None:
    await calls_without_faults(store, faulty, account)
    before = await stored(store)
    ask(faulty, faults, {"kind": "html_502"})
    with pytest.raises(MetaError) as told:
        await refresh(store, faulty.url, account, now=PRESENT, span=SPAN, clock=FakeClock())
    assert "Nothing was lost" in told.value.remedy
    assert await stored(store) == before
