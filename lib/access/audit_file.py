"""The audit log as CSV: every entry of a question, written as all files of the house are, and noted itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import BinaryIO

import pyarrow as pa

from lib.access.audit import Action, actor_of, note
from lib.access.audit_reading import AuditQuestion, client_name, clients_of_log, names_of, wanted_of
from lib.access.viewer import Viewer
from lib.errors import StoreError
from lib.insights.answer import Column
from lib.insights.export import NotLogged, Writer, writer
from lib.insights.export.formats import schema_of
from lib.insights.export.run import in_thread
from lib.store.engine import Store
from lib.store.repositories import audit

SUBJECT = "audit log"
TIMEOUT_S = 160


@dataclass(frozen=True)
class AuditFile:
    """What was written: ``rows`` without the header, ``size`` in bytes, its ``sha256`` in hexadecimal."""

    rows: int
    size: int
    sha256: str


HEADS = (
    "When (UTC)",
    "Who",
    "What was done",
    "To what",
    "Client",
    "Before",
    "After",
    "By",
    "From",
    "Through the eyes of",
)
"""The page has the same words."""
COLUMNS = tuple(Column(head, head, "text") for head in HEADS)
_CLIENT = 4
_SCHEMA = schema_of(COLUMNS)


async def write_audit(store: Store, viewer: Viewer, question: AuditQuestion, file: BinaryIO) -> AuditFile:
    """Write every entry of ``question`` to ``file``, which stays open, the newest first, and note that.

    AccessError below admin; AppError where the file cannot be written; NotLogged where it could not be noted, and then
    nothing may be handed out.
    """
    known = await clients_of_log(store, viewer)
    names = names_of(known)
    to: Writer = await in_thread(writer, "csv", file, COLUMNS)
    async with store.viewing(viewer, timeout_s=TIMEOUT_S) as session:
        async for rows in audit.stream_written(session, wanted_of(question, known)):
            await in_thread(_write, to, rows, names)
    await in_thread(to.close)
    written = AuditFile(to.rows, to.size, to.sha256)
    await _note(store, viewer, question, written)
    return written


def _write(to: Writer, rows: Sequence[audit.Written], names: Mapping[int, str]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    columns[_CLIENT] = [client_name(client_id, names) for client_id in columns[_CLIENT]]
    filled = [["" if cell is None else cell for cell in column] for column in columns]
    to.write(pa.table(filled, schema=_SCHEMA))


async def _note(store: Store, viewer: Viewer, question: AuditQuestion, written: AuditFile) -> None:
    asked = {"since": str(question.since), "until": str(question.until), "person": question.person}
    asked |= {"action": question.action, "of_clients": ", ".join(question.clients)}
    after = {"format": "csv", **asdict(written), **{name: value for name, value in asked.items() if value}}
    try:
        async with store.viewing(viewer) as session:
            await note(session, actor_of(viewer), Action.EXPORTED, via="page", subject=SUBJECT, after=after)
    except StoreError as error:
        raise NotLogged("This export could not be logged, and none is given out without that.") from error
