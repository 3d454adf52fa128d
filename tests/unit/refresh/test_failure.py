"""Accounts that failed for one reason are told together, each with its own trace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lib.meta import errors
from lib.meta.errors import error_of
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


TOLD: list[tuple[int, dict[str, object], type[errors.MetaError]]] = [
    (500, {"code": 102, "message": "Service unavailable"}, errors.Transient),
    (500, {"code": 100, "message": "Service unavailable"}, errors.Transient),
    (429, {"code": 1, "error_subcode": 7, "message": "Slow down"}, errors.RateLimited),
    (400, {"code": 102, "message": "Session key invalid"}, errors.TokenDead),
    (400, {"code": 190, "error_subcode": 463, "message": "Session expired on Tuesday, 03-Feb-26"}, errors.TokenDead),
    (403, {"code": 200, "message": "Requires ads_read"}, errors.NoAccess),
    (400, {"code": 100, "message": "Nonexisting field"}, errors.WrongRequest),
]


@pytest.mark.parametrize(("status", "said", "kind"), TOLD)
def test_what_was_stored_of_a_refusal_is_still_the_same_refusal(
    status: int, said: dict[str, object], kind: type[errors.MetaError]
) -> None:
    """Of the answer only its codes and the sentence are stored: a server in trouble is no dead token afterwards."""
    error = error_of(status, {"error": said})
    stored = Failure(error.message, error.remedy, error.code, error.subcode)
    assert (type(error), stored.kind, stored.is_of_token) == (kind, kind, kind is errors.TokenDead)
