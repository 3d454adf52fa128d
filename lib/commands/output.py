"""Where a command's result goes: standard output, or a file that is replaced whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from lib.errors import AppError

Write = Callable[[BinaryIO], None]


@contextmanager
def standard_output() -> Iterator[BinaryIO]:
    """A file whose content goes to the standard output once the block is through; nothing of it where it failed."""
    with ExitStack() as open_files:
        with _told("The result could not be put aside", "Nothing was written. Give the folder of TMPDIR some room."):
            file = open_files.enter_context(_spool())
        yield file
        file.seek(0)
        write_to_stdout(lambda output: shutil.copyfileobj(file, output))


def _spool() -> BinaryIO:
    return cast("BinaryIO", tempfile.TemporaryFile(buffering=0))


def write_to_stdout(write: Write) -> None:
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


@contextmanager
def whole_file(name: str) -> Iterator[BinaryIO]:
    """A file that takes the place of ``name`` once the block is through, so that nobody ever finds half of it.

    AppError where it cannot be written. A device or a pipe is written to in the end, and a link's target is replaced,
    not the link.
    """
    told = partial(
        _told,
        f"The file {name!r} could not be written",
        "What was there before is as it was. Choose another file with --out, or give this one room and rights.",
    )
    with ExitStack() as at_the_end:
        with told():
            target = Path(name).resolve()
            if target.is_dir():
                raise IsADirectoryError(None, "it is a folder")
            is_device = target.exists() and not target.is_file()
            unfinished = target.with_name(f".{secrets.token_hex(8)}.tmp")
            # Without a buffer nothing is left to be written when it is closed, which on a full disk would fail anew.
            file = at_the_end.enter_context(_spool() if is_device else _unbuffered(unfinished))
            at_the_end.callback(unfinished.unlink, missing_ok=True)
        yield file
        with told():
            if is_device:
                _pass_on(file, target)
            else:
                _settle(file, target)
                unfinished.replace(target)


def _unbuffered(path: Path) -> BinaryIO:
    return cast("BinaryIO", path.open("xb", buffering=0))


def _pass_on(file: BinaryIO, device: Path) -> None:
    file.seek(0)
    with device.open("wb") as output:
        shutil.copyfileobj(file, output)


def _settle(file: BinaryIO, target: Path) -> None:
    """Everything on the disk, and the rights of the file that it replaces."""
    if target.exists():
        os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode))
    os.fsync(file.fileno())


@contextmanager
def _told(what: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        raise AppError(f"{what}: {_reason(error)}.", remedy) from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
