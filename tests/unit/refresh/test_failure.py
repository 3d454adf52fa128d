"""Accounts that failed for one reason are told together, each with its own trace."""

from __future__ import annotations

from dataclasses import replace

from lib.refresh.failure import Failure, alike

DENIED = Failure("Meta gives no access.", "Give it.", 200, None, "A1")
WRONG = Failure("Meta refused the request.", "Report it.", 100, 7, "B1")


def test_every_trace_is_told_in_the_order_of_the_accounts() -> None:
    found = alike([(1, DENIED), (2, WRONG), (3, replace(DENIED, trace_id="A2")), (4, replace(DENIED, trace_id=None))])
    assert [(failure.words, numbers) for failure, numbers in found] == [
        ("Meta gives no access. Give it. (Meta's code 200, traces A1, A2)", [1, 3, 4]),
        ("Meta refused the request. Report it. (Meta's code 100/7, trace B1)", [2]),
    ]


def test_of_many_traces_the_first_are_told() -> None:
    ((failure, numbers),) = alike([(number, replace(DENIED, trace_id=f"A{number}")) for number in range(5)])
    assert (failure.known_as, numbers) == ("code 200, traces A0, A1, A2 and 2 more", [0, 1, 2, 3, 4])


def test_another_remedy_or_code_is_another_reason() -> None:
    assert len(alike([(1, DENIED), (2, replace(DENIED, remedy="Wait.")), (3, replace(DENIED, code=10))])) == 3
