"""Writers: an encoder of a format on a sink that counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO

from lib.insights.answer import Column, InsightAnswer
from lib.insights.export.columnar import ArrowEncoder, ParquetEncoder
from lib.insights.export.delimited import DelimitedEncoder
from lib.insights.export.formats import Encoder, Part
from lib.insights.export.objects import JsonEncoder
from lib.insights.export.sink import Sink
from lib.insights.export.workbook import WorkbookEncoder


def _european(file: BinaryIO, columns: Sequence[Column]) -> Encoder:
    return DelimitedEncoder(file, columns, separator=";", point=",")


_ENCODERS: dict[str, Callable[[BinaryIO, Sequence[Column]], Encoder]] = {
    "csv": DelimitedEncoder,
    "csv-eu": _european,
    "xlsx": WorkbookEncoder,
    "parquet": ParquetEncoder,
    "json": JsonEncoder,
    "arrow": ArrowEncoder,
}


class Writer:
    """Writes parts of one answer, in order, to a file that stays open. Not for two threads at once.

    ``rows``, ``size`` (bytes) and ``sha256`` are of the whole file once it is closed.
    """

    def __init__(self, file: BinaryIO, columns: Sequence[Column], encoder: str) -> None:
        self._sink = Sink(file)
        self._encoder = _ENCODERS[encoder](self._sink, columns)  # type: ignore[arg-type]  # it writes, that is enough
        self.rows = 0

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._sink.size

    @property
    def sha256(self) -> str:
        """Of the bytes so far, in hexadecimal."""
        return self._sink.sha256

    def write(self, part: Part) -> None:
        """Add the rows of ``part``, whose columns are those of the answer."""
        self._encoder.write(part)
        self.rows += part.num_rows

    def close(self) -> None:
        """Write the end; only now is the file whole."""
        self._encoder.close()

    def abort(self) -> None:
        """Give up: not a byte more is written, so no reader takes the file for whole."""
        self._sink.shut()
        self._encoder.abort()


def writer(name: str, file: BinaryIO, columns: Sequence[Column]) -> Writer:
    """A writer of the format ``name`` of ``FORMATS``; KeyError for another."""
    return Writer(file, columns, name)


def write_csv(answer: InsightAnswer, file: BinaryIO) -> None:
    """Write the whole answer as CSV."""
    _write("csv", answer, file)


def write_json(answer: InsightAnswer, file: BinaryIO) -> None:
    """Write the whole answer as JSON."""
    _write("json", answer, file)


def _write(name: str, answer: InsightAnswer, file: BinaryIO) -> None:
    to = writer(name, file, answer.columns)
    to.write(answer.table)
    to.close()
