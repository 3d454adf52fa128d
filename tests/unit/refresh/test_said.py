"""What the command says of a refresh that has ended."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace

import pytest

from lib.commands.refresh import as_json, say
from lib.refresh.progress import AccountProgress, RunProgress

DONE = AccountProgress(11, "Acme", "complete", 29, 29, 1200, 30, slices_total=58, slices_done=58)
AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
RUN = RunProgress(uuid.uuid4(), "complete", (DONE, replace(DONE, account_id=12)), AT, AT)


def test_rows_are_rows_of_breakdowns_too(capsys: pytest.CaptureFixture[str]) -> None:
    say(RUN)
    assert capsys.readouterr().err == "2 of 2 accounts complete, 2,400 rows stored.\n"


@pytest.mark.parametrize(("some", "words"), [((2, 1), "3 slices not"), ((1, 0), "1 slice not")])
def test_what_meta_did_not_serve_whole_is_counted(
    capsys: pytest.CaptureFixture[str], some: tuple[int, int], words: str
) -> None:
    accounts = tuple(replace(one, slices_incomplete=count) for one, count in zip(RUN.accounts, some, strict=True))
    say(replace(RUN, accounts=accounts))
    assert capsys.readouterr().err == f"2 of 2 accounts complete, 2,400 rows stored, {words} served whole.\n"


def test_a_failure_is_told_with_metas_own_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    said = {"error_message": "Meta refused the request.", "error_remedy": "Report it."}
    failed = replace(DONE, state="failed", **said, error_code=100, error_subcode=7, trace_id="AbC1")
    stopped = replace(DONE, account_id=12, state="cancelled", **said)
    say(replace(RUN, state="failed", accounts=(failed, stopped)))
    first, second, _ = capsys.readouterr().err.splitlines()
    assert first == "act_11 (Acme) failed: Meta refused the request. Report it. (Meta's code 100/7, trace AbC1)"
    assert second == "act_12 (Acme) cancelled: Meta refused the request. Report it."


def test_a_failure_as_json_has_them_too() -> None:
    failed = replace(DONE, state="failed", error_message="Meta refused.", error_code=100, trace_id="AbC1")
    assert as_json(replace(RUN, accounts=(failed,)))["accounts"][0]["error"]["trace_id"] == "AbC1"
