"""What people read of a refresh: what waits for what, what is left of Meta's calls, and that nobody works on it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace

import pytest

from dashboard.refreshing_words import account_words, asked_words, ended_words, going_words, help_words, stored_words
from dashboard.selection import select
from dashboard.views import View
from lib.insights.scope import AccountScope, ClientScope
from lib.refresh.plan import span_of
from lib.refresh.progress import AccountProgress, RunProgress

NOW = dt.datetime.now(dt.UTC)
ACCOUNT = AccountProgress(7, "Acme EU", "running", 29, 12, 70, 5, slices_total=29, slices_done=12)
BROKEN_DOWN = replace(ACCOUNT, slices_total=58, slices_done=20)
RUN = RunProgress(uuid.uuid4(), "running", (ACCOUNT,), NOW, None)


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (replace(ACCOUNT, state="waiting"), "Acme EU: waiting for its turn"),
        (replace(ACCOUNT, days_total=0, slices_total=0), "Acme EU: starting"),
        (ACCOUNT, "Acme EU: 12 of 29 days"),
        (BROKEN_DOWN, "Acme EU: 20 of 58 slices"),
        (replace(ACCOUNT, quota_left=80), "Acme EU: 12 of 29 days, 80 % of Meta's calls left"),
        (replace(ACCOUNT, quota_left=0, paused_until=NOW - dt.timedelta(1)), "Acme EU: 12 of 29 days, 0 % of Meta's"),
        (replace(ACCOUNT, state="complete"), "Acme EU: done"),
        (replace(ACCOUNT, state="cancelled"), "Acme EU: cancelled"),
    ],
)
def test_an_account_says_how_far_it_is(account: AccountProgress, words: str) -> None:
    assert account_words(account).startswith(words)


def test_an_account_that_waits_for_a_limit_says_how_long() -> None:
    until = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=3)
    waiting = replace(ACCOUNT, paused_until=until)
    assert account_words(waiting).startswith("Acme EU: 12 of 29 days, waits 3 min for Meta")


def test_a_run_says_how_far_it_is() -> None:
    assert going_words(RUN).startswith("Refreshing from Meta: 12 of 29 days, 70 rows")
    assert going_words(replace(RUN, accounts=(BROKEN_DOWN,))).startswith("Refreshing from Meta: 20 of 58 slices")
    assert going_words(replace(RUN, is_cancelled=True)).startswith("Cancelling: 12 of 29 days")
    assert going_words(replace(RUN, has_worker=False)).startswith("Waiting for a worker")


def test_a_run_that_has_ended_says_what_it_stored_and_what_it_did_not() -> None:
    done = replace(RUN, state="complete", finished_at=NOW + dt.timedelta(seconds=40))
    assert stored_words(done) == "70 rows stored in 40 s"
    lacking = replace(done, accounts=(replace(ACCOUNT, slices_incomplete=3),))
    assert stored_words(lacking) == "70 rows stored in 40 s, 3 slices not served whole"
    assert stored_words(replace(done, finished_at=None)) == "70 rows stored", "others' accounts are not done"


def test_a_run_says_which_days_of_whom_were_asked_for() -> None:
    since, until = dt.date(2026, 1, 1), dt.date(2026, 1, 5)
    assert asked_words(RUN) == "the last 28 days and today of Acme EU"
    assert asked_words(replace(RUN, since=since, until=until)) == "1 Jan to 5 Jan 2026 of Acme EU"
    assert asked_words(replace(RUN, since=since)) == "1 Jan 2026 to today of Acme EU"
    only_until = replace(RUN, until=until)
    assert asked_words(only_until) == "9 Dec 2025 to 5 Jan 2026 of Acme EU"
    assert span_of(NOW.date(), None, until).since == dt.date(2025, 12, 9), "as it is planned"
    others = tuple(replace(ACCOUNT, name=name) for name in ("Acme US", "Bolt", "Zebra"))
    reach = replace(RUN, kind="reach", since=since, until=since, accounts=(ACCOUNT, *others))
    assert asked_words(reach) == "reach of 1 Jan 2026 of Acme EU, Acme US, Bolt and 1 more"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("complete", "Refreshed: 70 rows stored in 40 s, for the last 28 days and today of Acme EU."),
        ("partial", "Refreshed in part: 70 rows stored in 40 s, of the last 28 days and today of Acme EU; the rest"),
        (
            "cancelled",
            "The refresh of the last 28 days and today of Acme EU was cancelled: 70 rows stored in 40 s; the",
        ),
        ("failed", "The refresh of the last 28 days and today of Acme EU failed; the numbers are as they were before."),
    ],
)
def test_how_a_run_ended_names_its_days_and_accounts(state: str, words: str) -> None:
    assert ended_words(replace(RUN, state=state, finished_at=NOW + dt.timedelta(seconds=40))).startswith(words)


def test_the_button_says_which_days_of_whom_it_fetches() -> None:
    today = dt.date(2026, 11, 22)
    accounts = tuple(
        AccountScope(number, f"Acme {number}", "EUR", "UTC", today, has_days=True) for number in range(1, 6)
    )
    chosen = select(
        View(period="custom", since=dt.date(2026, 1, 1), until=dt.date(2026, 1, 5)),
        [ClientScope(1, "acme", "Acme", False, accounts)],
    )
    said = help_words(chosen).replace("\\", "")
    assert said == (
        "Fetch 25 Oct to 22 Nov 2026 (the last 28 days and today, whatever period is chosen) from Meta for"
        " Acme 1, Acme 2, Acme 3 and 2 more"
    )
