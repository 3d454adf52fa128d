"""What the page of the data says of runs, accounts and days."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dashboard.data import words
from dashboard.data.view import DEFAULT, DataView, read, write
from lib.insights.scope import AccountScope
from lib.insights.trust import AccountTrust, Gap
from lib.refresh.incomplete import IncompleteSlice
from lib.refresh.progress import AccountProgress, RunProgress
from lib.refresh.reasons import Reason
from lib.refresh.reconciliation import SLUGS, DayApart, Pair, Reconciliation

AT = dt.datetime(2026, 3, 1, 22, 3, tzinfo=dt.UTC)
DAY = dt.date(2026, 2, 27)
DONE = AccountProgress(11, "Acme", "complete", 29, 29, 1200, 30, slices_total=58, slices_done=58, quota_left=80)
FAILED = replace(
    DONE, account_id=12, name="Bolt", state="failed", slices_done=4, error_message="It is dead.", quota_left=64
)
RUN = RunProgress(uuid.uuid4(), "partial", (DONE, FAILED), AT, AT + dt.timedelta(seconds=40))
GAP = Gap(11, "Acme", "EUR", Decimal("-12.34"), 0, 0, 0, 0, Decimal(0), 0, 2)


def test_a_run_in_words() -> None:
    assert words.what(RUN, "ana@example.com") == "Asked for by ana@example.com"
    assert words.what(replace(RUN, since=DAY, until=DAY), "") == "Asked for: 27 Feb 2026"
    assert words.what(replace(RUN, since=DAY), "") == "Asked for: 27 Feb 2026 to that day"
    assert words.what(replace(RUN, until=DAY), "") == "Asked for: 31 Jan to 27 Feb 2026"
    assert words.what(replace(RUN, kind="nightly"), "") == "Nightly"
    assert words.what(replace(RUN, kind="reach", since=DAY, until=DAY), "") == "Reach: 27 Feb 2026"
    assert words.what(replace(RUN, kind="reach"), "ana@example.com") == "Reach, asked for by ana@example.com"
    assert words.slices(RUN) == "62 of 116"
    assert words.counts(RUN) == "2 accounts · 2,400 rows · 60 calls, 64 % left"
    assert words.counts(replace(RUN, accounts=(replace(DONE, quota_left=None),))) == "1 account · 1,200 rows · 30 calls"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "In part, 1 of 2 accounts failed in 40 s"),
        ({"state": "complete", "accounts": (DONE,)}, "Complete in 40 s"),
        (
            {"state": "complete", "accounts": (replace(DONE, slices_incomplete=3),)},
            "Complete in 40 s; 3 not served whole",
        ),
        ({"state": "failed", "accounts": (FAILED,)}, "Failed in 40 s"),
        ({"state": "cancelled", "accounts": (DONE,)}, "Cancelled in 40 s"),
        ({"state": "running", "accounts": (replace(DONE, slices_done=29),), "finished_at": None}, "Going on, 50%"),
    ],
)
def test_how_a_run_ended(values: dict[str, Any], said: str) -> None:
    assert words.ended(replace(RUN, **values)).rpartition(":")[2].lstrip("] ") == said


def test_moments_are_utcs_and_name_a_year_only_where_it_is_another() -> None:
    berlin = AT.astimezone(dt.timezone(dt.timedelta(hours=5)))
    assert words.when(berlin, AT) == "1 Mar 22:03"
    assert words.when(AT, AT + dt.timedelta(days=400)) == "1 Mar 2026 22:03"


def test_a_failure_has_its_remedy_and_metas_numbers_for_it() -> None:
    known = replace(FAILED, error_remedy="Paste a new token.", error_code=190, error_subcode=463, trace_id="Ab1")
    assert said(known) == "It is dead. Paste a new token. (Meta's code 190/463, trace Ab1)"
    assert said(replace(known, error_subcode=None, trace_id=None)).endswith("(Meta's code 190)")
    assert said(FAILED) == "It is dead."
    assert said(replace(FAILED, error_message=None)) == "It stopped."
    assert DONE.failure is None


def said(account: AccountProgress) -> str:
    assert account.failure is not None
    return account.failure.words


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (None, "-"),
        (replace(GAP, spend=Decimal(0), days_apart=0), "Matches Meta"),
        (GAP, "€12.34 less spend, on 2 days"),
        (replace(GAP, spend=Decimal(5), days_apart=1), "€5.00 more spend, on 1 day"),
        (replace(GAP, spend=Decimal(0), days_apart=0, days_unknown=3), "Not compared on 3 days"),
        (replace(GAP, spend=Decimal(0), purchases=-1), "Same spend, other numbers differ on 2 days"),
    ],
)
def test_an_account_beside_meta(gap: Gap | None, said: str) -> None:
    assert words.beside_meta(AccountTrust(11, "Acme", DAY, AT, 0, gap)) == said


def test_an_account_in_a_row() -> None:
    row = words.account_row(AccountTrust(11, "Acme", DAY, AT - dt.timedelta(hours=3), 2, GAP), "House", AT)
    assert list(row.values())[:5] == ["Acme", "House", "27 Feb 2026", "3 h ago", "2 days"]
    never = words.account_row(AccountTrust(11, "Acme", None, None, 0, None), "House", AT)
    assert list(never.values())[2:] == ["-", "never, or not every day", "none", "-"]


@pytest.mark.parametrize(
    ("since", "until", "missing"),
    [
        (DAY, DAY, 1),
        (DAY, DAY + dt.timedelta(days=30), 3),
        (DAY + dt.timedelta(days=9), DAY + dt.timedelta(days=30), 0),
    ],
)
def test_an_account_never_described_misses_only_days_that_have_begun(
    since: dt.date, until: dt.date, missing: int
) -> None:
    account = AccountScope(11, "Acme", None, None, DAY + dt.timedelta(days=2), has_days=False)
    assert words.undescribed(account, since, until) == AccountTrust(11, "Acme", None, None, missing, None)


def day(reason: Reason, said: str = "Because.") -> DayApart:
    numbers = {slug: Pair(3, 5) for slug in SLUGS.values()}
    return DayApart(11, "Acme", "EUR", DAY, AT, numbers, reason, said)


def test_days_that_differ_have_both_numbers_under_each_metric() -> None:
    columns = words.apart_rows([day(Reason.MATURING)], "EUR")
    assert columns["", "Likely reason"] == ["Still maturing"]
    assert (columns["Spend, EUR", "Ads"], columns["Spend, EUR", "Difference"]) == ([3], [-2])
    assert {group for group, _ in columns} >= {"Purchases", "Leads", "Impressions"}
    assert len(columns) == 3 + 3 * len(SLUGS)


def test_reasons_are_explained_once_and_the_commonest_first() -> None:
    some = [day(Reason.WITHHELD, "No reach."), day(Reason.WITHHELD, "No *video*."), day(Reason.MATURING, "Wait_a bit.")]
    first, second = words.explained(Reconciliation(3, tuple(some)))
    assert first.startswith("**Not served whole** (2): Meta did not serve all of these days")
    assert second == r"**Still maturing** (1): Wait\_a bit\."
    assert words.explained(Reconciliation(1, tuple(some[:1]))) == [r"**Not served whole** (1): No reach\."]
    assert set(words.REASONS) == set(Reason)
    many = words.explained(Reconciliation(3, tuple(some), 1200, (day(Reason.NOT_COMPARED),)))
    assert many[0] == r"**Not compared** (1,200): Because\.", "those that are not listed are counted too"


def test_days_are_counted() -> None:
    whole = words.compared(Reconciliation(56, (day(Reason.MATURING),)))
    assert whole == "56 account days compared with Meta's own numbers: 55 are the same to the last digit, 1 differs."
    lacking = words.compared(Reconciliation(56, (), 1))
    assert lacking.endswith("0 differ. 1 account day not compared: Meta did not serve its own number.")


def test_a_number_that_meta_did_not_serve_is_not_drawn_as_0() -> None:
    apart = day(Reason.WITHHELD)
    columns = words.apart_rows([replace(apart, numbers={**apart.numbers, "spend": Pair(3, None)})], "EUR")
    assert [columns["Spend, EUR", head] for head in ("Difference", "Ads", "Meta")] == [[None], [3], [None]]


def test_incomplete_slices_name_their_set() -> None:
    plain = IncompleteSlice(11, "Acme", DAY, "", "campaign 7", AT)
    assert words.incomplete_row(plain, AT)["What"] == "Ad-days"
    assert words.incomplete_row(replace(plain, breakdown="age_gender"), AT)["What"] == "Age and gender"
    assert words.incomplete_row(replace(plain, breakdown="gone", missing=""), AT)["Not served by Meta"] == "not known"


def test_a_view_comes_back_from_its_address() -> None:
    run = str(uuid.uuid4())
    view = DataView(clients=("acme",), accounts=(11,), period="last_7", run=run, page=2, limit=25)
    assert read({name: [value] if isinstance(value, str) else value for name, value in write(view).items()}) == (
        view,
        (),
    )
    assert write(DEFAULT) == {}
    assert read({"run": ["../x"], "page": ["0"], "odd": ["1"]}) == (DEFAULT, ("run", "page", "?"))
    assert view.toggled(run).run == ""
    assert view.toggled("other").run == "other"
    assert view.cleared() == DataView(period="last_7", limit=25)
