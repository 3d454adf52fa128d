"""A pasted token lies in a session for a while only."""

from __future__ import annotations

import datetime as dt

from dashboard.admin.clients_bench import LASTS, Bench, lay, lying, usable
from lib.clients.probe import TokenVerdict
from lib.clients.tokens import TokenLook

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
MOMENT = dt.timedelta(microseconds=1)
LOOK = TokenLook(TokenVerdict.GOOD, "", sealed=b"sealed")


def test_a_pasted_token_is_taken_away_when_its_time_is_over() -> None:
    session: dict[object, object] = {"other": 1}
    pasted = Bench(1, NOW, "Acme", b"sealed", LOOK)
    lay(session, pasted)
    assert usable(session, NOW + LASTS - MOMENT) == pasted
    assert lying(session) == pasted
    assert usable(session, NOW + LASTS) is None
    assert session == {"other": 1}


def test_what_was_found_of_a_stored_token_stays_and_holds_none() -> None:
    session: dict[object, object] = {}
    stored = Bench(1, NOW, look=TokenLook(TokenVerdict.GOOD, ""))
    lay(session, stored)
    assert usable(session, NOW + 10 * LASTS) == stored
    lay(session, None)
    assert session == {}


def test_no_token_is_written_out() -> None:
    assert "b'sealed" not in repr(Bench(1, NOW, "Acme", b"sealed", LOOK))
