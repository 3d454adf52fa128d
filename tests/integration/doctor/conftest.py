"""The doctor as a command, and what it said line by line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures_processes import Finished, run_here


@dataclass(frozen=True)
class Told:
    """A run: each check's state and words by its name, the exit code, and everything that was written."""

    code: int
    states: dict[str, str]
    words: dict[str, str]
    everything: str

    @property
    def failed(self) -> set[str]:
        """The checks that failed."""
        return {name for name, state in self.states.items() if state == "failed"}


def told(done: Finished) -> Told:
    states, words = {}, {}
    for line in done.stdout.splitlines():
        name, _, said = line[9:].partition("  ")
        states[name], words[name] = line[:9].strip(), said.strip()
    return Told(done.code, states, words, done.stdout + done.stderr)


@pytest.fixture
def place(tmp_path: Path, settings_of_test: dict[str, str]) -> dict[str, str]:
    """The test's settings with a DATA_DIR of its own; tests change them in place."""
    settings_of_test["DATA_DIR"] = str(tmp_path / "data")
    return settings_of_test


Doctor = Callable[[], Told]


@pytest.fixture
def doctor(place: dict[str, str]) -> Doctor:
    """``python -m lib doctor`` in this process, with the test's settings."""
    return lambda: told(run_here(place, "doctor"))
