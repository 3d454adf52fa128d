"""How the administrators' page words what the doctor found and what the mirror says of itself."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard.system import finding_words, mirror_rows, verdict_words
from lib.doctor import Examination, Finding, State
from lib.insights.mirror import MirrorStatus

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Run `chmod 600 *`.", "Run `chmod 600 *`\\."),
        ("One ` alone", "One \\` alone"),
        ("**x** [y](z)", "\\*\\*x\\*\\* \\[y\\]\\(z\\)"),
        ("Meta said access_token=EAAabcdefghijklmnopqrstuvwx", "Meta said access\\_token\\=\\[redacted\\]"),
        ("Two\nlines", "Two lines"),
    ],
)
def test_a_finding_is_words_and_its_commands_are_code(said: str, shown: str) -> None:
    assert finding_words(Finding("A_b", State.OK, said)) == f"**A\\_b** · {shown}"


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ([State.OK, State.SKIPPED], "**All is well**"),
        ([State.WARNING, State.OK], "**1 to be seen to**"),
        ([State.FAILED, State.FAILED, State.WARNING], "**2 failed, 1 to be seen to**"),
    ],
)
def test_the_verdict_counts(states: list[State], words: str) -> None:
    found = Examination(NOW, 0.1, tuple(Finding("x", state, "y") for state in states))
    assert verdict_words(found).endswith(words)
    assert found.is_well == (State.FAILED not in states)


def test_a_mirror_that_is_being_built_says_so() -> None:
    rows = mirror_rows(MirrorStatus("dashboard.duckdb"), NOW)
    assert "being built" in rows["State"]
    assert rows["Built in"] == rows["Held against PostgreSQL"] == rows["Last change took"] == "-"
    standing = MirrorStatus("d", stands=True, rows=1200, caught_up_at=NOW, catch_up_ms=12.3, build_seconds=4.56)
    assert list(mirror_rows(standing, NOW).values()) == ["Stands", "1,200", "d, 0.0 MB", "just now", "12 ms", "4.6 s"]
