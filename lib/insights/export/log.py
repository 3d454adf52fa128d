"""Every file that leaves is logged: who, when, how, what was asked, and the sum of what came out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.audit import Action, actor_of, note
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError, StoreError
from lib.insights.engine import Engine
from lib.insights.export.question import command_words
from lib.insights.export.run import ExportResult, export_to
from lib.insights.query import InsightQuery
from lib.store.engine import Store
from lib.store.repositories import exports
from lib.store.repositories.audit import clients_of_accounts

Via = Literal["page", "api", "cli"]


class NotLogged(StoreError):
    """The file was made, but not written down, so it is not given out."""

    remedy = "Try again; the log is in the database."


@dataclass(frozen=True)
class LoggedExport:
    """One row of the log; ``question`` is in the command line's words, ``size`` in bytes."""

    at: dt.datetime
    email: str
    via: str
    format: str
    rows: int
    size: int
    sha256: str
    engine: str
    question: str


def may_export(viewer: Viewer) -> bool:
    """Whether this person may take files away."""
    return viewer.may(Role.ANALYST)


async def export_logged(
    store: Store, engine: Engine, query: InsightQuery, viewer: Viewer, name: str, *, file: BinaryIO, via: Via
) -> ExportResult:
    """``export_to``, and the log of it. Raises NotLogged too; whoever gets an error hands nothing out.

    AccessError below analyst, and where an administrator looks through the viewer's eyes: the file would be in the
    other's name.
    """
    check_export(viewer)
    result = await export_to(engine, query, viewer, name, file)
    await log_export(store, viewer, query, result, via)
    return result


def check_export(viewer: Viewer) -> None:
    """AccessError below analyst, and where an administrator looks through the viewer's eyes."""
    if viewer.seen_by:
        raise AccessError(
            f"Nothing was written: you look through the eyes of {viewer.email}.", "Stop that first, then download."
        )
    if not may_export(viewer):
        raise AccessError(
            "Files are for analysts, managers and administrators; nothing was written.", "Ask for one of these roles."
        )


async def log_export(store: Store, viewer: Viewer, query: InsightQuery, result: ExportResult, via: Via) -> None:
    """Write down that ``viewer`` is about to get this file; NotLogged where that fails."""
    await log_file(store, viewer, result, question=command_words(query), account_ids=query.account_ids, via=via)


async def log_file(
    store: Store,
    viewer: Viewer,
    result: ExportResult,
    *,
    question: str,
    account_ids: frozenset[int] | None,
    via: Via,
) -> None:
    """The same of any file about these accounts (``None``: all of the viewer's), by the words of its question."""
    row = {
        "user_id": viewer.user_id,
        "email": viewer.email,
        "via": via,
        "format": result.format,
        "rows": result.rows,
        "size": result.bytes,
        "sha256": result.sha256,
        "engine": result.engine,
        "question": question,
    }
    asked = viewer.account_ids if account_ids is None else viewer.account_ids & account_ids
    try:
        async with store.viewing(viewer) as session:
            await exports.add_export(session, row)
            clients = await clients_of_accounts(session, asked)
            await _note(session, viewer, result, question, clients, via=via)
    except StoreError as error:
        raise NotLogged("This export could not be logged, and none is given out without that.") from error


async def _note(
    session: AsyncSession, viewer: Viewer, result: ExportResult, question: str, clients: Mapping[str, int], *, via: Via
) -> None:
    await note(
        session,
        actor_of(viewer),
        Action.EXPORTED,
        via=via,
        subject=question,
        client_id=next(iter(clients.values())) if len(clients) == 1 else None,
        after={
            "format": result.format,
            "rows": result.rows,
            "size": result.bytes,
            "sha256": result.sha256,
            "clients": list(clients),
        },
    )


async def newest_exports(store: Store, viewer: Viewer, limit: int = 50) -> list[LoggedExport]:
    """The viewer's own exports, an admin's everybody's; the newest first."""
    sees_all = viewer.may(Role.ADMIN)
    async with store.working(timeout_s=30) if sees_all else store.viewing(viewer) as session:
        found = await exports.newest_exports(session, limit)
    return [
        LoggedExport(
            at=row.at,
            email=row.email,
            via=row.via,
            format=row.format,
            rows=row.rows,
            size=row.size,
            sha256=row.sha256,
            engine=row.engine,
            question=row.question,
        )
        for row in found
    ]
