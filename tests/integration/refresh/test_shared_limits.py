"""Whose calls a refusal holds: an app's holds all of its accounts, an account's holds that one alone."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import text

from lib.meta.pacing import Pacer
from lib.meta.patience import FIRST_LIMIT_S
from lib.meta.service import MetaService
from lib.refresh.account import AccountRefresh
from lib.refresh.state import AccountState, Wanted
from lib.store.engine import Store
from tests.fixtures_meta import HandMade
from tests.fixtures_sandbox import LAST_DAY, PRESENT
from tests.fixtures_wire import Answer, Asked, Wire, refusal
from tests.integration.refresh.refreshing import add_account, until

REFUSED, SAME_APP, OTHER_APP = 501, 502, 503


class HeldClock:
    """Whoever sleeps does so until the test has moved it on far enough; ``sleepers`` counts them."""

    def __init__(self) -> None:
        self.sleepers = 0
        self._now = 1000.0
        self._moved = threading.Condition()

    def now(self) -> float:
        """Seconds since a moment of its own."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Wait for the test."""
        with self._moved:
            end = self._now + seconds
            self.sleepers += 1
            self._moved.wait_for(lambda: self._now >= end, 30)
            self.sleepers -= 1

    def advance(self, seconds: float) -> None:
        """Move on, and wake whoever has slept for long enough."""
        with self._moved:
            self._now += seconds
            self._moved.notify_all()


@pytest.fixture
def clock() -> Iterator[HeldClock]:
    """A clock that lets nobody sleep for longer than the test."""
    held = HeldClock()
    yield held
    held.advance(1e9)


class Refreshing:
    """One refresh of each account that is begun, as one worker does it: all of them share the pacer."""

    def __init__(self, store: Store, hand_made: HandMade, clock: HeldClock) -> None:
        self._store, self._api, self._clock = store, hand_made, clock
        self._pacer = Pacer(clock)

    def begin(self, account_id: int, app: str) -> asyncio.Task[None]:
        """Begin, and go on by itself."""
        return asyncio.create_task(self._refresh(account_id, app))

    async def _refresh(self, account_id: int, app: str) -> None:
        wanted = Wanted(uuid.uuid4(), "asked", LAST_DAY, LAST_DAY, (), ())
        service = MetaService("fine", self._api.url, clock=self._clock, pacer=self._pacer, app=app)
        with closing(service), ThreadPoolExecutor(1) as executor:
            state = AccountState(account_id, f"act_{account_id}")
            await AccountRefresh(self._store, service, state, wanted, executor, PRESENT).refresh()

    def has_asked_for(self, account_id: int) -> bool:
        """Whether anything was asked of the account."""
        return any(asked.path.startswith(f"act_{account_id}") for asked in self._api.asked)


@pytest.fixture
async def refreshing(store: Store, hand_made: HandMade, clock: HeldClock) -> Refreshing:
    """Three accounts with an ad on the last day, of which nothing was fetched yet."""
    for account_id in (REFUSED, SAME_APP, OTHER_APP):
        await add_account(store, account_id)
        hand_made.add_account(account_id)
        hand_made.add_row(account_id, LAST_DAY, account_id)
    return Refreshing(store, hand_made, clock)


def refuse_once(wire: Wire, answer: Answer) -> None:
    """The first question for numbers of the one account gets this answer."""
    reply, waiting = wire.reply, [answer]

    def answered(asked: Asked) -> Answer:
        return waiting.pop() if waiting and asked.path == f"act_{REFUSED}/insights" else reply(asked)

    wire.reply = answered


async def stored(store: Store) -> list[int]:
    async with store.working() as session:
        return list(await session.scalars(text("SELECT account_id FROM insight ORDER BY 1")))


@pytest.mark.parametrize(("code", "subcode"), [(4, None), (4, 1504022), (4, 1504039)])
async def test_a_limit_of_the_app_holds_its_other_accounts_too(
    store: Store, wire: Wire, refreshing: Refreshing, clock: HeldClock, code: int, subcode: int | None
) -> None:
    refuse_once(wire, refusal(400, code, subcode))
    refused = refreshing.begin(REFUSED, "app one")
    await until(lambda: _is(clock.sleepers == 1))
    same, other = refreshing.begin(SAME_APP, "app one"), refreshing.begin(OTHER_APP, "app two")
    await until(lambda: _is(clock.sleepers == 2))
    await asyncio.wait_for(other, 20)
    assert await stored(store) == [OTHER_APP]
    clock.advance(FIRST_LIMIT_S - 1)
    assert not refreshing.has_asked_for(SAME_APP)
    assert (refused.done(), same.done(), clock.sleepers) == (False, False, 2)
    clock.advance(1)
    await asyncio.wait_for(asyncio.gather(refused, same), 20)
    assert await stored(store) == [REFUSED, SAME_APP, OTHER_APP]


@pytest.mark.parametrize(("code", "subcode"), [(17, 2446079), (32, None), (613, 1487742), (80004, None)])
async def test_a_limit_of_an_account_holds_no_other(
    store: Store, wire: Wire, refreshing: Refreshing, clock: HeldClock, code: int, subcode: int | None
) -> None:
    refuse_once(wire, refusal(400, code, subcode))
    refused = refreshing.begin(REFUSED, "app one")
    await until(lambda: _is(clock.sleepers == 1))
    others = [refreshing.begin(SAME_APP, "app one"), refreshing.begin(OTHER_APP, "app two")]
    await asyncio.wait_for(asyncio.gather(*others), 20)
    assert (refused.done(), clock.sleepers) == (False, 1)
    assert await stored(store) == [SAME_APP, OTHER_APP]
    clock.advance(FIRST_LIMIT_S)
    await asyncio.wait_for(refused, 20)
    assert await stored(store) == [REFUSED, SAME_APP, OTHER_APP]


async def _is(holds: bool) -> bool:
    return holds
