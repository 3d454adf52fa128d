"""/api/v1/refresh-runs: fetching new numbers from Meta, and how far that is."""

from __future__ import annotations

import asyncio
import uuid
from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from api.background import Background
from api.deps import require
from api.envelope import Data, Page
from api.openapi import LOCATION, WITH_BODY, errors
from api.paging import Paging
from api.routes import OpenStore, Reader, Writer, subject
from api.schemas.runs import NewRun, Run
from lib.access.viewer import Role, Viewer
from lib.errors import Conflict, NotFound
from lib.insights.filters import as_id
from lib.insights.words import parse_date
from lib.refresh.asking import ask_for_run
from lib.refresh.cancelling import cancel_run
from lib.refresh.progress import history, progress, running
from lib.refresh.queue.attending import attendance
from lib.store.engine import Store

router = subject("refresh runs")
RunId = Annotated[uuid.UUID, Path(description="the id of the run", examples=["0190c1a2-7b3c-4d5e-8f60-718293a4b5c6"])]


@router.get("/refresh-runs", summary="Refresh runs, the newest first", response_description="A page of the runs.")
async def list_runs(user: Reader, store: OpenStore, paging: Annotated[Paging, Query()]) -> Page[Run]:
    """The runs that hold an account of yours, as far as your accounts go."""
    found, total = await history(store, user.viewer, offset=paging.offset, limit=paging.per_page)
    return paging.holding([Run.of(run) for run in found], total)


@router.get(
    "/refresh-runs/{run_id}",
    summary="One refresh run",
    response_description="The run as it is now.",
    responses=errors(404),
)
async def get_run(user: Reader, store: OpenStore, run_id: RunId) -> Data[Run]:
    """How far a run is. A run of other people's accounts is not there."""
    return Data(data=await _seen(store, user.viewer, run_id))


@router.post(
    "/refresh-runs",
    status_code=202,
    summary="Fetch new numbers from Meta",
    response_description="The run that was begun.",
    dependencies=[Depends(require(Role.MANAGER))],
    responses={202: {"headers": LOCATION}, **WITH_BODY, **errors(409)},
)
async def start(user: Writer, store: OpenStore, body: NewRun, request: Request, response: Response) -> Data[Run]:
    """For managers and administrators. The run goes on after this answer; look at it again for how far it is."""
    accounts = None if body.account_ids is None else frozenset(as_id(one) for one in body.account_ids)
    since = None if body.since is None else parse_date(body.since)
    until = None if body.until is None else parse_date(body.until)
    starting: asyncio.Lock = request.app.state.starting
    background: Background = request.app.state.background
    try:
        async with starting:  # two who ask at once start one run
            run_id = await ask_for_run(
                store, user.viewer, via="api", account_ids=accounts, since=since, until=until, kind=body.kind
            )
    except Conflict:
        going = await running(store, user.viewer)
        if going is not None:  # its own server may have been ended
            background.start(attendance.attend(store, going))
        raise
    background.start(attendance.attend(store, run_id))
    response.headers["Location"] = request.url_for("get_run", run_id=run_id).path
    return Data(data=await _seen(store, user.viewer, run_id))


@router.post(
    "/refresh-runs/{run_id}/cancel",
    summary="Cancel a refresh run",
    response_description="The run; running until those who work on it have stopped, which takes a few seconds.",
    dependencies=[Depends(require(Role.MANAGER))],
    responses=errors(404, 409),
)
async def cancel(user: Writer, store: OpenStore, run_id: RunId) -> Data[Run]:
    """For managers and administrators to whom all of its accounts are open. What was stored stays."""
    await cancel_run(store, user.viewer, run_id, via="api")
    return Data(data=await _seen(store, user.viewer, run_id))


async def _seen(store: Store, viewer: Viewer, run_id: uuid.UUID) -> Run:
    run = await progress(store, viewer, run_id)
    if run is None:
        raise NotFound("There is no such refresh run.", "GET /api/v1/refresh-runs lists those of your accounts.")
    return Run.of(run)
