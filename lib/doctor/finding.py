"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lib.errors import AppError
from lib.logs import redact


class State(StrEnum):
    """How it stands. A warning can wait; what was skipped could not be looked at, or is not wanted."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it stands, why, and what to do where something is to be done."""

    name: str
    state: State
    sentence: str
    remedy: str = ""

    @property
    def words(self) -> str:
        """The sentence and the remedy on one line, without any secret."""
        return redact(" ".join(f"{self.sentence} {self.remedy}".split()))


def ok(name: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(name, State.OK, sentence)


def warning(name: str, sentence: str, remedy: str) -> Finding:
    """It works, and should be seen to."""
    return Finding(name, State.WARNING, sentence, remedy)


def failed(name: str, sentence: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(name, State.FAILED, sentence, remedy)


def skipped(name: str, sentence: str, remedy: str = "") -> Finding:
    """Nobody could or had to look."""
    return Finding(name, State.SKIPPED, sentence, remedy)


def of_error(name: str, error: AppError) -> Finding:
    """It failed with this error."""
    return failed(name, error.message, error.remedy)
