"""Where the bytes of a file go: without a name, counted, summed up, and stopped at once where it is given up."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


@contextmanager
def nameless() -> Iterator[BinaryIO]:
    """A file that is gone once it is closed: where the block fails or is cancelled, else by whoever is handed it.

    It has no buffer, whose rest a full disk would refuse at that moment.
    """
    with ExitStack() as where_it_fails:
        file = where_it_fails.enter_context(tempfile.TemporaryFile(prefix="ads-export-", buffering=0))
        yield cast("BinaryIO", file)
        where_it_fails.pop_all()


class Sink(io.RawIOBase):
    """Passes everything on to ``file``, which stays open; it cannot go back, so a pipe will do as well."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._sum = hashlib.sha256()
        self._is_shut = False
        self.size = 0

    @property
    def sha256(self) -> str:
        """Of everything so far, in hexadecimal."""
        return self._sum.hexdigest()

    def writable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """How many bytes were written."""
        return self.size

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of ``data``; nothing of it once the sink is shut."""
        content = memoryview(data).cast("B")
        if not self._is_shut:
            _write_all(self._file, content)
            self._sum.update(content)
            self.size += len(content)
        return len(content)

    def flush(self) -> None:
        """Nothing waits here; an archive that is forgotten half-made asks even after the end."""

    def shut(self) -> None:
        """Let nothing more through: libraries write a neat end even to a file that failed."""
        self._is_shut = True


def _write_all(file: BinaryIO, content: memoryview) -> None:
    while len(content):
        # An unbuffered file or pipe may take less than it was given.
        content = content[file.write(content) :]
