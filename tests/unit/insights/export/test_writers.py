"""What all writers promise: counted, summed up, in little memory, and never whole when they were given up."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib.insights.export import FORMATS, Writer, writer
from tests.unit.insights.export.answers import COLUMNS, row, table

PART = table([row(f"Campaign {number % 50}") for number in range(20_000)])


def test_every_format_has_a_writer() -> None:
    for name in FORMATS:
        writer(name, io.BytesIO(), COLUMNS).abort()
    with pytest.raises(KeyError):
        writer("ods", io.BytesIO(), COLUMNS)


@pytest.mark.parametrize("name", FORMATS)
def test_rows_bytes_and_sum_are_those_of_the_file(name: str) -> None:
    file = io.BytesIO()
    to = writer(name, file, COLUMNS)
    to.write(PART)
    to.write(PART.slice(0, 10).combine_chunks().to_batches()[0])
    to.close()
    content = file.getvalue()
    assert (to.rows, to.size, to.sha256) == (20_010, len(content), hashlib.sha256(content).hexdigest())


READERS: dict[str, Callable[[bytes], Any]] = {
    "xlsx": lambda content: zipfile.ZipFile(io.BytesIO(content)),
    "parquet": lambda content: pq.read_table(io.BytesIO(content)),
    "json": json.loads,
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_was_given_up_cannot_be_read(name: str) -> None:
    file = io.BytesIO()
    to = writer(name, file, COLUMNS)
    for _ in range(8):
        to.write(PART)
    to.abort()
    del to  # libraries write their ends when they are forgotten
    with pytest.raises((zipfile.BadZipFile, pa.ArrowInvalid, json.JSONDecodeError)):
        READERS[name](file.getvalue())


class Full(io.RawIOBase):
    """A disk with room for so many bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.room -= memoryview(data).nbytes
        if self.room < 0:
            raise OSError(28, "No space left on device")
        return memoryview(data).nbytes


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_is_told(name: str) -> None:
    to = writer(name, Full(2_000), COLUMNS)  # type: ignore[arg-type]  # it writes, that is enough
    with pytest.raises(OSError, match="No space left"):
        write_all(to)
    to.abort()


def write_all(to: Writer) -> None:
    for _ in range(10):
        to.write(PART)
    to.close()


class Dribble(io.RawIOBase):
    """A pipe that takes little at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.got = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        some = bytes(memoryview(data)[:1000])
        self.got += some
        return len(some)


def test_what_takes_a_little_at_a_time_gets_everything() -> None:
    slow, file = Dribble(), io.BytesIO()
    for target in (slow, file):
        to = writer("csv", target, COLUMNS)  # type: ignore[arg-type]  # it writes, that is enough
        to.write(PART)
        to.close()
    assert bytes(slow.got) == file.getvalue()


@pytest.mark.parametrize("name", FORMATS)
def test_memory_does_not_grow_with_the_rows(name: str) -> None:
    """What Arrow and Python hold at most, of 100 thousand rows and of five times as many."""
    peaks = [peak_bytes(name, times) for times in (5, 25)]
    assert peaks[1] < 1.3 * peaks[0] + 1_000_000


def peak_bytes(name: str, times: int) -> int:
    tracemalloc.start()
    before, most = pa.total_allocated_bytes(), 0
    with tempfile.TemporaryFile() as file:
        to = writer(name, file, COLUMNS)
        for _ in range(times):
            to.write(PART)
            most = max(most, pa.total_allocated_bytes() - before)
        to.close()
    python = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return python + most
