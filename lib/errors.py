"""The errors that people may see.

    AppError                    message: what happened; remedy: what to do
    ├── UsageError              the words of a command or a query are off (exit 2)
    │   ├── NotFound            what is named is not there, or not open to whoever asks
    │   ├── Conflict            it cannot be done as things stand now
    │   └── QueryError          an InsightQuery asks for something that does not exist
    │       └── SumTooLarge     its sums are beyond what an integer of 64 bits holds
    ├── SettingsError           the app is half-configured
    ├── StoreError              PostgreSQL did not do what was asked
    │   ├── StoreUnavailable    it cannot be reached
    │   ├── TooMuchAsked        the question takes more time or memory than one may
    │   └── StoreFull           it has no space left
    ├── DataDirError            DATA_DIR cannot be used
    ├── AccessError             this viewer may not do that
    ├── TooManyAttempts         the same was tried too often; later it may be tried again
    ├── MailError               the mail server did not take a message
    └── MetaError               the Marketing API refused (lib.meta.errors has its kinds)

Each sentence is for the person at the screen; causes are chained for the log.
"""

from __future__ import annotations

import math


class AppError(Exception):
    """Something went wrong that a person should read about."""

    remedy: str = ""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        if remedy:
            self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(AppError):
    """The words of a command are off; nothing was done."""


class NotFound(UsageError):
    """What is named is not there, or not open to whoever asks: nobody learns which."""


class Conflict(UsageError):
    """It cannot be done as things stand now; nothing was changed."""


def changed_meanwhile(what: str) -> Conflict:
    """What is said to whoever would have written over a change that their page did not show."""
    return Conflict(f"{what} was changed meanwhile by somebody else; nothing was stored.", "Look again.")


class QueryError(UsageError):
    """A query asks for something that does not exist; nothing was read."""


class SumTooLarge(QueryError):
    """A sum is beyond what an integer of 64 bits holds; nothing was rounded."""

    def __init__(self) -> None:
        super().__init__(
            "The sums are too large to be written exactly.", "Ask for a shorter period or for fewer accounts."
        )


class SettingsError(AppError):
    """A setting is missing or wrong; the app does not start half-configured."""


class StoreError(AppError):
    """PostgreSQL refused; the transaction was rolled back."""


class StoreUnavailable(StoreError):
    """PostgreSQL cannot be reached."""

    remedy = "Nothing was lost. Check that the server of DATABASE_URL runs and accepts this machine, then try again."


class TooMuchAsked(StoreError):
    """The question takes more time or memory than one may."""

    remedy = "Nothing was changed. Ask for a shorter period."


class StoreFull(StoreError):
    """The disk under PostgreSQL is full."""

    remedy = "What was stored before is whole. Free some space on that disk and run the same command again."


class DataDirError(AppError):
    """DATA_DIR cannot be used."""


class AccessError(AppError):
    """This viewer may not do that."""


class TooManyAttempts(AppError):
    """The same was tried too often; ``wait_s`` says after how many seconds it may be tried again.

    ``is_first`` tells the first refusal of a while from those after it.
    """

    def __init__(self, wait_s: float, *, is_first: bool = False) -> None:
        self.wait_s = max(1, math.ceil(wait_s))
        self.is_first = is_first
        minutes = math.ceil(self.wait_s / 60)
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__("There were too many attempts.", f"Nothing was changed. Try again in {wait}.")


class MailError(AppError):
    """The mail server did not take a message."""


class MetaError(AppError):
    """The Marketing API refused or did not answer.

    ``code`` and ``subcode`` are Meta's own (``None`` where no answer came); ``trace_id`` is its fbtrace_id.
    """

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        code: int | None = None,
        subcode: int | None = None,
        trace_id: str | None = None,
    ) -> None:
        super().__init__(message, remedy)
        self.code = code
        self.subcode = subcode
        self.trace_id = trace_id
