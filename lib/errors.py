"""The errors that people may see.

    AppError                    message: what happened; remedy: what to do
    ├── UsageError              the words of a command or a query are off (exit 2)
    │   └── QueryError          an InsightQuery asks for something that does not exist
    ├── SettingsError           the app is half-configured
    ├── StoreError              PostgreSQL did not do what was asked
    │   ├── StoreUnavailable    it cannot be reached
    │   └── StoreFull           it has no space left
    ├── DataDirError            DATA_DIR cannot be used
    ├── AccessError             this viewer may not do that
    └── MetaError               the Marketing API refused (lib.meta.errors has its kinds)

Each sentence is for the person at the screen; causes are chained for the log.
"""

from __future__ import annotations


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


class QueryError(UsageError):
    """A query asks for something that does not exist; nothing was read."""


class SettingsError(AppError):
    """A setting is missing or wrong; the app does not start half-configured."""


class StoreError(AppError):
    """PostgreSQL refused; the transaction was rolled back."""


class StoreUnavailable(StoreError):
    """PostgreSQL cannot be reached."""

    remedy = "Nothing was lost. Check that the server of DATABASE_URL runs and accepts this machine, then try again."


class StoreFull(StoreError):
    """The disk under PostgreSQL is full."""

    remedy = "What was stored before is whole. Free some space on that disk and run the same command again."


class DataDirError(AppError):
    """DATA_DIR cannot be used."""


class AccessError(AppError):
    """This viewer may not do that."""


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
