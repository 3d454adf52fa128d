"""What the clock asks for by night: once where that goes well; again, ever more rarely, where it failed in passing."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from lib.refresh import clockwork
from lib.refresh.progress import whole_progress
from lib.store.engine import Store
from tests.integration.refresh.test_queue import add_accounts, rows

NIGHT = dt.datetime(2026, 11, 20, 2, 17, tzinfo=dt.UTC)
"""The first stroke after three in the morning in Berlin."""
HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)
OUTAGE = (2, "Meta failed for a moment: Service temporarily unavailable.")
LIMIT = (17, "Meta's limit of calls is reached: User request limit reached.")
UNREACHED = (None, "The Marketing API did not answer.")
DENIED = (200, "Meta gives this token no access to the account: Permissions error.")
DEFECT = (100, "Meta refused the request: Invalid parameter.")


async def strike(store: Store, moment: dt.datetime) -> dict[str, list[int]]:
    """The accounts that the clock asks for at this moment, by kind; the runs are as old as that."""
    asked = {}
    for run_id in await clockwork.note_due(store, moment):
        await rows(store, "UPDATE refresh_run SET started_at = :at WHERE id = :id", at=moment, id=run_id)
        report = await whole_progress(store, run_id)
        asked[report.kind] = [one.account_id for one in report.accounts]
    return asked


async def end(
    store: Store,
    at: dt.datetime,
    state: str = "complete",
    said: tuple[int | None, str] = (None, ""),
    account_id: int = 1,
) -> None:
    """What is asked of the account ends so."""
    values = {"at": at, "state": state, "code": said[0], "message": said[1], "id": account_id}
    async with store.working() as session:
        await session.execute(text("SELECT set_config('search_path', 'queue,public', true)"))
        mine = "(args->>'account_id')::bigint = :id"
        await session.execute(text(f"DELETE FROM procrastinate_jobs WHERE {mine}"), values)
        ended = (
            "UPDATE refresh_run_account SET state = :state, finished_at = :at, error_code = :code,"
            " error_message = :message WHERE account_id = :id AND state = 'waiting'"
        )
        await session.execute(text(ended), values)


async def nightly_strokes(store: Store, said: tuple[int | None, str], hours: int) -> list[int]:
    """After how many hours a night is asked for that always fails so, three minutes after it was asked for."""
    asked = []
    for hour in range(hours):
        moment = NIGHT + hour * HOUR
        if "nightly" in await strike(store, moment):
            asked.append(hour)
        await end(store, moment + 3 * MINUTE, "failed", said)
    return asked


@pytest.mark.parametrize("said", [OUTAGE, LIMIT, UNREACHED])
async def test_a_night_that_failed_in_passing_is_asked_for_again_ever_more_rarely(
    store: Store, said: tuple[int | None, str]
) -> None:
    await add_accounts(store, 1)
    assert await nightly_strokes(store, said, 26) == [0, 1, 3, 6, 11, 16, 21, 24, 25], "and the next night anew"


async def test_a_night_that_went_well_after_all_is_asked_for_no_more(store: Store) -> None:
    await add_accounts(store, 1, 2)
    assert await strike(store, NIGHT) == {"nightly": [1, 2]}
    await end(store, NIGHT + 3 * MINUTE, "failed", OUTAGE)
    await end(store, NIGHT + 3 * MINUTE, account_id=2)
    assert await strike(store, NIGHT + HOUR) == {"nightly": [1], "hourly": [2]}
    # It is being done: the hours wait behind it.
    assert await strike(store, NIGHT + 2 * HOUR) == {"hourly": [1]}
    await end(store, NIGHT + 2 * HOUR)
    await end(store, NIGHT + 2 * HOUR, account_id=2)
    assert await strike(store, NIGHT + 3 * HOUR) == {"hourly": [1, 2]}


@pytest.mark.parametrize("said", [DENIED, DEFECT])
async def test_what_repeating_cannot_mend_waits_for_the_next_night(store: Store, said: tuple[int, str]) -> None:
    await add_accounts(store, 1)
    assert await nightly_strokes(store, said, 26) == [0, 24]


async def test_a_night_of_a_dead_token_is_not_asked_for_again(store: Store) -> None:
    await add_accounts(store, 1)
    assert await strike(store, NIGHT) == {"nightly": [1]}
    await end(store, NIGHT + MINUTE, "failed", (190, "The token is dead: it has expired."))
    await rows(store, "UPDATE credential SET state = 'dead'")
    assert await strike(store, NIGHT + 2 * HOUR) == {}


async def test_a_night_that_somebody_cancelled_waits_for_the_next_one(store: Store) -> None:
    await add_accounts(store, 1)
    assert await strike(store, NIGHT) == {"nightly": [1]}
    await end(store, NIGHT + MINUTE, "cancelled")
    await rows(store, "UPDATE refresh_run SET cancel_requested_at = started_at")
    assert await strike(store, NIGHT + HOUR) == {"hourly": [1]}


async def test_an_account_that_was_disconnected_meanwhile_gets_its_night_when_it_is_back(store: Store) -> None:
    await add_accounts(store, 1)
    assert await strike(store, NIGHT) == {"nightly": [1]}
    await end(store, NIGHT + MINUTE, "cancelled")
    assert await strike(store, NIGHT + HOUR) == {"nightly": [1]}


async def test_a_night_that_still_waits_when_the_next_one_comes_stands_for_it(store: Store) -> None:
    await add_accounts(store, 1)
    assert await strike(store, NIGHT) == {"nightly": [1]}
    assert await strike(store, NIGHT + 24 * HOUR) == {"hourly": [1]}
