"""Where a command's result goes: standard output, or a file that is replaced whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from lib.errors import AppError

Writer = Callable[[BinaryIO], None]


def write_to_stdout(write: Writer) -> None:
    """Write UTF-8 whatever the terminal's own encoding is; AppError where it cannot be written.

    BrokenPipeError goes to the caller: a reader that has enough, such as ``head``, is no failure to speak of.
    """
    try:
        sys.stdout.flush()
        write(sys.stdout.buffer)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is still buffered would fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise AppError(f"The result could not be written: {_reason(error)}.", "What came out is not whole.") from error


def write_to_file(name: str, write: Writer) -> None:
    """Write beside ``name`` and rename, so that nobody ever finds half a file; AppError where that fails.

    A device or a pipe is written to directly, and a link's target is replaced, not the link.
    """
    try:
        target = Path(name).resolve()
        if target.exists() and not target.is_file() and not target.is_dir():
            with target.open("wb") as file:
                write(file)
            return
        _replace(target, write)
    except (OSError, ValueError, RuntimeError) as error:
        raise AppError(
            f"The file {name!r} could not be written: {_reason(error)}.",
            "What was there before is as it was. Choose another file with --out, or give this one room and rights.",
        ) from error


def _replace(target: Path, write: Writer) -> None:
    if target.is_dir():
        raise IsADirectoryError(None, "it is a folder")
    unfinished = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with unfinished.open("xb") as file:
            if target.exists():
                unfinished.chmod(stat.S_IMODE(target.stat().st_mode))
            write(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
