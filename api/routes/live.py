"""/api/v1/live?run=ID: how far a refresh run is, told over a websocket until it ends.

Who may watch comes by the cookie of a page of ours, by ``Authorization``, or, where a browser can send no header, by
the subprotocols ``ads.live`` and ``bearer.TOKEN``; never by the address. Others are answered before the websocket
opens, like any request: 401, 403, or 404 for a run that is not there or not theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, WebSocket, WebSocketDisconnect
from starlette.responses import Response
from starlette.websockets import WebSocketState

from api.envelope import error, failure
from api.identity import Auth0User, Identity
from api.schemas.runs import Run
from lib.errors import AccessError, AppError, NotFound, StoreError
from lib.refresh.live import POLL_S, Feed, Live, key_of

SUBPROTOCOL = "ads.live"
router = APIRouter()


@dataclass(frozen=True)
class Pace:
    """Seconds: between looks at the store, of silence until a heartbeat, between looks at the sign-in, and for the
    other side to take a message before it is given up."""

    poll_s: float = POLL_S
    heartbeat_s: float = 15.0
    recheck_s: float = 5.0
    patience_s: float = 10.0


@dataclass(frozen=True)
class End:
    """Why the server closes a websocket."""

    code: int
    reason: str


RUN_ENDED = End(1000, "The run has ended.")
TRY_AGAIN = End(1013, "The sign-in could not be checked. Try again.")
SIGNED_OUT = End(4401, "The sign-in has ended.")
GONE = End(4404, "The run is not there any more.")


def install(app: FastAPI, pace: Pace | None = None) -> None:
    """Give ``app``, whose ``state.stores`` is there, the websocket."""
    app.state.pace = pace or Pace()
    app.state.live = Live(app.state.stores, poll_s=app.state.pace.poll_s)
    app.include_router(router)


@router.websocket("/live")
async def live(websocket: WebSocket, run: str = "") -> None:
    """Messages ``{"type", "run"}``: progress while the run goes on, heartbeat where nothing is new, end at the end."""
    watch = Watch(websocket, run)
    try:
        refusal = await watch.begin()
        if refusal is not None:
            await websocket.send_denial_response(refusal)
            return
        await watch.go_on()
    finally:
        await watch.leave()


class Watch:
    """One websocket and the run that is watched over it."""

    def __init__(self, websocket: WebSocket, run: str) -> None:
        state = websocket.app.state
        self._websocket, self._run = websocket, run
        self._identity: Identity = state.identity
        self._live: Live = state.live
        self._pace: Pace = state.pace
        self._now = asyncio.get_running_loop().time
        self._feed: Feed | None = None
        self._beat_at = self._check_at = 0.0

    async def begin(self) -> Response | None:
        """Open the websocket; or the answer for someone who may not watch this run."""
        try:
            feed = await self._join(await self._identity.of(self._websocket))
            if await feed.first() is None:
                raise _not_found()
        except HTTPException as problem:
            return error(problem.status_code, str(problem.detail), headers=problem.headers)
        except AppError as problem:
            return failure(problem)
        offered = self._websocket.scope.get("subprotocols", ())
        await self._websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        return None

    async def go_on(self) -> None:
        """Tell until the run or the sign-in ends, or the other side leaves or takes nothing any more."""
        leaving = asyncio.create_task(_left(self._websocket))
        telling = asyncio.create_task(self._tell())
        try:
            await asyncio.wait({leaving, telling}, return_when=asyncio.FIRST_COMPLETED)
            has_left = leaving.done()
        finally:
            for task in (leaving, telling):
                task.cancel()
            await asyncio.gather(leaving, telling, return_exceptions=True)
        end = None if has_left or telling.cancelled() else telling.result()
        if end is not None:
            await self._close(end)

    async def leave(self) -> None:
        """Watch no longer."""
        feed, self._feed = self._feed, None
        if feed is not None:
            await self._live.leave(self, feed)

    async def _join(self, user: Auth0User) -> Feed:
        """The feed for what is open to the person now."""
        try:
            run_id = uuid.UUID(self._run)
        except ValueError:
            raise _not_found() from None
        self._check_at = self._now() + self._pace.recheck_s
        if self._feed is None or self._feed.key != key_of(user.viewer, run_id):
            await self.leave()
            self._feed = self._live.join(self, user.viewer, run_id)
        return self._feed

    async def _tell(self) -> End | None:
        """Why the server closes; ``None`` where the other side has left or takes nothing."""
        feed, seen = self._feed, 0
        if feed is None:
            return None
        self._beat_at = self._now() + self._pace.heartbeat_s
        try:
            while True:
                number = await self._news(feed, seen)
                if self._now() >= self._check_at:
                    checked = await self._checked()
                    if isinstance(checked, End):
                        return checked
                    if checked is not feed:
                        feed, seen = checked, 0
                        continue
                if number != seen:
                    seen = number
                    end = await self._tell_state(feed)
                    if end is not None:
                        return end
                elif self._now() >= self._beat_at:
                    await self._say({"type": "heartbeat"})
        except (WebSocketDisconnect, TimeoutError):
            return None

    async def _news(self, feed: Feed, seen: int) -> int:
        """The number of the newest state; ``seen`` again where it is time for something else first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(min(self._beat_at, self._check_at)):
                return await feed.after(seen)
        return seen

    async def _checked(self) -> Feed | End:
        """The feed for what the sign-in opens now, or the end."""
        try:
            return await self._join(await self._identity.of(self._websocket))
        except HTTPException as problem:
            return TRY_AGAIN if problem.status_code == 503 else SIGNED_OUT
        except AccessError:
            return SIGNED_OUT
        except StoreError:
            return TRY_AGAIN

    async def _tell_state(self, feed: Feed) -> End | None:
        if feed.state is None:
            return GONE
        is_over = feed.state.state != "running"
        run = Run.of(feed.state).model_dump(mode="json")
        await self._say({"type": "end" if is_over else "progress", "run": run})
        return RUN_ENDED if is_over else None

    async def _say(self, message: dict[str, Any]) -> None:
        async with asyncio.timeout(self._pace.patience_s):
            await self._websocket.send_json(message)
        self._beat_at = self._now() + self._pace.heartbeat_s

    async def _close(self, end: End) -> None:
        if self._websocket.application_state is not WebSocketState.CONNECTED:
            return
        with contextlib.suppress(WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(self._pace.patience_s):
                await self._websocket.close(end.code, end.reason)


async def _left(websocket: WebSocket) -> None:
    """Return when the other side has left; what it says before is thrown away."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


def _not_found() -> NotFound:
    return NotFound("There is no such refresh run.", "GET /api/v1/refresh-runs lists those of your accounts.")
