"""An answer about insights as a response: a page of JSON, or a whole file."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Coroutine
from typing import Any, BinaryIO

from fastapi import Request, Response

from api.files import Sent, written
from api.schemas.insights import AnswerColumn, AnswerMeta, AnswerPaging
from lib.access.viewer import Viewer
from lib.insights.engine import Engine
from lib.insights.export import FORMATS, ExportResult, file_name, write_json
from lib.insights.export.log import export_logged
from lib.insights.paging import AnswerPage
from lib.insights.query import InsightQuery
from lib.insights.scope import clients_in_scope
from lib.store.engine import Store

VARY = {"Vary": "Accept"}


async def as_json(page: AnswerPage, paging: AnswerPaging) -> Response:
    """A page of the rows as they stand in an export, and what to know of them."""
    answer = page.answer
    meta = AnswerMeta(
        page=paging.page,
        per_page=paging.per_page,
        total=page.total,
        engine=answer.engine,
        is_sample=answer.is_sample,
        columns=[AnswerColumn.model_validate(column) for column in answer.columns],
        notes=answer.notes,
        complete_until=page.days.complete_until,
        missing_days=page.days.missing_days,
    )
    return Response(await asyncio.to_thread(_body, page, meta), media_type="application/json", headers=VARY)


def _body(page: AnswerPage, meta: AnswerMeta) -> bytes:
    rows = io.BytesIO()
    write_json(page.answer, rows)
    return b'{"data":' + rows.getvalue() + b',"meta":' + meta.model_dump_json().encode() + b"}\n"


async def as_file(engine: Engine, query: InsightQuery, viewer: Viewer, name: str, request: Request) -> Response:
    """Every row in a format of ``FORMATS``; it is in the log of exports before it is sent."""
    store: Store = request.app.state.stores()
    chosen, (client, is_sample) = FORMATS[name], await _whose(store, viewer, query)

    def write(file: BinaryIO) -> Coroutine[Any, Any, ExportResult]:
        work = export_logged(store, engine, query, viewer, name=name, file=file, via="api")
        return _in_turn(request.app.state.exporting, work)

    found = await written(request, write)
    if found is None:
        return Response()  # nobody is there to read it
    file, result = found
    named = file_name(query, chosen.extension, client=client, is_sample=is_sample)
    about = {"Ads-Engine": result.engine, "Ads-Sample": str(result.is_sample).lower(), "Ads-Rows": str(result.rows)}
    headers = {**VARY, **about, "Content-Disposition": f'attachment; filename="{named}"'}
    return Sent(file, result.bytes, chosen.media_type, headers)


async def _in_turn(places: asyncio.Semaphore, work: Coroutine[Any, Any, ExportResult]) -> ExportResult:
    try:
        async with places:
            return await work
    finally:
        work.close()  # where its turn never came


async def _whose(store: Store, viewer: Viewer, query: InsightQuery) -> tuple[str, bool]:
    """The client's name where the question is about one client's accounts, and whether any of them is a sample."""
    asked = viewer.account_ids if query.account_ids is None else query.account_ids
    found = [
        client
        for client in await clients_in_scope(store, viewer)
        if any(account.account_id in asked for account in client.accounts)
    ]
    return found[0].name if len(found) == 1 else "", any(client.is_sample for client in found)
