"""DuckDB's and the ADBC driver's errors as sentences."""

from __future__ import annotations

import adbc_driver_manager
import duckdb

from lib.errors import AppError, StoreError, StoreUnavailable, SumTooLarge, TooMuchAsked
from lib.insights.asking import EngineFailed

_FULL = ("No space left on device", "File too large", "Disk quota exceeded")
_TOO_MUCH = "max_temp_directory_size"
_HELD = ("Could not set lock on file", "with a different configuration")
"""By another process, or by another part of this one."""

_TOO_LARGE = (duckdb.ConversionException, duckdb.OutOfRangeException)
_PUT_ASIDE = (duckdb.InterruptException, duckdb.ConnectionException)
_OF_THE_QUESTION = (duckdb.ProgrammingError, duckdb.NotSupportedError, duckdb.DataError)
_BY_NAME = {
    "Conversion Error": duckdb.ConversionException,
    "Out of Range Error": duckdb.OutOfRangeException,
    "INTERRUPT Error": duckdb.InterruptException,
    "Out of Memory Error": duckdb.OutOfMemoryException,
    "Invalid Input Error": duckdb.InvalidInputException,
}
"""Arrow hands DuckDB's errors on as an OSError with the same text, which begins with the error's name."""

_LOST = ("08", "57P")
"""SQLSTATE classes of a connection that broke and of a server that stops."""


class MirrorFull(EngineFailed):
    """The disk under the mirror is full."""

    remedy = "Answers come from PostgreSQL until there is room: free some space on that disk."


class MirrorHeld(EngineFailed):
    """Another process has the mirror's file."""

    remedy = "Answers come from PostgreSQL until it is free."


class MirrorTooSmall(EngineFailed):
    """The memory that the mirror may take does not do."""

    remedy = "Nothing was changed. Ask for a shorter period or fewer groups, or raise MIRROR_MEMORY_MB."


class MirrorAside(EngineFailed):
    """The mirror's file is closed, or being closed, under the question."""

    remedy = "Nothing was changed. Try again."

    def __init__(self) -> None:
        super().__init__("The mirror does not stand just now.")


class MirrorBroken(EngineFailed):
    """The file is of no use any more."""

    remedy = "It is built anew; answers come from PostgreSQL until it stands."


def too_long() -> StoreError:
    """What PostgreSQL's own limit is told by too."""
    return TooMuchAsked("The query took too long and was stopped.")


def of_question(error: duckdb.Error) -> AppError:
    """The sentence for a question that DuckDB did not answer; EngineFailed where another engine would."""
    if isinstance(error, _TOO_LARGE):
        return SumTooLarge()
    if isinstance(error, _PUT_ASIDE):
        return MirrorAside()
    if isinstance(error, _OF_THE_QUESTION):
        return EngineFailed("The mirror could not answer this question.", "Nothing was changed. Ask PostgreSQL.")
    return of_file(error)


def of_stream(error: OSError) -> AppError:
    """The same for an answer that is read piece by piece."""
    kind = _BY_NAME.get(str(error).partition(":")[0], duckdb.Error)
    return of_question(kind(str(error)))


def of_file(error: duckdb.Error | OSError) -> EngineFailed:
    """The sentence for a file that cannot be read or written; MirrorBroken where nothing else explains it."""
    said = str(error)
    if isinstance(error, duckdb.OutOfMemoryException) or _TOO_MUCH in said:
        return MirrorTooSmall("The answer needs more memory than the mirror may take.")
    if any(words in said for words in _FULL):
        return MirrorFull("The mirror could not be written: its disk is full.")
    if any(words in said for words in _HELD):
        return MirrorHeld("The mirror's file is held by another process.")
    return MirrorBroken("The mirror's file cannot be read.")


def of_origin(error: Exception) -> StoreError:
    """The sentence for a PostgreSQL that did not hand over what the mirror asked for."""
    state = getattr(error, "sqlstate", None) or ""
    if state.startswith(_LOST) or (not state and isinstance(error, adbc_driver_manager.OperationalError)):
        return StoreUnavailable("The database cannot be reached.")
    return StoreError("PostgreSQL did not hand its rows to the mirror.", "The log has the reason.")
