"""/api/v1/reconciliation: where the ads do not add up to Meta's own numbers, and why."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, BinaryIO

from fastapi import Query, Request, Response

from api.answers import VARY
from api.files import Sent, written
from api.negotiation import CSV, JSON, wanted
from api.routes import OpenStore, Reader, subject_of_files
from api.routes.insights import check_accounts
from api.schemas.reconciliation import ReconciliationPage, ReconciliationWords
from lib.access.sightings import sightings
from lib.access.viewer import Viewer
from lib.errors import QueryError
from lib.insights.export import FORMATS, ExportResult
from lib.refresh.reconciliation import reconciliation
from lib.refresh.reconciliation_file import FORMAT, write_reconciliation
from lib.store.engine import Store

router = subject_of_files("reconciliation")
Span = tuple[dt.date, dt.date]
EXAMPLE = '\ufeffaccount_id,account_name,currency,date\r\n"1234567890123456","Acme EU","EUR",2026-10-07\r\n'
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": ReconciliationPage,
        "description": "JSON in pages; CSV with every day that differs, and those that were not compared.",
        "content": {CSV: {"schema": {"type": "string"}, "example": EXAMPLE}},
    }
}


@router.get(
    "/reconciliation",
    summary="Where the ads do not add up to Meta's own numbers",
    response_class=Response,
    responses=ANSWERS,
)
async def reconcile(
    user: Reader, store: OpenStore, request: Request, words: Annotated[ReconciliationWords, Query()]
) -> Response:
    """Days that are equal are counted, the others are listed with the likely reason. CSV is for analysts and above."""
    media = wanted(request, (JSON, CSV))
    (since, until), account_ids = words.days(), words.account_ids()
    if since > until:
        raise QueryError(f"since {since} is after until {until}.", "Swap them.")
    check_accounts(account_ids, user.viewer)
    if media == CSV:
        return await _file(store, user.viewer, (since, until), account_ids, request)
    found = await reconciliation(store, user.viewer, since, until, account_ids=account_ids)
    if shown := frozenset(day.account_id for day in found.apart):
        await sightings.note(store, user.viewer, shown, "api")
    return Response(ReconciliationPage.of(found, words).model_dump_json(), media_type=JSON, headers=VARY)


async def _file(
    store: Store, viewer: Viewer, span: Span, account_ids: frozenset[int] | None, request: Request
) -> Response:
    async def write(file: BinaryIO) -> ExportResult:
        async with request.app.state.exporting:
            return await write_reconciliation(store, viewer, *span, file, account_ids=account_ids, via="api")

    found = await written(request, write)
    if found is None:
        return Response()  # nobody is there to read it
    file, result = found
    name = f"reconciliation_{span[0]}_{span[1]}.{FORMATS[FORMAT].extension}"
    about = {"Ads-Engine": result.engine, "Ads-Rows": str(result.rows)}
    headers = {**VARY, **about, "Content-Disposition": f'attachment; filename="{name}"'}
    return Sent(file, result.bytes, FORMATS[FORMAT].media_type, headers)
